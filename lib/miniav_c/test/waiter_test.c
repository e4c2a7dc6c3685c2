/* Waiters: no wake is lost, at most one is outstanding, events coalesce, ends wake everybody. */
#include "miniav.h"

#include <stdatomic.h>
#include <string.h>
#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "common/clock.h"
#include "common/registry_internal.h"
#include "common/waiter.h"
#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

static MiniAVWaiterHandle make(void) {
  MiniAVWaiterHandle waiter = NULL;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  return waiter;
}

static void test_wakes(void) {
  MiniAVWaiterHandle waiter = make();
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_ERROR_TIMEOUT);
  CHECK_EQ(MiniAV_WaiterKick(waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterKick(waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_ERROR_TIMEOUT); /* two kicks, one wake */
  int64_t before_us = clock_now_us();
  CHECK_EQ(MiniAV_WaitAny(waiter, 30), MINIAV_ERROR_TIMEOUT);
  CHECK(clock_now_us() - before_us >= 30000);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_CreateWaiter(NULL), MINIAV_ERROR_INVALID_ARG);
}

static void test_log(void) {
  MiniAVWaiterHandle waiter = make();
  MiniAVEvent event;
  CHECK_EQ(MiniAV_WaiterWatchLog(waiter, MINIAV_LOG_LEVEL_WARN), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
  MiniAV_TestLog(MINIAV_LOG_LEVEL_INFO, "too low");
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_ERROR_TIMEOUT);
  MiniAV_TestLog(MINIAV_LOG_LEVEL_WARN, "heard");
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_SUCCESS);
  CHECK_EQ(event.type, MINIAV_EVENT_LOG);
  CHECK_EQ(event.detail, MINIAV_LOG_LEVEL_WARN);
  CHECK_STR(event.text, "heard");
  for (uint32_t i = 0; i < 200; i++) {
    MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "many");
  }
  uint32_t lines = 0;
  uint32_t lost = 0;
  while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    lines++;
    lost += event.coalesced;
  }
  CHECK_EQ(lines + lost, 200);
  CHECK(lost > 0);
  CHECK_EQ(MiniAV_WaiterWatchLog(waiter, (MiniAVLogLevel)4), MINIAV_SUCCESS);
  MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "unheard");
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
  MiniAV_DestroyWaiter(waiter);
}

static void test_device_events(void) {
  MiniAVWaiterHandle waiter = make();
  MiniAVEvent event;
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 16), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_SCREEN), MINIAV_SUCCESS);
  registry_devices_changed(MINIAV_KIND_CAMERA);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
  registry_devices_changed(MINIAV_KIND_SCREEN);
  registry_devices_changed(MINIAV_KIND_SCREEN);
  registry_default_changed(MINIAV_KIND_SCREEN, "x:y");
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_SUCCESS);
  CHECK_EQ(event.type, MINIAV_EVENT_DEVICES_CHANGED);
  CHECK_EQ(event.kind, MINIAV_KIND_SCREEN);
  CHECK_EQ(event.coalesced, 1);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_SUCCESS);
  CHECK_EQ(event.type, MINIAV_EVENT_DEFAULT_CHANGED);
  CHECK_STR(event.text, "x:y");
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
  registry_devices_changed(MINIAV_KIND_SCREEN); /* unread when it is destroyed */
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

#if !defined(_WIN32)
static void test_fd(void) {
  MiniAVWaiterHandle waiter = make();
  int32_t fd = -1;
  char bytes[8];
  CHECK_EQ(MiniAV_WaiterKick(waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterFd(waiter, &fd), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterFd(waiter, &fd), MINIAV_ERROR_ALREADY_RUNNING);
  CHECK_EQ(read(fd, bytes, sizeof bytes), 1); /* the wake that was outstanding already */
  CHECK_EQ(read(fd, bytes, sizeof bytes), -1);
  MiniAV_WaiterKick(waiter);
  CHECK_EQ(read(fd, bytes, sizeof bytes), -1); /* still the same wake */
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_SUCCESS);
  MiniAV_WaiterKick(waiter);
  CHECK_EQ(read(fd, bytes, sizeof bytes), 1);
  close(fd);
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_SUCCESS);
  MiniAV_WaiterKick(waiter); /* nobody reads: no signal, no error */
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}
#endif

static atomic_uint wake_calls;

