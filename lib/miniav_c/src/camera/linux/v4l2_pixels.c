#include "camera/linux/v4l2_pixels.h"

#include <linux/videodev2.h>
#include <stddef.h>

#include "common/pixel.h"

/* V4L2's names give the order of bits in a word or of bytes, by format; see the kernel's "Packed
 * RGB formats". The first row of a format is the one to prefer. */
static const struct v4l2_pixels rows[] = {
    {V4L2_PIX_FMT_NV12, MINIAV_PIXEL_FORMAT_NV12, 1, false},
    {V4L2_PIX_FMT_NV12M, MINIAV_PIXEL_FORMAT_NV12, 2, false},
    {V4L2_PIX_FMT_NV21, MINIAV_PIXEL_FORMAT_NV21, 1, false},
    {V4L2_PIX_FMT_NV21M, MINIAV_PIXEL_FORMAT_NV21, 2, false},
    {V4L2_PIX_FMT_YUV420, MINIAV_PIXEL_FORMAT_I420, 1, false},
    {V4L2_PIX_FMT_YUV420M, MINIAV_PIXEL_FORMAT_I420, 3, false},
    {V4L2_PIX_FMT_YVU420, MINIAV_PIXEL_FORMAT_I420, 1, true},
    {V4L2_PIX_FMT_YVU420M, MINIAV_PIXEL_FORMAT_I420, 3, true},
    {V4L2_PIX_FMT_YUYV, MINIAV_PIXEL_FORMAT_YUY2, 1, false},
    {V4L2_PIX_FMT_UYVY, MINIAV_PIXEL_FORMAT_UYVY, 1, false},
    {V4L2_PIX_FMT_RGB24, MINIAV_PIXEL_FORMAT_RGB24, 1, false},
    {V4L2_PIX_FMT_BGR24, MINIAV_PIXEL_FORMAT_BGR24, 1, false},
    {V4L2_PIX_FMT_RGBA32, MINIAV_PIXEL_FORMAT_RGBA32, 1, false},
    {V4L2_PIX_FMT_ABGR32, MINIAV_PIXEL_FORMAT_BGRA32, 1, false},
    {V4L2_PIX_FMT_ARGB32, MINIAV_PIXEL_FORMAT_ARGB32, 1, false},
    {V4L2_PIX_FMT_BGRA32, MINIAV_PIXEL_FORMAT_ABGR32, 1, false},
    {V4L2_PIX_FMT_RGBX32, MINIAV_PIXEL_FORMAT_RGBX32, 1, false},
    {V4L2_PIX_FMT_XBGR32, MINIAV_PIXEL_FORMAT_BGRX32, 1, false},
    {V4L2_PIX_FMT_BGR32, MINIAV_PIXEL_FORMAT_BGRX32, 1, false},
    {V4L2_PIX_FMT_XRGB32, MINIAV_PIXEL_FORMAT_XRGB32, 1, false},
    {V4L2_PIX_FMT_RGB32, MINIAV_PIXEL_FORMAT_XRGB32, 1, false},
    {V4L2_PIX_FMT_BGRX32, MINIAV_PIXEL_FORMAT_XBGR32, 1, false},
    {V4L2_PIX_FMT_GREY, MINIAV_PIXEL_FORMAT_GRAY8, 1, false},
    {V4L2_PIX_FMT_P010, MINIAV_PIXEL_FORMAT_P010, 1, false},
    {V4L2_PIX_FMT_MJPEG, MINIAV_PIXEL_FORMAT_MJPEG, 1, false},
    {V4L2_PIX_FMT_JPEG, MINIAV_PIXEL_FORMAT_MJPEG, 1, false},
    {V4L2_PIX_FMT_H264, MINIAV_PIXEL_FORMAT_H264, 1, false},
};

const struct v4l2_pixels *v4l2_pixels_of(uint32_t fourcc) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].fourcc == fourcc) {
      return &rows[i];
    }
  }
  return NULL;
}

