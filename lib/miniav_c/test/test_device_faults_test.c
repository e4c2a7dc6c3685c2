/* Each way in which a test device can be told to misbehave, seen from outside. */
#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"
#include "support/device.h"

static const MiniAVVideoInfo fast = {.width = 320,
                                     .height = 240,
                                     .pixel_format = MINIAV_PIXEL_FORMAT_I420,
                                     .frame_rate_numerator = 200,
                                     .frame_rate_denominator = 1};

static void destroy(MiniAVCameraContextHandle context) {
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

static MiniAVCaptureStats stats_of(MiniAVCameraContextHandle context) {
  MiniAVCaptureStats stats;
  CHECK_EQ(MiniAV_Camera_GetStats(context, &stats), MINIAV_SUCCESS);
  CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
  return stats;
}

static void skip_frames(MiniAVCameraContextHandle context, uint32_t count) {
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < count && next(context, &buffer); i++) {
    release(&buffer);
  }
}

/* ---- arguments --------------------------------------------------------------------------------
 */

static void test_arguments(void) {
  CHECK_EQ(MiniAV_TestSetFault(NULL, MINIAV_TEST_FAULT_NONE, 0), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestSetFault("test:none", MINIAV_TEST_FAULT_NONE, 0),
           MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_TestSetFault("bars", MINIAV_TEST_FAULT_NONE, 0), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", (MiniAVTestFault)99, 0), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_CHANGE_FORMAT, 5LL << 32 | 240),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestSetFault("test:tone", MINIAV_TEST_FAULT_CHANGE_FORMAT, 7999),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_FAIL_OPEN, 1),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestSetFault("test:tone", MINIAV_TEST_FAULT_BAD_STRIDE, 1),
           MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_TestSetFault("test:process", MINIAV_TEST_FAULT_MAKE_DEFAULT, 1),
           MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_TestLog(MINIAV_LOG_LEVEL_INFO, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestLog((MiniAVLogLevel)4, "text"), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_TestLog(MINIAV_LOG_LEVEL_INFO, "text"), MINIAV_SUCCESS);
}

/* ---- refusals ---------------------------------------------------------------------------------
 */

static void test_failures(void) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVPermission permission = MINIAV_PERMISSION_UNKNOWN;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  fault("test:bars", MINIAV_TEST_FAULT_FAIL_OPEN, MINIAV_ERROR_DEVICE_BUSY);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_ERROR_DEVICE_BUSY);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars2", &fast), MINIAV_SUCCESS);
  fault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_SUCCESS);
  fault("test:bars", MINIAV_TEST_FAULT_FAIL_START, MINIAV_ERROR_SYSTEM_CALL_FAILED);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_SYSTEM_CALL_FAILED);
  fault("test:bars", MINIAV_TEST_FAULT_FAIL_START, 0);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);

  CHECK_EQ(MiniAV_Camera_GetPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_NOT_NEEDED);
  fault("test:bars", MINIAV_TEST_FAULT_PERMISSION, MINIAV_PERMISSION_DENIED);
  CHECK_EQ(MiniAV_Camera_GetPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_DENIED);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_ERROR_PERMISSION_DENIED);
  fault("test:bars", MINIAV_TEST_FAULT_PERMISSION, MINIAV_PERMISSION_UNDETERMINED);
  CHECK_EQ(MiniAV_Camera_GetPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_UNDETERMINED);
  CHECK_EQ(MiniAV_Camera_RequestPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_GRANTED);
  fault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  destroy(context);
}

/* ---- frames -----------------------------------------------------------------------------------
 */

