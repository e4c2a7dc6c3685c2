/* A screen whose sound the library adds: whose sound, why there is none, its loss and its changes
 * beside a picture that goes on. */
#include <stdlib.h>

#include "support/screen_sound.h"
#include "support/threads.h"
#include "support/tone.h"

/* ---- whose sound ------------------------------------------------------------------------------
 */

/* That sine and nothing else. */
static void check_tone(const MiniAVBuffer *buffer, double frequency_hz) {
  struct tone_fit fit =
      tone_measure(buffer->data.audio.data, buffer->data.audio.channel_count, 0,
                   buffer->data.audio.frame_count, frequency_hz, buffer->sample_rate);
  CHECK(fit.amplitude > 0.01 && fit.residual < 0.01 * fit.amplitude);
}

/* Pictures and sound of one capture, those captured first before the others. */
static void check_both(const struct bench *bench, double frequency_hz) {
  MiniAVAudioInfo got;
  int64_t begun_us;
  MiniAV_GetTime(&begun_us);
  start(bench);
  CHECK_EQ(audio_result_of(bench, &got), MINIAV_SUCCESS);
  CHECK(got.sample_rate == RATE_HZ && got.format == MINIAV_AUDIO_FORMAT_F32);
  MiniAVBuffer buffer;
  uint32_t pictures = 0, sounds = 0;
  uint64_t last_sequence = 0, numbered_from = 0;
  int64_t end_us = 0;
  for (uint32_t i = 0; i < FEW && (pictures < 3 || sounds < 5) && next(bench->context, &buffer);
       i++) {
    CHECK(buffer.timestamp_us >= begun_us - 1000000);
    if (buffer.type == MINIAV_BUFFER_TYPE_VIDEO) {
      struct strip strip;
      CHECK(strip_read(&buffer, &strip));
      numbered_from = pictures++ == 0 ? buffer.sequence - strip.counter : numbered_from;
      CHECK_EQ(buffer.sequence - strip.counter, numbered_from); /* without the sound's numbers */
    } else {
      CHECK(sounds == 0 || buffer.sequence > last_sequence);
      bool follows = sounds > 0 && buffer.sequence == last_sequence + 1;
      CHECK(!follows || llabs(buffer.timestamp_us - end_us) <= 1);
      check_tone(&buffer, frequency_hz);
      last_sequence = buffer.sequence;
      end_us = buffer.timestamp_us + buffer.duration_us;
      sounds++;
    }
    release(&buffer);
  }
  CHECK(pictures >= 3 && sounds >= 5);
  stop(bench);
  stats_of(bench);
}

static void test_target(void) {
  struct bench bench = bench_of("test:display", NULL);
  CHECK_EQ(audio_result_of(&bench, NULL), MINIAV_ERROR_NO_BUFFER);
  check_both(&bench, 440);
  /* Without wishes for sound there is none, and again with them. */
  CHECK_EQ(MiniAV_Screen_StartCapture(bench.context, NULL, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(audio_result_of(&bench, NULL), MINIAV_ERROR_NO_BUFFER);
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < 5 && next(bench.context, &buffer); i++) {
    CHECK_EQ(buffer.type, MINIAV_BUFFER_TYPE_VIDEO);
    release(&buffer);
  }
  stop(&bench);
  check_both(&bench, 440);
  bench_end(&bench);
}

static void test_window(void) {
  struct bench bench = bench_of(NULL, "test:window");
  check_both(&bench, 880);
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_ENUM,
                               .value = {.integer = MINIAV_SCREEN_AUDIO_SOURCE_SYSTEM}};
  CHECK_EQ(MiniAV_Screen_SetProperty(bench.context, MINIAV_PROPERTY_AUDIO_SOURCE, &value),
           MINIAV_SUCCESS);
  check_both(&bench, 440);
  value.value.integer = MINIAV_SCREEN_AUDIO_SOURCE_TARGET;
  CHECK_EQ(MiniAV_Screen_SetProperty(bench.context, MINIAV_PROPERTY_AUDIO_SOURCE, &value),
           MINIAV_SUCCESS);
  /* A backend that cannot tell the window: never the system's sound instead. */
  struct backend untold = *bench.capture->backend;
  const struct backend *told = bench.capture->backend;
  untold.window_handle = NULL;
  untold.flags &= ~(uint32_t)BACKEND_BRINGS_SOUND;
  bench.capture->backend = &untold;
  start(&bench);
  CHECK_EQ(audio_result_of(&bench, NULL), MINIAV_ERROR_NOT_SUPPORTED);
  skip(&bench, MINIAV_BUFFER_TYPE_VIDEO, 2);
  CHECK(bench.capture->sound.backend == NULL);
  stop(&bench);
  bench.capture->backend = told;
  bench_end(&bench);
}

/* ---- no sound ---------------------------------------------------------------------------------
 */

