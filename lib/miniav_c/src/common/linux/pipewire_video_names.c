#include "common/linux/pipewire_video_names.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/format.h>
#include <spa/param/video/format.h>
#include <stddef.h>

struct format_pair {
  uint32_t spa;
  MiniAVPixelFormat own;
};

/* In the order in which the formats of a source without wishes are liked. */
static const struct format_pair format_pairs[] = {
    {SPA_VIDEO_FORMAT_NV12, MINIAV_PIXEL_FORMAT_NV12},
    {SPA_VIDEO_FORMAT_I420, MINIAV_PIXEL_FORMAT_I420},
    {SPA_VIDEO_FORMAT_YUY2, MINIAV_PIXEL_FORMAT_YUY2},
    {SPA_VIDEO_FORMAT_UYVY, MINIAV_PIXEL_FORMAT_UYVY},
    {SPA_VIDEO_FORMAT_NV21, MINIAV_PIXEL_FORMAT_NV21},
    {SPA_VIDEO_FORMAT_BGRx, MINIAV_PIXEL_FORMAT_BGRX32},
    {SPA_VIDEO_FORMAT_RGBx, MINIAV_PIXEL_FORMAT_RGBX32},
    {SPA_VIDEO_FORMAT_BGRA, MINIAV_PIXEL_FORMAT_BGRA32},
    {SPA_VIDEO_FORMAT_RGBA, MINIAV_PIXEL_FORMAT_RGBA32},
    {SPA_VIDEO_FORMAT_ARGB, MINIAV_PIXEL_FORMAT_ARGB32},
    {SPA_VIDEO_FORMAT_ABGR, MINIAV_PIXEL_FORMAT_ABGR32},
    {SPA_VIDEO_FORMAT_xRGB, MINIAV_PIXEL_FORMAT_XRGB32},
    {SPA_VIDEO_FORMAT_xBGR, MINIAV_PIXEL_FORMAT_XBGR32},
    {SPA_VIDEO_FORMAT_RGB, MINIAV_PIXEL_FORMAT_RGB24},
    {SPA_VIDEO_FORMAT_BGR, MINIAV_PIXEL_FORMAT_BGR24},
    {SPA_VIDEO_FORMAT_GRAY8, MINIAV_PIXEL_FORMAT_GRAY8},
    {SPA_VIDEO_FORMAT_P010_10LE, MINIAV_PIXEL_FORMAT_P010},
    {SPA_VIDEO_FORMAT_xRGB_210LE, MINIAV_PIXEL_FORMAT_X2RGB10},
    {SPA_VIDEO_FORMAT_xBGR_210LE, MINIAV_PIXEL_FORMAT_X2BGR10},
};

#define FORMAT_PAIRS (sizeof format_pairs / sizeof *format_pairs)

uint32_t video_name_count(void) {
  return FORMAT_PAIRS;
}

MiniAVPixelFormat video_name_at(uint32_t index) {
  return format_pairs[index].own;
}

MiniAVPixelFormat video_format_from_spa(uint32_t format) {
  for (size_t i = 0; i < FORMAT_PAIRS; i++) {
    if (format_pairs[i].spa == format) {
      return format_pairs[i].own;
    }
  }
  return MINIAV_PIXEL_FORMAT_UNKNOWN;
}

uint32_t video_format_to_spa(MiniAVPixelFormat format) {
  for (size_t i = 0; i < FORMAT_PAIRS; i++) {
    if (format_pairs[i].own == format) {
      return format_pairs[i].spa;
    }
  }
  return SPA_VIDEO_FORMAT_UNKNOWN;
}

uint32_t video_subtype_of(MiniAVPixelFormat format) {
  return format == MINIAV_PIXEL_FORMAT_MJPEG  ? SPA_MEDIA_SUBTYPE_mjpg
         : format == MINIAV_PIXEL_FORMAT_H264 ? SPA_MEDIA_SUBTYPE_h264
                                              : SPA_MEDIA_SUBTYPE_raw;
}

MiniAVPixelFormat video_compressed_of(uint32_t subtype) {
  return subtype == SPA_MEDIA_SUBTYPE_mjpg   ? MINIAV_PIXEL_FORMAT_MJPEG
         : subtype == SPA_MEDIA_SUBTYPE_h264 ? MINIAV_PIXEL_FORMAT_H264
                                             : MINIAV_PIXEL_FORMAT_UNKNOWN;
}

bool video_is_rate(struct spa_fraction rate) {
  return rate.num > 0 && rate.denom > 0 && rate.num / rate.denom <= VIDEO_RATE_MAX_HZ;
}

#endif
