/* Async twins: one event each, in order for a context, cancelled by stop, destroy, token, waiter.
 */
#include "miniav.h"

#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

static MiniAVWaiterHandle waiter;

static bool next_operation(MiniAVEvent *event, uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  do {
    while (MiniAV_NextEvent(waiter, event) == MINIAV_SUCCESS) {
      if (event->type == MINIAV_EVENT_OPERATION) {
        return true;
      }
    }
    MiniAV_WaitAny(waiter, 20);
  } while (clock_now_us() < deadline_us);
  return false;
}

static void test_lists(void) {
  MiniAVEvent event;
  CHECK_EQ(MiniAV_Camera_EnumerateDevicesAsync(waiter, 11), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 5000));
  CHECK_EQ(event.token, 11);
  CHECK_EQ(event.result, MINIAV_SUCCESS);
  CHECK(event.count >= 2 && event.list != NULL);
  MiniAVDeviceInfo devices[64];
  CHECK_EQ(MiniAV_CopyDeviceList(event.list, event.count, devices, 64), MINIAV_SUCCESS);
  CHECK(strncmp(devices[0].device_id, "test:", 5) == 0);
  CHECK_EQ(MiniAV_FreeDeviceList(event.list, event.count), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_GetDefaultFormatAsync(waiter, 12, "test:tone"), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 5000));
  MiniAVAudioInfo format;
  CHECK_EQ(event.count, 1);
  CHECK_EQ(MiniAV_CopyFormatList(event.list, 1, &format, sizeof format), MINIAV_SUCCESS);
  CHECK(format.sample_rate >= 8000 && format.channel_count > 0);
  CHECK_EQ(MiniAV_FreeFormatList(event.list, 1), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_GetDefaultFormatsAsync(waiter, 13, "test:display"), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 5000));
  struct {
    MiniAVVideoInfo video;
    MiniAVAudioInfo audio;
  } both;
  CHECK_EQ(MiniAV_CopyFormatList(event.list, 1, &both, sizeof both), MINIAV_SUCCESS);
  CHECK(both.video.width > 0 && both.audio.sample_rate > 0);
  CHECK_EQ(MiniAV_FreeFormatList(event.list, 1), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_GetSupportedFormatsAsync(waiter, 14, "test:none"), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 5000));
  CHECK_EQ(event.result, MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK(event.list == NULL);
  CHECK_EQ(MiniAV_Camera_GetPermissionAsync(waiter, 15), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 5000));
  CHECK_EQ(event.result, MINIAV_SUCCESS);
}

static void test_bad_handles(void) {
  CHECK_EQ(MiniAV_Camera_EnumerateDevicesAsync(NULL, 1), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_Camera_StopCaptureAsync(waiter, 1, NULL), MINIAV_ERROR_INVALID_HANDLE);
  char longer[400];
  memset(longer, 'a', sizeof longer);
  longer[399] = 0;
  CHECK_EQ(MiniAV_Camera_GetSupportedFormatsAsync(waiter, 1, longer), MINIAV_ERROR_INVALID_ARG);
  MiniAVEvent event;
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
}

/* Everything at once without waiting: the order of submission is the order of effect. */
static void test_order(void) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < 20; i++) {
    CHECK_EQ(MiniAV_Camera_ConfigureAsync(waiter, 1, context, "test:bars", NULL), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_StartCaptureAsync(waiter, 2, context, NULL, NULL), MINIAV_SUCCESS);
    CHECK(next_operation(&event, 5000));
    CHECK_EQ(event.token, 1);
    CHECK_EQ(event.result, MINIAV_SUCCESS);
    CHECK(next_operation(&event, 5000));
    CHECK_EQ(event.token, 2);
    CHECK_EQ(event.result, MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_StopCaptureAsync(waiter, 3, context), MINIAV_SUCCESS);
    CHECK(next_operation(&event, 5000));
    CHECK_EQ(event.token, 3);
    CHECK_EQ(event.result, MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_Camera_DestroyContextAsync(waiter, 4, context), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 5000));
  CHECK_EQ(event.result, MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContextAsync(waiter, 5, context), MINIAV_ERROR_INVALID_HANDLE);
}

static void hang(uint32_t what) {
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, what), MINIAV_SUCCESS);
}