static void test_frame_faults(void) {
  MiniAVCameraContextHandle context = camera("test:bars", &fast);
  MiniAVBuffer buffer;
  skip_frames(context, 1);
  fault("test:bars", MINIAV_TEST_FAULT_BAD_STRIDE, 7);
  while (stats_of(context).dropped_invalid < 7) {
    skip_frames(context, 1);
  }
  fault("test:bars", MINIAV_TEST_FAULT_SKIP, 5);
  while (stats_of(context).dropped_late < 5) {
    skip_frames(context, 1);
  }
  fault("test:bars", MINIAV_TEST_FAULT_CORRUPT, 3);
  uint32_t corrupted = 0;
  for (uint32_t i = 0; i < 40 && next(context, &buffer); i++) {
    corrupted += (buffer.flags & MINIAV_BUFFER_FLAG_CORRUPTED) != 0;
    check_strip(&buffer); /* the counter counts what was dropped too */
    release(&buffer);
  }
  CHECK(corrupted <= 3 && corrupted + stats_of(context).dropped_queue_full >= 3);
  CHECK_EQ(stats_of(context).dropped_invalid, 7);
  destroy(context);
}

static void test_late(void) {
  MiniAVCameraContextHandle context = camera("test:bars", &fast);
  MiniAVBuffer buffer;
  int64_t now_us = 0;
  fault("test:bars", MINIAV_TEST_FAULT_DELIVER_LATE, 30000);
  uint32_t late = 0;
  for (uint32_t i = 0; i < 100 && late < 5 && next(context, &buffer); i++) {
    MiniAV_GetTime(&now_us);
    late += now_us - buffer.timestamp_us >= 30000;
    release(&buffer);
  }
  CHECK_EQ(late, 5);
  fault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  destroy(context);
}

static bool wait_event(MiniAVWaiterHandle waiter, MiniAVEventType type, MiniAVEvent *event) {
  int64_t deadline_us = clock_now_us() + PATIENCE_MS * 1000;
  while (clock_now_us() < deadline_us) {
    while (MiniAV_NextEvent(waiter, event) == MINIAV_SUCCESS) {
      if (event->type == type) {
        return CHECK(true);
      }
    }
    MiniAV_WaitAny(waiter, 100);
  }
  return CHECK_EQ(MINIAV_EVENT_NONE, type);
}

static MiniAVWaiterHandle waiter_of(const void *context) {
  MiniAVWaiterHandle waiter = NULL;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterAdd(waiter, (MiniAVHandle)(uintptr_t)context), MINIAV_SUCCESS);
  return waiter;
}

/* Nothing for a time, told by the watchdog; then the counter goes on where it was. */
static void test_stall(void) {
  MiniAVCameraContextHandle context = camera("test:bars", &fast);
  MiniAVWaiterHandle waiter = waiter_of(context);
  MiniAVBuffer buffer;
  MiniAVEvent event;
  skip_frames(context, 3);
  fault("test:bars", MINIAV_TEST_FAULT_STALL, 1);
  wait_event(waiter, MINIAV_EVENT_STALLED, &event);
  while (MiniAV_TakeBuffer(context, &buffer) == MINIAV_SUCCESS) {
    check_strip(&buffer);
    release(&buffer);
  }
  uint64_t dropped = stats_of(context).dropped_late;
  fault("test:bars", MINIAV_TEST_FAULT_STALL, 0);
  wait_event(waiter, MINIAV_EVENT_RESUMED, &event);
  if (next(context, &buffer)) {
    check_strip(&buffer);
    release(&buffer);
  }
  CHECK_EQ(stats_of(context).dropped_late, dropped); /* a stalled device makes nothing to lose */
  destroy(context);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* ---- formats ----------------------------------------------------------------------------------
 */

static void test_change_format(void) {
  MiniAVCameraContextHandle context = camera("test:bars", &fast);
  MiniAVBuffer buffer = {0};
  MiniAVVideoInfo got;
  skip_frames(context, 2);
  fault("test:bars", MINIAV_TEST_FAULT_CHANGE_FORMAT, 641LL << 32 | 481);
  while (next(context, &buffer) && buffer.data.video.info.width == 320) {
    release(&buffer);
  }
  CHECK(buffer.data.video.info.width == 641 && buffer.data.video.info.height == 481);
  CHECK((buffer.flags & MINIAV_BUFFER_FLAG_FORMAT_CHANGED) != 0);
  check_strip(&buffer);
  release(&buffer);
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &got), MINIAV_SUCCESS);
  CHECK_EQ(got.width, 641);
  fault("test:bars", MINIAV_TEST_FAULT_CHANGE_FORMAT, 100); /* frames a second */
  while (next(context, &buffer) && buffer.duration_us == 5000) {
    release(&buffer);
  }
  CHECK_EQ(buffer.duration_us, 10000);
  check_strip(&buffer);
  release(&buffer);
  CHECK_EQ(stats_of(context).format_changes, 2);
  destroy(context);

  MiniAVAudioContextHandle audio = NULL;
  CHECK_EQ(MiniAV_Audio_CreateContext(&audio), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_Configure(audio, "test:tone", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_StartCapture(audio, NULL, NULL), MINIAV_SUCCESS);
  int64_t end_us = 0;
  fault("test:tone", MINIAV_TEST_FAULT_CHANGE_FORMAT, 44100);
  while (next(audio, &buffer) && buffer.sample_rate == 48000) {
    end_us = buffer.timestamp_us + buffer.duration_us;
    release(&buffer);
  }
  CHECK_EQ(buffer.sample_rate, 44100);
  CHECK_EQ(buffer.data.audio.frame_count, 441);
  bool is_next = end_us != 0 && (buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) == 0;
  CHECK(!is_next || buffer.timestamp_us == end_us); /* no gap between the two */
  release(&buffer);
  CHECK_EQ(MiniAV_Audio_DestroyContext(audio), MINIAV_SUCCESS);
}

