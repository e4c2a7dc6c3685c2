/* Waiters that come and go while captures use them: contexts go on without a destroyed one, what
 * was not read moves along, a wake that was armed before the waiter came is not lost. */
#include <stdatomic.h>
#include <string.h>
#if !defined(_WIN32)
#include <poll.h>
#include <unistd.h>
#endif

#include "common/clock.h"
#include "common/registry_internal.h"
#include "support/fake_source.h"
#include "support/test_backends.h"
#include "support/threads.h"

static MiniAVWaiterHandle make(void) {
  MiniAVWaiterHandle waiter = NULL;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  return waiter;
}

static struct fake_source make_running(void) {
  struct fake_source source = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS);
  return source;
}

/* -- a context outlives its waiter ------------------------------------------------------------- */

static atomic_uint losses_told;

static void on_lost(MiniAVHandle context, MiniAVResultCode reason, const char *message,
                    void *user_data) {
  (void)context;
  (void)reason;
  (void)message;
  (void)user_data;
  atomic_fetch_add(&losses_told, 1);
}

static bool losses_are(void *user) {
  return atomic_load(&losses_told) == *(uint32_t *)user;
}

static void test_destroyed_waiter(void) {
  CHECK_EQ(MiniAV_SetContextLostCallback(on_lost, NULL), MINIAV_SUCCESS);
  struct fake_source lost_later = make_running();
  struct fake_source lost_before = make_running();
  MiniAVWaiterHandle waiter = make();
  CHECK_EQ(MiniAV_WaiterAdd(waiter, lost_later.handle), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterAdd(waiter, lost_before.handle), MINIAV_SUCCESS);
  capture_lost(lost_before.capture, MINIAV_ERROR_DEVICE_LOST, "gone"); /* nobody reads it */
  uint32_t expected = 0;
  CHECK(losses_are(&expected));
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  expected = 1;
  CHECK(wait_until(losses_are, &expected, 10000));
  fake_deliver(&lost_later); /* goes on without it */
  MiniAVBuffer buffer;
  CHECK_EQ(MiniAV_TakeBuffer(lost_later.handle, &buffer), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  capture_lost(lost_later.capture, MINIAV_ERROR_DEVICE_LOST, "gone");
  expected = 2;
  CHECK(wait_until(losses_are, &expected, 10000));
  fake_source_destroy(&lost_later);
  fake_source_destroy(&lost_before);
  CHECK_EQ(MiniAV_SetContextLostCallback(NULL, NULL), MINIAV_SUCCESS);
}

/* More waiters than the table holds, each left behind by a context that lives. */
static void test_many_left_behind(void) {
  struct fake_source sources[4];
  for (uint32_t i = 0; i < 4; i++) {
    sources[i] = make_running();
  }
  for (uint32_t i = 0; i < 300; i++) {
    MiniAVWaiterHandle waiter = make();
    CHECK_EQ(MiniAV_WaiterAdd(waiter, sources[i % 4].handle), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  }
  for (uint32_t i = 0; i < 4; i++) {
    fake_source_destroy(&sources[i]);
  }
}

#if !defined(_WIN32)
/* Who sleeps on the descriptor is told of the end too. */
static void test_descriptor_ends(void) {
  struct fake_source source = make_running();
  MiniAVWaiterHandle waiter = make();
  int32_t fd = -1;
  CHECK_EQ(MiniAV_WaiterFd(waiter, &fd), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterAdd(waiter, source.handle), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  struct pollfd polled = {.fd = fd, .events = POLLIN};
  CHECK_EQ(poll(&polled, 1, 3000), 1);
  char byte;
  CHECK_EQ(read(fd, &byte, 1), 0);
  close(fd);
  fake_source_destroy(&source);
}
#endif

/* -- moving ------------------------------------------------------------------------------------ */

static void expect_event(MiniAVWaiterHandle waiter, MiniAVEventType type, MiniAVHandle context) {
  MiniAVEvent event;
  if (CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_SUCCESS)) {
    CHECK_EQ(event.type, type);
    CHECK_EQ(event.context, (uint64_t)(uintptr_t)context);
    CHECK(event.timestamp_us != 0);
    CHECK_STR(event.backend, "fake");
  }
}

static void test_unread_events_move(void) {
  struct fake_source source = make_running();
  MiniAVWaiterHandle first = make();
  MiniAVWaiterHandle second = make();
  MiniAVEvent event;
  CHECK_EQ(MiniAV_WaiterAdd(first, source.handle), MINIAV_SUCCESS);
  capture_stalled(source.capture);
  clock_sleep_until_us(clock_now_us() + 2000);
  fake_deliver(&source); /* resumed */
  struct capture_format format = {.video = {.width = 16}};
  clock_sleep_until_us(clock_now_us() + 2000);
  capture_format_changed(source.capture, &format);
  capture_format_changed(source.capture, &format);
  clock_sleep_until_us(clock_now_us() + 2000);
  capture_lost(source.capture, MINIAV_ERROR_DEVICE_LOST, "gone");
  CHECK_EQ(MiniAV_WaiterAdd(second, source.handle), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_NextEvent(first, &event), MINIAV_ERROR_NO_BUFFER);
  CHECK_EQ(MiniAV_WaiterRemove(first, source.handle), MINIAV_ERROR_NOT_SUPPORTED);
  expect_event(second, MINIAV_EVENT_STALLED, source.handle);
  expect_event(second, MINIAV_EVENT_RESUMED, source.handle);
  CHECK_EQ(MiniAV_NextEvent(second, &event), MINIAV_SUCCESS);
  CHECK_EQ(event.type, MINIAV_EVENT_FORMAT_CHANGED);
  CHECK_EQ(event.coalesced, 1);
  expect_event(second, MINIAV_EVENT_LOST, source.handle);
  CHECK_EQ(MiniAV_NextEvent(second, &event), MINIAV_ERROR_NO_BUFFER);
  CHECK_EQ(MiniAV_WaiterRemove(second, source.handle), MINIAV_SUCCESS);
  fake_source_destroy(&source);
  CHECK_EQ(MiniAV_DestroyWaiter(first), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_DestroyWaiter(second), MINIAV_SUCCESS);
}

/* The take that armed came before the waiter. */
static void test_armed_before(void) {
  MiniAVBuffer buffer;
  for (int late = 0; late < 3; late++) {
    struct fake_source source = make_running();
    MiniAVWaiterHandle waiter = make();
    CHECK_EQ(MiniAV_TakeBuffer(source.handle, &buffer), MINIAV_ERROR_NO_BUFFER);
    if (late == 1) {
      fake_deliver(&source);
    } else if (late == 2) {
      capture_lost(source.capture, MINIAV_ERROR_DEVICE_LOST, "gone");
    }
    CHECK_EQ(MiniAV_WaiterAdd(waiter, source.handle), MINIAV_SUCCESS);
    if (late == 0) {
      CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_ERROR_TIMEOUT);
      fake_deliver(&source);
    }
    CHECK_EQ(MiniAV_WaitAny(waiter, 3000), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_WaitAny(waiter, 0), MINIAV_ERROR_TIMEOUT);
    fake_source_destroy(&source);
    CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  }
}

static void test_all_properties_are_told(void) {
  struct fake_source source = make_running();
  MiniAVWaiterHandle waiter = make();
  MiniAVEvent event;
  CHECK_EQ(MiniAV_WaiterAdd(waiter, source.handle), MINIAV_SUCCESS);
  for (int round = 0; round < 2; round++) {
    for (uint32_t key = MINIAV_PROPERTY_BRIGHTNESS; key <= MINIAV_PROPERTY_INTRINSICS; key++) {
      capture_property_changed(source.capture, (MiniAVPropertyKey)key);
      capture_property_changed(source.capture, (MiniAVPropertyKey)key);
    }
    for (uint32_t key = MINIAV_PROPERTY_BRIGHTNESS; key <= MINIAV_PROPERTY_INTRINSICS; key++) {
      CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_SUCCESS);
      CHECK_EQ(event.detail, key);
      CHECK_EQ(event.coalesced, 1);
    }
    CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
  }
  fake_source_destroy(&source);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* -- stress ------------------------------------------------------------------------------------ */

#define SOURCES 3u
#define WAITERS 3u
static struct fake_source sources[SOURCES];
static _Atomic(MiniAVWaiterHandle) waiters[WAITERS];
static atomic_uint taken;

static void produce(uint32_t index, uint32_t *seed) {
  fake_deliver(&sources[index]);
  switch (random_next(seed) % 8) {
  case 0:
    capture_stalled(sources[index].capture);
    break;
  case 1:
    capture_property_changed(sources[index].capture,
                             (MiniAVPropertyKey)(0x101 + random_next(seed) % 8));
    break;
  case 2:
    MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
    break;
  case 3:
    registry_devices_changed((MiniAVKind)(random_next(seed) % 4));
    break;
  default:
    break;
  }
}

/* Whoever takes reads the waiter's events too, as the protocol says. */
static void consume(uint32_t *seed) {
  MiniAVBuffer buffer;
  MiniAVEvent event;
  MiniAVWaiterHandle waiter = atomic_load(&waiters[random_next(seed) % WAITERS]);
  for (uint32_t i = 0; i < SOURCES; i++) {
    while (MiniAV_TakeBuffer(sources[i].handle, &buffer) == MINIAV_SUCCESS) {
      CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
      atomic_fetch_add(&taken, 1);
    }
  }
  while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    CHECK(event.type != MINIAV_EVENT_NONE);
  }
  MiniAV_WaitAny(waiter, 1);
}

