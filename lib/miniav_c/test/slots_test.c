/* Slots: one release succeeds, copies are never torn by a release, nothing leaks, under stress too.
 */
#include "common/slots.h"

#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"
#include "support/check.h"
#include "support/threads.h"

static atomic_uint backend_releases;

static void backend_release(void *owner, uint64_t token) {
  CHECK(owner == &backend_releases && token > 0);
  atomic_fetch_add(&backend_releases, 1);
}

static struct slot *fill(struct slot_table *table, struct block *block, uint64_t token) {
  struct slot *slot = slot_reserve(table);
  if (slot == NULL) {
    return NULL;
  }
  struct capture_frame frame;
  capture_frame_init(&frame, MINIAV_BUFFER_TYPE_AUDIO);
  frame.block = block;
  frame.release = backend_release;
  frame.owner = &backend_releases;
  frame.token = token;
  slot_fill(slot, &frame);
  return slot;
}

static void test_life(void) {
  struct slot_table *table = slot_table_create(2);
  struct slot *first = fill(table, NULL, 1);
  struct slot *second = fill(table, NULL, 2);
  CHECK(first != NULL && second != NULL && fill(table, NULL, 3) == NULL);
  CHECK(slot_pin((uint64_t)(uintptr_t)first->buffer.internal_handle) == NULL); /* only queued */
  uint64_t handle = slot_lease(first);
  CHECK(handle == (uint64_t)(uintptr_t)first->buffer.internal_handle);
  CHECK(handle < UINT64_C(1) << 52);
  CHECK(slot_pin(handle) == first);
  CHECK(slot_release(handle));
  CHECK(!slot_release(handle));
  CHECK(slot_pin(handle) == NULL); /* released, though still pinned */
  CHECK_EQ(atomic_load(&backend_releases), 0);
  slot_unpin(first);
  CHECK_EQ(atomic_load(&backend_releases), 1);
  CHECK(!slot_release(handle));
  slot_drop(second);
  CHECK_EQ(atomic_load(&backend_releases), 2);
  CHECK_EQ(atomic_load(&table->released), 1);
  /* Leased over the end of its table: still releasable, and only then the table is used again. */
  struct slot *third = fill(table, NULL, 4);
  uint64_t last = slot_lease(third);
  slot_table_close(table);
  struct slot_table *other = slot_table_create(2);
  CHECK(other != table);
  CHECK_EQ(slot_leased_count(), 1);
  CHECK(slot_release(last));
  CHECK_EQ(slot_leased_count(), 0);
  slot_table_close(other);
  CHECK(!slot_release(0) && !slot_release(UINT64_MAX) && !slot_release(last + 1));
}

/* -- stress: one producer under a lock, as a capture does; consumers release, copy, hold ---------
 */

#define STASH 64u
static struct mutex capture_lock = MUTEX_INITIALIZER;
static struct slot_table *stress_table;
static struct block_pool *stress_pool;
static _Atomic uint64_t stash[STASH];
static atomic_uint made;
static atomic_uint released;
static atomic_uint double_releases;

static void produce(uint32_t *seed) {
  struct block *block = block_pool_take(stress_pool);
  if (block == NULL) {
    return;
  }
  uint32_t value = random_next(seed);
  memset(block->data, (int)(value & 255), 64);
  mutex_lock(&capture_lock);
  struct slot *slot = fill(stress_table, block, 9);
  uint64_t handle = 0;
  if (slot != NULL) {
    slot->buffer.data.audio.data = block->data;
    slot->buffer.sequence = value & 255;
    if (value % 5 == 0) {
      slot_drop(slot);
    } else {
      handle = slot_lease(slot);
      atomic_fetch_add(&made, 1);
    }
  }
  mutex_unlock(&capture_lock);
  if (slot == NULL) {
    block_release(block);
  }
  uint64_t old = handle != 0 ? atomic_exchange(&stash[value / 256 % STASH], handle) : 0;
  if (old != 0 && slot_release(old)) {
    atomic_fetch_add(&released, 1);
  }
}

static void consume(uint32_t *seed) {
  uint64_t handle = atomic_load(&stash[random_next(seed) % STASH]);
  struct slot *slot = handle != 0 ? slot_pin(handle) : NULL;
  if (slot != NULL) {
    const uint8_t *data = slot->buffer.data.audio.data;
    for (uint32_t i = 0; i < 64; i++) {
      if (data[i] != slot->buffer.sequence) {
        CHECK_EQ(data[i], slot->buffer.sequence);
        break;
      }
    }
    if (random_next(seed) % 2 == 0 && slot_release(handle)) {
      atomic_fetch_add(&released, 1);
      if (slot_release(handle)) {
        atomic_fetch_add(&double_releases, 1);
      }
    }
    slot_unpin(slot);
  } else if (handle != 0 && slot_release(handle)) {
    atomic_fetch_add(&released, 1);
  }
}

static void stress_body(uint32_t index) {
  uint32_t seed = index * 99 + 7;
  while (!stress_over()) {
    if (index == 0) {
      produce(&seed);
    } else {
      consume(&seed);
    }
  }
}

int main(void) {
  test_life();
  stress_table = slot_table_create(16);
  stress_pool = block_pool_create(18, 64);
  stress_run(stress_body, 6, 1500);
  for (uint32_t i = 0; i < STASH; i++) {
    if (slot_release(atomic_load(&stash[i]))) {
      atomic_fetch_add(&released, 1);
    }
  }
  CHECK_EQ(atomic_load(&released), atomic_load(&made));
  CHECK_EQ(atomic_load(&double_releases), 0);
  CHECK_EQ(atomic_load(&stress_table->released), atomic_load(&made));
  CHECK_EQ(block_pool_free_count(stress_pool), 18);
  CHECK(atomic_load(&made) > 50);
  block_pool_close(stress_pool);
  slot_table_close(stress_table);
  CHECK_EQ(slot_leased_count(), 0);
  return check_report("slots");
}