/* Counted at the end: a kick before WaitAny would still be the same wake. */
static void on_wake(void *user_data) {
  MiniAVWaiterHandle waiter = user_data;
  CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_SUCCESS);
  if (atomic_load(&wake_calls) == 2) {
    CHECK_EQ(MiniAV_WaiterSetWake(waiter, NULL, NULL), MINIAV_SUCCESS); /* from inside */
  }
  atomic_fetch_add(&wake_calls, 1);
}

static bool woken(void *user) {
  return atomic_load(&wake_calls) == *(uint32_t *)user;
}

static void test_wake_callback(void) {
  MiniAVWaiterHandle waiter = make();
  CHECK_EQ(MiniAV_WaiterSetWake(waiter, on_wake, waiter), MINIAV_SUCCESS);
  for (uint32_t i = 1; i <= 3; i++) {
    MiniAV_WaiterKick(waiter);
    CHECK(wait_until(woken, &i, 10000));
  }
  CHECK_EQ(MiniAV_WaiterSetWake(waiter, on_wake, waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterSetWake(waiter, NULL, NULL), MINIAV_SUCCESS);
  MiniAV_WaiterKick(waiter);
  CHECK_EQ(atomic_load(&wake_calls), 3);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* -- stress: posts and wakes against a reader that sleeps whenever it finds nothing --------------
 */

#define POSTERS 4u
static struct waiter *stress_waiter;
static struct event_node nodes[POSTERS];
static atomic_uint_least64_t posted;
static uint64_t received;
static atomic_uint posters_left;
static _Atomic uint32_t acknowledged[POSTERS];

/* Each poster waits until its event was read before it posts the next, so one lost wake hangs. */
static void post_body(uint32_t index) {
  uint32_t round = 0;
  while (!stress_over()) {
    MiniAVEvent event = {.type = MINIAV_EVENT_PROPERTY_CHANGED, .token = index};
    waiter_post(stress_waiter, &nodes[index], &event);
    atomic_fetch_add(&posted, 1);
    round++;
    int64_t deadline_us = clock_now_us() + 5000000;
    while (atomic_load(&acknowledged[index]) != round && clock_now_us() < deadline_us) {
    }
    if (!CHECK(atomic_load(&acknowledged[index]) == round)) {
      break;
    }
  }
  atomic_fetch_sub(&posters_left, 1);
  waiter_signal(stress_waiter);
}

static void read_body(void) {
  MiniAVEvent event;
  while (atomic_load(&posters_left) > 0) {
    while (waiter_next(stress_waiter, &event) == MINIAV_SUCCESS) {
      received += 1 + event.coalesced;
      atomic_fetch_add(&acknowledged[event.token], 1);
    }
    CHECK_EQ(waiter_wait(stress_waiter, 10000), MINIAV_SUCCESS);
  }
}

static void stress_body(uint32_t index) {
  if (index == POSTERS) {
    read_body();
  } else {
    post_body(index);
  }
}

static void destroy_body(uint32_t index) {
  static _Atomic(MiniAVWaiterHandle) current;
  while (!stress_over()) {
    if (index == 0) {
      MiniAVWaiterHandle waiter = make();
      atomic_store(&current, waiter);
      MiniAV_WaiterWatchLog(waiter, MINIAV_LOG_LEVEL_DEBUG);
      MiniAV_WaiterWatchDevices(waiter, MINIAV_KINDS_ALL);
      MiniAV_DestroyWaiter(waiter);
    } else if (index == 1) {
      MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
      registry_devices_changed(MINIAV_KIND_AUDIO);
    } else {
      MiniAVEvent event;
      MiniAV_WaitAny(atomic_load(&current), 1);
      MiniAV_NextEvent(atomic_load(&current), &event);
      MiniAV_WaiterKick(atomic_load(&current));
    }
  }
}

int main(void) {
  use_test_backends();
  test_wakes();
  test_log();
  test_device_events();
#if !defined(_WIN32)
  test_fd();
#endif
  test_wake_callback();
  MiniAVWaiterHandle waiter = make();
  stress_waiter = waiter_acquire((uint64_t)(uintptr_t)waiter);
  atomic_store(&posters_left, POSTERS);
  stress_run(stress_body, POSTERS + 1, 1500);
  CHECK_EQ(received, atomic_load(&posted));
  CHECK(received > 20);
  waiter_release(stress_waiter);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  stress_run(destroy_body, 4, 1000);
  return check_report("waiter");
}
