/* Captures: the state machine, stop and destroy from everywhere, numbers that add up. */
#include "miniav.h"

#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"
#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

static const MiniAVVideoInfo fast = {.width = 64,
                                     .height = 48,
                                     .pixel_format = MINIAV_PIXEL_FORMAT_GRAY8,
                                     .frame_rate_numerator = 240,
                                     .frame_rate_denominator = 1};

static MiniAVCameraContextHandle make(void) {
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  return context;
}

static MiniAVCameraContextHandle make_configured(const char *id) {
  MiniAVCameraContextHandle context = make();
  CHECK_EQ(MiniAV_Camera_Configure(context, id, &fast), MINIAV_SUCCESS);
  return context;
}

static void check_balance(MiniAVCameraContextHandle context) {
  MiniAVCaptureStats stats;
  if (MiniAV_Camera_GetStats(context, &stats) == MINIAV_SUCCESS) {
    uint64_t reasons = stats.dropped_queue_full + stats.dropped_buffers_held +
                       stats.dropped_stopped + stats.dropped_invalid + stats.dropped_late +
                       stats.dropped_failed;
    CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
    CHECK_EQ(stats.delivered, stats.released + stats.outstanding);
    CHECK_EQ(stats.dropped, reasons);
  }
}

static void test_states(void) {
  MiniAVCameraContextHandle context = make();
  MiniAVBuffer buffer;
  MiniAVVideoInfo format;
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_NOT_CONFIGURED);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_ERROR_NOT_RUNNING);
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &format), MINIAV_ERROR_NOT_CONFIGURED);
  CHECK_EQ(MiniAV_TakeBuffer(context, &buffer), MINIAV_ERROR_NOT_RUNNING);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:no such", NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_Configure(context, "nonsense", NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &format), MINIAV_SUCCESS);
  CHECK(memcmp(&format, &fast, sizeof format) == 0);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_ALREADY_RUNNING);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_ERROR_ALREADY_RUNNING);
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &buffer), MINIAV_SUCCESS);
  CHECK(buffer.type == MINIAV_BUFFER_TYPE_VIDEO && buffer.struct_size == sizeof buffer);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_ERROR_NOT_RUNNING);
  CHECK_EQ(MiniAV_TakeBuffer(context, &buffer), MINIAV_ERROR_NOT_RUNNING);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS); /* once more */
  check_balance(context);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_TakeBuffer(context, &buffer), MINIAV_ERROR_INVALID_HANDLE);
  /* Still held over stop and destroy: readable, then released once. */
  uint8_t copy[64 * 48];
  CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, copy, sizeof copy, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, copy, sizeof copy, NULL),
           MINIAV_ERROR_INVALID_HANDLE);
}

