/*
 * Memory for frames and samples: reference-counted blocks from one process-wide store.
 *
 * Invariants
 * - The address range of a block is never unmapped: whoever keeps a stale pointer reads old bytes
 *   or zeros, never faults. When a pool closes and the last lease of a block is over, its pages go
 *   back to the system (madvise, decommit and commit again) and the range to the store.
 * - A block is given out again oldest first, so that a stale view is right for as long as can be.
 * - A pool is fixed: block_pool_take never allocates, never waits, takes no lock. One thread takes;
 *   any thread drops a reference.
 * - References: the pool's own hold on its blocks is no reference. taken = 1; 0 is free again.
 */
#ifndef MINIAV_COMMON_BLOCKS_H
#define MINIAV_COMMON_BLOCKS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_POOL_MAX 128u

struct block_pool;

struct block {
  uint8_t *data;         /* page-aligned */
  size_t capacity_bytes; /* at least what the pool was asked for */
  atomic_uint references;
  struct block_pool *pool;              /* NULL for a foreign block */
  uint32_t index;                       /* in its pool */
  uint64_t freed_stamp;                 /* when it last became free; guarded by being free */
  void (*destroy)(struct block *block); /* foreign blocks: called at zero references */
};

/* A pool of `count` (1…BLOCK_POOL_MAX) blocks of at least `block_bytes` each; NULL when memory is
 * exhausted. The creator's hold ends with block_pool_close. */
struct block_pool *block_pool_create(uint32_t count, size_t block_bytes);

/* The same over one file of shared memory, for a process that is to write into the blocks: block n
 * lies at n * capacity_bytes of *file, which the caller closes. NULL also where memory cannot be
 * shared. The pages leave the range with the pool. */
struct block_pool *block_pool_create_shared(uint32_t count, size_t block_bytes, int32_t *file);

/* The block that has been free longest, with one reference; NULL when none is free. One thread. */
struct block *block_pool_take(struct block_pool *pool);

/* How many blocks are free now. */
uint32_t block_pool_free_count(struct block_pool *pool);

/* Ends the creator's hold: no take any more; the pool goes with its last leased block. */
void block_pool_close(struct block_pool *pool);

void block_reference(struct block *block);
/* Any thread; lock-free but for the last block of a closed pool. NULL is allowed. */
void block_release(struct block *block);

/* For Dispose: blocks that are leased now, and their bytes. */
void block_store_leased(uint32_t *blocks, size_t *bytes);

#endif
