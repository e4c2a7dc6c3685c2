/* Sync and async calls of many threads on the same contexts of all kinds: each async call ends in
 * exactly one event, no wait outlives its context, the counters add up, nothing is left behind. */
#include "miniav.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/clock.h"
#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

#define CONTEXTS   4u
#define SUBMITTERS 2u
#define TOKENS     4096u

/* Two cameras, a screen and a microphone; the handle's own kind says which functions it has. */
static _Atomic(MiniAVHandle) contexts[CONTEXTS];

static MiniAVHandle make(uint32_t at) {
  static const MiniAVVideoInfo small = {
      .width = 32, .height = 32, .pixel_format = MINIAV_PIXEL_FORMAT_GRAY8};
  MiniAVCameraContextHandle camera = NULL;
  MiniAVScreenContextHandle screen = NULL;
  MiniAVAudioContextHandle audio = NULL;
  if (at < 2) {
    CHECK_EQ(MiniAV_Camera_CreateContext(&camera), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_Configure(camera, "test:flood", &small), MINIAV_SUCCESS);
    return camera;
  }
  if (at == 2) {
    CHECK_EQ(MiniAV_Screen_CreateContext(&screen), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Screen_ConfigureWindow(screen, "test:window", NULL), MINIAV_SUCCESS);
    return screen;
  }
  CHECK_EQ(MiniAV_Audio_CreateContext(&audio), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_Configure(audio, "test:tone", NULL), MINIAV_SUCCESS);
  return audio;
}

static MiniAVResultCode start(uint32_t at, MiniAVHandle context, MiniAVBufferCallback callback) {
  return at < 2    ? MiniAV_Camera_StartCapture(context, callback, NULL)
         : at == 2 ? MiniAV_Screen_StartCapture(context, callback, NULL, NULL)
                   : MiniAV_Audio_StartCapture(context, callback, NULL);
}

static MiniAVResultCode stop(uint32_t at, MiniAVHandle context) {
  return at < 2    ? MiniAV_Camera_StopCapture(context)
         : at == 2 ? MiniAV_Screen_StopCapture(context)
                   : MiniAV_Audio_StopCapture(context);
}

static MiniAVResultCode destroy(uint32_t at, MiniAVHandle context) {
  return at < 2    ? MiniAV_Camera_DestroyContext(context)
         : at == 2 ? MiniAV_Screen_DestroyContext(context)
                   : MiniAV_Audio_DestroyContext(context);
}

static void check_stats(uint32_t at, MiniAVHandle context) {
  MiniAVCaptureStats stats;
  MiniAVResultCode result = at < 2    ? MiniAV_Camera_GetStats(context, &stats)
                            : at == 2 ? MiniAV_Screen_GetStats(context, &stats)
                                      : MiniAV_Audio_GetStats(context, &stats);
  if (result == MINIAV_SUCCESS) {
    CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
    CHECK_EQ(stats.delivered, stats.released + stats.outstanding);
  }
}

/* -- async: one event each -----------------------------------------------------------------------
 */

static MiniAVResultCode submit(MiniAVWaiterHandle waiter, uint64_t token, uint32_t *seed) {
  uint32_t at = random_next(seed) % CONTEXTS;
  MiniAVHandle context = atomic_load(&contexts[at]);
  switch (random_next(seed) % 6) {
  case 0:
    return at < 2    ? MiniAV_Camera_StopCaptureAsync(waiter, token, context)
           : at == 2 ? MiniAV_Screen_StopCaptureAsync(waiter, token, context)
                     : MiniAV_Audio_StopCaptureAsync(waiter, token, context);
  case 1:
    return at < 2 ? MiniAV_Camera_ConfigureAsync(waiter, token, context, "test:flood", NULL)
           : at == 2
               ? MiniAV_Screen_ConfigureDisplayAsync(waiter, token, context, "test:display", NULL)
               : MiniAV_Audio_ConfigureAsync(waiter, token, context, "test:tone2", NULL);
  case 2:
    return MiniAV_Screen_EnumerateDisplaysAsync(waiter, token);
  default:
    return at < 2    ? MiniAV_Camera_StartCaptureAsync(waiter, token, context, NULL, NULL)
           : at == 2 ? MiniAV_Screen_StartCaptureAsync(waiter, token, context, NULL, NULL, NULL)
                     : MiniAV_Audio_StartCaptureAsync(waiter, token, context, NULL, NULL);
  }
}

static void read_events(MiniAVWaiterHandle waiter, uint8_t *pending, uint32_t *pending_count) {
  MiniAVEvent event;
  while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    if (CHECK_EQ(event.type, MINIAV_EVENT_OPERATION) && CHECK(event.token < TOKENS)) {
      CHECK_EQ(pending[event.token], 1);
      pending[event.token] = 0;
      (*pending_count)--;
    }
    CHECK_EQ(MiniAV_FreeDeviceList(event.list, event.count), MINIAV_SUCCESS);
  }
}

