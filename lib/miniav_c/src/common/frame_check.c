#include "common/frame_check.h"

#include <stddef.h>

#include "common/audio_format.h"
#include "common/pixel.h"

/* Foreign blocks that name no memory of their own are not looked into. */
static bool is_inside(const struct block *block, const void *data, uint64_t bytes) {
  if (block == NULL || block->data == NULL) {
    return true;
  }
  uintptr_t first = (uintptr_t)block->data;
  uintptr_t at = (uintptr_t)data;
  return at >= first && at - first <= block->capacity_bytes &&
         bytes <= block->capacity_bytes - (at - first);
}

static bool audio_is_sound(const struct capture_frame *frame) {
  const MiniAVBuffer *buffer = &frame->buffer;
  MiniAVAudioFormat format = buffer->data.audio.format;
  uint64_t bytes = (uint64_t)buffer->data.audio.frame_count * audio_format_sample_bytes(format);
  uint32_t channels = buffer->data.audio.channel_count;
  return buffer->data.audio.data != NULL && bytes > 0 && channels > 0 &&
         channels <= AUDIO_CHANNELS_MAX && bytes * channels == buffer->data_size_bytes &&
         is_inside(frame->block, buffer->data.audio.data, buffer->data_size_bytes);
}

static bool crop_is_sound(const MiniAVBuffer *buffer) {
  const MiniAVRect *crop = &buffer->crop;
  if (crop->width == 0) {
    return true;
  }
  return crop->x >= 0 && crop->y >= 0 && crop->width > 0 && crop->height > 0 &&
         (int64_t)crop->x + crop->width <= buffer->data.video.info.width &&
         (int64_t)crop->y + crop->height <= buffer->data.video.info.height;
}

static bool picture_is_sound(const struct capture_frame *frame) {
  const MiniAVBuffer *buffer = &frame->buffer;
  if (!pixel_buffer_is_sound(buffer) || !crop_is_sound(buffer)) {
    return false;
  }
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    const MiniAVPlane *plane = &buffer->data.video.planes[i];
    if (!is_inside(frame->block, plane->data_ptr, plane->size_bytes)) {
      return false;
    }
  }
  return true;
}

bool frame_is_sound(const struct capture_frame *frame) {
  const MiniAVBuffer *buffer = &frame->buffer;
  if (buffer->type == MINIAV_BUFFER_TYPE_AUDIO) {
    return buffer->content_type == MINIAV_BUFFER_CONTENT_TYPE_CPU && audio_is_sound(frame);
  }
  if (buffer->type != MINIAV_BUFFER_TYPE_VIDEO) {
    return false;
  }
  if (buffer->content_type == MINIAV_BUFFER_CONTENT_TYPE_CPU) {
    return picture_is_sound(frame);
  }
  return (uint32_t)buffer->content_type <= MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD &&
         buffer->data.video.num_planes <= MINIAV_MAX_PLANES &&
         buffer->num_fds <= MINIAV_MAX_PLANES && crop_is_sound(buffer);
}

/* From first to end, or to the frame's side. */
static int32_t clip(int64_t value, uint32_t side) {
  int64_t most = side <= INT32_MAX ? (int64_t)side : INT32_MAX;
  return (int32_t)(value < 0 ? 0 : value > most ? most : value);
}

static void clean_damage(MiniAVFrameMetadata *metadata, const MiniAVVideoInfo *info) {
  uint32_t listed = metadata->damage_count;
  metadata->damage_count = 0;
  if (listed > MINIAV_MAX_DAMAGE_RECTANGLES) {
    metadata->flags &= ~(uint32_t)MINIAV_METADATA_DAMAGE;
    return;
  }
  for (uint32_t i = 0; i < listed; i++) {
    const MiniAVRect *is = &metadata->damage[i];
    int32_t left = clip(is->x, info->width);
    int32_t top = clip(is->y, info->height);
    int32_t right = clip((int64_t)is->x + is->width, info->width);
    int32_t bottom = clip((int64_t)is->y + is->height, info->height);
    if (right > left && bottom > top) {
      metadata->damage[metadata->damage_count++] =
          (MiniAVRect){left, top, right - left, bottom - top};
    }
  }
}

static void clean_cursor(MiniAVFrameMetadata *metadata) {
  struct plane_shape shape;
  bool fits = metadata->cursor_pixels != NULL && pixel_plane_count(metadata->cursor_format) == 1 &&
              pixel_plane_shape(metadata->cursor_format, metadata->cursor_width,
                                metadata->cursor_height, 0, &shape) &&
              metadata->cursor_stride_bytes >= shape.row_bytes;
  if (!fits) {
    metadata->flags &= ~(uint32_t)MINIAV_METADATA_CURSOR_PIXELS;
    metadata->cursor_pixels = NULL;
    metadata->cursor_width = 0;
    metadata->cursor_height = 0;
    metadata->cursor_stride_bytes = 0;
  }
}

void frame_clean_metadata(const MiniAVFrameMetadata *from, const MiniAVVideoInfo *info,
                          MiniAVFrameMetadata *to) {
  *to = *from;
  clean_damage(to, info);
  clean_cursor(to);
}
