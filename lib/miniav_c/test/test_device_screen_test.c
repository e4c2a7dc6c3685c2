/* The test screen: damage, pointer, region, window, frame-rate limit, sound on the same clock. */
#include <math.h>
#include <string.h>

#include "support/device.h"
#include "test_device/pattern.h"

static MiniAVScreenContextHandle screen(void) {
  MiniAVScreenContextHandle context = NULL;
  CHECK_EQ(MiniAV_Screen_CreateContext(&context), MINIAV_SUCCESS);
  return context;
}

static void start(MiniAVScreenContextHandle context, const MiniAVAudioInfo *audio) {
  CHECK_EQ(MiniAV_Screen_StartCapture(context, NULL, NULL, audio), MINIAV_SUCCESS);
}

static void destroy(MiniAVScreenContextHandle context) {
  CHECK_EQ(MiniAV_Screen_DestroyContext(context), MINIAV_SUCCESS);
}

static void set(MiniAVScreenContextHandle context, MiniAVPropertyKey key,
                const MiniAVPropertyValue *value, MiniAVResultCode expected) {
  CHECK_EQ(MiniAV_Screen_SetProperty(context, key, value), expected);
}

static void set_cursor(MiniAVScreenContextHandle context, MiniAVCursorMode mode) {
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_ENUM, .value = {.integer = mode}};
  set(context, MINIAV_PROPERTY_CURSOR_MODE, &value, MINIAV_SUCCESS);
}

static bool is_within(const MiniAVFrameMetadata *metadata, int32_t x, int32_t y) {
  for (uint32_t i = 0; i < metadata->damage_count; i++) {
    const MiniAVRect *area = &metadata->damage[i];
    if (x >= area->x && x < area->x + area->width && y >= area->y && y < area->y + area->height) {
      return true;
    }
  }
  return false;
}

/* Every pixel that differs from the frame before lies in a damaged rectangle. */
static void test_damage(void) {
  static uint8_t before[640 * 480 * 4], now[640 * 480 * 4];
  MiniAVScreenContextHandle context = screen();
  MiniAVVideoInfo wanted = video(640, 480, MINIAV_PIXEL_FORMAT_BGRA32, 120);
  CHECK_EQ(MiniAV_Screen_ConfigureDisplay(context, "test:display", &wanted), MINIAV_SUCCESS);
  start(context, NULL);
  MiniAVBuffer buffer;
  uint64_t last = 0;
  for (uint32_t i = 0; i < 20 && next(context, &buffer); i++) {
    CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, now, sizeof now, NULL), MINIAV_SUCCESS);
    check_strip(&buffer);
    bool follows = i > 0 && buffer.sequence == last + 1;
    CHECK(buffer.metadata != NULL && (buffer.metadata->flags & MINIAV_METADATA_DAMAGE) != 0);
    uint32_t outside = 0;
    uint32_t changed = 0;
    for (int32_t p = 0; follows && p < 640 * 480; p++) {
      bool differs = memcmp(now + 4 * p, before + 4 * p, 4) != 0;
      changed += differs;
      outside += differs && !is_within(buffer.metadata, p % 640, p / 640);
    }
    CHECK_EQ(outside, 0);
    CHECK(!follows || changed > 0);
    if (buffer.sequence == 0) {
      CHECK_EQ(buffer.metadata->damage[0].width, 640);
      CHECK_EQ(buffer.metadata->damage_count, 1);
    }
    last = buffer.sequence;
    memcpy(before, now, sizeof now);
    release(&buffer);
  }
  destroy(context);
}

static bool is_pixel(const MiniAVBuffer *buffer, int32_t x, int32_t y, const char *bgra) {
  const MiniAVPlane *plane = &buffer->data.video.planes[0];
  const uint8_t *row = (const uint8_t *)plane->data_ptr + (size_t)y * plane->stride_bytes;
  return memcmp(row + 4 * (size_t)x, bgra, 4) == 0;
}

