#include "test_device/palette.h"

#include <string.h>

struct rgb {
  int64_t r;
  int64_t g;
  int64_t b;
};

struct ycc {
  uint32_t y;
  uint32_t cb;
  uint32_t cr;
};

/* One bit a component: 4 red, 2 green, 1 blue. */
static const uint8_t theme_bars[4][8] = {
    [PATTERN_THEME_BARS] = {7, 6, 3, 2, 5, 4, 1, 0},
    [PATTERN_THEME_BARS2] = {0, 1, 4, 5, 2, 3, 6, 7},
    [PATTERN_THEME_DISPLAY] = {1, 7, 6, 3, 2, 5, 4, 0},
    [PATTERN_THEME_WINDOW] = {2, 5, 4, 1, 7, 6, 3, 0},
};

static struct rgb color_rgb(uint32_t color, enum pattern_theme theme) {
  switch (color) {
  case PALETTE_BLACK:
    return (struct rgb){0, 0, 0};
  case PALETTE_WHITE:
    return (struct rgb){255, 255, 255};
  case PALETTE_BOX:
    return (struct rgb){255, 128, 0};
  default: {
    uint8_t bits = theme_bars[theme][color - PALETTE_BAR];
    return (struct rgb){(bits & 4) != 0 ? 191 : 0, (bits & 2) != 0 ? 191 : 0,
                        (bits & 1) != 0 ? 191 : 0};
  }
  }
}

static int64_t round_divide(int64_t value, int64_t by) {
  return value >= 0 ? (value + by / 2) / by : -((-value + by / 2) / by);
}

/* Weights of red and blue in ten-thousandths: 2126 and 722 for BT.709, 2990 and 1140 for BT.601.
 * Y' = offset + luma_span × luma; Cb = middle + chroma_span × (B' - luma) / (2 × (1 - blue)). */
static struct ycc color_ycc(struct rgb c, int64_t red, int64_t blue, int64_t offset,
                            int64_t luma_span, int64_t middle, int64_t chroma_span) {
  int64_t luma = red * c.r + (10000 - red - blue) * c.g + blue * c.b; /* of 2550000 */
  int64_t cb = round_divide(chroma_span * (10000 * c.b - luma) * 5000, 2550000 * (10000 - blue));
  int64_t cr = round_divide(chroma_span * (10000 * c.r - luma) * 5000, 2550000 * (10000 - red));
  return (struct ycc){(uint32_t)(offset + round_divide(luma_span * luma, 2550000)),
                      (uint32_t)(middle + cb), (uint32_t)(middle + cr)};
}

static struct ycc color_bt709(struct rgb c) {
  return color_ycc(c, 2126, 722, 16, 219, 128, 224);
}

/* 256 is one too many for a byte: JFIF cuts it off. */
static struct ycc color_jfif(struct rgb c) {
  struct ycc ycc = color_ycc(c, 2990, 1140, 0, 255, 128, 255);
  ycc.cb = ycc.cb > 255 ? 255 : ycc.cb;
  ycc.cr = ycc.cr > 255 ? 255 : ycc.cr;
  return ycc;
}

static void put_word(uint8_t *out, uint32_t value) {
  for (uint32_t i = 0; i < 4; i++) {
    out[i] = (uint8_t)(value >> (8 * i));
  }
}

/* Ten-bit code words sit in the upper bits of their 16. */
static void put_p010(uint8_t *out, uint32_t value) {
  out[0] = (uint8_t)(value << 6);
  out[1] = (uint8_t)(value >> 2);
}

static uint32_t ten_bits(int64_t value) {
  return (uint32_t)round_divide(value * 1023, 255);
}

/* Byte orders of the packed RGB formats; '-' is a byte that means nothing. */
static const char *packed_order(MiniAVPixelFormat format) {
  switch (format) {
  case MINIAV_PIXEL_FORMAT_RGB24:
    return "RGB";
  case MINIAV_PIXEL_FORMAT_BGR24:
    return "BGR";
  case MINIAV_PIXEL_FORMAT_RGBA32:
    return "RGBA";
  case MINIAV_PIXEL_FORMAT_BGRA32:
    return "BGRA";
  case MINIAV_PIXEL_FORMAT_ARGB32:
    return "ARGB";
  case MINIAV_PIXEL_FORMAT_ABGR32:
    return "ABGR";
  case MINIAV_PIXEL_FORMAT_BGRX32:
    return "BGR-";
  case MINIAV_PIXEL_FORMAT_RGBX32:
    return "RGB-";
  case MINIAV_PIXEL_FORMAT_XRGB32:
    return "-RGB";
  case MINIAV_PIXEL_FORMAT_XBGR32:
    return "-BGR";
  default:
    return NULL;
  }
}

static void put_packed(uint8_t *out, const char *order, struct rgb c) {
  for (uint32_t i = 0; order[i] != 0; i++) {
    switch (order[i]) {
    case 'R':
      out[i] = (uint8_t)c.r;
      break;
    case 'G':
      out[i] = (uint8_t)c.g;
      break;
    case 'B':
      out[i] = (uint8_t)c.b;
      break;
    case 'A':
      out[i] = 255;
      break;
    default:
      out[i] = 0;
    }
  }
}