static void test_failures(void) {
  static const struct {
    MiniAVTestFault fault;
    MiniAVResultCode code;
  } failures[] = {{MINIAV_TEST_FAULT_FAIL_OPEN, MINIAV_ERROR_PERMISSION_DENIED},
                  {MINIAV_TEST_FAULT_FAIL_START, MINIAV_ERROR_DEVICE_BUSY}};
  for (uint32_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    struct bench bench = bench_of("test:display", NULL);
    MiniAVAudioInfo got = wanted;
    fault("test:system", failures[i].fault, failures[i].code);
    start(&bench);
    CHECK_EQ(audio_result_of(&bench, &got), failures[i].code);
    CHECK_EQ(got.sample_rate, 0);
    skip(&bench, MINIAV_BUFFER_TYPE_VIDEO, 3);
    stop(&bench);
    fault("test:system", MINIAV_TEST_FAULT_NONE, 0);
    check_both(&bench, 440);
    bench_end(&bench);
  }
  struct bench bench = bench_of("test:display", NULL);
  fault("test:system", MINIAV_TEST_FAULT_FAIL_OPEN, MINIAV_ERROR_TIMEOUT);
  CHECK_EQ(MiniAV_Screen_StartCaptureAsync(bench.waiter, 7, bench.context, NULL, NULL, &wanted),
           MINIAV_SUCCESS);
  MiniAVEvent event;
  if (event_of(&bench, MINIAV_EVENT_OPERATION, &event)) {
    CHECK(event.token == 7 && event.result == MINIAV_SUCCESS);
  }
  CHECK_EQ(audio_result_of(&bench, NULL), MINIAV_ERROR_TIMEOUT);
  skip(&bench, MINIAV_BUFFER_TYPE_VIDEO, 1);
  bench_end(&bench);
}

static struct bench hanging;

static void start_that_hangs(uint32_t index) {
  if (index == 0) {
    CHECK_EQ(MiniAV_Screen_StartCapture(hanging.context, NULL, NULL, &wanted),
             MINIAV_ERROR_USER_CANCELLED);
    return;
  }
  MiniAVBuffer buffer;
  MiniAVResultCode result;
  do { /* the picture comes while the sound hangs */
    result = MiniAV_WaitBuffer((MiniAVHandle)hanging.context, 100, &buffer);
  } while (result == MINIAV_ERROR_NOT_RUNNING || result == MINIAV_ERROR_TIMEOUT);
  CHECK_EQ(result, MINIAV_SUCCESS);
  release(&buffer);
  stop(&hanging);
}

/* A sound that hangs is cancelled with the start, and the picture does not stay behind. */
static void test_cancel(void) {
  static const MiniAVTestHang hangs[] = {MINIAV_TEST_HANG_CONFIGURE, MINIAV_TEST_HANG_START};
  for (uint32_t i = 0; i < 2; i++) {
    hanging = bench_of("test:display", NULL);
    fault("test:system", MINIAV_TEST_FAULT_HANG, hangs[i]);
    stress_run(start_that_hangs, 2, 0);
    MiniAVBuffer buffer;
    CHECK_EQ(MiniAV_TakeBuffer((MiniAVHandle)hanging.context, &buffer), MINIAV_ERROR_NOT_RUNNING);
    CHECK_EQ(stats_of(&hanging).queued, 0);
    CHECK(hanging.capture->sound.backend == NULL);
    fault("test:system", MINIAV_TEST_FAULT_HANG, 0);
    check_both(&hanging, 440);
    bench_end(&hanging);
  }
}

/* ---- what happens while it runs ---------------------------------------------------------------
 */