static void submit_body(uint32_t index) {
  MiniAVWaiterHandle waiter = NULL;
  uint8_t *pending = calloc(TOKENS, 1);
  uint32_t seed = index * 17 + 11;
  uint32_t pending_count = 0;
  uint32_t token = 0;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  while (!stress_over() && token < TOKENS) {
    if (pending_count < 12) {
      MiniAVResultCode result = submit(waiter, token, &seed);
      CHECK(result == MINIAV_SUCCESS || result == MINIAV_ERROR_INVALID_HANDLE);
      if (result == MINIAV_SUCCESS) {
        pending[token] = 1;
        pending_count++;
      }
      if (random_next(&seed) % 4 == 0) {
        CHECK_EQ(MiniAV_WaiterCancel(waiter, token), MINIAV_SUCCESS);
      }
      token++;
    } else {
      MiniAV_WaitAny(waiter, 100);
    }
    read_events(waiter, pending, &pending_count);
  }
  int64_t deadline_us = clock_deadline_us(10000);
  while (pending_count > 0 && clock_now_us() < deadline_us) {
    MiniAV_WaitAny(waiter, 100);
    read_events(waiter, pending, &pending_count);
  }
  CHECK_EQ(pending_count, 0);
  CHECK(token > 20);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  free(pending);
}

/* -- sync
 * ------------------------------------------------------------------------------------------ */

static atomic_uint taken;

static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
}

/* Waits without a limit: whoever stops or destroys ends it. */
static void wait_body(uint32_t *seed) {
  MiniAVBuffer buffer;
  MiniAVHandle context = atomic_load(&contexts[random_next(seed) % CONTEXTS]);
  MiniAVResultCode result = MiniAV_WaitBuffer(context, UINT32_MAX, &buffer);
  CHECK(result != MINIAV_ERROR_TIMEOUT && result != MINIAV_ERROR_NO_BUFFER);
  if (result == MINIAV_SUCCESS) {
    static _Atomic(void *) late[8]; /* released by another thread, after a stop or a destroy */
    atomic_fetch_add(&taken, 1);
    void *old = atomic_exchange(&late[random_next(seed) % 8], buffer.internal_handle);
    if (old != NULL) {
      CHECK_EQ(MiniAV_ReleaseBuffer(old), MINIAV_SUCCESS);
    }
    if (stress_over()) {
      for (uint32_t i = 0; i < 8; i++) {
        old = atomic_exchange(&late[i], NULL);
        CHECK(old == NULL || MiniAV_ReleaseBuffer(old) == MINIAV_SUCCESS);
      }
    }
  } else {
    clock_sleep_until_us(clock_now_us() + 200); /* it is stopped; others start it again */
  }
}

static void disturb_body(uint32_t *seed) {
  uint32_t at = random_next(seed) % CONTEXTS;
  MiniAVHandle context = atomic_load(&contexts[at]);
  MiniAVPropertyValue value;
  switch (random_next(seed) % 8) {
  case 0: {
    MiniAVHandle old = atomic_exchange(&contexts[at], make(at));
    CHECK_EQ(destroy(at, old), MINIAV_SUCCESS);
    CHECK_EQ(stop(at, old), MINIAV_ERROR_INVALID_HANDLE);
    break;
  }
  case 1:
    start(at, context, random_next(seed) % 2 == 0 ? on_frame : NULL);
    break;
  case 2:
    stop(at, context);
    break;
  case 3:
    MiniAV_Screen_GetProperty(atomic_load(&contexts[2]), MINIAV_PROPERTY_REGION, &value);
    break;
  case 4:
    value = (MiniAVPropertyValue){.type = MINIAV_PROPERTY_TYPE_NUMBER, .value = {.number = 20}};
    MiniAV_Screen_SetProperty(atomic_load(&contexts[2]), MINIAV_PROPERTY_FRAME_RATE_LIMIT, &value);
    break;
  case 5:
    MiniAV_Camera_GetProperty(atomic_load(&contexts[0]), MINIAV_PROPERTY_BRIGHTNESS, &value);
    break;
  default:
    check_stats(at, context);
    break;
  }
  clock_sleep_until_us(clock_now_us() + random_next(seed) % 300);
}

static atomic_uint waiting;

static void stress_body(uint32_t index) {
  uint32_t seed = index * 29 + 1;
  if (index < SUBMITTERS) {
    submit_body(index);
  } else if (index < SUBMITTERS + 2) {
    atomic_fetch_add(&waiting, 1);
    while (!stress_over()) {
      wait_body(&seed);
    }
    atomic_fetch_sub(&waiting, 1);
  } else {
    /* Until nobody waits any more: the waits have no end of their own. */
    while (!stress_over() || atomic_load(&waiting) > 0) {
      disturb_body(&seed);
    }
  }
}

int main(void) {
  use_test_backends();
  for (uint32_t at = 0; at < CONTEXTS; at++) {
    atomic_store(&contexts[at], make(at));
  }
  stress_run(stress_body, SUBMITTERS + 2 + 3, 4000);
  for (uint32_t at = 0; at < CONTEXTS; at++) {
    check_stats(at, atomic_load(&contexts[at]));
    CHECK_EQ(destroy(at, atomic_load(&contexts[at])), MINIAV_SUCCESS);
  }
  CHECK(atomic_load(&taken) > 20);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("mixed_stress");
}
