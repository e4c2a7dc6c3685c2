/* Callbacks that end each other: a frame's, the log's and a waiter's wake, each of which would wait
 * for another one to return. Nobody waits in a circle, and what was asked for is done. */
#include <stdatomic.h>

#include "common/clock.h"
#include "support/fake_source.h"
#include "support/test_backends.h"
#include "support/threads.h"

/* -- two and three captures ------------------------------------------------------------------- */

#define RING_MAX 3u

struct member {
  struct fake_source source;
  struct member *next; /* whom its callback ends */
  bool destroys;
  atomic_bool returned;
  atomic_int result;
};

static struct member ring[RING_MAX];
static uint32_t ring_size;
static atomic_uint inside_count;

/* Waits until the callbacks of all are inside, so that each really meets the others. */
static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  struct member *member = user_data;
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
  if (atomic_load(&member->returned)) {
    return;
  }
  atomic_fetch_add(&inside_count, 1);
  int64_t deadline_us = clock_deadline_us(3000);
  while (atomic_load(&inside_count) < ring_size && clock_now_us() < deadline_us) {
    clock_sleep_until_us(clock_now_us() + 200);
  }
  struct member *other = member->next;
  uint64_t handle = (uint64_t)(uintptr_t)other->source.handle;
  atomic_store(&member->result, member->destroys ? capture_destroy(handle, other->source.kind)
                                                 : capture_stop(handle, other->source.kind));
  atomic_store(&member->returned, true);
}

static bool all_returned(void *user) {
  (void)user;
  uint32_t count = 0;
  for (uint32_t i = 0; i < ring_size; i++) {
    count += atomic_load(&ring[i].returned) ? 1 : 0;
  }
  return count == ring_size;
}

static bool is_over(void *user) {
  struct member *member = user;
  uint64_t handle = (uint64_t)(uintptr_t)member->source.handle;
  MiniAVResultCode result = capture_stop(handle, member->source.kind);
  return result == (member->destroys ? MINIAV_ERROR_INVALID_HANDLE : MINIAV_ERROR_NOT_RUNNING);
}

static void test_ring(uint32_t size, bool destroys) {
  ring_size = size;
  atomic_store(&inside_count, 0);
  for (uint32_t i = 0; i < size; i++) {
    ring[i].source = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
    ring[i].next = &ring[(i + 1) % size];
    ring[i].destroys = destroys;
    atomic_store(&ring[i].returned, false);
    atomic_store(&ring[i].result, 1);
  }
  for (uint32_t i = 0; i < size; i++) {
    CHECK_EQ(fake_source_start(&ring[i].source, on_frame, &ring[i]), MINIAV_SUCCESS);
    fake_deliver(&ring[i].source);
  }
  CHECK(wait_until(all_returned, NULL, 10000));
  for (uint32_t i = 0; i < size; i++) {
    CHECK_EQ(atomic_load(&ring[i].result), MINIAV_SUCCESS);
    CHECK(wait_until(is_over, &ring[i], 10000));
    if (destroys) {
      capture_release_reference(ring[i].source.capture);
    } else {
      CHECK_EQ(fake_source_start(&ring[i].source, NULL, NULL), MINIAV_SUCCESS);
      fake_source_destroy(&ring[i].source);
    }
  }
}

/* -- the log, a wake and a frame ----------------------------------------------------------------
 */

enum meeting { MEET_LOG, MEET_WAKE_ENDED, MEET_WAITER_DESTROYED };

static struct fake_source source;
static MiniAVWaiterHandle waiter;
static enum meeting meeting;
static atomic_uint both_inside;
static atomic_uint both_done;

static void meet(void) {
  int64_t deadline_us = clock_deadline_us(3000);
  atomic_fetch_add(&both_inside, 1);
  while (atomic_load(&both_inside) < 2 && clock_now_us() < deadline_us) {
    clock_sleep_until_us(clock_now_us() + 200);
  }
}

static void on_met_frame(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
  meet();
  if (meeting == MEET_LOG) {
    CHECK_EQ(MiniAV_SetLogCallback(NULL, NULL), MINIAV_SUCCESS);
  } else if (meeting == MEET_WAKE_ENDED) {
    CHECK_EQ(MiniAV_WaiterSetWake(waiter, NULL, NULL), MINIAV_SUCCESS);
  } else {
    CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  }
  atomic_fetch_add(&both_done, 1);
}