static void test_lost(void) {
  struct bench bench = bench_of("test:display", NULL);
  MiniAVAudioInfo got;
  MiniAVEvent event;
  MiniAVBuffer buffer;
  start(&bench);
  skip(&bench, MINIAV_BUFFER_TYPE_AUDIO, 2);
  skip(&bench, MINIAV_BUFFER_TYPE_VIDEO, 2);
  fault("test:system", MINIAV_TEST_FAULT_LOSE, 0);
  if (event_of(&bench, MINIAV_EVENT_FORMAT_CHANGED, &event)) {
    CHECK_EQ(event.result, MINIAV_ERROR_DEVICE_LOST);
    CHECK_STR(event.text, "the test device was taken away");
    CHECK_EQ(event.context, (uintptr_t)bench.context);
  }
  CHECK_EQ(audio_result_of(&bench, &got), MINIAV_ERROR_DEVICE_LOST);
  CHECK_EQ(got.sample_rate, 0);
  bool flagged = false;
  for (uint32_t i = 0; i < FEW && !flagged && next_of(&bench, MINIAV_BUFFER_TYPE_VIDEO, &buffer);
       i++) {
    flagged = (buffer.flags & MINIAV_BUFFER_FLAG_FORMAT_CHANGED) != 0;
    release(&buffer);
  }
  CHECK(flagged);
  for (uint32_t i = 0; i < 20 && next(bench.context, &buffer); i++) {
    CHECK_EQ(buffer.type, MINIAV_BUFFER_TYPE_VIDEO);
    release(&buffer);
  }
  CHECK_EQ(stats_of(&bench).format_changes, 1);
  CHECK(!has_event(&bench)); /* and no LOST: the screen is there */
  stop(&bench);
  start(&bench);
  CHECK_EQ(audio_result_of(&bench, NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  stop(&bench);
  fault("test:system", MINIAV_TEST_FAULT_NONE, 0);
  check_both(&bench, 440);
  bench_end(&bench);
}

static void test_picture_lost(void) {
  struct bench bench = bench_of("test:display", NULL);
  MiniAVEvent event;
  MiniAVBuffer buffer;
  MiniAVResultCode result;
  start(&bench);
  skip(&bench, MINIAV_BUFFER_TYPE_AUDIO, 2);
  fault("test:display", MINIAV_TEST_FAULT_LOSE, 0);
  while ((result = MiniAV_WaitBuffer((MiniAVHandle)bench.context, PATIENCE_MS, &buffer)) ==
         MINIAV_SUCCESS) {
    release(&buffer);
  }
  CHECK_EQ(result, MINIAV_ERROR_DEVICE_LOST); /* sound alone is no screen */
  event_of(&bench, MINIAV_EVENT_LOST, &event);
  stop(&bench);
  bench_end(&bench);
}

static void test_format_changes(void) {
  struct bench bench = bench_of("test:display", NULL);
  MiniAVAudioInfo got;
  MiniAVEvent event;
  MiniAVBuffer buffer;
  start(&bench);
  skip(&bench, MINIAV_BUFFER_TYPE_AUDIO, 1);
  fault("test:system", MINIAV_TEST_FAULT_CHANGE_FORMAT, 44100);
  event_of(&bench, MINIAV_EVENT_FORMAT_CHANGED, &event);
  CHECK_EQ(event.result, MINIAV_SUCCESS);
  CHECK(audio_result_of(&bench, &got) == MINIAV_SUCCESS && got.sample_rate == 44100);
  for (uint32_t i = 0; i < FEW && next_of(&bench, MINIAV_BUFFER_TYPE_AUDIO, &buffer) &&
                       buffer.sample_rate == RATE_HZ;
       i++) {
    release(&buffer);
  }
  CHECK((buffer.flags & MINIAV_BUFFER_FLAG_FORMAT_CHANGED) != 0);
  release(&buffer);
  /* The picture changes, and its backend knows nothing of the sound. */
  fault("test:display", MINIAV_TEST_FAULT_CHANGE_FORMAT, INT64_C(160) << 32 | 120);
  for (uint32_t i = 0; i < FEW && next_of(&bench, MINIAV_BUFFER_TYPE_VIDEO, &buffer) &&
                       buffer.data.video.info.width != 160;
       i++) {
    release(&buffer);
  }
  CHECK((buffer.flags & MINIAV_BUFFER_FLAG_FORMAT_CHANGED) != 0);
  release(&buffer);
  CHECK(audio_result_of(&bench, &got) == MINIAV_SUCCESS && got.sample_rate == 44100);
  event_of(&bench, MINIAV_EVENT_FORMAT_CHANGED, &event);
  /* What else the loopback tells is not the screen's. */
  struct capture *inlet = bench.capture->sound.inlet;
  capture_default_moved(inlet, "elsewhere");
  capture_set_device(inlet, "elsewhere");
  capture_property_changed(inlet, MINIAV_PROPERTY_STREAM_VOLUME);
  capture_stalled(inlet);
  capture_resumed(inlet);
  CHECK(!has_event(&bench));
  CHECK_STR(bench.capture->device_id, "test:display");
  bool gap = false;
  for (uint32_t i = 0; i < FEW && !gap && next_of(&bench, MINIAV_BUFFER_TYPE_AUDIO, &buffer); i++) {
    gap = (buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0;
    release(&buffer);
  }
  CHECK(gap);
  stop(&bench);
  bench_end(&bench);
}

static void test_settings(void) {
  struct bench bench = bench_of("test:display", NULL);
  MiniAVPropertyValue chunk = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 20000}};
  MiniAVPropertyValue mute = {.type = MINIAV_PROPERTY_TYPE_BOOLEAN, .value = {.integer = 1}};
  CHECK_EQ(MiniAV_Screen_SetProperty(bench.context, MINIAV_PROPERTY_CHUNK_DURATION, &chunk),
           MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_SetProperty(bench.context, MINIAV_PROPERTY_AUDIO_MUTE, &mute),
           MINIAV_SUCCESS);
  start(&bench);
  MiniAVBuffer buffer;
  if (next_of(&bench, MINIAV_BUFFER_TYPE_AUDIO, &buffer)) {
    CHECK_EQ(buffer.data.audio.frame_count, RATE_HZ / 50);
    const float *samples = buffer.data.audio.data;
    for (uint32_t i = 0; i < buffer.data.audio.frame_count; i++) {
      CHECK(samples[i] == 0.0f);
    }
    release(&buffer);
  }
  stop(&bench);
  bench_end(&bench);
}

int main(void) {
  use_test_backends();
  test_target();
  test_window();
  test_failures();
  test_cancel();
  test_lost();
  test_picture_lost();
  test_format_changes();
  test_settings();
  return check_report("screen_sound");
}
