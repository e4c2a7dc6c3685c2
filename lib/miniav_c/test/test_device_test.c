/* The test devices through the public functions: what they deliver is exactly what they promise. */
#include "miniav.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/device.h"

#define AMPLITUDE 0.25118864315095801
#define TWO_PI    6.28318530717958647693

/* ---- lists ------------------------------------------------------------------------------------
 */

static bool lists(const MiniAVDeviceInfo *devices, uint32_t count, const char *id) {
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(devices[i].device_id, id) == 0) {
      return (devices[i].flags & MINIAV_DEVICE_FLAG_TEST) != 0;
    }
  }
  return false;
}

static bool lists_camera(const char *id) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  CHECK_EQ(MiniAV_Camera_EnumerateDevices(&devices, &count), MINIAV_SUCCESS);
  bool found = lists(devices, count, id);
  MiniAV_FreeDeviceList(devices, count);
  return found;
}

static void test_switch(void) {
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_EnableTestDevices(2), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_EnableTestDevices(0), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_EnableTestDevices(1), MINIAV_SUCCESS);
}

static void test_lists(void) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  CHECK(lists_camera("test:bars") && lists_camera("test:bars2") && lists_camera("test:flood"));
  CHECK_EQ(MiniAV_Audio_EnumerateDevices(&devices, &count), MINIAV_SUCCESS);
  CHECK(lists(devices, count, "test:tone") && lists(devices, count, "test:tone2"));
  MiniAV_FreeDeviceList(devices, count);
  CHECK_EQ(MiniAV_Screen_EnumerateDisplays(&devices, &count), MINIAV_SUCCESS);
  CHECK(lists(devices, count, "test:display") && !lists(devices, count, "test:window"));
  MiniAV_FreeDeviceList(devices, count);
  CHECK_EQ(MiniAV_Screen_EnumerateWindows(&devices, &count), MINIAV_SUCCESS);
  CHECK(!lists(devices, count, "test:display") && lists(devices, count, "test:window"));
  MiniAV_FreeDeviceList(devices, count);
  CHECK_EQ(MiniAV_Loopback_EnumerateTargets(MINIAV_LOOPBACK_TARGET_NONE, &devices, &count),
           MINIAV_SUCCESS);
  CHECK(lists(devices, count, "test:system") && lists(devices, count, "test:process"));
  MiniAV_FreeDeviceList(devices, count);
  CHECK_EQ(MiniAV_Loopback_EnumerateTargets(MINIAV_LOOPBACK_TARGET_PROCESS, &devices, &count),
           MINIAV_SUCCESS);
  CHECK(!lists(devices, count, "test:system") && lists(devices, count, "test:process"));
  MiniAV_FreeDeviceList(devices, count);
}

/* What is listed can be configured, and the default is the first. */
static void test_formats(void) {
  static const char *const ids[] = {"test:bars", "test:flood"};
  for (uint32_t i = 0; i < 2; i++) {
    MiniAVVideoInfo *formats = NULL;
    MiniAVVideoInfo standard, got;
    uint32_t count = 0;
    MiniAVCameraContextHandle context = NULL;
    CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_GetSupportedFormats(ids[i], &formats, &count), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_GetDefaultFormat(ids[i], &standard), MINIAV_SUCCESS);
    CHECK(count > 0 && memcmp(&formats[0], &standard, sizeof standard) == 0);
    for (uint32_t f = 0; f < count; f++) {
      CHECK_EQ(MiniAV_Camera_Configure(context, ids[i], &formats[f]), MINIAV_SUCCESS);
      CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &got), MINIAV_SUCCESS);
      CHECK(memcmp(&got, &formats[f], sizeof got) == 0);
    }
    MiniAV_FreeFormatList(formats, count);
    CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  }
  static const MiniAVVideoInfo wrong[] = {
      {.width = 15, .height = 64},
      {.width = 7681, .height = 64},
      {.width = 64, .height = 4321},
      {.pixel_format = MINIAV_PIXEL_FORMAT_H264},
      {.frame_rate_numerator = 241, .frame_rate_denominator = 1}};
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &wrong[i]),
             MINIAV_ERROR_FORMAT_NOT_SUPPORTED);
  }
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* ---- pictures ---------------------------------------------------------------------------------
 */

