#include "common/blocks.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/platform.h"
#include "common/thread.h"

#define MASK_WORDS (BLOCK_POOL_MAX / 64)

struct block_pool {
  uint32_t count;
  size_t block_bytes;
  bool shared; /* the blocks' pages are a file's */
  struct block blocks[BLOCK_POOL_MAX];
  _Atomic uint64_t free_mask[MASK_WORDS];
  atomic_uint_least64_t stamp; /* counts blocks that became free */
  atomic_uint holds;           /* the creator's one, and one for each leased block */
};

/* A range that no pool has now. Oldest first: appended at the end, taken from the front. */
struct spare {
  struct spare *next;
  void *address;
  size_t bytes;
};

static struct mutex store_mutex = MUTEX_INITIALIZER;
static struct spare *store_first;
static struct spare *store_last;
static atomic_uint leased_blocks;
static _Atomic size_t leased_bytes;

static void *store_take(size_t bytes) {
  void *address = NULL;
  mutex_lock(&store_mutex);
  struct spare *before = NULL;
  for (struct spare *spare = store_first; spare != NULL; before = spare, spare = spare->next) {
    if (spare->bytes == bytes) {
      if (before == NULL) {
        store_first = spare->next;
      } else {
        before->next = spare->next;
      }
      if (store_last == spare) {
        store_last = before;
      }
      address = spare->address;
      free(spare);
      break;
    }
  }
  mutex_unlock(&store_mutex);
  return address != NULL ? address : pages_map(bytes);
}

static void store_give(void *address, size_t bytes) {
  pages_discard(address, bytes);
  struct spare *spare = malloc(sizeof *spare);
  if (spare == NULL) {
    return; /* the range is lost, its pages are not */
  }
  *spare = (struct spare){.address = address, .bytes = bytes};
  mutex_lock(&store_mutex);
  if (store_last == NULL) {
    store_first = spare;
  } else {
    store_last->next = spare;
  }
  store_last = spare;
  mutex_unlock(&store_mutex);
}

/* Sizes in eighths of a power of two, so that a later capture of about this size finds the range.
 */
static size_t size_class(size_t bytes) {
  size_t page = pages_size();
  size_t rounded = (bytes + page - 1) / page * page;
  size_t step = page;
  while (step * 16 <= rounded) {
    step *= 2;
  }
  return (rounded + step - 1) / step * step;
}

static void pool_free(struct block_pool *pool) {
  for (uint32_t i = 0; i < pool->count; i++) {
    if (pool->shared) {
      pages_unshare(pool->blocks[i].data, pool->block_bytes);
    }
    store_give(pool->blocks[i].data, pool->block_bytes);
  }
  free(pool);
}

static void pool_unhold(struct block_pool *pool) {
  if (atomic_fetch_sub_explicit(&pool->holds, 1, memory_order_acq_rel) == 1) {
    pool_free(pool);
  }
}

struct block_pool *block_pool_create(uint32_t count, size_t block_bytes) {
  if (count == 0 || count > BLOCK_POOL_MAX || block_bytes == 0 || block_bytes > SIZE_MAX / 2) {
    return NULL;
  }
  struct block_pool *pool = calloc(1, sizeof *pool);
  if (pool == NULL) {
    return NULL;
  }
  pool->block_bytes = size_class(block_bytes);
  atomic_init(&pool->holds, 1);
  for (uint32_t i = 0; i < count; i++) {
    struct block *block = &pool->blocks[i];
    block->data = store_take(pool->block_bytes);
    if (block->data == NULL) {
      pool_unhold(pool);
      return NULL;
    }
    pool->count = i + 1;
    block->capacity_bytes = pool->block_bytes;
    block->pool = pool;
    block->index = i;
    atomic_fetch_or(&pool->free_mask[i / 64], UINT64_C(1) << (i % 64));
  }
  return pool;
}

struct block_pool *block_pool_create_shared(uint32_t count, size_t block_bytes, int32_t *file) {
  struct block_pool *pool = block_pool_create(count, block_bytes);
  *file = pool == NULL ? -1 : pages_shared_file(pool->block_bytes * count);
  bool is_shared = *file >= 0;
  if (pool != NULL) {
    pool->shared = is_shared;
  }
  for (uint32_t i = 0; is_shared && i < count; i++) {
    is_shared = pages_share(pool->blocks[i].data, pool->block_bytes, *file, i * pool->block_bytes);
  }
  if (!is_shared && *file >= 0) {
    pages_file_close(*file);
    *file = -1;
  }
  if (!is_shared) {
    block_pool_close(pool);
    return NULL;
  }
  return pool;
}

struct block *block_pool_take(struct block_pool *pool) {
  struct block *oldest = NULL;
  for (uint32_t i = 0; i < pool->count; i++) {
    uint64_t word = atomic_load_explicit(&pool->free_mask[i / 64], memory_order_acquire);
    struct block *block = &pool->blocks[i];
    if ((word >> (i % 64) & 1) != 0 &&
        (oldest == NULL || block->freed_stamp < oldest->freed_stamp)) {
      oldest = block;
    }
  }
  if (oldest != NULL) {
    uint64_t bit = UINT64_C(1) << (oldest->index % 64);
    atomic_fetch_and_explicit(&pool->free_mask[oldest->index / 64], ~bit, memory_order_acquire);
    atomic_store_explicit(&oldest->references, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->holds, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&leased_blocks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&leased_bytes, pool->block_bytes, memory_order_relaxed);
  }
  return oldest;
}

uint32_t block_pool_free_count(struct block_pool *pool) {
  uint32_t free_count = 0;
  for (uint32_t i = 0; i < pool->count; i++) {
    uint64_t word = atomic_load_explicit(&pool->free_mask[i / 64], memory_order_relaxed);
    free_count += (uint32_t)(word >> (i % 64) & 1);
  }
  return free_count;
}

void block_pool_close(struct block_pool *pool) {
  if (pool != NULL) {
    pool_unhold(pool);
  }
}

void block_reference(struct block *block) {
  atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
}

void block_release(struct block *block) {
  if (block == NULL ||
      atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) != 1) {
    return;
  }
  struct block_pool *pool = block->pool;
  if (pool == NULL) {
    block->destroy(block);
    return;
  }
  atomic_fetch_sub_explicit(&leased_blocks, 1, memory_order_relaxed);
  atomic_fetch_sub_explicit(&leased_bytes, pool->block_bytes, memory_order_relaxed);
  block->freed_stamp = atomic_fetch_add_explicit(&pool->stamp, 1, memory_order_relaxed) + 1;
  uint64_t bit = UINT64_C(1) << (block->index % 64);
  atomic_fetch_or_explicit(&pool->free_mask[block->index / 64], bit, memory_order_release);
  pool_unhold(pool);
}

void block_store_leased(uint32_t *blocks, size_t *bytes) {
  *blocks = atomic_load(&leased_blocks);
  *bytes = atomic_load(&leased_bytes);
}