/* Watches and adds race the destruction of their waiter. */
static void disturb(uint32_t *seed) {
  uint32_t at = random_next(seed) % WAITERS;
  MiniAVWaiterHandle waiter = atomic_load(&waiters[at]);
  MiniAVHandle context = sources[random_next(seed) % SOURCES].handle;
  switch (random_next(seed) % 6) {
  case 0: {
    MiniAVWaiterHandle old = atomic_exchange(&waiters[at], make());
    CHECK_EQ(MiniAV_DestroyWaiter(old), MINIAV_SUCCESS);
    break;
  }
  case 1:
    MiniAV_WaiterRemove(waiter, context);
    break;
  case 2:
    MiniAV_WaiterWatchLog(waiter, (MiniAVLogLevel)(random_next(seed) % 5));
    break;
  case 3:
    MiniAV_WaiterWatchDevices(waiter, random_next(seed) % 16);
    break;
  default:
    MiniAV_WaiterAdd(waiter, context);
    break;
  }
}

static void stress_body(uint32_t index) {
  uint32_t seed = index * 77 + 3;
  while (!stress_over()) {
    if (index < SOURCES) {
      produce(index, &seed);
      clock_sleep_until_us(clock_now_us() + 20);
    } else if (index < SOURCES + 2) {
      consume(&seed);
    } else {
      disturb(&seed);
    }
  }
}

static void test_stress(void) {
  for (uint32_t i = 0; i < SOURCES; i++) {
    sources[i] = make_running();
  }
  for (uint32_t i = 0; i < WAITERS; i++) {
    atomic_store(&waiters[i], make());
  }
  stress_run(stress_body, SOURCES + 2 + 3, 2500);
  for (uint32_t i = 0; i < WAITERS; i++) {
    CHECK_EQ(MiniAV_DestroyWaiter(atomic_load(&waiters[i])), MINIAV_SUCCESS);
  }
  /* Nobody is told any more, least of all a waiter that is gone. */
  MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
  for (uint32_t kind = 0; kind < 4; kind++) {
    registry_devices_changed((MiniAVKind)kind);
  }
  for (uint32_t i = 0; i < SOURCES; i++) {
    fake_source_destroy(&sources[i]);
  }
  CHECK(atomic_load(&taken) > 100);
}

int main(void) {
  use_test_backends();
  test_destroyed_waiter();
  test_many_left_behind();
#if !defined(_WIN32)
  test_descriptor_ends();
#endif
  test_unread_events_move();
  test_armed_before();
  test_all_properties_are_told();
  test_stress();
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("waiter_life");
}
