/* Test pictures: sizes, values, strip, box, and that repainting leaves nothing behind. */
#include <stdlib.h>
#include <string.h>

#include "common/pixel.h"
#include "support/check.h"
#include "support/strip.h"
#include "test_device/pattern.h"

struct picture {
  struct pattern *pattern;
  struct pattern_marks marks;
  uint8_t *data;
  MiniAVBuffer buffer;
};

static bool picture_create(struct picture *picture, const struct pattern_plan *plan) {
  *picture = (struct picture){.pattern = pattern_create(plan)};
  if (!CHECK(picture->pattern != NULL)) {
    return false;
  }
  picture->data = malloc(pattern_bytes(picture->pattern));
  MiniAVBuffer *buffer = &picture->buffer;
  buffer->type = MINIAV_BUFFER_TYPE_VIDEO;
  buffer->data.video.info.width = plan->width;
  buffer->data.video.info.height = plan->height;
  buffer->data.video.info.pixel_format = plan->format;
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  uint32_t count = pattern_planes(picture->pattern, planes);
  buffer->data.video.num_planes = (uint8_t)count;
  for (uint32_t i = 0; i < count; i++) {
    buffer->data.video.planes[i] = (MiniAVPlane){.data_ptr = picture->data + planes[i].offset_bytes,
                                                 .width = planes[i].width,
                                                 .height = planes[i].height,
                                                 .stride_bytes = planes[i].stride_bytes,
                                                 .size_bytes = (uint32_t)planes[i].size_bytes};
    CHECK(planes[i].stride_bytes % 64 == 0 && planes[i].stride_bytes > planes[i].row_bytes);
    CHECK(planes[i].offset_bytes + planes[i].size_bytes <= pattern_bytes(picture->pattern));
  }
  return true;
}

static void picture_destroy(struct picture *picture) {
  pattern_destroy(picture->pattern);
  free(picture->data);
}

static void paint(struct picture *picture, uint64_t counter) {
  pattern_paint(picture->pattern, picture->data, &picture->marks, counter,
                (int64_t)(counter * 16667 + 1234567890123));
}

static const uint8_t *pixel(const struct picture *picture, uint32_t plane, uint32_t x, uint32_t y,
                            uint32_t bytes) {
  const MiniAVPlane *is = &picture->buffer.data.video.planes[plane];
  return (const uint8_t *)is->data_ptr + (size_t)y * is->stride_bytes + (size_t)x * bytes;
}

/* Shapes agree with what the library believes; the strip says what was painted. */
static void test_strips(void) {
  static const uint32_t sizes[][2] = {{320, 240}, {640, 480}, {641, 479}, {321, 65}, {160, 120},
                                      {97, 101},  {41, 9},    {40, 8},    {16, 16},  {39, 50}};
  static const uint64_t counters[] = {0, 1, 77, UINT64_C(0xFEDCBA9876543210), UINT64_MAX};
  for (int format = MINIAV_PIXEL_FORMAT_I420; format <= MINIAV_PIXEL_FORMAT_X2BGR10; format++) {
    for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      struct pattern_plan plan = {
          .format = (MiniAVPixelFormat)format, .width = sizes[s][0], .height = sizes[s][1]};
      struct picture picture;
      if (format == MINIAV_PIXEL_FORMAT_MJPEG || !picture_create(&picture, &plan)) {
        continue;
      }
      CHECK(pixel_buffer_is_sound(&picture.buffer));
      bool readable = strip_cell(plan.width, plan.height) > 0;
      CHECK_EQ(pattern_cell(plan.width, plan.height), strip_cell(plan.width, plan.height));
      for (uint32_t c = 0; c < sizeof counters / sizeof *counters; c++) {
        struct strip strip;
        paint(&picture, counters[c]);
        CHECK_EQ(strip_read(&picture.buffer, &strip), readable);
        if (readable) {
          CHECK_EQ(strip.counter, counters[c]);
          CHECK_EQ(strip.time_us, (int64_t)(counters[c] * 16667 + 1234567890123));
        }
      }
      picture_destroy(&picture);
    }
  }
}