/* ---- devices that go and come ------------------------------------------------------------------
 */

static bool is_listed(const char *id) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  bool found = false;
  CHECK_EQ(MiniAV_Camera_EnumerateDevices(&devices, &count), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < count; i++) {
    found = found || strcmp(devices[i].device_id, id) == 0;
  }
  MiniAV_FreeDeviceList(devices, count);
  return found;
}

static void drain_until_lost(MiniAVCameraContextHandle context) {
  MiniAVBuffer buffer;
  MiniAVResultCode result;
  while ((result = MiniAV_WaitBuffer(context, PATIENCE_MS, &buffer)) == MINIAV_SUCCESS) {
    release(&buffer);
  }
  CHECK_EQ(result, MINIAV_ERROR_DEVICE_LOST);
}

static void test_lose(void) {
  MiniAVCameraContextHandle context = camera("test:bars2", &fast);
  MiniAVCameraContextHandle other = camera("test:bars", &fast);
  MiniAVWaiterHandle waiter = waiter_of(context);
  MiniAVEvent event;
  skip_frames(context, 2);
  fault("test:bars2", MINIAV_TEST_FAULT_LOSE, 0);
  wait_event(waiter, MINIAV_EVENT_LOST, &event);
  CHECK_EQ(event.result, MINIAV_ERROR_DEVICE_LOST);
  drain_until_lost(context);
  CHECK(!is_listed("test:bars2"));
  skip_frames(other, 30); /* the other one goes on */
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars2", &fast), MINIAV_ERROR_DEVICE_NOT_FOUND);
  fault("test:bars2", MINIAV_TEST_FAULT_PLUG, 0);
  CHECK(is_listed("test:bars2"));
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars2", &fast), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  skip_frames(context, 2);
  destroy(context);
  destroy(other);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* Watching begins on a thread of the library: until it has, a change is nobody's. */
static void test_hot_plug(void) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAVEvent event = {0};
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_CAMERA), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < 100 && event.type != MINIAV_EVENT_DEVICES_CHANGED; i++) {
    fault("test:flood", i % 2 == 0 ? MINIAV_TEST_FAULT_UNPLUG : MINIAV_TEST_FAULT_PLUG, 0);
    MiniAV_WaitAny(waiter, 50);
    while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS &&
           event.type != MINIAV_EVENT_DEVICES_CHANGED) {
    }
  }
  CHECK(event.type == MINIAV_EVENT_DEVICES_CHANGED && event.kind == MINIAV_KIND_CAMERA);
  fault("test:flood", MINIAV_TEST_FAULT_PLUG, 0);
  fault("test:bars2", MINIAV_TEST_FAULT_MAKE_DEFAULT, 0);
  wait_event(waiter, MINIAV_EVENT_DEFAULT_CHANGED, &event);
  CHECK_STR(event.text, "test:bars2");
  fault("test:bars2", MINIAV_TEST_FAULT_UNPLUG, 0);
  wait_event(waiter, MINIAV_EVENT_DEFAULT_CHANGED, &event);
  CHECK_STR(event.text, "test:bars");
  fault("test:bars", MINIAV_TEST_FAULT_PERMISSION, MINIAV_PERMISSION_DENIED);
  wait_event(waiter, MINIAV_EVENT_PERMISSION_CHANGED, &event);
  CHECK_EQ(event.detail, MINIAV_PERMISSION_DENIED);
  fault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  fault("test:bars2", MINIAV_TEST_FAULT_NONE, 0);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

