/* The pixel formats of V4L2 and ours; colours in the code points of ITU-T H.273. Pure functions. */
#ifndef MINIAV_CAMERA_LINUX_V4L2_PIXELS_H
#define MINIAV_CAMERA_LINUX_V4L2_PIXELS_H

#include <stdbool.h>
#include <stdint.h>

#include "miniav_buffer.h"

struct v4l2_pixels {
  uint32_t fourcc;
  MiniAVPixelFormat format;
  uint32_t memory_planes; /* 1: all planes in one */
  bool v_before_u;
};

/* NULL for what has no equal here. */
const struct v4l2_pixels *v4l2_pixels_of(uint32_t fourcc);

struct v4l2_colors {
  uint32_t space; /* enum v4l2_colorspace, v4l2_xfer_func, v4l2_ycbcr_encoding, v4l2_quantization */
  uint32_t transfer;
  uint32_t encoding;
  uint32_t quantization;
};

/* Defaults are resolved as videodev2.h says. */
void v4l2_color_points(const struct v4l2_colors *colors, MiniAVPixelFormat format,
                       MiniAVColorRange *range, uint32_t *matrix, uint32_t *primaries,
                       uint32_t *transfer);

#endif
