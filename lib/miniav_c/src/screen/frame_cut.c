#include "screen/frame_cut.h"

#include "common/pixel.h"

/* Bytes of a row of so many samples, and rows; zeros for a size of 0. */
static struct plane_shape extent(MiniAVPixelFormat format, uint32_t plane, int32_t width,
                                 int32_t height) {
  struct plane_shape across = {0};
  struct plane_shape down = {0};
  if (width > 0) {
    pixel_plane_shape(format, (uint32_t)width, 1, plane, &across);
  }
  if (height > 0) {
    pixel_plane_shape(format, 1, (uint32_t)height, plane, &down);
  }
  return (struct plane_shape){across.width, down.height, across.row_bytes};
}

/* Two pixels share a sample where one pixel needs as many as two. */
static void find_steps(MiniAVPixelFormat format, int32_t *across, int32_t *down) {
  *across = *down = 1;
  for (uint32_t i = 0; i < pixel_plane_count(format); i++) {
    struct plane_shape one = extent(format, i, 1, 1);
    struct plane_shape two = extent(format, i, 2, 2);
    *across = one.row_bytes == two.row_bytes ? 2 : *across;
    *down = one.height == two.height ? 2 : *down;
  }
}

bool frame_cut_fits(const MiniAVRect *part, MiniAVPixelFormat format, int32_t width,
                    int32_t height) {
  bool inside = part->x >= 0 && part->y >= 0 && part->width > 0 && part->height > 0 &&
                part->width <= width && part->height <= height && part->x <= width - part->width &&
                part->y <= height - part->height;
  int32_t across;
  int32_t down;
  find_steps(format, &across, &down);
  return inside && part->x % across == 0 && part->y % down == 0 && !pixel_is_compressed(format);
}

static void cut_plane(MiniAVPlane *plane, uint32_t index, MiniAVPixelFormat format,
                      const MiniAVRect *part) {
  struct plane_shape before = extent(format, index, part->x, part->y);
  struct plane_shape size = extent(format, index, part->width, part->height);
  uint32_t skipped = before.height * plane->stride_bytes + before.row_bytes;
  plane->data_ptr = (uint8_t *)plane->data_ptr + skipped;
  plane->offset_bytes += skipped;
  plane->width = size.width;
  plane->height = size.height;
  plane->size_bytes = (size.height - 1) * plane->stride_bytes + size.row_bytes;
}

void frame_cut(struct capture_frame *frame, MiniAVFrameMetadata *metadata, const MiniAVRect *part) {
  MiniAVBuffer *buffer = &frame->buffer;
  MiniAVVideoInfo *info = &buffer->data.video.info;
  if (buffer->content_type != MINIAV_BUFFER_CONTENT_TYPE_CPU) {
    buffer->crop = *part;
    return;
  }
  buffer->data_size_bytes = 0;
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    cut_plane(&buffer->data.video.planes[i], i, info->pixel_format, part);
    buffer->data_size_bytes += buffer->data.video.planes[i].size_bytes;
  }
  info->width = (uint32_t)part->width;
  info->height = (uint32_t)part->height;
  buffer->crop = (MiniAVRect){0};
  for (uint32_t i = 0; metadata != NULL && i < metadata->damage_count; i++) {
    metadata->damage[i].x -= part->x;
    metadata->damage[i].y -= part->y;
  }
  if (metadata != NULL) {
    metadata->cursor_x -= part->x;
    metadata->cursor_y -= part->y;
    bool inside = metadata->cursor_x >= 0 && metadata->cursor_y >= 0 &&
                  metadata->cursor_x < part->width && metadata->cursor_y < part->height;
    metadata->cursor_visible = metadata->cursor_visible != 0 && inside;
  }
}
