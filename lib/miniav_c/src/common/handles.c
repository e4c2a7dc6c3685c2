#include "common/handles.h"

#include <stdatomic.h>
#include <stddef.h>

#include "common/thread.h"

#define ALIVE           UINT64_C(1)
#define ONE_REFERENCE   UINT64_C(2)
#define REFERENCES_MASK UINT64_C(0xfffffffe)

struct entry {
  _Atomic uint64_t word; /* generation << 32 | references << 1 | alive */
  enum handle_kind kind;
  bool used; /* guarded by the table's lock */
  void *object;
  void (*destroy)(void *object);
};

struct table {
  struct mutex mutex;
  uint32_t capacity;
  uint32_t next; /* where the search for a free entry begins: oldest first */
  struct entry *entries;
  struct condition *destroyed; /* of whoever waits for that, or NULL */
};

static struct entry context_entries[HANDLE_MAX_CONTEXTS];
static struct entry waiter_entries[HANDLE_MAX_WAITERS];
/* An array: of two objects to choose from a compiler reads both, one without its lock. */
static struct table tables[] = {
    {.mutex = MUTEX_INITIALIZER, .capacity = HANDLE_MAX_CONTEXTS, .entries = context_entries},
    {.mutex = MUTEX_INITIALIZER, .capacity = HANDLE_MAX_WAITERS, .entries = waiter_entries}};

uint64_t handle_make(enum handle_kind kind, uint32_t index, uint32_t generation) {
  return (uint64_t)kind << 48 | (uint64_t)index << 32 | generation;
}

enum handle_kind handle_kind_of(uint64_t handle) {
  return (enum handle_kind)(handle >> 48 & 0xffff);
}

uint32_t handle_index_of(uint64_t handle) {
  return (uint32_t)(handle >> 32 & 0xffff);
}

uint32_t handle_generation_of(uint64_t handle) {
  return (uint32_t)handle;
}

static struct table *table_of(enum handle_kind kind) {
  return &tables[kind == HANDLE_WAITER];
}

static struct entry *entry_of(uint64_t handle) {
  enum handle_kind kind = handle_kind_of(handle);
  if (kind < HANDLE_CAMERA || kind > HANDLE_WAITER) {
    return NULL;
  }
  struct table *table = table_of(kind);
  uint32_t index = handle_index_of(handle);
  return index < table->capacity ? &table->entries[index] : NULL;
}

uint64_t handle_create(enum handle_kind kind, void *object, void (*destroy)(void *object),
                       void (*created)(void *object, uint64_t handle)) {
  struct table *table = table_of(kind);
  uint64_t handle = 0;
  mutex_lock(&table->mutex);
  for (uint32_t tried = 0; tried < table->capacity && handle == 0; tried++) {
    uint32_t index = (table->next + tried) % table->capacity;
    struct entry *entry = &table->entries[index];
    if (!entry->used) {
      uint32_t generation = (uint32_t)(atomic_load(&entry->word) >> 32);
      generation = generation == 0 ? 1 : generation;
      entry->used = true;
      entry->kind = kind;
      entry->object = object;
      entry->destroy = destroy;
      handle = handle_make(kind, index, generation);
      table->next = (index + 1) % table->capacity;
      created(object, handle);
      atomic_store_explicit(&entry->word, (uint64_t)generation << 32 | ONE_REFERENCE | ALIVE,
                            memory_order_release);
    }
  }
  mutex_unlock(&table->mutex);
  return handle;
}

void *handle_acquire(uint64_t handle, enum handle_kind kind) {
  struct entry *entry = entry_of(handle);
  if (entry == NULL || handle_kind_of(handle) != kind) {
    return NULL;
  }
  uint64_t word = atomic_load_explicit(&entry->word, memory_order_acquire);
  do {
    if ((word & ALIVE) == 0 || word >> 32 != handle_generation_of(handle)) {
      return NULL;
    }
  } while (!atomic_compare_exchange_weak_explicit(&entry->word, &word, word + ONE_REFERENCE,
                                                  memory_order_acquire, memory_order_acquire));
  if (entry->kind != kind) { /* the same index and generation under another kind: not this one */
    handle_release(handle_make(entry->kind, handle_index_of(handle), handle_generation_of(handle)));
    return NULL;
  }
  return entry->object;
}

