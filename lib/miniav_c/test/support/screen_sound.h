/* A screen of the test devices whose sound the library adds, and what it hands out. */
#ifndef MINIAV_TEST_SUPPORT_SCREEN_SOUND_H
#define MINIAV_TEST_SUPPORT_SCREEN_SOUND_H

#include "common/capture_internal.h"
#include "common/screen_sound.h"
#include "support/device.h"

#define RATE_HZ 48000u
#define FEW     1000u /* buffers until what must come has come */

static const MiniAVAudioInfo wanted = {.sample_rate = RATE_HZ};

struct bench {
  MiniAVScreenContextHandle context;
  MiniAVWaiterHandle waiter;
  struct capture *capture; /* with a reference */
};

static inline struct bench bench_of(const char *display, const char *window) {
  struct bench bench = {0};
  fault("test:display", MINIAV_TEST_FAULT_SOUNDLESS, 1);
  fault("test:window", MINIAV_TEST_FAULT_SOUNDLESS, 1);
  CHECK_EQ(MiniAV_CreateWaiter(&bench.waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_CreateContext(&bench.context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterAdd(bench.waiter, (MiniAVHandle)bench.context), MINIAV_SUCCESS);
  MiniAVVideoInfo small = video(320, 240, MINIAV_PIXEL_FORMAT_BGRX32, 60);
  CHECK_EQ(window != NULL ? MiniAV_Screen_ConfigureWindow(bench.context, window, &small)
                          : MiniAV_Screen_ConfigureDisplay(bench.context, display, &small),
           MINIAV_SUCCESS);
  bench.capture = capture_acquire((uintptr_t)bench.context, MINIAV_KIND_SCREEN);
  CHECK(bench.capture != NULL);
  return bench;
}

static inline void bench_end(struct bench *bench) {
  CHECK_EQ(MiniAV_Screen_DestroyContext(bench->context), MINIAV_SUCCESS);
  capture_release_reference(bench->capture);
  CHECK_EQ(MiniAV_DestroyWaiter(bench->waiter), MINIAV_SUCCESS);
  static const char *const devices[] = {"test:display", "test:window", "test:system",
                                        "test:process"};
  for (uint32_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    fault(devices[i], MINIAV_TEST_FAULT_NONE, 0);
  }
}

static inline void start(const struct bench *bench) {
  CHECK_EQ(MiniAV_Screen_StartCapture(bench->context, NULL, NULL, &wanted), MINIAV_SUCCESS);
}

static inline void stop(const struct bench *bench) {
  CHECK_EQ(MiniAV_Screen_StopCapture(bench->context), MINIAV_SUCCESS);
}

static inline MiniAVResultCode audio_result_of(const struct bench *bench, MiniAVAudioInfo *audio) {
  MiniAVResultCode audio_result = MINIAV_ERROR_UNKNOWN;
  CHECK_EQ(MiniAV_Screen_GetConfiguredFormats(bench->context, &(MiniAVVideoInfo){0}, audio,
                                              &audio_result),
           MINIAV_SUCCESS);
  return audio_result;
}

/* The next buffer of a type; others on the way are released. */
static inline bool next_of(const struct bench *bench, MiniAVBufferType type, MiniAVBuffer *buffer) {
  for (uint32_t i = 0; i < FEW && next(bench->context, buffer); i++) {
    if (buffer->type == type) {
      return true;
    }
    release(buffer);
  }
  return CHECK_EQ(buffer->type, type);
}

static inline void skip(const struct bench *bench, MiniAVBufferType type, uint32_t count) {
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < count && next_of(bench, type, &buffer); i++) {
    release(&buffer);
  }
}

/* The next event of a type; false when none comes in the time a test may wait. */
static inline bool event_of(const struct bench *bench, MiniAVEventType type, MiniAVEvent *event) {
  for (uint32_t tries = 0; tries < PATIENCE_MS / 10; tries++) {
    while (MiniAV_NextEvent(bench->waiter, event) == MINIAV_SUCCESS) {
      if (event->type == type) {
        return true;
      }
    }
    MiniAV_WaitAny(bench->waiter, 10);
  }
  return CHECK_EQ(event->type, type);
}

static inline bool has_event(const struct bench *bench) {
  MiniAVEvent event;
  return MiniAV_NextEvent(bench->waiter, &event) == MINIAV_SUCCESS;
}

static inline MiniAVCaptureStats stats_of(const struct bench *bench) {
  MiniAVCaptureStats stats = {0};
  CHECK_EQ(MiniAV_Screen_GetStats(bench->context, &stats), MINIAV_SUCCESS);
  CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
  CHECK_EQ(stats.delivered, stats.released + stats.outstanding);
  return stats;
}

#endif
