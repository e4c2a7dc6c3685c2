/*
 * Slots: where a MiniAVBuffer lives from delivery to release, and what internal_handle names.
 *
 * A table of slots belongs to one capture; tables are never freed, only used again, so that every
 * internal_handle that ever was can be looked up.
 *
 * Slot word: generation (32 bits) | pins (16) | state (8), changed by compare-and-swap:
 *
 *   FREE ─slot_reserve→ FILLING ─slot_fill→ QUEUED ─slot_lease→ LEASED ─slot_release→ RELEASING →
 * FREE └──── slot_drop ────────────────────────↗ Invariants
 * - FREE → FILLING → QUEUED → LEASED happen under the capture's lock, by whoever delivers or takes.
 *   LEASED → RELEASING is one compare-and-swap: exactly one release succeeds.
 * - A pin (CopyBuffer) is taken only while LEASED. A release while pinned leaves RELEASING; the
 * last unpin finishes. Finishing is exclusive: RELEASING with 0 pins.
 * - Finishing calls the backend's release function, counts the generation up, only then makes the
 *   slot FREE, and drops the blocks. `released` was counted by the release. No lock is taken.
 * - A table has one hold of its capture and one for each slot that is not FREE; at zero it goes
 * back to the list of unused tables.
 */
#ifndef MINIAV_COMMON_SLOTS_H
#define MINIAV_COMMON_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/capture.h"

#define SLOTS_PER_TABLE 64u
#define SLOT_TABLES_MAX 1024u

struct slot {
  _Atomic uint64_t word;
  struct slot_table *table;
  struct block *block;
  struct block *cursor_block;
  void (*release)(void *owner, uint64_t token);
  void *owner;
  uint64_t token;
  MiniAVBuffer buffer;
  MiniAVFrameMetadata metadata;
};

struct slot_table {
  uint32_t index;
  uint32_t count; /* slots in use by this capture: 2…64 */
  atomic_uint holds;
  atomic_uint_least64_t released; /* buffers given back since slot_table_create */
  struct slot_table *next_unused;
  struct slot slots[SLOTS_PER_TABLE];
};

/* A table with `count` free slots; NULL when memory or tables are exhausted. */
struct slot_table *slot_table_create(uint32_t count);
/* Why there was none: every table there can be is in use, by captures or buffers that are held. */
bool slot_tables_are_used_up(void);
/* Ends the capture's hold; slots that are leased live on. */
void slot_table_close(struct slot_table *table);

/* Under the capture's lock: a free slot, now FILLING, or NULL. */
struct slot *slot_reserve(struct slot_table *table);
/* Under the capture's lock: FILLING → QUEUED with the frame's contents. */
void slot_fill(struct slot *slot, const struct capture_frame *frame);
/* Under the capture's lock: QUEUED → LEASED; the handle for internal_handle. */
uint64_t slot_lease(struct slot *slot);
/* QUEUED → FREE, giving everything back; not counted as released. */
void slot_drop(struct slot *slot);

/* LEASED → FREE (now, or at the last unpin). False: not outstanding. Any thread. */
bool slot_release(uint64_t handle);
/* Keeps an outstanding slot from being finished; NULL when it is not outstanding. Any thread. */
struct slot *slot_pin(uint64_t handle);
void slot_unpin(struct slot *slot);

/* How many slots of all captures are leased now; for Dispose. */
uint32_t slot_leased_count(void);

#endif
