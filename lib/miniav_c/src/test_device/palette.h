/* The few colours of a test picture, in the values and the byte order of every pixel format. */
#ifndef MINIAV_TEST_DEVICE_PALETTE_H
#define MINIAV_TEST_DEVICE_PALETTE_H

#include <stdbool.h>
#include <stdint.h>

#include "test_device/pattern.h"

enum palette_color {
  PALETTE_BLACK, /* 0, 0, 0 */
  PALETTE_WHITE, /* 255, 255, 255 */
  PALETTE_BOX,
  PALETTE_BAR, /* the first of eight, in the theme's order */
  PALETTE_COUNT = PALETTE_BAR + 8
};

/* A plane is rows of groups: one pixel, or the pixels that share a colour value. */
struct palette_plane {
  uint8_t shift_x; /* a group covers 1 << shift_x pixels of a row */
  uint8_t shift_y; /* and 1 << shift_y rows */
  uint8_t group_bytes;
  uint8_t pair_offset; /* YUY2, UYVY: byte of the second pixel's luma in its group; otherwise 0 */
  uint8_t luma_offset; /* YUY2, UYVY: byte of the first one's */
  uint8_t groups[PALETTE_COUNT][4];
};

struct palette {
  uint32_t plane_count;
  struct palette_plane planes[3];
};

/* False for a format that is not painted. */
bool palette_init(struct palette *palette, MiniAVPixelFormat format, enum pattern_theme theme);

#endif
