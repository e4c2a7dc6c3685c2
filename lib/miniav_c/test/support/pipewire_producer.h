/* A program that makes pictures on a real PipeWire: its node, its pace, and the lines it obeys. */
#ifndef MINIAV_TEST_SUPPORT_PIPEWIRE_PRODUCER_H
#define MINIAV_TEST_SUPPORT_PIPEWIRE_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/linux/pipewire_library.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/pod/builder.h>

/* Used under the loop's lock, or by its thread. */
struct producer {
  struct pw_thread_loop *loop;
  struct pw_core *core;
  struct pw_stream *stream;
  struct spa_hook hook;
  struct spa_source *timer;
};

struct producer_setup {
  struct pw_properties *properties; /* the stream's then */
  const struct pw_stream_events *events;
  void (*on_tick)(void *user, uint64_t expirations);
  void *user; /* of both */
  const struct spa_pod **offers;
  uint32_t offer_count;
};

bool producer_load(void);
/* A driver that brings its own memory; on_tick is not called before producer_pace. */
bool producer_begin(struct producer *producer, const struct producer_setup *setup);
/* on_tick so many times a second; 0: no more. */
void producer_pace(struct producer *producer, uint32_t rate);
/* A cycle: `process` is called. */
void producer_trigger(struct producer *producer);
/* Hands over each line of the input, under the lock; returns at its end. */
void producer_obey(struct producer *producer, void (*obey)(void *user, const char *line),
                   void *user);

void producer_say_state(enum pw_stream_state state, const char *error);

/* How buffers are to be. */
struct producer_buffers {
  uint32_t most;
  uint32_t blocks;
  uint32_t bytes;
  uint32_t stride;
  uint32_t data_type; /* SPA_DATA_… */
};
const struct spa_pod *producer_buffers_param(struct spa_pod_builder *builder,
                                             const struct producer_buffers *buffers);
const struct spa_pod *producer_meta_param(struct spa_pod_builder *builder, uint32_t type,
                                          size_t bytes);

#endif
#endif