void *handle_acquire_context(uint64_t handle) {
  enum handle_kind kind = handle_kind_of(handle);
  return kind >= HANDLE_CAMERA && kind <= HANDLE_LOOPBACK ? handle_acquire(handle, kind) : NULL;
}

void handle_reference(uint64_t handle) {
  atomic_fetch_add_explicit(&entry_of(handle)->word, ONE_REFERENCE, memory_order_relaxed);
}

void handle_release(uint64_t handle) {
  struct entry *entry = entry_of(handle);
  uint64_t before = atomic_fetch_sub_explicit(&entry->word, ONE_REFERENCE, memory_order_acq_rel);
  if ((before & REFERENCES_MASK) != ONE_REFERENCE) {
    return;
  }
  /* Zero references means not alive: the creator's went after handle_invalidate. */
  void (*destroy)(void *object) = entry->destroy;
  destroy(entry->object);
  struct table *table = table_of(handle_kind_of(handle));
  mutex_lock(&table->mutex);
  uint32_t next = handle_generation_of(handle) + 1;
  entry->object = NULL;
  atomic_store_explicit(&entry->word, (uint64_t)(next == 0 ? 1 : next) << 32, memory_order_release);
  entry->used = false;
  if (table->destroyed != NULL) {
    condition_broadcast(table->destroyed);
  }
  mutex_unlock(&table->mutex);
}

bool handle_invalidate(uint64_t handle, enum handle_kind kind) {
  struct entry *entry = entry_of(handle);
  if (entry == NULL || handle_kind_of(handle) != kind) {
    return false;
  }
  uint64_t word = atomic_load_explicit(&entry->word, memory_order_acquire);
  do {
    if ((word & ALIVE) == 0 || word >> 32 != handle_generation_of(handle) || entry->kind != kind) {
      return false;
    }
  } while (!atomic_compare_exchange_weak_explicit(&entry->word, &word, word & ~ALIVE,
                                                  memory_order_acq_rel, memory_order_acquire));
  return true;
}

void handle_for_each(bool of_waiters, void (*visit)(uint64_t handle, void *user), void *user) {
  struct table *table = &tables[of_waiters];
  for (uint32_t index = 0; index < table->capacity; index++) {
    mutex_lock(&table->mutex);
    struct entry *entry = &table->entries[index];
    uint64_t word = atomic_load(&entry->word);
    uint64_t handle = entry->used && (word & ALIVE) != 0
                          ? handle_make(entry->kind, index, (uint32_t)(word >> 32))
                          : 0;
    mutex_unlock(&table->mutex);
    if (handle != 0) {
      visit(handle, user);
    }
  }
}

static bool is_any_stale_locked(struct table *table) {
  bool is_stale = false;
  for (uint32_t i = 0; i < table->capacity && !is_stale; i++) {
    struct entry *entry = &table->entries[i];
    is_stale = entry->used && (atomic_load(&entry->word) & ALIVE) == 0;
  }
  return is_stale;
}

bool handle_wait_destroyed(bool of_waiters, int64_t deadline_us) {
  struct table *table = &tables[of_waiters];
  struct condition destroyed;
  condition_init(&destroyed);
  mutex_lock(&table->mutex);
  table->destroyed = &destroyed;
  bool is_stale = is_any_stale_locked(table);
  while (is_stale && condition_wait_until(&destroyed, &table->mutex, deadline_us)) {
    is_stale = is_any_stale_locked(table);
  }
  table->destroyed = NULL;
  mutex_unlock(&table->mutex);
  condition_destroy(&destroyed);
  return !is_stale;
}