static void test_pixel_formats(void) {
  for (int format = MINIAV_PIXEL_FORMAT_I420; format <= MINIAV_PIXEL_FORMAT_X2BGR10; format++) {
    MiniAVVideoInfo wanted = video(321, 241, (MiniAVPixelFormat)format, 240);
    MiniAVCameraContextHandle context = camera("test:bars", &wanted);
    MiniAVBuffer buffer;
    for (uint32_t i = 0; i < 3 && next(context, &buffer); i++) {
      const MiniAVPlane *plane = &buffer.data.video.planes[0];
      const uint8_t *data = plane->data_ptr;
      CHECK_EQ(buffer.data.video.info.pixel_format, format);
      CHECK_EQ(buffer.duration_us, 4166);
      CHECK(buffer.color_range != MINIAV_COLOR_RANGE_UNKNOWN && buffer.color_primaries == 1);
      if (format == MINIAV_PIXEL_FORMAT_MJPEG) {
        CHECK(data[0] == 0xFF && data[1] == 0xD8 && data[plane->size_bytes - 1] == 0xD9);
        CHECK(plane->stride_bytes == 0 && buffer.data_size_bytes == plane->size_bytes);
      } else {
        check_strip(&buffer);
        CHECK(plane->stride_bytes % 64 == 0);
      }
      release(&buffer);
    }
    CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  }
}

/* Any size, the largest too; no strip fits the smallest. */
static void test_sizes(void) {
  static const uint32_t sizes[][2] = {{16, 16}, {7680, 4320}, {1919, 17}, {40, 8 + 8}, {639, 481}};
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    MiniAVVideoInfo wanted = video(sizes[i][0], sizes[i][1], MINIAV_PIXEL_FORMAT_NV12, 30);
    MiniAVCameraContextHandle context = camera("test:bars", &wanted);
    MiniAVBuffer buffer;
    if (next(context, &buffer)) {
      CHECK(buffer.data.video.info.width == sizes[i][0] &&
            buffer.data.video.info.height == sizes[i][1]);
      if (strip_cell(sizes[i][0], sizes[i][1]) > 0) {
        check_strip(&buffer);
      }
      release(&buffer);
    }
    CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  }
}

/* Frame n is of start + n / rate, in whole microseconds, for rates that do not divide a second. */
static void test_times(void) {
  MiniAVVideoInfo wanted = {.width = 64,
                            .height = 48,
                            .pixel_format = MINIAV_PIXEL_FORMAT_GRAY8,
                            .frame_rate_numerator = 240000,
                            .frame_rate_denominator = 1001};
  MiniAVCameraContextHandle context = camera("test:bars", &wanted);
  MiniAVBuffer buffer;
  int64_t start_us = 0;
  int64_t now_us = 0;
  for (uint32_t i = 0; i < 120 && next(context, &buffer); i++) {
    MiniAV_GetTime(&now_us);
    start_us =
        i == 0 ? buffer.timestamp_us - (int64_t)(buffer.sequence * 1001000000 / 240000) : start_us;
    CHECK_EQ(buffer.timestamp_us, start_us + (int64_t)(buffer.sequence * 1001000000 / 240000));
    CHECK(buffer.timestamp_us <= now_us);
    check_strip(&buffer);
    release(&buffer);
  }
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* As fast as it can; what nobody takes is dropped and counted, and the numbers add up. */
static void test_flood(void) {
  MiniAVCameraContextHandle context = camera("test:flood", NULL);
  MiniAVBuffer held[16];
  MiniAVCaptureStats stats;
  for (uint32_t i = 0; i < 16 && next(context, &held[i]); i++) {
    check_strip(&held[i]);
  }
  do {
    CHECK_EQ(MiniAV_Camera_GetStats(context, &stats), MINIAV_SUCCESS);
  } while (stats.dropped_buffers_held < 5);
  for (uint32_t i = 0; i < 16; i++) {
    check_strip(&held[i]); /* untouched while it is held */
    release(&held[i]);
  }
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < 1000 && next(context, &buffer); i++) {
    check_strip(&buffer);
    release(&buffer);
  }
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_GetStats(context, &stats), MINIAV_SUCCESS);
  CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
  CHECK_EQ(stats.delivered, 1016);
  CHECK_EQ(stats.outstanding, 0);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* ---- sound ------------------------------------------------------------------------------------
 */

static double sample_at(const MiniAVBuffer *buffer, uint32_t index) {
  const uint8_t *data = buffer->data.audio.data;
  int16_t s16;
  int32_t s32;
  float f32;
  switch (buffer->data.audio.format) {
  case MINIAV_AUDIO_FORMAT_U8:
    return (data[index] - 128) / 128.0;
  case MINIAV_AUDIO_FORMAT_S16:
    memcpy(&s16, data + 2 * (size_t)index, 2);
    return s16 / 32768.0;
  case MINIAV_AUDIO_FORMAT_S24:
    s32 = data[3 * index] | data[3 * index + 1] << 8 | data[3 * index + 2] << 16;
    return (s32 >= 1 << 23 ? s32 - (1 << 24) : s32) / 8388608.0;
  case MINIAV_AUDIO_FORMAT_S32:
    memcpy(&s32, data + 4 * (size_t)index, 4);
    return s32 / 2147483648.0;
  default:
    memcpy(&f32, data + 4 * (size_t)index, 4);
    return (double)f32;
  }
}

