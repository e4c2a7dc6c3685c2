/*
 * Handles: numbers that name objects and are never reused for another one.
 *
 * A value is kind (bits 48…50, never 0) | index (32…47) | generation (0…31, never 0), so it is
 * non-zero and below 2^52: exact in a JavaScript number and in the shape of a pointer.
 *
 * Invariants
 * - Entries are never freed, so that any value can be looked up; a value whose generation is not
 * the entry's, or whose entry is not alive, resolves to nothing.
 * - One 64-bit word per entry: generation | references | alive. handle_acquire adds a reference
 * only while alive, in one compare-and-swap; so after handle_invalidate no new reference begins.
 * - The creator's reference is dropped by whoever handle_invalidate told "you were the first". At
 *   zero references the table calls destroy(object), counts the generation up and only then lets
 *   the entry be used again.
 * - Any thread. Acquire and release are lock-free; create and the last release take the table's
 * lock.
 */
#ifndef MINIAV_COMMON_HANDLES_H
#define MINIAV_COMMON_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

enum handle_kind {
  HANDLE_CAMERA = 1, /* contexts: 1 + MiniAVKind */
  HANDLE_SCREEN = 2,
  HANDLE_AUDIO = 3,
  HANDLE_LOOPBACK = 4,
  HANDLE_WAITER = 5,
  HANDLE_BUFFER = 6 /* slots.h has its own table */
};

#define HANDLE_MAX_CONTEXTS 1024u
#define HANDLE_MAX_WAITERS  256u

uint64_t handle_make(enum handle_kind kind, uint32_t index, uint32_t generation);
enum handle_kind handle_kind_of(uint64_t handle);
uint32_t handle_index_of(uint64_t handle);
uint32_t handle_generation_of(uint64_t handle);

/* 0 when the table is full. The object has one reference, the creator's. `created` is called with
 * the handle before any other thread can resolve it. */
uint64_t handle_create(enum handle_kind kind, void *object, void (*destroy)(void *object),
                       void (*created)(void *object, uint64_t handle));

/* The object with one more reference, or NULL. */
void *handle_acquire(uint64_t handle, enum handle_kind kind);
/* As handle_acquire for a context of any of the four kinds. */
void *handle_acquire_context(uint64_t handle);

/* One more reference for somebody who has one. */
void handle_reference(uint64_t handle);
void handle_release(uint64_t handle);

/* Makes the handle stale. True for the first caller, who then drops the creator's reference. */
bool handle_invalidate(uint64_t handle, enum handle_kind kind);

/* Calls visit(handle, user) for every live handle. */
void handle_for_each(bool waiters, void (*visit)(uint64_t handle, void *user), void *user);
/* Waits until every object whose handle is stale has been destroyed, once and on one thread.
 * False: one is left at the deadline. */
bool handle_wait_destroyed(bool waiters, int64_t deadline_us);

#endif