/* A picture that was repainted many times equals one that is painted at once. */
static void test_repainting(void) {
  static const MiniAVPixelFormat formats[] = {
      MINIAV_PIXEL_FORMAT_NV12, MINIAV_PIXEL_FORMAT_I420,  MINIAV_PIXEL_FORMAT_YUY2,
      MINIAV_PIXEL_FORMAT_P010, MINIAV_PIXEL_FORMAT_RGB24, MINIAV_PIXEL_FORMAT_BGRX32};
  static const uint32_t sizes[][2] = {{322, 242}, {181, 77}, {17, 31}, {16, 16}};
  for (uint32_t f = 0; f < sizeof formats / sizeof *formats; f++) {
    for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      struct pattern_plan plan = {.format = formats[f],
                                  .width = sizes[s][0],
                                  .height = sizes[s][1],
                                  .theme = PATTERN_THEME_DISPLAY,
                                  .cursor = true};
      struct picture used, fresh;
      if (!picture_create(&used, &plan) || !picture_create(&fresh, &plan)) {
        return;
      }
      for (uint64_t counter = 0; counter < 400; counter += 3) {
        paint(&used, counter);
        fresh.marks = (struct pattern_marks){0};
        paint(&fresh, counter);
        if (!CHECK(memcmp(used.data, fresh.data, pattern_bytes(used.pattern)) == 0)) {
          break;
        }
      }
      picture_destroy(&used);
      picture_destroy(&fresh);
    }
  }
}

static void check_bytes(const struct picture *picture, uint32_t plane, uint32_t x, uint32_t y,
                        uint32_t bytes, const char *expected) {
  CHECK(memcmp(pixel(picture, plane, x, y, bytes), expected, bytes) == 0);
}

/* The values of the standards, worked out by hand. */
static void test_values(void) {
  struct pattern_plan plan = {.format = MINIAV_PIXEL_FORMAT_NV12, .width = 640, .height = 480};
  struct picture picture;
  if (!picture_create(&picture, &plan)) {
    return;
  }
  paint(&picture, 0);
  /* 75% white, yellow, red at BT.709: Y 180 168 51, Cb 128 44 109, Cr 128 136 212 */
  check_bytes(&picture, 0, 40, 200, 1, "\xB4");
  check_bytes(&picture, 1, 20, 100, 2, "\x80\x80");
  check_bytes(&picture, 0, 120, 200, 1, "\xA8");
  check_bytes(&picture, 1, 60, 100, 2, "\x2C\x88");
  check_bytes(&picture, 0, 440, 200, 1, "\x33");
  check_bytes(&picture, 1, 220, 100, 2, "\x6D\xD4");
  /* The lower quarter is the other way round: black first. */
  check_bytes(&picture, 0, 40, 470, 1, "\x10");
  check_bytes(&picture, 0, 600, 470, 1, "\xB4");
  picture_destroy(&picture);

  static const struct {
    MiniAVPixelFormat format;
    uint32_t bytes;
    const char *yellow;
  } packed[] = {
      {MINIAV_PIXEL_FORMAT_RGB24, 3, "\xBF\xBF\x00"},
      {MINIAV_PIXEL_FORMAT_BGR24, 3, "\x00\xBF\xBF"},
      {MINIAV_PIXEL_FORMAT_RGBA32, 4, "\xBF\xBF\x00\xFF"},
      {MINIAV_PIXEL_FORMAT_BGRA32, 4, "\x00\xBF\xBF\xFF"},
      {MINIAV_PIXEL_FORMAT_ARGB32, 4, "\xFF\xBF\xBF\x00"},
      {MINIAV_PIXEL_FORMAT_ABGR32, 4, "\xFF\x00\xBF\xBF"},
      {MINIAV_PIXEL_FORMAT_RGBX32, 4, "\xBF\xBF\x00\x00"},
      {MINIAV_PIXEL_FORMAT_BGRX32, 4, "\x00\xBF\xBF\x00"},
      {MINIAV_PIXEL_FORMAT_XRGB32, 4, "\x00\xBF\xBF\x00"},
      {MINIAV_PIXEL_FORMAT_XBGR32, 4, "\x00\x00\xBF\xBF"},
      /* 766 of 1023: 0x2FE << 20 | 0x2FE << 10 */
      {MINIAV_PIXEL_FORMAT_X2RGB10, 4, "\x00\xF8\xEB\x2F"},
      {MINIAV_PIXEL_FORMAT_X2BGR10, 4, "\xFE\xFA\x0B\x00"},
      /* 255 × 191 / 255 × (0.2126 + 0.7152) = 177.2 */
      {MINIAV_PIXEL_FORMAT_GRAY8, 1, "\xB1"},
      /* 64 + 876 × 0.6949 = 672.8 → 673 << 6 */
      {MINIAV_PIXEL_FORMAT_P010, 2, "\x40\xA8"},
  };
  for (uint32_t i = 0; i < sizeof packed / sizeof *packed; i++) {
    plan.format = packed[i].format;
    if (picture_create(&picture, &plan)) {
      paint(&picture, 0);
      check_bytes(&picture, 0, 120, 200, packed[i].bytes, packed[i].yellow);
      picture_destroy(&picture);
    }
  }
}