static void test_copies(void) {
  MiniAVCameraContextHandle context = make();
  MiniAVVideoInfo wanted = {.width = 66, .height = 50, .pixel_format = MINIAV_PIXEL_FORMAT_I420};
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &wanted), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  MiniAVBuffer buffer;
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &buffer), MINIAV_SUCCESS);
  MiniAVCopyLayout layout = {0};
  CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, NULL, 0, &layout),
           MINIAV_ERROR_BUFFER_TOO_SMALL);
  CHECK_EQ(layout.size_bytes, 66 * 50 + 2 * 33 * 25);
  CHECK_EQ(layout.plane_count, 3);
  static uint8_t tight[8192];
  static uint8_t padded[20000];
  CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, tight, sizeof tight, &layout), MINIAV_SUCCESS);
  MiniAVCopyLayout own = {
      .plane_count = 3, .offsets_bytes = {0, 10000, 15000}, .strides_bytes = {100, 40, 33}};
  CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, padded, sizeof padded, &own), MINIAV_SUCCESS);
  for (uint32_t row = 0; row < 50; row++) {
    CHECK(memcmp(tight + row * 66, padded + row * 100, 66) == 0);
  }
  for (uint32_t row = 0; row < 25; row++) {
    CHECK(memcmp(tight + 3300 + row * 33, padded + 10000 + row * 40, 33) == 0);
    CHECK(memcmp(tight + 4125 + row * 33, padded + 15000 + row * 33, 33) == 0);
  }
  own.strides_bytes[0] = 65;
  CHECK_EQ(MiniAV_CopyBuffer(buffer.internal_handle, padded, sizeof padded, &own),
           MINIAV_ERROR_INVALID_ARG);
  MiniAVFrameMetadata metadata;
  CHECK_EQ(MiniAV_CopyMetadata(buffer.internal_handle, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_CopyMetadata(buffer.internal_handle, &metadata), MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  MiniAV_Camera_DestroyContext(context);
}

/* -- callbacks ------------------------------------------------------------------------------ */

struct seen {
  MiniAVCameraContextHandle context;
  atomic_uint calls;
  atomic_uint after_stop;
  atomic_bool stopped;
  int action; /* 0 count, 1 stop inside, 2 destroy inside, 3 sleep */
};

static void on_buffer(const MiniAVBuffer *buffer, void *user_data) {
  struct seen *seen = user_data;
  uint32_t calls = atomic_fetch_add(&seen->calls, 1) + 1;
  CHECK(buffer->user_data == user_data);
  if (atomic_load(&seen->stopped)) {
    atomic_fetch_add(&seen->after_stop, 1);
  }
  MiniAVBuffer none;
  CHECK_EQ(MiniAV_TakeBuffer(seen->context, &none), MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
  if (calls == 3 && seen->action == 1) {
    CHECK_EQ(MiniAV_Camera_StopCapture(seen->context), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_StopCapture(seen->context), MINIAV_ERROR_NOT_RUNNING);
    CHECK_EQ(MiniAV_Camera_Configure(seen->context, NULL, NULL), MINIAV_ERROR_ALREADY_RUNNING);
    CHECK_EQ(MiniAV_Dispose(), MINIAV_ERROR_ALREADY_RUNNING);
  } else if (calls == 3 && seen->action == 2) {
    CHECK_EQ(MiniAV_Camera_DestroyContext(seen->context), MINIAV_SUCCESS);
  } else if (seen->action == 3) {
    clock_sleep_until_us(clock_now_us() + 30000);
  }
}

static bool has_calls(void *user) {
  return atomic_load(&((struct seen *)user)->calls) >= 3;
}

static bool is_startable(void *user) {
  return MiniAV_Camera_StartCapture(((struct seen *)user)->context, NULL, NULL) == MINIAV_SUCCESS;
}

static bool is_destroyed(void *user) {
  return MiniAV_Camera_StopCapture(((struct seen *)user)->context) == MINIAV_ERROR_INVALID_HANDLE;
}

static void test_callback(int action) {
  struct seen seen = {.context = make_configured("test:bars"), .action = action};
  CHECK_EQ(MiniAV_Camera_StartCapture(seen.context, on_buffer, &seen), MINIAV_SUCCESS);
  CHECK(wait_until(has_calls, &seen, 10000));
  if (action == 1) {
    CHECK(wait_until(is_startable, &seen, 10000)); /* takes effect when the callback returned */
    CHECK_EQ(atomic_load(&seen.calls), 3);
    CHECK_EQ(MiniAV_Camera_StopCapture(seen.context), MINIAV_SUCCESS);
  } else if (action == 2) {
    CHECK(wait_until(is_destroyed, &seen, 10000));
    CHECK_EQ(atomic_load(&seen.calls), 3);
    return;
  } else {
    CHECK_EQ(MiniAV_Camera_StopCapture(seen.context), MINIAV_SUCCESS);
    atomic_store(&seen.stopped, true);
    clock_sleep_until_us(clock_now_us() + 50000);
    CHECK_EQ(atomic_load(&seen.after_stop), 0);
  }
  check_balance(seen.context);
  CHECK_EQ(MiniAV_Camera_DestroyContext(seen.context), MINIAV_SUCCESS);
}

/* -- faults --------------------------------------------------------------------------------- */

static bool next_event_is(MiniAVWaiterHandle waiter, MiniAVEventType type, MiniAVEvent *event,
                          uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  do {
    while (MiniAV_NextEvent(waiter, event) == MINIAV_SUCCESS) {
      if (event->type == type) {
        return true;
      }
    }
    MiniAV_WaitAny(waiter, 50);
  } while (clock_now_us() < deadline_us);
  return false;
}

static void drain(MiniAVHandle context) {
  MiniAVBuffer buffer;
  while (MiniAV_TakeBuffer(context, &buffer) == MINIAV_SUCCESS) {
    CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  }
}

static void test_lost_and_stalled(void) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAVEvent event;
  MiniAVBuffer buffer;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  MiniAVCameraContextHandle context = make_configured("test:bars");
  CHECK_EQ(MiniAV_WaiterAdd(waiter, context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_STALL, 1), MINIAV_SUCCESS);
  CHECK(next_event_is(waiter, MINIAV_EVENT_STALLED, &event, 10000));
  CHECK_EQ(event.context, (uint64_t)(uintptr_t)context);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_STALL, 0), MINIAV_SUCCESS);
  CHECK(next_event_is(waiter, MINIAV_EVENT_RESUMED, &event, 10000));
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_BAD_STRIDE, 3), MINIAV_SUCCESS);
  MiniAVCaptureStats stats = {0};
  for (uint32_t i = 0; i < 200 && stats.dropped_invalid < 3; i++) {
    CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &buffer), MINIAV_SUCCESS);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
    MiniAV_Camera_GetStats(context, &stats);
  }
  CHECK_EQ(stats.dropped_invalid, 3);
  CHECK_EQ(stats.stalls, 1);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_LOSE, 0), MINIAV_SUCCESS);
  CHECK(next_event_is(waiter, MINIAV_EVENT_LOST, &event, 10000));
  CHECK_EQ(event.result, MINIAV_ERROR_DEVICE_LOST);
  CHECK(event.text[0] != 0);
  drain(context);
  CHECK_EQ(MiniAV_TakeBuffer(context, &buffer), MINIAV_ERROR_DEVICE_LOST);
  CHECK_EQ(MiniAV_WaitBuffer(context, 1000, &buffer), MINIAV_ERROR_DEVICE_LOST);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_ALREADY_RUNNING);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  check_balance(context);
  MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS); /* back again */
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

