/* What 100 % colour bars look like in every format, by the frame's own matrix and range. */
#include <math.h>

#include "test_device/pattern.h"
#include "v4l2_guest.h"

#define TOLERANCE 2

/* White, yellow, cyan, green, magenta, red, blue, black. */
static const int bars[8][3] = {{1, 1, 1}, {1, 1, 0}, {0, 1, 1}, {0, 1, 0},
                               {1, 0, 1}, {1, 0, 0}, {0, 0, 1}, {0, 0, 0}};

struct levels {
  double r, g, b, y, u, v;
};

static bool is_full_by_default(const MiniAVBuffer *buffer) {
  MiniAVBuffer usual = {.color_range = MINIAV_COLOR_RANGE_UNKNOWN};
  pattern_describe_color(buffer->data.video.info.pixel_format, &usual);
  return usual.color_range == MINIAV_COLOR_RANGE_FULL;
}

/* ITU-T H.273, 8.3. */
static struct levels levels_of(const MiniAVBuffer *buffer, int bar) {
  /* vivid makes grey by the weights of BT.709, whatever its colour space. */
  bool is_709 = buffer->color_matrix == 1 ||
                buffer->data.video.info.pixel_format == MINIAV_PIXEL_FORMAT_GRAY8;
  double kr = is_709 ? 0.2126 : 0.299;
  double kb = is_709 ? 0.0722 : 0.114;
  /* PipeWire's V4L2 nodes say nothing of it: then it is that of V4L2's defaults. */
  bool full = buffer->color_range == MINIAV_COLOR_RANGE_FULL ||
              (buffer->color_range == MINIAV_COLOR_RANGE_UNKNOWN && is_full_by_default(buffer));
  double r = bars[bar][0];
  double g = bars[bar][1];
  double b = bars[bar][2];
  double y = kr * r + (1 - kr - kb) * g + kb * b;
  double low = full ? 0 : 16;
  double span = full ? 255 : 219;
  double chroma = full ? 255 : 224;
  return (struct levels){low + span * r,
                         low + span * g,
                         low + span * b,
                         low + span * y,
                         128 + chroma * (b - y) / (2 * (1 - kb)),
                         128 + chroma * (r - y) / (2 * (1 - kr))};
}

static const uint8_t *at(const MiniAVBuffer *buffer, uint32_t plane, uint32_t row, uint32_t byte) {
  const MiniAVPlane *is = &buffer->data.video.planes[plane];
  return (const uint8_t *)is->data_ptr + (size_t)row * is->stride_bytes + byte;
}

static int level(int value, double expected) {
  return fabs(value - expected) <= TOLERANCE;
}

static int is_rgb(const uint8_t *pixel, int red, int green, int blue, const struct levels *is) {
  return level(pixel[red], is->r) && level(pixel[green], is->g) && level(pixel[blue], is->b);
}

/* x even. */
static int pixel_is(const MiniAVBuffer *buffer, uint32_t x, uint32_t y, const struct levels *is) {
  switch (buffer->data.video.info.pixel_format) {
  case MINIAV_PIXEL_FORMAT_I420:
    return level(*at(buffer, 0, y, x), is->y) && level(*at(buffer, 1, y / 2, x / 2), is->u) &&
           level(*at(buffer, 2, y / 2, x / 2), is->v);
  case MINIAV_PIXEL_FORMAT_NV12:
    return level(*at(buffer, 0, y, x), is->y) && level(*at(buffer, 1, y / 2, x), is->u) &&
           level(*at(buffer, 1, y / 2, x + 1), is->v);
  case MINIAV_PIXEL_FORMAT_NV21:
    return level(*at(buffer, 0, y, x), is->y) && level(*at(buffer, 1, y / 2, x), is->v) &&
           level(*at(buffer, 1, y / 2, x + 1), is->u);
  case MINIAV_PIXEL_FORMAT_YUY2: {
    const uint8_t *pair = at(buffer, 0, y, x * 2);
    return level(pair[0], is->y) && level(pair[1], is->u) && level(pair[3], is->v);
  }
  case MINIAV_PIXEL_FORMAT_UYVY: {
    const uint8_t *pair = at(buffer, 0, y, x * 2);
    return level(pair[1], is->y) && level(pair[0], is->u) && level(pair[2], is->v);
  }
  case MINIAV_PIXEL_FORMAT_RGB24:
    return is_rgb(at(buffer, 0, y, x * 3), 0, 1, 2, is);
  case MINIAV_PIXEL_FORMAT_BGR24:
    return is_rgb(at(buffer, 0, y, x * 3), 2, 1, 0, is);
  case MINIAV_PIXEL_FORMAT_RGBA32:
  case MINIAV_PIXEL_FORMAT_RGBX32:
    return is_rgb(at(buffer, 0, y, x * 4), 0, 1, 2, is);
  case MINIAV_PIXEL_FORMAT_BGRA32:
  case MINIAV_PIXEL_FORMAT_BGRX32:
    return is_rgb(at(buffer, 0, y, x * 4), 2, 1, 0, is);
  case MINIAV_PIXEL_FORMAT_ARGB32:
  case MINIAV_PIXEL_FORMAT_XRGB32:
    return is_rgb(at(buffer, 0, y, x * 4), 1, 2, 3, is);
  case MINIAV_PIXEL_FORMAT_ABGR32:
  case MINIAV_PIXEL_FORMAT_XBGR32:
    return is_rgb(at(buffer, 0, y, x * 4), 3, 2, 1, is);
  case MINIAV_PIXEL_FORMAT_GRAY8:
    return level(*at(buffer, 0, y, x), is->y);
  default:
    return 0;
  }
}

void check_bars(const MiniAVBuffer *buffer) {
  const MiniAVVideoInfo *info = &buffer->data.video.info;
  const uint32_t rows[] = {0, info->height / 2, info->height - 1};
  for (int bar = 0; bar < 8; bar++) {
    struct levels expected = levels_of(buffer, bar);
    uint32_t x = (uint32_t)(2 * bar + 1) * info->width / 16 / 2 * 2;
    for (uint32_t row = 0; row < 3; row++) {
      if (!CHECK(pixel_is(buffer, x, rows[row], &expected))) {
        const uint8_t *is = at(buffer, 0, rows[row], 0);
        fprintf(stderr,
                "  format %d, bar %d, row %u: expected rgb %.0f %.0f %.0f, yuv %.0f %.0f %.0f; "
                "plane 0 begins %u %u %u %u\n",
                (int)info->pixel_format, bar, rows[row], expected.r, expected.g, expected.b,
                expected.y, expected.u, expected.v, is[0], is[1], is[2], is[3]);
        return;
      }
    }
  }
}
