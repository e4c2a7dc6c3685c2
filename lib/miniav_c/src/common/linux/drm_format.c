#include "common/linux/drm_format.h"

#include <stddef.h>

#define CODE(a, b, c, d)                                                                           \
  ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* DRM's names give the order of bits in a little-endian word, so bytes are the other way round. */
uint32_t drm_format_of(MiniAVPixelFormat format) {
  static const uint32_t codes[] = {
      [MINIAV_PIXEL_FORMAT_I420] = CODE('Y', 'U', '1', '2'),
      [MINIAV_PIXEL_FORMAT_NV12] = CODE('N', 'V', '1', '2'),
      [MINIAV_PIXEL_FORMAT_NV21] = CODE('N', 'V', '2', '1'),
      [MINIAV_PIXEL_FORMAT_YUY2] = CODE('Y', 'U', 'Y', 'V'),
      [MINIAV_PIXEL_FORMAT_UYVY] = CODE('U', 'Y', 'V', 'Y'),
      [MINIAV_PIXEL_FORMAT_RGB24] = CODE('B', 'G', '2', '4'),
      [MINIAV_PIXEL_FORMAT_BGR24] = CODE('R', 'G', '2', '4'),
      [MINIAV_PIXEL_FORMAT_RGBA32] = CODE('A', 'B', '2', '4'),
      [MINIAV_PIXEL_FORMAT_BGRA32] = CODE('A', 'R', '2', '4'),
      [MINIAV_PIXEL_FORMAT_ARGB32] = CODE('B', 'A', '2', '4'),
      [MINIAV_PIXEL_FORMAT_ABGR32] = CODE('R', 'A', '2', '4'),
      [MINIAV_PIXEL_FORMAT_BGRX32] = CODE('X', 'R', '2', '4'),
      [MINIAV_PIXEL_FORMAT_RGBX32] = CODE('X', 'B', '2', '4'),
      [MINIAV_PIXEL_FORMAT_XRGB32] = CODE('B', 'X', '2', '4'),
      [MINIAV_PIXEL_FORMAT_XBGR32] = CODE('R', 'X', '2', '4'),
      [MINIAV_PIXEL_FORMAT_GRAY8] = CODE('R', '8', ' ', ' '),
      [MINIAV_PIXEL_FORMAT_P010] = CODE('P', '0', '1', '0'),
      [MINIAV_PIXEL_FORMAT_X2RGB10] = CODE('X', 'R', '3', '0'),
      [MINIAV_PIXEL_FORMAT_X2BGR10] = CODE('X', 'B', '3', '0'),
  };
  uint32_t index = (uint32_t)format;
  return index < sizeof codes / sizeof *codes ? codes[index] : 0;
}