static void end_the_source(void) {
  meet();
  CHECK_EQ(MiniAV_Dispose(), MINIAV_ERROR_ALREADY_RUNNING); /* from every kind of callback */
  CHECK_EQ(fake_source_stop(&source), MINIAV_SUCCESS);
  atomic_fetch_add(&both_done, 1);
}

static void on_line(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)level;
  (void)message;
  (void)user_data;
  end_the_source();
}

static void on_wake(void *user_data) {
  (void)user_data;
  end_the_source();
}

static bool both_are_done(void *user) {
  (void)user;
  return atomic_load(&both_done) == 2;
}

static bool is_stopped(void *user) {
  (void)user;
  return fake_source_stop(&source) == MINIAV_ERROR_NOT_RUNNING;
}

static void test_meeting(enum meeting which) {
  meeting = which;
  atomic_store(&both_inside, 0);
  atomic_store(&both_done, 0);
  source = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(fake_source_start(&source, on_met_frame, NULL), MINIAV_SUCCESS);
  if (which == MEET_LOG) {
    CHECK_EQ(MiniAV_SetLogCallback(on_line, NULL), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line"), MINIAV_SUCCESS);
  } else {
    CHECK_EQ(MiniAV_WaiterSetWake(waiter, on_wake, NULL), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_WaiterKick(waiter), MINIAV_SUCCESS);
  }
  fake_deliver(&source);
  CHECK(wait_until(both_are_done, NULL, 10000));
  CHECK(wait_until(is_stopped, NULL, 10000));
  fake_source_destroy(&source);
  if (which != MEET_WAITER_DESTROYED) {
    CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  }
}

/* -- setting callbacks from everywhere -----------------------------------------------------------
 */

static atomic_uint lines_heard;

static void on_flood_line(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)level;
  (void)message;
  (void)user_data;
  atomic_fetch_add(&lines_heard, 1);
}

static void on_quiet_wake(void *user_data) {
  (void)user_data;
  MiniAV_WaitAny(waiter, 0);
}

static void set_body(uint32_t index) {
  uint32_t seed = index * 31 + 7;
  while (!stress_over()) {
    bool on = random_next(&seed) % 2 == 0;
    if (index < 3) {
      CHECK_EQ(MiniAV_WaiterSetWake(waiter, on ? on_quiet_wake : NULL, NULL), MINIAV_SUCCESS);
    } else if (index < 6) {
      CHECK_EQ(MiniAV_SetLogCallback(on ? on_flood_line : NULL, NULL), MINIAV_SUCCESS);
      CHECK_EQ(MiniAV_SetLogLevel((MiniAVLogLevel)(random_next(&seed) % 4)), MINIAV_SUCCESS);
    } else {
      MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
      MiniAV_WaiterKick(waiter);
    }
  }
}

static bool is_heard(void *user) {
  uint32_t before = *(uint32_t *)user;
  MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
  return atomic_load(&lines_heard) > before;
}

