/*
 * Waiters: one outstanding wake, and a queue of events, for one consumer.
 *
 * Invariants
 * - `signaled` is the outstanding wake. It goes false → true with exactly one byte on the pair (or
 *   one turn of the wake thread, or a broadcast to waiter_wait), and true → false only in
 *   waiter_wait: so at most one wake is outstanding, and none is lost.
 * - Event nodes belong to whoever posts them (a capture, an operation, the waiter itself) and are
 *   linked into the queue at most once. A node that is posted again while it is queued is updated
 * in place and counts as coalesced; so posting never allocates and never loses.
 * - `events_armed` is set under the lock by a waiter_next that found nothing; posting then wakes.
 * - Nothing is taken under a waiter's lock. Sending the wake byte happens outside it.
 */
#ifndef MINIAV_COMMON_WAITER_H
#define MINIAV_COMMON_WAITER_H

#include <stdbool.h>

#include "common/thread.h"
#include "miniav_waiter.h"

struct waiter;

struct event_node {
  MiniAVEvent event;
  struct event_node *next;
  bool queued;
  /* Called under the waiter's lock when the event has been read or thrown away, to free the node;
   * NULL when the node is part of something else. read: the list is the reader's. */
  void (*done)(struct event_node *node, bool read);
};

MiniAVResultCode waiter_create(uint64_t *handle);

/* A reference, dropped with waiter_release; NULL for a stale handle. */
struct waiter *waiter_acquire(uint64_t handle);
void waiter_reference(struct waiter *waiter);
void waiter_release(struct waiter *waiter);
uint64_t waiter_handle(struct waiter *waiter);

/* Makes a wake outstanding. */
void waiter_signal(struct waiter *waiter);
MiniAVResultCode waiter_wait(struct waiter *waiter, uint32_t timeout_ms);
MiniAVResultCode waiter_next(struct waiter *waiter, MiniAVEvent *event);

/* Queues node with the contents of event (struct_size filled in, timestamp where it is 0); NULL
 * waiter and closed waiters are allowed: then the node is done at once, unread. */
void waiter_post(struct waiter *waiter, struct event_node *node, const MiniAVEvent *event);
/* Takes a node out of the queue if it is there, unread: afterwards its owner may free it. */
bool waiter_forget(struct waiter *waiter, struct event_node *node);
/* Whether waiter_close has come; false for NULL. */
bool waiter_is_closed(struct waiter *waiter);

MiniAVResultCode waiter_open_fd(struct waiter *waiter, int32_t *fd);
MiniAVResultCode waiter_set_wake(struct waiter *waiter, MiniAVWakeCallback wake, void *user_data);

/* For waiter_life.c: nothing is queued any more, and nobody waits; … */
void waiter_close(struct waiter *waiter);
/* … what is queued is thrown away, and the wake callback runs no more when it returns. */
void waiter_finish(struct waiter *waiter);

/* For registry.c: the waiter's own nodes of process-wide events, posted under the registry's lock.
 */
void waiter_post_device_event(struct waiter *waiter, const MiniAVEvent *event);
/* For log.c: copies one line into the bounded ring. */
void waiter_post_log(struct waiter *waiter, MiniAVLogLevel level, const char *source,
                     const char *text);

#endif