static double sine_at(uint32_t frequency_hz, uint64_t sample, uint32_t rate) {
  return AMPLITUDE * sin(TWO_PI * (double)(frequency_hz * sample % rate) / rate);
}

/* The largest deviation of a buffer from sines of a × (channel + 1) and b hertz. */
static double deviation(const MiniAVBuffer *buffer, uint32_t a, bool by_channel, uint32_t b,
                        double gain) {
  double largest = 0.0;
  uint32_t frames = buffer->data.audio.frame_count;
  uint32_t channels = buffer->data.audio.channel_count;
  for (uint32_t i = 0; i < frames * channels; i++) {
    uint64_t sample = buffer->sequence * frames + i / channels;
    uint32_t frequency = by_channel ? a * (i % channels + 1) : a;
    double expected =
        frequency * 2 < buffer->sample_rate ? sine_at(frequency, sample, buffer->sample_rate) : 0.0;
    expected = gain * (expected + (b == 0 ? 0.0 : sine_at(b, sample, buffer->sample_rate)));
    double difference = fabs(sample_at(buffer, i) - expected);
    largest = difference > largest ? difference : largest;
  }
  return largest;
}

static double step_of(MiniAVAudioFormat format) {
  return format == MINIAV_AUDIO_FORMAT_U8    ? 1.0 / 128
         : format == MINIAV_AUDIO_FORMAT_S16 ? 1.0 / 32768
                                             : 1e-7;
}

/* Any format at any rate; chunk k is of start + k × frames / rate. */
static void test_sound_formats(void) {
  static const MiniAVAudioInfo infos[] = {
      {48000, 2, MINIAV_AUDIO_FORMAT_F32},  {44100, 1, MINIAV_AUDIO_FORMAT_S16},
      {192000, 8, MINIAV_AUDIO_FORMAT_S32}, {8000, 8, MINIAV_AUDIO_FORMAT_U8},
      {11025, 3, MINIAV_AUDIO_FORMAT_S24},  {96001, 5, MINIAV_AUDIO_FORMAT_F32}};
  for (uint32_t i = 0; i < sizeof infos / sizeof *infos; i++) {
    MiniAVAudioContextHandle context = NULL;
    MiniAVAudioInfo got;
    MiniAVBuffer buffer;
    int64_t start_us = 0;
    CHECK_EQ(MiniAV_Audio_CreateContext(&context), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Audio_Configure(context, "test:tone", &infos[i]), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Audio_GetConfiguredFormat(context, &got), MINIAV_SUCCESS);
    CHECK(memcmp(&got, &infos[i], sizeof got) == 0);
    CHECK_EQ(MiniAV_Audio_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
    for (uint32_t k = 0; k < 12 && next(context, &buffer); k++) {
      uint64_t sample = buffer.sequence * buffer.data.audio.frame_count;
      int64_t offset_us = (int64_t)(sample * 1000000 / infos[i].sample_rate);
      start_us = k == 0 ? buffer.timestamp_us - offset_us : start_us;
      CHECK_EQ(buffer.timestamp_us, start_us + offset_us);
      CHECK_EQ(buffer.sample_rate, infos[i].sample_rate);
      CHECK_EQ(buffer.data.audio.frame_count, (infos[i].sample_rate + 50) / 100);
      CHECK_EQ(buffer.flags & MINIAV_BUFFER_FLAG_CONVERTED, 0);
      CHECK(deviation(&buffer, 1000, true, 0, 1.0) <= step_of(infos[i].format));
      release(&buffer);
    }
    CHECK_EQ(MiniAV_Audio_DestroyContext(context), MINIAV_SUCCESS);
  }
}

static void set_number(MiniAVAudioContextHandle context, double number) {
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_NUMBER, .value = {.number = number}};
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_AUDIO_GAIN, &value), MINIAV_SUCCESS);
}