static void test_cancelled_by_destroy(void) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVEvent event;
  bool seen[4] = {false};
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  hang(MINIAV_TEST_HANG_CONFIGURE);
  MiniAV_Camera_ConfigureAsync(waiter, 1, context, "test:bars", NULL);
  MiniAV_Camera_StartCaptureAsync(waiter, 2, context, NULL, NULL);
  CHECK(!next_operation(&event, 100));
  MiniAV_Camera_DestroyContextAsync(waiter, 3, context);
  for (uint32_t i = 0; i < 3; i++) {
    CHECK(next_operation(&event, 3000));
    CHECK(event.token >= 1 && event.token <= 3 && !seen[event.token]);
    seen[event.token] = true;
    CHECK_EQ(event.result, event.token == 3 ? MINIAV_SUCCESS : MINIAV_ERROR_USER_CANCELLED);
  }
  CHECK(!next_operation(&event, 50));
  hang(0);
}

static void test_cancelled_by_token(void) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", NULL), MINIAV_SUCCESS);
  hang(MINIAV_TEST_HANG_START | MINIAV_TEST_HANG_ENUMERATE);
  MiniAV_Camera_StartCaptureAsync(waiter, 7, context, NULL, NULL);
  MiniAV_Camera_EnumerateDevicesAsync(waiter, 8);
  CHECK(!next_operation(&event, 100));
  CHECK_EQ(MiniAV_WaiterCancel(waiter, 8), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 1000));
  CHECK_EQ(event.token, 8);
  CHECK_EQ(event.result, MINIAV_ERROR_USER_CANCELLED);
  CHECK_EQ(MiniAV_WaiterCancel(waiter, 7), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 1000));
  CHECK_EQ(event.token, 7);
  CHECK_EQ(event.result, MINIAV_ERROR_USER_CANCELLED);
  CHECK_EQ(MiniAV_WaiterCancel(waiter, 7), MINIAV_SUCCESS); /* nothing there any more */
  hang(0);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

static void test_waiter_goes_first(void) {
  MiniAVWaiterHandle other = NULL;
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_CreateWaiter(&other), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  hang(MINIAV_TEST_HANG_ENUMERATE | MINIAV_TEST_HANG_CONFIGURE);
  MiniAV_Camera_EnumerateDevicesAsync(other, 1);
  MiniAV_Camera_ConfigureAsync(other, 2, context, "test:bars", NULL);
  MiniAV_Audio_EnumerateDevicesAsync(other, 3);
  clock_sleep_until_us(clock_now_us() + 20000);
  CHECK_EQ(MiniAV_DestroyWaiter(other), MINIAV_SUCCESS); /* the list of 3 is freed unread */
  hang(0);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* -- stress --------------------------------------------------------------------------------- */

static atomic_uint submitted;
static atomic_uint ended;

static void stress_body(uint32_t index) {
  MiniAVWaiterHandle own = NULL;
  uint32_t seed = index * 131 + 17;
  CHECK_EQ(MiniAV_CreateWaiter(&own), MINIAV_SUCCESS);
  uint64_t token = 1;
  uint32_t pending = 0;
  while (!stress_over() || pending > 0) {
    if (!stress_over() && pending < 8) {
      MiniAVResultCode result = random_next(&seed) % 2 == 0
                                    ? MiniAV_Camera_EnumerateDevicesAsync(own, token)
                                    : MiniAV_Audio_GetSupportedFormatsAsync(own, token, NULL);
      CHECK_EQ(result, MINIAV_SUCCESS);
      pending++;
      atomic_fetch_add(&submitted, 1);
      if (random_next(&seed) % 4 == 0) {
        MiniAV_WaiterCancel(own, token);
      }
      token++;
    }
    MiniAVEvent event;
    while (MiniAV_NextEvent(own, &event) == MINIAV_SUCCESS) {
      pending--;
      atomic_fetch_add(&ended, 1);
      if (event.list != NULL) {
        MiniAVResultCode result = event.kind == MINIAV_KIND_CAMERA
                                      ? MiniAV_FreeDeviceList(event.list, event.count)
                                      : MiniAV_FreeFormatList(event.list, event.count);
        CHECK_EQ(result, MINIAV_SUCCESS);
      }
    }
    if (pending >= 8 || stress_over()) {
      CHECK(MiniAV_WaitAny(own, 5000) == MINIAV_SUCCESS || pending == 0);
    }
  }
  CHECK_EQ(MiniAV_DestroyWaiter(own), MINIAV_SUCCESS);
}

int main(void) {
  use_test_backends();
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  test_lists();
  test_bad_handles();
  test_order();
  test_cancelled_by_destroy();
  test_cancelled_by_token();
  test_waiter_goes_first();
  stress_run(stress_body, 4, 1500);
  CHECK_EQ(atomic_load(&ended), atomic_load(&submitted));
  CHECK(atomic_load(&ended) > 20);
  MiniAV_DestroyWaiter(waiter);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("operations");
}
