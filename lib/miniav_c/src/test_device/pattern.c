#include "test_device/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "test_device/palette.h"

#define STRIP_MARKER 0xA53Cu
#define STRIP_BYTES  20u
#define ROW_ALIGN    64u
#define JPEG_MCU     16u

/* Ready-made rows, as wide as the picture. */
enum row_kind { ROW_UPPER, ROW_LOWER, ROW_BOX, ROW_BLACK, ROW_KINDS };

struct pattern {
  struct pattern_plan plan;
  struct palette palette;
  struct pattern_plane planes[3];
  size_t bytes;
  uint32_t cell;
  uint32_t split; /* canvas y from which the bars come in the other order */
  uint8_t *rows[ROW_KINDS][3];
  uint8_t *colors; /* one palette colour a pixel, of a row that is being made */
  uint8_t *memory; /* behind rows and colors */
};

static uint32_t minimum(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

uint32_t pattern_cell(uint32_t width, uint32_t height) {
  for (uint32_t side = 16; side > 0; side /= 2) {
    if (PATTERN_STRIP_COLUMNS * side <= width && 2 * PATTERN_STRIP_ROWS * side <= height) {
      return side;
    }
  }
  return 0;
}

bool pattern_format_subsampled(MiniAVPixelFormat format) {
  struct palette palette;
  if (!palette_init(&palette, format, PATTERN_THEME_BARS)) {
    return false;
  }
  return palette.plane_count > 1 || palette.planes[0].shift_x > 0;
}

bool pattern_format_supported(MiniAVPixelFormat format) {
  struct palette palette;
  return palette_init(&palette, format, PATTERN_THEME_BARS);
}

void pattern_describe_color(MiniAVPixelFormat format, MiniAVBuffer *buffer) {
  bool jpeg = format == MINIAV_PIXEL_FORMAT_MJPEG;
  bool gray = format == MINIAV_PIXEL_FORMAT_GRAY8;
  bool rgb = !jpeg && !gray && !pattern_format_subsampled(format);
  buffer->color_range = jpeg || gray || rgb ? MINIAV_COLOR_RANGE_FULL : MINIAV_COLOR_RANGE_LIMITED;
  /* H.273: matrix 0 identity, 1 BT.709, 6 BT.601; primaries 1 BT.709; transfer 1 BT.709, 13 sRGB */
  buffer->color_matrix = rgb ? 0 : jpeg ? 6 : 1;
  buffer->color_primaries = 1;
  buffer->color_transfer = rgb || jpeg ? 13 : 1;
}

/* ---- planes and rows -------------------------------------------------------------------- */

static uint32_t groups_of(uint32_t pixels, uint32_t shift) {
  return (pixels + (1u << shift) - 1) >> shift;
}

static void planes_lay_out(struct pattern *pattern) {
  uint32_t width = pattern->plan.width;
  uint32_t height = pattern->plan.height;
  bool jpeg = pattern->plan.format == MINIAV_PIXEL_FORMAT_MJPEG;
  if (jpeg) {
    width = (width + JPEG_MCU - 1) / JPEG_MCU * JPEG_MCU;
    height = (height + JPEG_MCU - 1) / JPEG_MCU * JPEG_MCU;
  }
  for (uint32_t i = 0; i < pattern->palette.plane_count; i++) {
    const struct palette_plane *colors = &pattern->palette.planes[i];
    struct pattern_plane *plane = &pattern->planes[i];
    uint32_t groups = groups_of(width, colors->shift_x);
    plane->width = colors->pair_offset != 0 ? width : groups;
    plane->height = groups_of(height, colors->shift_y);
    plane->row_bytes = groups * colors->group_bytes;
    plane->stride_bytes = (plane->row_bytes / ROW_ALIGN + 1) * ROW_ALIGN;
    plane->offset_bytes = pattern->bytes;
    plane->size_bytes = (size_t)plane->stride_bytes * plane->height;
    pattern->bytes += plane->size_bytes;
  }
}

/* Writes `count` pixels of one row of a plane; colors begins at the first of them, which is even.
 */
static void row_encode(const struct palette_plane *plane, const uint8_t *colors, uint32_t count,
                       uint8_t *out) {
  uint32_t bytes = plane->group_bytes;
  for (uint32_t x = 0; x < count; x += 1u << plane->shift_x) {
    const uint8_t *group = plane->groups[colors[x]];
    for (uint32_t i = 0; i < bytes; i++) {
      out[i] = group[i];
    }
    if (plane->pair_offset != 0 && x + 1 < count) {
      out[plane->pair_offset] = plane->groups[colors[x + 1]][plane->luma_offset];
    }
    out += bytes;
  }
}

/* Colours of a row of bars. What lies beyond the canvas (JPEG's padding) goes on with the last. */
static void bars_write(const struct pattern *pattern, bool reversed, uint32_t count) {
  uint32_t canvas_width = pattern->plan.canvas_width;
  uint32_t bar = 0;
  for (uint32_t x = 0; x < count; x++) {
    uint64_t canvas_x = (uint64_t)pattern->plan.origin_x + x;
    while (bar < 7 && canvas_x >= ((uint64_t)(bar + 1) * canvas_width / 8 & ~UINT64_C(1))) {
      bar++;
    }
    pattern->colors[x] = (uint8_t)(PALETTE_BAR + (reversed ? 7 - bar : bar));
  }
}

static uint32_t row_pixels(const struct pattern *pattern) {
  return pattern->planes[0].width;
}

static bool rows_create(struct pattern *pattern) {
  uint32_t pixels = row_pixels(pattern);
  size_t total = pixels;
  for (uint32_t i = 0; i < pattern->palette.plane_count; i++) {
    total += (size_t)ROW_KINDS * pattern->planes[i].row_bytes;
  }
  pattern->memory = malloc(total);
  if (pattern->memory == NULL) {
    return false;
  }
  pattern->colors = pattern->memory;
  uint8_t *next = pattern->memory + pixels;
  for (uint32_t kind = 0; kind < ROW_KINDS; kind++) {
    if (kind == ROW_UPPER || kind == ROW_LOWER) {
      bars_write(pattern, kind == ROW_LOWER, pixels);
    } else {
      memset(pattern->colors, kind == ROW_BOX ? PALETTE_BOX : PALETTE_BLACK, pixels);
    }
    for (uint32_t i = 0; i < pattern->palette.plane_count; i++) {
      pattern->rows[kind][i] = next;
      row_encode(&pattern->palette.planes[i], pattern->colors, pixels, next);
      next += pattern->planes[i].row_bytes;
    }
  }
  return true;
}

struct pattern *pattern_create(const struct pattern_plan *plan) {
  struct pattern *pattern = calloc(1, sizeof *pattern);
  if (pattern == NULL) {
    return NULL;
  }
  pattern->plan = *plan;
  if (plan->canvas_width == 0 || plan->canvas_height == 0) {
    pattern->plan.canvas_width = plan->width;
    pattern->plan.canvas_height = plan->height;
  }
  pattern->cell = pattern_cell(plan->width, plan->height);
  pattern->split = (uint32_t)((uint64_t)pattern->plan.canvas_height * 3 / 4) & ~1u;
  if (!palette_init(&pattern->palette, plan->format, plan->theme)) {
    goto fail;
  }
  planes_lay_out(pattern);
  if (!rows_create(pattern)) {
    goto fail;
  }
  return pattern;
fail:
  pattern_destroy(pattern);
  return NULL;
}

void pattern_destroy(struct pattern *pattern) {
  if (pattern != NULL) {
    free(pattern->memory);
    free(pattern);
  }
}

size_t pattern_bytes(const struct pattern *pattern) {
  return pattern->bytes;
}

uint32_t pattern_planes(const struct pattern *pattern,
                        struct pattern_plane planes[MINIAV_MAX_PLANES]) {
  memcpy(planes, pattern->planes, pattern->palette.plane_count * sizeof planes[0]);
  return pattern->palette.plane_count;
}

/* ---- where things are -------------------------------------------------------------------- */

MiniAVRect pattern_strip(const struct pattern *pattern) {
  return (MiniAVRect){0, 0, (int32_t)(PATTERN_STRIP_COLUMNS * pattern->cell),
                      (int32_t)(PATTERN_STRIP_ROWS * pattern->cell)};
}

/* There and back again over 0…range, on even numbers. */
static uint32_t bounce(uint64_t distance, uint32_t range) {
  if (range < 2) {
    return 0;
  }
  uint32_t phase = (uint32_t)(distance % (2 * (uint64_t)range));
  return (phase > range ? 2 * range - phase : phase) & ~1u;
}

/* First row of the canvas below the strip that a picture of all of it has. */
static uint32_t canvas_top(const struct pattern *pattern) {
  return PATTERN_STRIP_ROWS * pattern_cell(pattern->plan.canvas_width, pattern->plan.canvas_height);
}

/* The part of a rectangle of the canvas that the picture shows below its strip. */
static MiniAVRect clip(const struct pattern *pattern, int64_t x, int64_t y, uint32_t width,
                       uint32_t height) {
  int64_t left = x - pattern->plan.origin_x;
  int64_t top = y - pattern->plan.origin_y;
  int64_t right = left + width;
  int64_t bottom = top + height;
  int64_t strip_height = (int64_t)PATTERN_STRIP_ROWS * pattern->cell;
  left = left < 0 ? 0 : left;
  top = top < strip_height ? strip_height : top;
  right = right > pattern->plan.width ? pattern->plan.width : right;
  bottom = bottom > pattern->plan.height ? pattern->plan.height : bottom;
  if (left >= right || top >= bottom) {
    return (MiniAVRect){0, 0, 0, 0};
  }
  return (MiniAVRect){(int32_t)left, (int32_t)top, (int32_t)(right - left),
                      (int32_t)(bottom - top)};
}

MiniAVRect pattern_box(const struct pattern *pattern, uint64_t counter) {
  uint32_t top = canvas_top(pattern);
  uint32_t width = pattern->plan.canvas_width;
  uint32_t height = pattern->plan.canvas_height - top;
  uint32_t side = minimum(minimum(width, height) / 8 & ~1u, 128);
  side = side < 2 ? 2 : side;
  uint32_t x = bounce(counter * 4, width > side ? width - side : 0);
  uint32_t y = bounce(counter * 2, height > side ? height - side : 0);
  return clip(pattern, x, (int64_t)top + y, side, side);
}

static void cursor_place(const struct pattern *pattern, uint64_t counter, uint32_t *x,
                         uint32_t *y) {
  uint32_t top = canvas_top(pattern);
  uint32_t height = pattern->plan.canvas_height - top;
  *x = bounce(counter * 6 + 64, pattern->plan.canvas_width);
  *y = top + bounce(counter * 2 + 32, height);
}

MiniAVRect pattern_cursor(const struct pattern *pattern, uint64_t counter) {
  uint32_t x, y;
  cursor_place(pattern, counter, &x, &y);
  return clip(pattern, x, y, PATTERN_CURSOR_SIZE, PATTERN_CURSOR_SIZE);
}

void pattern_cursor_position(const struct pattern *pattern, uint64_t counter, int32_t *x,
                             int32_t *y) {
  uint32_t canvas_x, canvas_y;
  cursor_place(pattern, counter, &canvas_x, &canvas_y);
  *x = (int32_t)((int64_t)canvas_x - pattern->plan.origin_x);
  *y = (int32_t)((int64_t)canvas_y - pattern->plan.origin_y);
}

/* Two rows and two columns are alike, so that halved colour shows it as it is. */
int32_t pattern_cursor_pixel(uint32_t x, uint32_t y) {
  uint32_t column = x / 2;
  uint32_t row = y / 2;
  if (column > row || row >= PATTERN_CURSOR_SIZE / 2) {
    return -1;
  }
  bool outline = column == 0 || column == row || row == PATTERN_CURSOR_SIZE / 2 - 1;
  return outline ? 0 : 255;
}

/* ---- painting ---------------------------------------------------------------------------- */

/* Copies a rectangle from ready-made rows; ROW_UPPER and ROW_LOWER both stand for the bars. */
static void area_fill(const struct pattern *pattern, uint8_t *data, const MiniAVRect *area,
                      enum row_kind kind) {
  for (uint32_t i = 0; area->width > 0 && i < pattern->palette.plane_count; i++) {
    const struct palette_plane *colors = &pattern->palette.planes[i];
    const struct pattern_plane *plane = &pattern->planes[i];
    uint32_t left = (uint32_t)area->x >> colors->shift_x;
    uint32_t right = groups_of((uint32_t)(area->x + area->width), colors->shift_x);
    uint32_t bottom = groups_of((uint32_t)(area->y + area->height), colors->shift_y);
    size_t first = (size_t)left * colors->group_bytes;
    size_t bytes = (size_t)(right - left) * colors->group_bytes;
    uint8_t *row = data + plane->offset_bytes + first;
    for (uint32_t y = (uint32_t)area->y >> colors->shift_y; y < bottom; y++) {
      enum row_kind source = kind;
      if (kind == ROW_UPPER || kind == ROW_LOWER) {
        uint64_t canvas_y = (uint64_t)pattern->plan.origin_y + ((uint64_t)y << colors->shift_y);
        source = canvas_y < pattern->split ? ROW_UPPER : ROW_LOWER;
      }
      memcpy(row + (size_t)y * plane->stride_bytes, pattern->rows[source][i] + first, bytes);
    }
  }
}

static void render(const struct pattern *pattern, uint8_t *data) {
  for (uint32_t i = 0; i < pattern->palette.plane_count; i++) {
    const struct pattern_plane *plane = &pattern->planes[i];
    uint8_t *padding = data + plane->offset_bytes + plane->row_bytes;
    for (uint32_t y = 0; y < plane->height; y++) {
      memset(padding, PATTERN_PADDING_BYTE, plane->stride_bytes - plane->row_bytes);
      padding += plane->stride_bytes;
    }
  }
  MiniAVRect all = {0, 0, (int32_t)row_pixels(pattern), (int32_t)pattern->planes[0].height};
  area_fill(pattern, data, &all, ROW_UPPER);
  MiniAVRect strip = pattern_strip(pattern);
  area_fill(pattern, data, &strip, ROW_BLACK);
}

/* Writes a run of a row of every plane, at even x and, where rows share colour, even y. */
static void run_paint(const struct pattern *pattern, uint8_t *data, uint32_t x, uint32_t y,
                      const uint8_t *colors, uint32_t count) {
  for (uint32_t i = 0; i < pattern->palette.plane_count; i++) {
    const struct palette_plane *plane = &pattern->palette.planes[i];
    if ((y & ((1u << plane->shift_y) - 1)) == 0) {
      row_encode(plane, colors, count,
                 data + pattern->planes[i].offset_bytes +
                     (size_t)(y >> plane->shift_y) * pattern->planes[i].stride_bytes +
                     (size_t)(x >> plane->shift_x) * plane->group_bytes);
    }
  }
}

static void cursor_paint(const struct pattern *pattern, uint8_t *data, const MiniAVRect *area,
                         uint64_t counter) {
  int32_t tip_x, tip_y;
  pattern_cursor_position(pattern, counter, &tip_x, &tip_y);
  for (int32_t y = area->y; y < area->y + area->height; y++) {
    uint8_t colors[PATTERN_CURSOR_SIZE];
    uint32_t count = 0;
    for (int32_t x = area->x; x < area->x + area->width; x++) {
      int32_t pixel = pattern_cursor_pixel((uint32_t)(x - tip_x), (uint32_t)(y - tip_y));
      if (pixel < 0) {
        break; /* the rest of the row is transparent too */
      }
      colors[count++] = pixel == 0 ? PALETTE_BLACK : PALETTE_WHITE;
    }
    run_paint(pattern, data, (uint32_t)area->x, (uint32_t)y, colors, count);
  }
}

static uint16_t crc16(const uint8_t *bytes, uint32_t count) {
  uint32_t crc = 0xFFFF;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= (uint32_t)bytes[i] << 8;
    for (uint32_t bit = 0; bit < 8; bit++) {
      crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
    }
  }
  return (uint16_t)crc;
}

