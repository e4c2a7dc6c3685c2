/* The callbacks of log and lost contexts: told once, ended when told so, never of a dead context's
 * memory. */
#include <stdatomic.h>

#include "common/clock.h"
#include "support/fake_source.h"
#include "support/test_backends.h"
#include "support/threads.h"

/* -- lost contexts that are destroyed before they are told of ---------------------------------- */

static atomic_bool gate_closed;
static atomic_uint told;
static atomic_uint_least64_t last_context;

static void on_lost(MiniAVHandle context, MiniAVResultCode reason, const char *message,
                    void *user_data) {
  (void)user_data;
  CHECK_EQ(reason, MINIAV_ERROR_DEVICE_LOST);
  CHECK_STR(message, "gone");
  atomic_store(&last_context, (uint64_t)(uintptr_t)context);
  atomic_fetch_add(&told, 1);
  while (atomic_load(&gate_closed)) {
    clock_sleep_until_us(clock_now_us() + 1000);
  }
}

static bool one_was_told(void *user) {
  return atomic_load(&told) >= *(uint32_t *)user;
}

static void test_lost_then_destroyed(void) {
  uint32_t once = 1;
  CHECK_EQ(MiniAV_SetContextLostCallback(on_lost, NULL), MINIAV_SUCCESS);
  atomic_store(&gate_closed, true);
  struct fake_source first = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  struct fake_source second = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  struct fake_source third = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  CHECK_EQ(fake_source_start(&first, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(fake_source_start(&second, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(fake_source_start(&third, NULL, NULL), MINIAV_SUCCESS);
  capture_lost(first.capture, MINIAV_ERROR_DEVICE_LOST, "gone");
  CHECK(wait_until(one_was_told, &once, 10000));
  /* The callback is inside: these two wait in the notifier's queue. */
  capture_lost(second.capture, MINIAV_ERROR_DEVICE_LOST, "gone");
  capture_lost(third.capture, MINIAV_ERROR_DEVICE_LOST, "gone");
  uint64_t third_value = third.capture->handle;
  fake_source_destroy(&second);
  atomic_store(&gate_closed, false);
  uint32_t twice = 2;
  CHECK(wait_until(one_was_told, &twice, 10000));
  CHECK_EQ(atomic_load(&last_context), third_value);
  fake_source_destroy(&first);
  fake_source_destroy(&third);
  CHECK_EQ(MiniAV_SetContextLostCallback(NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(atomic_load(&told), 2);
}

int main(void) {
  use_test_backends();
  test_lost_then_destroyed();
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("notifier");
}