static MiniAVCameraContextHandle hanging;
static atomic_int hanging_result;

static void start_hanging(void *argument) {
  (void)argument;
  atomic_store(&hanging_result, MiniAV_Camera_StartCapture(hanging, NULL, NULL));
}

static bool start_is_over(void *user) {
  (void)user;
  return atomic_load(&hanging_result) != 1;
}

static void test_hanging_start(bool destroy) {
  hanging = make_configured("test:bars");
  MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, MINIAV_TEST_HANG_START);
  atomic_store(&hanging_result, 1);
  CHECK(thread_start("hang", start_hanging, NULL));
  clock_sleep_until_us(clock_now_us() + 50000);
  CHECK_EQ(atomic_load(&hanging_result), 1);
  CHECK_EQ(destroy ? MiniAV_Camera_DestroyContext(hanging) : MiniAV_Camera_StopCapture(hanging),
           MINIAV_SUCCESS);
  CHECK(wait_until(start_is_over, NULL, 10000));
  CHECK_EQ(atomic_load(&hanging_result), MINIAV_ERROR_USER_CANCELLED);
  MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  if (!destroy) {
    CHECK_EQ(MiniAV_Camera_DestroyContext(hanging), MINIAV_SUCCESS);
  }
}

static void test_policy(void) {
  MiniAVCameraContextHandle context = make();
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 4}};
  CHECK_EQ(MiniAV_Camera_SetProperty(context, MINIAV_PROPERTY_QUEUE_CAPACITY, &value),
           MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_SetProperty(context, MINIAV_PROPERTY_QUEUE_CAPACITY, &value),
           MINIAV_ERROR_ALREADY_RUNNING);
  MiniAVBuffer held[4];
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < 4; i++) {
    CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &held[i]), MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_WaitBuffer(context, 100, &buffer), MINIAV_ERROR_TIMEOUT); /* all four are held */
  MiniAVCaptureStats stats;
  MiniAV_Camera_GetStats(context, &stats);
  CHECK_EQ(stats.outstanding, 4);
  CHECK(stats.dropped_buffers_held > 0);
  for (uint32_t i = 0; i < 4; i++) {
    CHECK_EQ(MiniAV_ReleaseBuffer(held[i].internal_handle), MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &buffer), MINIAV_SUCCESS);
  CHECK(buffer.sequence > held[3].sequence + 1); /* the sequence counts what was dropped */
  CHECK((buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0);
  clock_sleep_until_us(clock_now_us() + 100000);
  MiniAV_Camera_GetStats(context, &stats);
  CHECK_EQ(stats.queued, 3);
  CHECK(stats.dropped_queue_full > 0); /* the oldest went */
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  check_balance(context);
  MiniAV_Camera_DestroyContext(context);
}