/* The arrow is where the metadata say, and in the picture only when it is embedded. */
static void test_cursor(void) {
  MiniAVVideoInfo wanted = video(640, 480, MINIAV_PIXEL_FORMAT_BGRA32, 120);
  MiniAVScreenContextHandle context = screen();
  set_cursor(context, MINIAV_CURSOR_MODE_METADATA);
  CHECK_EQ(MiniAV_Screen_ConfigureDisplay(context, NULL, &wanted), MINIAV_SUCCESS);
  start(context, NULL);
  MiniAVBuffer buffer;
  MiniAVFrameMetadata metadata = {0};
  uint8_t pixels[16 * 16 * 4];
  struct pattern_plan plan = {.format = MINIAV_PIXEL_FORMAT_BGRA32, .width = 640, .height = 480};
  struct pattern *pattern = pattern_create(&plan);
  if (next(context, &buffer)) {
    CHECK_EQ(MiniAV_CopyMetadata(buffer.internal_handle, &metadata), MINIAV_SUCCESS);
    int32_t x, y;
    struct strip strip;
    CHECK(strip_read(&buffer, &strip));
    pattern_cursor_position(pattern, strip.counter, &x, &y);
    CHECK(metadata.cursor_x == x && metadata.cursor_y == y && metadata.cursor_visible == 1);
    CHECK((metadata.flags & MINIAV_METADATA_CURSOR) != 0);
    CHECK((metadata.flags & MINIAV_METADATA_CURSOR_PIXELS) != 0 && metadata.cursor_width == 16);
    CHECK_EQ(MiniAV_CopyCursorPixels(buffer.internal_handle, pixels, sizeof pixels),
             MINIAV_SUCCESS);
    CHECK(memcmp(pixels, "\x00\x00\x00\xFF", 4) == 0);          /* the tip is black */
    CHECK(memcmp(pixels + 4 * 15, "\x00\x00\x00\x00", 4) == 0); /* right of it nothing */
    CHECK(!is_pixel(&buffer, metadata.cursor_x, metadata.cursor_y + 8, "\x00\x00\x00\xFF"));
    release(&buffer);
  }
  CHECK_EQ(MiniAV_Screen_StopCapture(context), MINIAV_SUCCESS);
  for (int mode = MINIAV_CURSOR_MODE_HIDDEN; mode <= MINIAV_CURSOR_MODE_EMBEDDED; mode++) {
    set_cursor(context, (MiniAVCursorMode)mode);
    start(context, NULL);
    if (next(context, &buffer)) {
      struct strip strip;
      int32_t x, y;
      CHECK(strip_read(&buffer, &strip));
      pattern_cursor_position(pattern, strip.counter, &x, &y);
      bool is_painted = is_pixel(&buffer, x, y + 8, "\x00\x00\x00\xFF");
      CHECK_EQ(is_painted, mode == MINIAV_CURSOR_MODE_EMBEDDED);
      CHECK_EQ(buffer.metadata->flags & MINIAV_METADATA_CURSOR, 0);
      release(&buffer);
    }
    CHECK_EQ(MiniAV_Screen_StopCapture(context), MINIAV_SUCCESS);
  }
  pattern_destroy(pattern);
  destroy(context);
}