static uint8_t first_bar(const MiniAVBuffer *buffer) {
  const MiniAVPlane *plane = &buffer->data.video.planes[0];
  return ((const uint8_t *)plane->data_ptr)[(size_t)100 * plane->stride_bytes + 3];
}

/* A capture of the default device moves with it, and says so; one of an id stays. */
static void test_default_moves(void) {
  MiniAVCameraContextHandle follower = camera(NULL, &fast);
  MiniAVCameraContextHandle fixed = camera("test:bars", &fast);
  MiniAVWaiterHandle waiter = waiter_of(follower);
  MiniAVBuffer buffer = {0};
  MiniAVEvent event;
  if (next(follower, &buffer)) {
    CHECK_EQ(first_bar(&buffer), 180); /* white */
    release(&buffer);
  }
  fault("test:bars2", MINIAV_TEST_FAULT_MAKE_DEFAULT, 0);
  while (next(follower, &buffer) && first_bar(&buffer) == 180) {
    release(&buffer);
  }
  CHECK_EQ(first_bar(&buffer), 16); /* black */
  CHECK((buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0);
  check_strip(&buffer);
  release(&buffer);
  wait_event(waiter, MINIAV_EVENT_DEFAULT_CHANGED, &event);
  CHECK_STR(event.text, "test:bars2");
  while (MiniAV_TakeBuffer(fixed, &buffer) == MINIAV_SUCCESS) {
    CHECK_EQ(first_bar(&buffer), 180);
    release(&buffer);
  }
  fault("test:bars2", MINIAV_TEST_FAULT_NONE, 0); /* and back */
  while (next(follower, &buffer) && first_bar(&buffer) == 16) {
    release(&buffer);
  }
  release(&buffer);
  fault("test:bars", MINIAV_TEST_FAULT_LOSE, 0); /* a loss is no move */
  drain_until_lost(follower);
  drain_until_lost(fixed);
  fault("test:bars", MINIAV_TEST_FAULT_NONE, 0);
  destroy(follower);
  destroy(fixed);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* ---- hanging ----------------------------------------------------------------------------------
 */

/* Each operation hangs until it is cancelled, and until the fault is cleared. */
static void test_hangs(void) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAVCameraContextHandle context = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &fast), MINIAV_SUCCESS);
  fault("test:bars", MINIAV_TEST_FAULT_HANG, 31);
  for (uint64_t round = 0; round < 2; round++) {
    uint64_t first = 10 * (round + 1);
    CHECK_EQ(MiniAV_Camera_EnumerateDevicesAsync(waiter, first), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_GetSupportedFormatsAsync(waiter, first + 1, "test:bars"),
             MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_GetPermissionAsync(waiter, first + 2), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_StartCaptureAsync(waiter, first + 3, context, NULL, NULL),
             MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_WaitAny(waiter, 100), MINIAV_ERROR_TIMEOUT);
    for (uint64_t token = first; round == 0 && token < first + 4; token++) {
      CHECK_EQ(MiniAV_WaiterCancel(waiter, token), MINIAV_SUCCESS);
    }
    if (round == 1) {
      fault("test:bars", MINIAV_TEST_FAULT_HANG, 0);
    }
    for (uint32_t i = 0; i < 4 && wait_event(waiter, MINIAV_EVENT_OPERATION, &event); i++) {
      CHECK_EQ(event.result, round == 0 ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS);
      if (event.token == first) {
        CHECK_EQ(MiniAV_FreeDeviceList(event.list, event.count), MINIAV_SUCCESS);
      } else if (event.token == first + 1) {
        CHECK_EQ(MiniAV_FreeFormatList(event.list, event.count), MINIAV_SUCCESS);
      }
    }
  }
  skip_frames(context, 2);
  destroy(context);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* A slow clock does not make stop slow. */