/* The box is where it is said to be and nowhere else; padding is never touched. */
static void test_box(void) {
  struct pattern_plan plan = {.format = MINIAV_PIXEL_FORMAT_BGRA32, .width = 200, .height = 120};
  struct picture picture;
  if (!picture_create(&picture, &plan)) {
    return;
  }
  uint32_t stride = picture.buffer.data.video.planes[0].stride_bytes;
  for (uint64_t counter = 0; counter < 300; counter += 7) {
    paint(&picture, counter);
    MiniAVRect box = pattern_box(picture.pattern, counter);
    uint32_t inside = 0;
    uint32_t all = 0;
    bool padding_is_right = true;
    for (uint32_t y = 0; y < plan.height; y++) {
      for (uint32_t x = 0; x < plan.width; x++) {
        bool is_box = memcmp(pixel(&picture, 0, x, y, 4), "\x00\x80\xFF\xFF", 4) == 0;
        bool is_within = (int32_t)x >= box.x && (int32_t)x < box.x + box.width &&
                         (int32_t)y >= box.y && (int32_t)y < box.y + box.height;
        all += is_box;
        inside += is_box && is_within;
      }
      for (uint32_t x = plan.width * 4; x < stride; x++) {
        padding_is_right = padding_is_right && pixel(&picture, 0, 0, y, 4)[x] == 0xA5;
      }
    }
    CHECK_EQ(inside, box.width * box.height);
    CHECK_EQ(all, inside);
    CHECK(padding_is_right);
  }
  picture_destroy(&picture);
}

/* A region shows the same bars and the same box as the canvas does in that place. */
static void test_region(void) {
  struct pattern_plan whole = {.format = MINIAV_PIXEL_FORMAT_BGRX32, .width = 640, .height = 480};
  struct pattern_plan part = whole;
  part.canvas_width = whole.width;
  part.canvas_height = whole.height;
  part.width = 333;
  part.height = 222;
  part.origin_x = 101;
  part.origin_y = 203;
  struct picture canvas, region;
  if (!picture_create(&canvas, &whole) || !picture_create(&region, &part)) {
    return;
  }
  for (uint64_t counter = 0; counter < 500; counter += 9) {
    struct strip strip;
    paint(&canvas, counter);
    paint(&region, counter);
    CHECK(strip_read(&region.buffer, &strip) && strip.counter == counter);
    uint32_t strip_height = (uint32_t)pattern_strip(region.pattern).height;
    bool equal = true;
    for (uint32_t y = strip_height; y < part.height; y++) {
      equal = equal && memcmp(pixel(&region, 0, 0, y, 4),
                              pixel(&canvas, 0, part.origin_x, part.origin_y + y, 4),
                              (size_t)part.width * 4) == 0;
    }
    CHECK(equal);
  }
  picture_destroy(&canvas);
  picture_destroy(&region);
}

static void test_refusals(void) {
  struct pattern_plan plan = {.format = MINIAV_PIXEL_FORMAT_H264, .width = 64, .height = 64};
  CHECK(pattern_create(&plan) == NULL);
  CHECK(!pattern_format_supported(MINIAV_PIXEL_FORMAT_UNKNOWN));
  CHECK(pattern_format_supported(MINIAV_PIXEL_FORMAT_MJPEG));
  CHECK(pattern_format_subsampled(MINIAV_PIXEL_FORMAT_YUY2));
  CHECK(!pattern_format_subsampled(MINIAV_PIXEL_FORMAT_RGB24));
}

int main(void) {
  test_strips();
  test_repainting();
  test_values();
  test_box();
  test_region();
  test_refusals();
  return check_report("pattern");
}