/* The groups of one colour, in each plane. */
static void put_color(struct palette *palette, MiniAVPixelFormat format, uint32_t color,
                      struct rgb c) {
  uint8_t *first = palette->planes[0].groups[color];
  uint8_t *second = palette->planes[1].groups[color];
  uint8_t *third = palette->planes[2].groups[color];
  struct ycc ycc = format == MINIAV_PIXEL_FORMAT_MJPEG ? color_jfif(c) : color_bt709(c);
  uint8_t y = (uint8_t)ycc.y, cb = (uint8_t)ycc.cb, cr = (uint8_t)ycc.cr;
  switch (format) {
  case MINIAV_PIXEL_FORMAT_I420:
  case MINIAV_PIXEL_FORMAT_MJPEG:
    first[0] = y;
    second[0] = cb;
    third[0] = cr;
    break;
  case MINIAV_PIXEL_FORMAT_NV12:
  case MINIAV_PIXEL_FORMAT_NV21:
    first[0] = y;
    second[0] = format == MINIAV_PIXEL_FORMAT_NV12 ? cb : cr;
    second[1] = format == MINIAV_PIXEL_FORMAT_NV12 ? cr : cb;
    break;
  case MINIAV_PIXEL_FORMAT_YUY2:
    memcpy(first, (uint8_t[]){y, cb, y, cr}, 4);
    break;
  case MINIAV_PIXEL_FORMAT_UYVY:
    memcpy(first, (uint8_t[]){cb, y, cr, y}, 4);
    break;
  case MINIAV_PIXEL_FORMAT_GRAY8:
    first[0] = (uint8_t)color_ycc(c, 2126, 722, 0, 255, 128, 255).y;
    break;
  case MINIAV_PIXEL_FORMAT_P010:
    ycc = color_ycc(c, 2126, 722, 64, 876, 512, 896);
    put_p010(first, ycc.y);
    put_p010(second, ycc.cb);
    put_p010(second + 2, ycc.cr);
    break;
  case MINIAV_PIXEL_FORMAT_X2RGB10:
    put_word(first, ten_bits(c.r) << 20 | ten_bits(c.g) << 10 | ten_bits(c.b));
    break;
  case MINIAV_PIXEL_FORMAT_X2BGR10:
    put_word(first, ten_bits(c.b) << 20 | ten_bits(c.g) << 10 | ten_bits(c.r));
    break;
  default:
    put_packed(first, packed_order(format), c);
  }
}

static void plane_set(struct palette *palette, uint8_t shift_x, uint8_t shift_y, size_t bytes) {
  struct palette_plane *plane = &palette->planes[palette->plane_count++];
  plane->shift_x = shift_x;
  plane->shift_y = shift_y;
  plane->group_bytes = (uint8_t)bytes;
}

static bool planes_init(struct palette *palette, MiniAVPixelFormat format) {
  switch (format) {
  case MINIAV_PIXEL_FORMAT_I420:
  case MINIAV_PIXEL_FORMAT_MJPEG:
    plane_set(palette, 0, 0, 1);
    plane_set(palette, 1, 1, 1);
    plane_set(palette, 1, 1, 1);
    return true;
  case MINIAV_PIXEL_FORMAT_NV12:
  case MINIAV_PIXEL_FORMAT_NV21:
    plane_set(palette, 0, 0, 1);
    plane_set(palette, 1, 1, 2);
    return true;
  case MINIAV_PIXEL_FORMAT_P010:
    plane_set(palette, 0, 0, 2);
    plane_set(palette, 1, 1, 4);
    return true;
  case MINIAV_PIXEL_FORMAT_YUY2:
    plane_set(palette, 1, 0, 4);
    palette->planes[0].pair_offset = 2;
    return true;
  case MINIAV_PIXEL_FORMAT_UYVY:
    plane_set(palette, 1, 0, 4);
    palette->planes[0].luma_offset = 1;
    palette->planes[0].pair_offset = 3;
    return true;
  case MINIAV_PIXEL_FORMAT_GRAY8:
    plane_set(palette, 0, 0, 1);
    return true;
  case MINIAV_PIXEL_FORMAT_X2RGB10:
  case MINIAV_PIXEL_FORMAT_X2BGR10:
    plane_set(palette, 0, 0, 4);
    return true;
  default:
    if (packed_order(format) == NULL) {
      return false;
    }
    plane_set(palette, 0, 0, strlen(packed_order(format)));
    return true;
  }
}

bool palette_init(struct palette *palette, MiniAVPixelFormat format, enum pattern_theme theme) {
  *palette = (struct palette){0};
  if (!planes_init(palette, format)) {
    return false;
  }
  for (uint32_t color = 0; color < PALETTE_COUNT; color++) {
    put_color(palette, format, color, color_rgb(color, theme));
  }
  return true;
}