static void strip_encode(uint8_t bytes[STRIP_BYTES], uint64_t counter, int64_t time_us) {
  bytes[0] = (uint8_t)(STRIP_MARKER >> 8);
  bytes[1] = (uint8_t)STRIP_MARKER;
  for (uint32_t i = 0; i < 8; i++) {
    bytes[2 + i] = (uint8_t)(counter >> (56 - 8 * i));
    bytes[10 + i] = (uint8_t)((uint64_t)time_us >> (56 - 8 * i));
  }
  uint16_t crc = crc16(bytes + 2, 16);
  bytes[18] = (uint8_t)(crc >> 8);
  bytes[19] = (uint8_t)crc;
}

/* Only luma changes here: the colour planes are neutral since render. */
static void strip_paint(const struct pattern *pattern, uint8_t *data, uint64_t counter,
                        int64_t time_us) {
  uint8_t bytes[STRIP_BYTES];
  strip_encode(bytes, counter, time_us);
  const struct palette_plane *colors = &pattern->palette.planes[0];
  const struct pattern_plane *plane = &pattern->planes[0];
  uint32_t cell = pattern->cell;
  uint32_t pixels = PATTERN_STRIP_COLUMNS * cell;
  size_t row_bytes = (size_t)groups_of(pixels, colors->shift_x) * colors->group_bytes;
  uint8_t *row = data + plane->offset_bytes;
  for (uint32_t cell_row = 0; cell_row < PATTERN_STRIP_ROWS; cell_row++) {
    for (uint32_t column = 0; column < PATTERN_STRIP_COLUMNS; column++) {
      uint32_t bit = cell_row * PATTERN_STRIP_COLUMNS + column;
      bool white = (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
      memset(pattern->colors + column * cell, white ? PALETTE_WHITE : PALETTE_BLACK, cell);
    }
    uint8_t *first = row;
    row_encode(colors, pattern->colors, pixels, first);
    for (uint32_t y = 1; y < cell; y++) {
      memcpy(first + (size_t)y * plane->stride_bytes, first, row_bytes);
    }
    row += (size_t)cell * plane->stride_bytes;
  }
}

void pattern_paint(struct pattern *pattern, uint8_t *data, struct pattern_marks *marks,
                   uint64_t counter, int64_t time_us) {
  if (marks->rendered) {
    area_fill(pattern, data, &marks->box, ROW_UPPER);
    area_fill(pattern, data, &marks->cursor, ROW_UPPER);
  } else {
    render(pattern, data);
    *marks = (struct pattern_marks){.rendered = true};
  }
  marks->box = pattern_box(pattern, counter);
  area_fill(pattern, data, &marks->box, ROW_BOX);
  if (pattern->plan.cursor) {
    marks->cursor = pattern_cursor(pattern, counter);
    cursor_paint(pattern, data, &marks->cursor, counter);
  }
  if (pattern->cell > 0) {
    strip_paint(pattern, data, counter, time_us);
  }
}