static void test_region(void) {
  MiniAVScreenContextHandle context = screen();
  MiniAVVideoInfo nv12 = {.pixel_format = MINIAV_PIXEL_FORMAT_NV12};
  static const MiniAVRect wrong[] = {{0, 0, 1921, 10},    {1, 0, 1920, 10},  {-1, 0, 10, 10},
                                     {0, 0, 0, 10},       {0, 1000, 10, 81}, {0, 0, INT32_MAX, 1},
                                     {INT32_MAX, 0, 1, 1}};
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, "test:display", wrong[i].x, wrong[i].y,
                                           wrong[i].width, wrong[i].height, NULL),
             MINIAV_ERROR_INVALID_ARG);
  }
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, "test:display", 3, 2, 400, 300, &nv12),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, "test:window", 0, 0, 400, 300, NULL),
           MINIAV_ERROR_DEVICE_NOT_FOUND);
  /* The display's second bar (white) begins at 240, its third at 480. */
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, "test:display", 201, 101, 333, 222, NULL),
           MINIAV_SUCCESS);
  start(context, NULL);
  MiniAVBuffer buffer;
  if (next(context, &buffer)) {
    CHECK(buffer.data.video.info.width == 333 && buffer.data.video.info.height == 222);
    check_strip(&buffer);
    CHECK(is_pixel(&buffer, 38, 200, "\xBF\x00\x00\x00"));
    CHECK(is_pixel(&buffer, 39, 200, "\xBF\xBF\xBF\x00"));
    CHECK(is_pixel(&buffer, 279, 200, "\x00\xBF\xBF\x00"));
    release(&buffer);
  }
  /* It moves while it runs, and grows: another format. */
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_RECTANGLE,
                               .value = {.rectangle = {441, 101, 640, 480}}};
  set(context, MINIAV_PROPERTY_REGION, &value, MINIAV_SUCCESS);
  while (next(context, &buffer) && buffer.data.video.info.width == 333) {
    release(&buffer);
  }
  CHECK((buffer.flags & MINIAV_BUFFER_FLAG_FORMAT_CHANGED) != 0);
  CHECK(buffer.data.video.info.width == 640);
  CHECK(is_pixel(&buffer, 38, 200, "\xBF\xBF\xBF\x00"));
  CHECK(is_pixel(&buffer, 39, 200, "\x00\xBF\xBF\x00"));
  release(&buffer);
  value.value.rectangle.x = 1900;
  set(context, MINIAV_PROPERTY_REGION, &value, MINIAV_ERROR_INVALID_ARG);
  destroy(context);
}

