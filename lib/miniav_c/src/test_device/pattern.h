/*
 * The picture of the test devices: colour bars, a moving box, an arrow, and a strip that a program
 * can read. Everything is a function of the plan and of the frame counter.
 *
 * Scene. A canvas of canvas_width × canvas_height; a picture shows the part of it that begins at
 * (origin_x, origin_y), which is all of it but for a region of a screen.
 * - Eight vertical bars; the edge to the left of bar i is at x = (i × canvas_width / 8) with its
 *   lowest bit cleared. Above y = (3 × canvas_height / 4), lowest bit cleared, they come in the
 *   theme's order, below in the opposite one. All 75% saturated: a component is 0 or 191.
 *     bars      white yellow cyan green magenta red blue black
 *     bars2     black blue red magenta green cyan yellow white
 *     display   blue white yellow cyan green magenta red black
 *     window    green magenta red blue white yellow cyan black
 * - The box, RGB (255, 128, 0), square, its side (min(width, height below the strip) / 8) with its
 *   lowest bit cleared, 2…128. It moves by 4 pixels a frame to the right and 2 down, and turns back
 *   at the canvas's edges and at the strip of a picture that shows all of the canvas.
 * - The arrow, when the plan asks for it, above the box: see pattern_cursor_pixel.
 *
 * The strip lies over the top left corner of the picture (not of the canvas): 40 × 4 square cells,
 * each all black or all white, without colour. The side of a cell is the largest of 16, 8, 4, 2, 1
 * with 40 × side <= width and 8 × side <= height; a picture under 40 × 8 pixels has no strip. From
 * 320 × 64 up a cell has at least 8 × 8 pixels, and so survives halved colour, 10 bits, JPEG.
 * Cells are read in rows, left to right, top to bottom; white is 1; most significant bit first:
 *     16 bits   0xA53C
 *     64 bits   frame counter: 0 for the first frame after start, then one more for every frame
 *               that the device made, dropped frames included
 *     64 bits   capture time in microseconds: the timestamp_us of the buffer
 *     16 bits   CRC-16/CCITT-FALSE (polynomial 0x1021, from 0xFFFF, not reflected) of the sixteen
 *               bytes of counter and time as written
 *
 * Values. R'G'B' as named, full range. Y'CbCr: ITU-T H.273 matrix 1 (BT.709), limited range, each
 * value rounded to the nearest; P010 with ten significant bits; a pair of pixels has the colour of
 * the left one, two rows that of the upper one. GRAY8: BT.709 luma, full range. MJPEG: JFIF, BT.601
 * full range. Alpha is 255; the undefined byte of an X format is 0, so that whoever takes it for
 * alpha sees nothing.
 *
 * Memory. Rows are padded to the next multiple of 64 bytes that leaves at least one byte of
 * padding, planes follow each other; padding holds 0xA5. Whoever ignores strides cannot pass by
 * luck.
 *
 * Threads: a pattern is used by one at a time. Nothing here allocates but pattern_create.
 */
#ifndef MINIAV_TEST_DEVICE_PATTERN_H
#define MINIAV_TEST_DEVICE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "miniav_buffer.h"

#define PATTERN_STRIP_COLUMNS 40u
#define PATTERN_STRIP_ROWS    4u
#define PATTERN_CURSOR_SIZE   16u
#define PATTERN_PADDING_BYTE  0xA5

enum pattern_theme {
  PATTERN_THEME_BARS,
  PATTERN_THEME_BARS2,
  PATTERN_THEME_DISPLAY,
  PATTERN_THEME_WINDOW
};

struct pattern_plan {
  MiniAVPixelFormat format; /* MJPEG: the planes that jpeg_writer takes, padded to whole MCUs */
  uint32_t width;
  uint32_t height;
  uint32_t canvas_width; /* 0: the picture is the canvas */
  uint32_t canvas_height;
  uint32_t origin_x; /* even when the format halves colour */
  uint32_t origin_y;
  enum pattern_theme theme;
  bool cursor; /* paint the arrow */
};

struct pattern_plane {
  uint32_t width; /* as in MiniAVPlane */
  uint32_t height;
  uint32_t row_bytes;
  uint32_t stride_bytes;
  size_t offset_bytes;
  size_t size_bytes;
};

/* What of the moving parts a block shows now: each block has its own. All zero: not yet rendered.
 */
struct pattern_marks {
  bool rendered;
  MiniAVRect box;
  MiniAVRect cursor;
};

struct pattern;

/* NULL: no memory, or a format that is not painted. */
struct pattern *pattern_create(const struct pattern_plan *plan);
void pattern_destroy(struct pattern *pattern);

/* Bytes of a picture; its planes, and how many there are. */
size_t pattern_bytes(const struct pattern *pattern);
uint32_t pattern_planes(const struct pattern *pattern,
                        struct pattern_plane planes[MINIAV_MAX_PLANES]);

/* Paints frame `counter`. The first time into some memory it paints everything; afterwards it puts
 * back what the moving parts of the block's last picture covered, and paints them anew. */
void pattern_paint(struct pattern *pattern, uint8_t *data, struct pattern_marks *marks,
                   uint64_t counter, int64_t time_us);

/* In pixels of the picture; width 0 when there is none or it is outside. */
MiniAVRect pattern_strip(const struct pattern *pattern);
MiniAVRect pattern_box(const struct pattern *pattern, uint64_t counter);
MiniAVRect pattern_cursor(const struct pattern *pattern, uint64_t counter);

/* Where the arrow's tip is, in pixels of the picture; possibly outside. */
void pattern_cursor_position(const struct pattern *pattern, uint64_t counter, int32_t *x,
                             int32_t *y);
/* The arrow, a triangle with its tip at (0, 0): -1 transparent, 0 black, 255 white. */
int32_t pattern_cursor_pixel(uint32_t x, uint32_t y);

/* The side of a cell of the strip, 0 when there is no strip. */
uint32_t pattern_cell(uint32_t width, uint32_t height);

/* Whether two pixels share their colour values, so that origins have to be even. */
bool pattern_format_subsampled(MiniAVPixelFormat format);
bool pattern_format_supported(MiniAVPixelFormat format);

/* Sets color_range, color_matrix, color_primaries, color_transfer. */
void pattern_describe_color(MiniAVPixelFormat format, MiniAVBuffer *buffer);

#endif
