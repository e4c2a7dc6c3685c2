#include "common/pixel.h"

#include <string.h>

/* One row of the table a format: bytes of a sample of plane 0, and what its chroma looks like. */
enum chroma { CHROMA_NONE, CHROMA_PLANES, CHROMA_PAIRS, CHROMA_PACKED };

struct format_shape {
  uint8_t planes;
  uint8_t sample_bytes;
  uint8_t chroma;
  uint8_t compressed;
};

static const struct format_shape shapes[] = {
    [MINIAV_PIXEL_FORMAT_UNKNOWN] = {0, 0, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_I420] = {3, 1, CHROMA_PLANES, 0},
    [MINIAV_PIXEL_FORMAT_NV12] = {2, 1, CHROMA_PAIRS, 0},
    [MINIAV_PIXEL_FORMAT_NV21] = {2, 1, CHROMA_PAIRS, 0},
    [MINIAV_PIXEL_FORMAT_YUY2] = {1, 2, CHROMA_PACKED, 0},
    [MINIAV_PIXEL_FORMAT_UYVY] = {1, 2, CHROMA_PACKED, 0},
    [MINIAV_PIXEL_FORMAT_RGB24] = {1, 3, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_BGR24] = {1, 3, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_RGBA32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_BGRA32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_ARGB32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_ABGR32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_MJPEG] = {1, 0, CHROMA_NONE, 1},
    [MINIAV_PIXEL_FORMAT_BGRX32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_RGBX32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_XRGB32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_XBGR32] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_GRAY8] = {1, 1, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_P010] = {2, 2, CHROMA_PAIRS, 0},
    [MINIAV_PIXEL_FORMAT_X2RGB10] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_X2BGR10] = {1, 4, CHROMA_NONE, 0},
    [MINIAV_PIXEL_FORMAT_H264] = {1, 0, CHROMA_NONE, 1},
};

static const struct format_shape *shape_of(MiniAVPixelFormat format) {
  uint32_t index = (uint32_t)format;
  return &shapes[index < sizeof shapes / sizeof *shapes ? index : 0];
}

uint32_t pixel_plane_count(MiniAVPixelFormat format) {
  return shape_of(format)->planes;
}

bool pixel_is_compressed(MiniAVPixelFormat format) {
  return shape_of(format)->compressed != 0;
}

bool pixel_plane_shape(MiniAVPixelFormat format, uint32_t width, uint32_t height, uint32_t plane,
                       struct plane_shape *shape) {
  const struct format_shape *is = shape_of(format);
  if (is->compressed != 0 || plane >= is->planes || width == 0 || height == 0 ||
      width > PIXEL_MAX_SIDE || height > PIXEL_MAX_SIDE) {
    return false;
  }
  uint32_t half_width = (width + 1) / 2;
  if (plane == 0) {
    *shape = (struct plane_shape){width, height, width * is->sample_bytes};
    if (is->chroma == CHROMA_PACKED) {
      shape->row_bytes = half_width * 4;
    }
  } else {
    uint32_t samples = is->chroma == CHROMA_PAIRS ? 2 : 1;
    *shape =
        (struct plane_shape){half_width, (height + 1) / 2, half_width * samples * is->sample_bytes};
  }
  return true;
}

static bool plane_is_sound(const MiniAVBuffer *buffer, uint32_t index) {
  const MiniAVVideoInfo *info = &buffer->data.video.info;
  const MiniAVPlane *plane = &buffer->data.video.planes[index];
  struct plane_shape shape;
  if (plane->data_ptr == NULL ||
      !pixel_plane_shape(info->pixel_format, info->width, info->height, index, &shape)) {
    return false;
  }
  uint64_t needed = (uint64_t)plane->stride_bytes * (shape.height - 1) + shape.row_bytes;
  return plane->width == shape.width && plane->height == shape.height &&
         plane->stride_bytes >= shape.row_bytes && needed <= plane->size_bytes;
}

bool pixel_buffer_is_sound(const MiniAVBuffer *buffer) {
  const MiniAVVideoInfo *info = &buffer->data.video.info;
  uint32_t planes = pixel_plane_count(info->pixel_format);
  if (planes == 0 || buffer->data.video.num_planes != planes) {
    return false;
  }
  if (pixel_is_compressed(info->pixel_format)) {
    const MiniAVPlane *plane = &buffer->data.video.planes[0];
    return plane->data_ptr != NULL && plane->size_bytes > 0;
  }
  for (uint32_t i = 0; i < planes; i++) {
    if (!plane_is_sound(buffer, i)) {
      return false;
    }
  }
  return true;
}

size_t pixel_lay_out(MiniAVBuffer *buffer, MiniAVPixelFormat format, uint32_t width,
                     uint32_t height, uint32_t stride_alignment, uint8_t *data) {
  size_t offset = 0;
  uint32_t planes = pixel_plane_count(format);
  for (uint32_t i = 0; i < planes; i++) {
    struct plane_shape shape;
    if (!pixel_plane_shape(format, width, height, i, &shape)) {
      return 0;
    }
    uint32_t stride =
        (shape.row_bytes + stride_alignment - 1) / stride_alignment * stride_alignment;
    uint64_t bytes = (uint64_t)stride * shape.height;
    if (offset + bytes > UINT32_MAX) {
      return 0;
    }
    MiniAVPlane *plane = &buffer->data.video.planes[i];
    memset(plane, 0, sizeof *plane);
    plane->data_ptr = data == NULL ? NULL : data + offset;
    plane->width = shape.width;
    plane->height = shape.height;
    plane->stride_bytes = stride;
    plane->offset_bytes = (uint32_t)offset;
    plane->size_bytes = (uint32_t)bytes;
    offset += (size_t)bytes;
  }
  buffer->data.video.num_planes = (uint8_t)planes;
  buffer->data_size_bytes = offset;
  return offset;
}