static void test_stop_is_prompt(void) {
  MiniAVVideoInfo slow = fast;
  slow.frame_rate_numerator = 1;
  slow.frame_rate_denominator = 10;
  MiniAVCameraContextHandle context = camera("test:bars", &slow);
  skip_frames(context, 1);
  int64_t before_us = clock_now_us();
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK(clock_now_us() - before_us < 2000000); /* of the ten seconds to the next frame */
  destroy(context);
}

/* Faults change while captures run, from several threads: for the sanitizers. */
static atomic_uint shakers;

static void shake(void *argument) {
  static const char *const ids[] = {"test:bars", "test:bars2", "test:flood"};
  static const MiniAVTestFault faults[] = {
      MINIAV_TEST_FAULT_STALL,      MINIAV_TEST_FAULT_BAD_STRIDE,   MINIAV_TEST_FAULT_SKIP,
      MINIAV_TEST_FAULT_CORRUPT,    MINIAV_TEST_FAULT_MAKE_DEFAULT, MINIAV_TEST_FAULT_LOSE,
      MINIAV_TEST_FAULT_PLUG,       MINIAV_TEST_FAULT_NONE,         MINIAV_TEST_FAULT_UNPLUG,
      MINIAV_TEST_FAULT_FAIL_START, MINIAV_TEST_FAULT_DELIVER_LATE};
  uint32_t seed = (uint32_t)(uintptr_t)argument;
  for (uint32_t i = 0; i < 200; i++) {
    seed = seed * 1664525 + 1013904223;
    uint32_t which = seed >> 16;
    int64_t value = which % 11 == 9 ? MINIAV_ERROR_DEVICE_BUSY : (int64_t)(which % 2);
    MiniAV_TestSetFault(ids[which / 16 % 3], faults[which % 11], value);
    clock_sleep_until_us(clock_now_us() + 500);
  }
  atomic_fetch_sub(&shakers, 1);
}

static void test_shaking(void) {
  atomic_store(&shakers, 2);
  CHECK(thread_start("shake", shake, (void *)(uintptr_t)7));
  CHECK(thread_start("shake", shake, (void *)(uintptr_t)11));
  while (atomic_load(&shakers) > 0) {
    MiniAVCameraContextHandle context = NULL;
    MiniAVBuffer buffer;
    CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
    if (MiniAV_Camera_Configure(context, NULL, &fast) == MINIAV_SUCCESS &&
        MiniAV_Camera_StartCapture(context, NULL, NULL) == MINIAV_SUCCESS) {
      for (uint32_t i = 0; i < 10; i++) {
        if (MiniAV_WaitBuffer(context, 5, &buffer) == MINIAV_SUCCESS) {
          struct strip strip;
          CHECK(strip_read(&buffer, &strip) && strip.time_us == buffer.timestamp_us);
          release(&buffer);
        }
      }
      stats_of(context);
    }
    destroy(context);
  }
  static const char *const ids[] = {"test:bars", "test:bars2", "test:flood"};
  for (uint32_t i = 0; i < 3; i++) {
    fault(ids[i], MINIAV_TEST_FAULT_NONE, 0);
  }
}

int main(void) {
  use_test_backends();
  test_arguments();
  test_failures();
  test_frame_faults();
  test_late();
  test_stall();
  test_change_format();
  test_lose();
  test_hot_plug();
  test_default_moves();
  test_hangs();
  test_stop_is_prompt();
  test_shaking();
  return check_report("test_device_faults");
}
