/* Blocks: oldest first, addresses that stay readable, pools that go with their last lease. */
#include "common/blocks.h"

#include <string.h>

#include "common/platform.h"
#include "support/check.h"
#include "support/threads.h"

static void test_oldest_first(void) {
  struct block_pool *pool = block_pool_create(4, 1000);
  struct block *taken[4];
  for (uint32_t i = 0; i < 4; i++) {
    taken[i] = block_pool_take(pool);
    CHECK(taken[i] != NULL && taken[i]->capacity_bytes >= 1000);
    CHECK_EQ((uintptr_t)taken[i]->data % pages_size(), 0);
  }
  CHECK(block_pool_take(pool) == NULL);
  block_release(taken[2]);
  block_release(taken[0]);
  block_release(taken[3]);
  CHECK_EQ(block_pool_free_count(pool), 3);
  CHECK(block_pool_take(pool) == taken[2]);
  CHECK(block_pool_take(pool) == taken[0]);
  block_reference(taken[1]);
  block_release(taken[1]);
  CHECK(block_pool_take(pool) == taken[3]);
  CHECK(block_pool_take(pool) == NULL);
  for (uint32_t i = 0; i < 4; i++) {
    block_release(taken[i]);
  }
  block_pool_close(pool);
}

static void test_address_stays(void) {
  struct block_pool *pool = block_pool_create(2, 100000);
  struct block *block = block_pool_take(pool);
  volatile uint8_t *data = block->data;
  memset(block->data, 7, 100000);
  block_pool_close(pool);
  CHECK_EQ(data[99999], 7); /* leased over the pool's end */
  uint32_t blocks;
  size_t bytes;
  block_store_leased(&blocks, &bytes);
  CHECK_EQ(blocks, 1);
  CHECK(bytes >= 100000);
  block_release(block);
  CHECK_EQ(data[99999], 0); /* given back to the system, still mapped */
  block_store_leased(&blocks, &bytes);
  CHECK_EQ(blocks, 0);
  CHECK_EQ(bytes, 0);
  struct block_pool *again = block_pool_create(2, 100000);
  struct block *first = block_pool_take(again);
  struct block *second = block_pool_take(again);
  CHECK(first->data == data || second->data == data); /* the range is used again */
  block_release(first);
  block_release(second);
  block_pool_close(again);
}

static void test_bad_arguments(void) {
  CHECK(block_pool_create(0, 10) == NULL);
  CHECK(block_pool_create(BLOCK_POOL_MAX + 1, 10) == NULL);
  CHECK(block_pool_create(1, 0) == NULL);
  CHECK(block_pool_create(1, SIZE_MAX) == NULL);
  block_pool_close(NULL);
  block_release(NULL);
}

#define EXCHANGE 32u
static struct block_pool *stress_pool;
static struct block *_Atomic exchange[EXCHANGE];
static atomic_uint_least64_t turns;

static void stress_body(uint32_t index) {
  uint32_t seed = index * 31 + 3;
  while (!stress_over()) {
    struct block *block = index == 0 ? block_pool_take(stress_pool) : NULL;
    if (block != NULL) {
      CHECK_EQ(atomic_load(&block->references), 1);
      block->data[0] = 1; /* ThreadSanitizer sees whoever still uses it */
      atomic_fetch_add(&turns, 1);
    }
    struct block *old = atomic_exchange(&exchange[random_next(&seed) % EXCHANGE], block);
    if (old != NULL) {
      old->data[0] = 2;
      block_release(old);
    }
  }
}

int main(void) {
  test_oldest_first();
  test_address_stays();
  test_bad_arguments();
  stress_pool = block_pool_create(66, 4096);
  stress_run(stress_body, 4, 1000);
  for (uint32_t i = 0; i < EXCHANGE; i++) {
    block_release(atomic_load(&exchange[i]));
  }
  CHECK_EQ(block_pool_free_count(stress_pool), 66);
  CHECK(atomic_load(&turns) > 50);
  block_pool_close(stress_pool);
  return check_report("blocks");
}