static void test_setting(void) {
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  stress_run(set_body, 8, 1500);
  CHECK_EQ(MiniAV_SetLogLevel(MINIAV_LOG_LEVEL_DEBUG), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_SetLogCallback(on_flood_line, NULL), MINIAV_SUCCESS);
  uint32_t before = atomic_load(&lines_heard);
  CHECK(wait_until(is_heard, &before, 10000));
  CHECK_EQ(MiniAV_SetLogCallback(NULL, NULL), MINIAV_SUCCESS);
  before = atomic_load(&lines_heard);
  MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
  clock_sleep_until_us(clock_now_us() + 20000);
  CHECK_EQ(atomic_load(&lines_heard), before);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* -- a property of the device from the callback, while another thread asks for one ---------------
 */

static atomic_bool slow_inside;
static atomic_int from_callback;

static MiniAVResultCode slow_get(void *state, MiniAVPropertyKey key, MiniAVPropertyValue *value) {
  (void)state;
  if (key == MINIAV_PROPERTY_ZOOM) {
    atomic_store(&slow_inside, true);
    clock_sleep_until_us(clock_now_us() + 100000);
  }
  value->type = MINIAV_PROPERTY_TYPE_INTEGER;
  return MINIAV_SUCCESS;
}

static void on_asking_frame(const MiniAVBuffer *buffer, void *user_data) {
  const struct fake_source *asked = user_data;
  MiniAVPropertyValue value;
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
  atomic_store(&from_callback, capture_get_property(asked->capture->handle, asked->kind,
                                                    MINIAV_PROPERTY_FOCUS, &value));
}

static void ask_slowly(void *argument) {
  const struct fake_source *asked = argument;
  MiniAVPropertyValue value;
  CHECK_EQ(capture_get_property(asked->capture->handle, asked->kind, MINIAV_PROPERTY_ZOOM, &value),
           MINIAV_SUCCESS);
}

static bool is_slow_inside(void *user) {
  (void)user;
  return atomic_load(&slow_inside);
}

static bool callback_has_asked(void *user) {
  (void)user;
  return atomic_load(&from_callback) != 1;
}

static void test_property_from_callback(void) {
  struct backend slow = fake_backend;
  slow.get_property = slow_get;
  struct fake_source asked = fake_source_create(MINIAV_KIND_CAMERA, &slow, NULL);
  atomic_store(&from_callback, 1);
  CHECK_EQ(fake_source_start(&asked, on_asking_frame, &asked), MINIAV_SUCCESS);
  CHECK(thread_start("ask", ask_slowly, &asked));
  CHECK(wait_until(is_slow_inside, NULL, 10000));
  fake_deliver(&asked);
  CHECK(wait_until(callback_has_asked, NULL, 10000));
  CHECK_EQ(atomic_load(&from_callback), MINIAV_SUCCESS);
  fake_source_destroy(&asked);
}

/* -- a start that is cancelled while its backend's lock is held for a frame ----------------------
 */

struct loop {
  struct mutex lock; /* of the backend's loop: held when it delivers, taken by the hook */
  struct fake_source *source;
  atomic_bool started;
  atomic_bool ended;
};

static void wake_loop(void *user) {
  struct loop *loop = user;
  mutex_lock(&loop->lock);
  mutex_unlock(&loop->lock);
}

static MiniAVResultCode loop_start(void *state, struct cancel *cancel) {
  struct loop *loop = state;
  cancel_set_hook(cancel, wake_loop, loop);
  atomic_store(&loop->started, true);
  bool cancelled = cancel_wait(cancel, 5000);
  cancel_set_hook(cancel, NULL, NULL);
  return cancelled ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS;
}

static void loop_deliver(void *argument) {
  struct loop *loop = argument;
  while (!atomic_load(&loop->ended)) {
    mutex_lock(&loop->lock);
    fake_deliver(loop->source);
    mutex_unlock(&loop->lock);
  }
  atomic_store(&loop->started, false);
}

static void loop_start_main(void *argument) {
  struct loop *loop = argument;
  CHECK_EQ(fake_source_start(loop->source, NULL, NULL), MINIAV_ERROR_USER_CANCELLED);
  atomic_store(&loop->ended, true);
}

static bool has_started(void *user) {
  return atomic_load(&((struct loop *)user)->started);
}

static bool has_ended(void *user) {
  return atomic_load(&((struct loop *)user)->ended) && !has_started(user);
}

static void test_cancel_hook(void) {
  struct backend looping = fake_backend;
  looping.start = loop_start;
  for (uint32_t i = 0; i < 50; i++) {
    struct loop loop = {.lock = MUTEX_INITIALIZER};
    struct fake_source looped = fake_source_create(MINIAV_KIND_CAMERA, &looping, &loop);
    loop.source = &looped;
    CHECK(thread_start("start", loop_start_main, &loop));
    CHECK(wait_until(has_started, &loop, 10000));
    CHECK(thread_start("loop", loop_deliver, &loop));
    CHECK_EQ(fake_source_stop(&looped), MINIAV_SUCCESS);
    if (!CHECK(wait_until(has_ended, &loop, 3000))) {
      break;
    }
    fake_source_destroy(&looped);
  }
}

int main(void) {
  use_test_backends();
  for (uint32_t size = 1; size <= RING_MAX; size++) {
    test_ring(size, false);
    test_ring(size, true);
  }
  test_meeting(MEET_LOG);
  test_meeting(MEET_WAKE_ENDED);
  test_meeting(MEET_WAITER_DESTROYED);
  test_setting();
  test_property_from_callback();
  test_cancel_hook();
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("callbacks");
}
