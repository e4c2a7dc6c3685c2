/* Handles: stale ones resolve to nothing, objects are destroyed exactly once, under stress too. */
#include "common/handles.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/thread.h"
#include "support/check.h"
#include "support/threads.h"

#define LATER_US 20000

struct object {
  uint64_t handle;
  atomic_uint destroyed;
  atomic_uint holders;
};

static atomic_uint destroyed_count;
static atomic_uint created_count;

static void destroy(void *opaque) {
  struct object *object = opaque;
  CHECK_EQ(atomic_fetch_add(&object->destroyed, 1), 0);
  CHECK_EQ(atomic_load(&object->holders), 0);
  atomic_fetch_add(&destroyed_count, 1);
  free(object);
}

static void created(void *opaque, uint64_t handle) {
  ((struct object *)opaque)->handle = handle;
}

static uint64_t make(void) {
  struct object *object = calloc(1, sizeof *object);
  uint64_t handle = handle_create(HANDLE_CAMERA, object, destroy, created);
  if (handle == 0) {
    free(object);
  } else {
    atomic_fetch_add(&created_count, 1);
  }
  return handle;
}

static void test_life(void) {
  uint64_t handle = make();
  CHECK(handle != 0 && handle < UINT64_C(1) << 52);
  struct object *object = handle_acquire(handle, HANDLE_CAMERA);
  CHECK(object != NULL && object->handle == handle);
  CHECK(handle_acquire(handle, HANDLE_WAITER) == NULL);
  CHECK(handle_acquire(handle, HANDLE_SCREEN) == NULL);
  CHECK(handle_acquire(handle + 1, HANDLE_CAMERA) == NULL);
  CHECK(handle_acquire(0, HANDLE_CAMERA) == NULL);
  CHECK(handle_acquire(UINT64_MAX, HANDLE_CAMERA) == NULL);
  CHECK(handle_invalidate(handle, HANDLE_CAMERA));
  CHECK(!handle_invalidate(handle, HANDLE_CAMERA));
  CHECK(handle_acquire(handle, HANDLE_CAMERA) == NULL);
  CHECK_EQ(atomic_load(&destroyed_count), 0);
  handle_release(handle);
  CHECK_EQ(atomic_load(&destroyed_count), 0);
  handle_release(handle);
  CHECK_EQ(atomic_load(&destroyed_count), 1);
  uint64_t next = 0;
  for (uint32_t i = 0; i < 2 * HANDLE_MAX_CONTEXTS; i++) {
    next = make();
    CHECK(next != handle);
    handle_invalidate(next, HANDLE_CAMERA);
    handle_release(next);
  }
}

static void release_later(void *handle) {
  clock_sleep_until_us(clock_now_us() + LATER_US);
  handle_release(*(uint64_t *)handle);
}

/* Whoever waits for stale handles waits as long as somebody has one, or until the deadline. */
static void test_wait_destroyed(void) {
  uint64_t live = make();
  CHECK(handle_wait_destroyed(false, clock_now_us()));
  uint64_t handle = make();
  unsigned int before = atomic_load(&destroyed_count);
  CHECK(handle_invalidate(handle, HANDLE_CAMERA));
  CHECK(!handle_wait_destroyed(false, clock_now_us() + LATER_US));
  CHECK(handle_wait_destroyed(true, clock_now_us()));
  CHECK(thread_start("later", release_later, &handle));
  CHECK(handle_wait_destroyed(false, INT64_MAX));
  CHECK_EQ(atomic_load(&destroyed_count), before + 1);
  CHECK(handle_invalidate(live, HANDLE_CAMERA));
  handle_release(live);
}

static void test_full(void) {
  static uint64_t handles[HANDLE_MAX_CONTEXTS];
  for (uint32_t i = 0; i < HANDLE_MAX_CONTEXTS; i++) {
    handles[i] = make();
    CHECK(handles[i] != 0);
  }
  CHECK_EQ(make(), 0);
  for (uint32_t i = 0; i < HANDLE_MAX_CONTEXTS; i++) {
    CHECK(handle_invalidate(handles[i], HANDLE_CAMERA));
    handle_release(handles[i]);
  }
  CHECK_EQ(atomic_load(&destroyed_count), atomic_load(&created_count));
}

#define SHARED 8u
static _Atomic uint64_t shared[SHARED];

static void stress_body(uint32_t index) {
  uint32_t seed = index * 77 + 1;
  while (!stress_over()) {
    uint32_t at = random_next(&seed) % SHARED;
    uint64_t handle = atomic_load(&shared[at]);
    if (random_next(&seed) % 16 == 0) {
      uint64_t fresh = make();
      uint64_t old = atomic_exchange(&shared[at], fresh);
      if (old != 0 && CHECK(handle_invalidate(old, HANDLE_CAMERA))) {
        handle_release(old);
      }
    } else {
      struct object *object = handle_acquire(handle, HANDLE_CAMERA);
      if (object != NULL) {
        atomic_fetch_add(&object->holders, 1);
        CHECK(object->handle == handle && atomic_load(&object->destroyed) == 0);
        atomic_fetch_sub(&object->holders, 1);
        handle_release(handle);
      }
    }
  }
}

int main(void) {
  test_life();
  test_wait_destroyed();
  test_full();
  uint32_t before = atomic_load(&created_count);
  stress_run(stress_body, 6, 1500);
  for (uint32_t i = 0; i < SHARED; i++) {
    uint64_t handle = atomic_load(&shared[i]);
    if (handle != 0 && handle_invalidate(handle, HANDLE_CAMERA)) {
      handle_release(handle);
    }
  }
  CHECK_EQ(atomic_load(&destroyed_count), atomic_load(&created_count));
  CHECK(atomic_load(&created_count) > before + 50);
  return check_report("handles");
}