static void test_window(void) {
  MiniAVScreenContextHandle context = screen();
  MiniAVVideoInfo got;
  CHECK_EQ(MiniAV_Screen_ConfigureWindow(context, "test:display", NULL),
           MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Screen_ConfigureDisplay(context, "test:window", NULL),
           MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Screen_ConfigureWindow(context, "test:window", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_GetConfiguredFormats(context, &got, NULL, NULL), MINIAV_SUCCESS);
  CHECK(got.width == 640 && got.height == 480 && got.pixel_format == MINIAV_PIXEL_FORMAT_BGRX32);
  start(context, NULL);
  MiniAVBuffer buffer;
  if (next(context, &buffer)) {
    check_strip(&buffer);
    release(&buffer);
  }
  destroy(context);
}

static void test_rate_limit(void) {
  MiniAVScreenContextHandle context = screen();
  MiniAVVideoInfo got;
  MiniAVPropertyValue limit = {.type = MINIAV_PROPERTY_TYPE_NUMBER, .value = {.number = 12.5}};
  set(context, MINIAV_PROPERTY_FRAME_RATE_LIMIT, &limit, MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_ConfigureWindow(context, "test:window", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_GetConfiguredFormats(context, &got, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(got.frame_rate_numerator * 2, got.frame_rate_denominator * 25);
  start(context, NULL);
  MiniAVBuffer buffer;
  int64_t last_us = 0;
  for (uint32_t i = 0; i < 3 && next(context, &buffer); i++) {
    CHECK(i == 0 || (buffer.timestamp_us - last_us) % 80000 == 0);
    last_us = buffer.timestamp_us;
    release(&buffer);
  }
  limit.value.number = 0;
  set(context, MINIAV_PROPERTY_FRAME_RATE_LIMIT, &limit, MINIAV_SUCCESS);
  while (next(context, &buffer) && buffer.duration_us == 80000) {
    release(&buffer);
  }
  CHECK_EQ(buffer.duration_us, 16666);
  release(&buffer);
  destroy(context);
}

/* Which of the two tones a buffer is full of: the power at each frequency. */
static double power_at(const MiniAVBuffer *buffer, double frequency_hz) {
  const float *samples = buffer->data.audio.data;
  double in_phase = 0.0, quadrature = 0.0;
  for (uint32_t i = 0; i < buffer->data.audio.frame_count; i++) {
    double angle = 6.283185307179586 * frequency_hz * i / buffer->sample_rate;
    double sample = (double)samples[i * buffer->data.audio.channel_count];
    in_phase += sample * sin(angle);
    quadrature += sample * cos(angle);
  }
  return in_phase * in_phase + quadrature * quadrature;
}

static void check_sound(MiniAVScreenContextHandle context, bool of_system) {
  MiniAVAudioInfo wanted = {.sample_rate = 48000}, got;
  MiniAVResultCode audio_result = MINIAV_ERROR_UNKNOWN;
  start(context, &wanted);
  CHECK_EQ(MiniAV_Screen_GetConfiguredFormats(context, &(MiniAVVideoInfo){0}, &got, &audio_result),
           MINIAV_SUCCESS);
  CHECK_EQ(audio_result, MINIAV_SUCCESS);
  CHECK(got.sample_rate == 48000 && got.format == MINIAV_AUDIO_FORMAT_F32);
  MiniAVBuffer buffer;
  int64_t sound_us = 0, start_us = 0;
  while ((sound_us == 0 || start_us == 0) && next(context, &buffer)) {
    if (buffer.type == MINIAV_BUFFER_TYPE_AUDIO) {
      bool is_system = power_at(&buffer, 440) > power_at(&buffer, 880);
      CHECK_EQ(is_system, of_system);
      sound_us = sound_us == 0 ? buffer.timestamp_us : sound_us;
    } else {
      struct strip strip;
      CHECK(strip_read(&buffer, &strip));
      start_us = strip.time_us - (int64_t)(strip.counter * 1000000 / 60);
    }
    release(&buffer);
  }
  CHECK_EQ((sound_us - start_us) % 10000, 0); /* one clock, one beginning, chunks of 10 ms */
  CHECK_EQ(MiniAV_Screen_StopCapture(context), MINIAV_SUCCESS);
}

static void test_sound(void) {
  MiniAVScreenContextHandle context = screen();
  MiniAVResultCode audio_result = MINIAV_SUCCESS;
  CHECK_EQ(MiniAV_Screen_ConfigureDisplay(context, "test:display", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_GetConfiguredFormats(context, &(MiniAVVideoInfo){0}, NULL, &audio_result),
           MINIAV_SUCCESS);
  CHECK_EQ(audio_result, MINIAV_ERROR_NO_BUFFER);
  check_sound(context, true);
  CHECK_EQ(MiniAV_Screen_ConfigureWindow(context, "test:window", NULL), MINIAV_SUCCESS);
  check_sound(context, false);
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_ENUM,
                               .value = {.integer = MINIAV_SCREEN_AUDIO_SOURCE_SYSTEM}};
  set(context, MINIAV_PROPERTY_AUDIO_SOURCE, &value, MINIAV_SUCCESS);
  check_sound(context, true);
  destroy(context);
}

/* A token that could not be sent to a portal is refused at once. */
static void test_token(void) {
  MiniAVScreenContextHandle context = screen();
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_TEXT, .value = {.text = "t\xc3\xa9"}};
  set(context, MINIAV_PROPERTY_RESTORE_TOKEN, &value, MINIAV_SUCCESS);
  value.value.text[2] = 0; /* the sequence is cut */
  set(context, MINIAV_PROPERTY_RESTORE_TOKEN, &value, MINIAV_ERROR_INVALID_ARG);
  destroy(context);
}

int main(void) {
  use_test_backends();
  test_damage();
  test_cursor();
  test_region();
  test_window();
  test_rate_limit();
  test_sound();
  test_token();
  return check_report("test_device_screen");
}
