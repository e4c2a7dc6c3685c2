/* Operations without a context run side by side, also when one thread of the pool is idle while two
 * are submitted. */
#include "miniav.h"

#include <stdbool.h>

#include "common/clock.h"
#include "support/check.h"
#include "support/test_backends.h"

static MiniAVWaiterHandle waiter;

static bool ends_in_time(uint64_t token, uint32_t timeout_ms) {
  MiniAVEvent event;
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  do {
    while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
      if (event.list != NULL) {
        MiniAV_FreeDeviceList(event.list, event.count);
      }
      if (event.type == MINIAV_EVENT_OPERATION && event.token == token) {
        return true;
      }
    }
    MiniAV_WaitAny(waiter, 20);
  } while (clock_now_us() < deadline_us);
  return false;
}

/* A thread that just ended an operation is idle; the first of many takes it and hangs. */
static void test_one_idle_thread(uint32_t many) {
  CHECK_EQ(MiniAV_Camera_GetPermissionAsync(waiter, 1), MINIAV_SUCCESS);
  CHECK(ends_in_time(1, 5000));
  clock_sleep_until_us(clock_now_us() + 20000);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, MINIAV_TEST_HANG_ENUMERATE),
           MINIAV_SUCCESS);
  for (uint32_t i = 0; i < many; i++) {
    CHECK_EQ(MiniAV_Camera_EnumerateDevicesAsync(waiter, 100 + i), MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_Audio_EnumerateDevicesAsync(waiter, 2), MINIAV_SUCCESS);
  CHECK(ends_in_time(2, 3000));
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, 0), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < many; i++) {
    CHECK_EQ(MiniAV_WaiterCancel(waiter, 100 + i), MINIAV_SUCCESS);
  }
}

/* Operations of one context wait for each other; those behind another context do not. */
static void test_one_hanging_context(void) {
  MiniAVCameraContextHandle hanging = NULL;
  MiniAVCameraContextHandle other = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&hanging), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_CreateContext(&other), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, MINIAV_TEST_HANG_CONFIGURE),
           MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_ConfigureAsync(waiter, 1, hanging, "test:bars", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCaptureAsync(waiter, 2, hanging, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_ConfigureAsync(waiter, 3, other, "test:bars2", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCaptureAsync(waiter, 4, other, NULL, NULL), MINIAV_SUCCESS);
  CHECK(ends_in_time(4, 3000));
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, 0), MINIAV_SUCCESS);
  CHECK(ends_in_time(2, 3000));
  CHECK_EQ(MiniAV_Camera_DestroyContext(hanging), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(other), MINIAV_SUCCESS);
}

int main(void) {
  use_test_backends();
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  test_one_idle_thread(1);
  test_one_idle_thread(5);
  test_one_hanging_context();
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("operation_threads");
}