/* -- stress --------------------------------------------------------------------------------- */

#define CONTEXTS 6u
#define STASH    64u
static _Atomic(MiniAVCameraContextHandle) contexts[CONTEXTS];
static _Atomic(void *) stash[STASH];
static atomic_uint_least64_t taken;
static atomic_uint double_releases;

static void swallow(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  MiniAV_ReleaseBuffer(buffer->internal_handle);
}

static void consume(uint32_t *seed) {
  MiniAVBuffer buffer;
  MiniAVCameraContextHandle context = atomic_load(&contexts[random_next(seed) % CONTEXTS]);
  if (MiniAV_WaitBuffer(context, random_next(seed) % 3, &buffer) == MINIAV_SUCCESS) {
    atomic_fetch_add(&taken, 1);
    uint8_t copy[64 * 48];
    if (MiniAV_CopyBuffer(buffer.internal_handle, copy, sizeof copy, NULL) != MINIAV_SUCCESS) {
      CHECK(false);
    }
    void *old = atomic_exchange(&stash[random_next(seed) % STASH], buffer.internal_handle);
    if (old != NULL && MiniAV_ReleaseBuffer(old) == MINIAV_SUCCESS &&
        MiniAV_ReleaseBuffer(old) == MINIAV_SUCCESS) {
      atomic_fetch_add(&double_releases, 1);
    }
  }
}

static void disturb(uint32_t *seed) {
  uint32_t at = random_next(seed) % CONTEXTS;
  MiniAVCameraContextHandle context = atomic_load(&contexts[at]);
  switch (random_next(seed) % 8) {
  case 0:
    MiniAV_Camera_StartCapture(context, NULL, NULL);
    break;
  case 1:
    MiniAV_Camera_StartCapture(context, swallow, NULL);
    break;
  case 2:
    MiniAV_Camera_StopCapture(context);
    break;
  case 3: {
    MiniAVCameraContextHandle fresh = make_configured("test:flood");
    MiniAVCameraContextHandle old = atomic_exchange(&contexts[at], fresh);
    MiniAV_Camera_StartCapture(fresh, NULL, NULL);
    CHECK_EQ(MiniAV_Camera_DestroyContext(old), MINIAV_SUCCESS);
    break;
  }
  case 4:
    MiniAV_Camera_Configure(context, "test:flood", &fast);
    break;
  default:
    check_balance(context);
  }
  clock_sleep_until_us(clock_now_us() + random_next(seed) % 500);
}

static void stress_body(uint32_t index) {
  uint32_t seed = index * 13 + 5;
  while (!stress_over()) {
    if (index < 3) {
      consume(&seed);
    } else {
      disturb(&seed);
    }
  }
}

static void test_stress(void) {
  for (uint32_t i = 0; i < CONTEXTS; i++) {
    atomic_store(&contexts[i], make_configured("test:flood"));
    MiniAV_Camera_StartCapture(atomic_load(&contexts[i]), NULL, NULL);
  }
  stress_run(stress_body, 7, 4000);
  for (uint32_t i = 0; i < CONTEXTS; i++) {
    MiniAVCameraContextHandle context = atomic_load(&contexts[i]);
    check_balance(context);
    CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  }
  for (uint32_t i = 0; i < STASH; i++) {
    void *handle = atomic_load(&stash[i]);
    if (handle != NULL) {
      MiniAV_ReleaseBuffer(handle);
    }
  }
  CHECK_EQ(atomic_load(&double_releases), 0);
  CHECK(atomic_load(&taken) > 20);
}

int main(void) {
  use_test_backends();
  test_states();
  test_copies();
  for (int action = 0; action < 4; action++) {
    test_callback(action);
  }
  test_lost_and_stalled();
  test_hanging_start(false);
  test_hanging_start(true);
  test_policy();
  test_stress();
  /* Dispose with a buffer that is still held: leaked, said, and everything answers so. */
  MiniAVCameraContextHandle context = make_configured("test:bars");
  MiniAVBuffer held;
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &held), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  CHECK_EQ(((volatile uint8_t *)held.data.video.planes[0].data_ptr)[0] >= 0, 1); /* still mapped */
  CHECK_EQ(MiniAV_ReleaseBuffer(held.internal_handle), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_ERROR_NOT_INITIALIZED);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_ERROR_NOT_INITIALIZED);
  return check_report("capture");
}