static uint32_t primaries_of(uint32_t space) {
  switch (space) {
  case V4L2_COLORSPACE_SMPTE170M:
    return 6;
  case V4L2_COLORSPACE_SMPTE240M:
    return 7;
  case V4L2_COLORSPACE_REC709:
  case V4L2_COLORSPACE_SRGB:
  case V4L2_COLORSPACE_JPEG:
    return 1;
  case V4L2_COLORSPACE_470_SYSTEM_M:
    return 4;
  case V4L2_COLORSPACE_470_SYSTEM_BG:
    return 5;
  case V4L2_COLORSPACE_BT2020:
    return 9;
  case V4L2_COLORSPACE_DCI_P3:
    return 11;
  default:
    return MINIAV_COLOR_UNSPECIFIED;
  }
}

static uint32_t transfer_of(uint32_t transfer) {
  switch (transfer) {
  case V4L2_XFER_FUNC_709:
    return 1;
  case V4L2_XFER_FUNC_SRGB:
    return 13;
  case V4L2_XFER_FUNC_SMPTE240M:
    return 7;
  case V4L2_XFER_FUNC_NONE:
    return 8;
  case V4L2_XFER_FUNC_DCI_P3:
    return 17;
  case V4L2_XFER_FUNC_SMPTE2084:
    return 16;
  default:
    return MINIAV_COLOR_UNSPECIFIED;
  }
}

static uint32_t matrix_of(uint32_t encoding) {
  switch (encoding) {
  case V4L2_YCBCR_ENC_601:
  case V4L2_YCBCR_ENC_XV601:
    return 6;
  case V4L2_YCBCR_ENC_709:
  case V4L2_YCBCR_ENC_XV709:
    return 1;
  case V4L2_YCBCR_ENC_BT2020:
    return 9;
  case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
    return 10;
  case V4L2_YCBCR_ENC_SMPTE240M:
    return 7;
  default:
    return MINIAV_COLOR_UNSPECIFIED;
  }
}

static bool is_rgb(MiniAVPixelFormat format) {
  switch (format) {
  case MINIAV_PIXEL_FORMAT_RGB24:
  case MINIAV_PIXEL_FORMAT_BGR24:
  case MINIAV_PIXEL_FORMAT_RGBA32:
  case MINIAV_PIXEL_FORMAT_BGRA32:
  case MINIAV_PIXEL_FORMAT_ARGB32:
  case MINIAV_PIXEL_FORMAT_ABGR32:
  case MINIAV_PIXEL_FORMAT_BGRX32:
  case MINIAV_PIXEL_FORMAT_RGBX32:
  case MINIAV_PIXEL_FORMAT_XRGB32:
  case MINIAV_PIXEL_FORMAT_XBGR32:
    return true;
  default:
    return false;
  }
}

void v4l2_color_points(const struct v4l2_colors *colors, MiniAVPixelFormat format,
                       MiniAVColorRange *range, uint32_t *matrix, uint32_t *primaries,
                       uint32_t *transfer) {
  uint32_t space = colors->space;
  uint32_t encoding = colors->encoding;
  uint32_t quantization = colors->quantization;
  uint32_t curve = colors->transfer;
  bool known = space != V4L2_COLORSPACE_DEFAULT && space != V4L2_COLORSPACE_RAW;
  if (known && encoding == V4L2_YCBCR_ENC_DEFAULT) {
    encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(space);
  }
  if (known && quantization == V4L2_QUANTIZATION_DEFAULT) {
    /* Grey counts as RGB: sensors that give it use every level. */
    bool like_rgb = is_rgb(format) || format == MINIAV_PIXEL_FORMAT_GRAY8;
    quantization = V4L2_MAP_QUANTIZATION_DEFAULT(like_rgb, space, encoding);
  }
  if (known && curve == V4L2_XFER_FUNC_DEFAULT) {
    curve = V4L2_MAP_XFER_FUNC_DEFAULT(space);
  }
  *range = quantization == V4L2_QUANTIZATION_FULL_RANGE  ? MINIAV_COLOR_RANGE_FULL
           : quantization == V4L2_QUANTIZATION_LIM_RANGE ? MINIAV_COLOR_RANGE_LIMITED
                                                         : MINIAV_COLOR_RANGE_UNKNOWN;
  *matrix = is_rgb(format)                        ? 0
            : format == MINIAV_PIXEL_FORMAT_GRAY8 ? MINIAV_COLOR_UNSPECIFIED
                                                  : matrix_of(encoding);
  *primaries = primaries_of(space);
  *transfer = transfer_of(curve);
}
