#include "common/slots.h"

#include <stdlib.h>
#include <string.h>

#include "common/handles.h"
#include "common/thread.h"

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_QUEUED, SLOT_LEASED, SLOT_RELEASING };

#define ONE_PIN (UINT64_C(1) << 8)

static struct mutex tables_mutex = MUTEX_INITIALIZER;
static struct slot_table *_Atomic tables[SLOT_TABLES_MAX];
static uint32_t tables_made;
static struct slot_table *tables_unused;
static atomic_uint leased_count;

static uint64_t word_make(uint32_t generation, uint32_t pins, enum slot_state state) {
  return (uint64_t)generation << 32 | (uint64_t)pins << 8 | (uint64_t)state;
}

static uint32_t word_generation(uint64_t word) {
  return (uint32_t)(word >> 32);
}

static uint32_t word_pins(uint64_t word) {
  return (uint32_t)(word >> 8) & 0xffff;
}

static enum slot_state word_state(uint64_t word) {
  return (enum slot_state)(word & 0xff);
}

/* Tables are never freed: a stale handle may be looked up at any time. */
static struct slot_table *table_make(void) {
  if (tables_made == SLOT_TABLES_MAX) {
    return NULL;
  }
  struct slot_table *table = calloc(1, sizeof *table);
  if (table == NULL) {
    return NULL;
  }
  table->index = tables_made;
  for (uint32_t i = 0; i < SLOTS_PER_TABLE; i++) {
    table->slots[i].table = table;
    atomic_init(&table->slots[i].word, word_make(1, 0, SLOT_FREE));
  }
  atomic_store_explicit(&tables[tables_made], table, memory_order_release);
  tables_made++;
  return table;
}

struct slot_table *slot_table_create(uint32_t count) {
  mutex_lock(&tables_mutex);
  struct slot_table *table = tables_unused;
  if (table != NULL) {
    tables_unused = table->next_unused;
  } else {
    table = table_make();
  }
  mutex_unlock(&tables_mutex);
  if (table != NULL) {
    table->count = count;
    atomic_store(&table->released, 0);
    atomic_store(&table->holds, 1);
  }
  return table;
}

bool slot_tables_are_used_up(void) {
  mutex_lock(&tables_mutex);
  bool used_up = tables_made == SLOT_TABLES_MAX && tables_unused == NULL;
  mutex_unlock(&tables_mutex);
  return used_up;
}

static void table_unhold(struct slot_table *table) {
  if (atomic_fetch_sub_explicit(&table->holds, 1, memory_order_acq_rel) == 1) {
    mutex_lock(&tables_mutex);
    table->next_unused = tables_unused;
    tables_unused = table;
    mutex_unlock(&tables_mutex);
  }
}

void slot_table_close(struct slot_table *table) {
  if (table != NULL) {
    table_unhold(table);
  }
}

struct slot *slot_reserve(struct slot_table *table) {
  for (uint32_t i = 0; i < table->count; i++) {
    struct slot *slot = &table->slots[i];
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
    if (word_state(word) == SLOT_FREE) {
      atomic_store_explicit(&slot->word, word_make(word_generation(word), 0, SLOT_FILLING),
                            memory_order_relaxed);
      atomic_fetch_add_explicit(&table->holds, 1, memory_order_relaxed);
      return slot;
    }
  }
  return NULL;
}

static uint64_t slot_handle(struct slot *slot) {
  uint32_t index = slot->table->index * SLOTS_PER_TABLE + (uint32_t)(slot - slot->table->slots);
  uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
  return handle_make(HANDLE_BUFFER, index, word_generation(word));
}