static void test_sound_settings(void) {
  MiniAVAudioContextHandle context = NULL;
  MiniAVBuffer buffer;
  MiniAVPropertyValue chunk = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 2500}};
  CHECK_EQ(MiniAV_Audio_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_CHUNK_DURATION, &chunk),
           MINIAV_SUCCESS);
  set_number(context, 0.5);
  CHECK_EQ(MiniAV_Audio_Configure(context, "test:tone2", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  for (uint32_t k = 0; k < 4 && next(context, &buffer); k++) {
    CHECK_EQ(buffer.data.audio.frame_count, 120);
    CHECK_EQ(buffer.duration_us, 2500);
    CHECK(deviation(&buffer, 600, true, 0, 0.5) < 1e-6);
    release(&buffer);
  }
  CHECK_EQ(MiniAV_Audio_DestroyContext(context), MINIAV_SUCCESS);
}

/* ---- loopback ---------------------------------------------------------------------------------
 */

static void check_loopback(MiniAVLoopbackContextHandle context, uint32_t a, uint32_t b) {
  MiniAVBuffer buffer;
  CHECK_EQ(MiniAV_Loopback_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  for (uint32_t k = 0; k < 3 && next(context, &buffer); k++) {
    CHECK(deviation(&buffer, a, false, b, a == 0 ? 0.0 : 1.0) < 1e-6);
    CHECK_EQ((buffer.flags & MINIAV_BUFFER_FLAG_SILENT) != 0, a == 0);
    release(&buffer);
  }
  CHECK_EQ(MiniAV_Loopback_DestroyContext(context), MINIAV_SUCCESS);
}

static MiniAVLoopbackContextHandle loopback(void) {
  MiniAVLoopbackContextHandle context = NULL;
  CHECK_EQ(MiniAV_Loopback_CreateContext(&context), MINIAV_SUCCESS);
  return context;
}

static void check_targets(const MiniAVLoopbackTarget *targets, uint32_t count,
                          MiniAVLoopbackMode mode, uint32_t a, uint32_t b) {
  MiniAVLoopbackContextHandle context = loopback();
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, targets, count, mode, NULL),
           MINIAV_SUCCESS);
  check_loopback(context, a, b);
}

static void test_loopback(void) {
  static const struct {
    const char *id;
    uint32_t frequency_hz;
  } ids[] = {{"test:system", 440}, {"test:process", 880}, {"test:window", 880}};
  for (uint32_t i = 0; i < 3; i++) {
    MiniAVLoopbackContextHandle context = loopback();
    CHECK_EQ(MiniAV_Loopback_Configure(context, ids[i].id, NULL), MINIAV_SUCCESS);
    check_loopback(context, ids[i].frequency_hz, 0);
  }
}

/* Targets name no backend: these answer when no real loopback serves this machine. */
static void test_loopback_targets(void) {
  MiniAVLoopbackTarget process = {.type = MINIAV_LOOPBACK_TARGET_PROCESS, .process_id = 4242};
  MiniAVLoopbackTarget name = {.type = MINIAV_LOOPBACK_TARGET_NAME, .name = "Test-Player"};
  MiniAVLoopbackTarget both[] = {{.type = MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO}, process};
  MiniAVLoopbackTarget nobody = {.type = MINIAV_LOOPBACK_TARGET_PROCESS, .process_id = 4241};
  check_targets(&process, 1, MINIAV_LOOPBACK_MODE_INCLUDE, 880, 0);
  check_targets(&name, 1, MINIAV_LOOPBACK_MODE_INCLUDE, 880, 0);
  check_targets(&name, 1, MINIAV_LOOPBACK_MODE_EXCLUDE, 440, 0);
  check_targets(both, 2, MINIAV_LOOPBACK_MODE_INCLUDE, 440, 880);
  MiniAVLoopbackContextHandle context = loopback();
  CHECK_EQ(
      MiniAV_Loopback_ConfigureWithTargets(context, &nobody, 1, MINIAV_LOOPBACK_MODE_INCLUDE, NULL),
      MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(
      MiniAV_Loopback_ConfigureWithTargets(context, both, 1, MINIAV_LOOPBACK_MODE_EXCLUDE, NULL),
      MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_Loopback_DestroyContext(context), MINIAV_SUCCESS);
  nobody.flags = MINIAV_LOOPBACK_FLAG_WAIT;
  check_targets(&nobody, 1, MINIAV_LOOPBACK_MODE_INCLUDE, 0, 0);
}

int main(void) {
  use_test_backends();
  test_switch();
  test_lists();
  test_formats();
  test_pixel_formats();
  test_sizes();
  test_times();
  test_flood();
  test_sound_formats();
  test_sound_settings();
  test_loopback();
  test_loopback_targets();
  return check_report("test_device");
}