void slot_fill(struct slot *slot, const struct capture_frame *frame) {
  slot->block = frame->block;
  slot->cursor_block = frame->cursor_block;
  slot->release = frame->release;
  slot->owner = frame->owner;
  slot->token = frame->token;
  slot->buffer = frame->buffer;
  slot->buffer.struct_size = sizeof slot->buffer;
  slot->buffer.internal_handle = (void *)(uintptr_t)slot_handle(slot);
  slot->buffer.metadata = NULL;
  if (frame->metadata != NULL) {
    slot->metadata = *frame->metadata;
    slot->buffer.metadata = &slot->metadata;
  }
  uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
  atomic_store_explicit(&slot->word, word_make(word_generation(word), 0, SLOT_QUEUED),
                        memory_order_release);
}

uint64_t slot_lease(struct slot *slot) {
  uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
  atomic_fetch_add_explicit(&leased_count, 1, memory_order_relaxed);
  atomic_store_explicit(&slot->word, word_make(word_generation(word), 0, SLOT_LEASED),
                        memory_order_release);
  return slot_handle(slot);
}

/* The slot is RELEASING with no pin: ours alone. */
static void slot_finish(struct slot *slot, uint64_t word) {
  struct slot_table *table = slot->table;
  struct block *block = slot->block;
  struct block *cursor_block = slot->cursor_block;
  slot->block = NULL;
  slot->cursor_block = NULL;
  if (slot->release != NULL) {
    slot->release(slot->owner, slot->token);
  }
  uint32_t generation = word_generation(word) + 1;
  atomic_store_explicit(&slot->word, word_make(generation == 0 ? 1 : generation, 0, SLOT_FREE),
                        memory_order_release);
  block_release(block);
  block_release(cursor_block);
  table_unhold(table);
}

void slot_drop(struct slot *slot) {
  slot_finish(slot, atomic_load_explicit(&slot->word, memory_order_acquire));
}

static struct slot *slot_of(uint64_t handle) {
  uint32_t index = handle_index_of(handle);
  if (handle_kind_of(handle) != HANDLE_BUFFER) {
    return NULL;
  }
  struct slot_table *table =
      atomic_load_explicit(&tables[index / SLOTS_PER_TABLE], memory_order_acquire);
  return table == NULL ? NULL : &table->slots[index % SLOTS_PER_TABLE];
}

static void finish_release(struct slot *slot, uint64_t word) {
  atomic_fetch_sub_explicit(&leased_count, 1, memory_order_relaxed);
  slot_finish(slot, word);
}

bool slot_release(uint64_t handle) {
  struct slot *slot = slot_of(handle);
  if (slot == NULL) {
    return false;
  }
  uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
  uint64_t releasing;
  do {
    if (word_generation(word) != handle_generation_of(handle) || word_state(word) != SLOT_LEASED) {
      return false;
    }
    releasing = word_make(word_generation(word), word_pins(word), SLOT_RELEASING);
  } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, releasing,
                                                  memory_order_acq_rel, memory_order_acquire));
  /* Counted while the slot still holds the table, so that the count belongs to this capture. */
  atomic_fetch_add_explicit(&slot->table->released, 1, memory_order_relaxed);
  if (word_pins(releasing) == 0) {
    finish_release(slot, releasing);
  }
  return true;
}

struct slot *slot_pin(uint64_t handle) {
  struct slot *slot = slot_of(handle);
  if (slot == NULL) {
    return NULL;
  }
  uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
  do {
    if (word_generation(word) != handle_generation_of(handle) || word_state(word) != SLOT_LEASED ||
        word_pins(word) == 0xffff) {
      return NULL;
    }
  } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word + ONE_PIN,
                                                  memory_order_acq_rel, memory_order_acquire));
  return slot;
}

void slot_unpin(struct slot *slot) {
  uint64_t before = atomic_fetch_sub_explicit(&slot->word, ONE_PIN, memory_order_acq_rel);
  uint64_t after = before - ONE_PIN;
  if (word_pins(after) == 0 && word_state(after) == SLOT_RELEASING) {
    finish_release(slot, after);
  }
}

uint32_t slot_leased_count(void) {
  return atomic_load(&leased_count);
}
