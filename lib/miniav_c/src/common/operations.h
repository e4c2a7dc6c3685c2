/*
 * Async twins: operations that run on threads of the library and end in an event.
 *
 * Invariants
 * - Operations without a context run side by side. Operations of one context run one after the
 * other in the order of their submission; a stop or destroy ("urgent") first ends those before it:
 * the queued ones without running, the running one by its cancel token.
 * - Every submitted operation ends in exactly one event, unless its waiter is destroyed first.
 * - An operation without a context that is cancelled ends at once; what it still brings is thrown
 *   away. One with a context ends when it has really ended, so that its result is the truth.
 * - At most OPERATION_THREADS threads, started when needed; one that is idle for a second ends.
 * - An operation has two references: one until it has run, one until its event has been read.
 */
#ifndef MINIAV_COMMON_OPERATIONS_H
#define MINIAV_COMMON_OPERATIONS_H

#include <stdatomic.h>

#include "common/backend.h"
#include "common/waiter.h"
#include "miniav_capture.h"

#define OPERATION_THREADS 64u

struct operation {
  struct event_node node; /* first: its done callback gets the operation back */
  struct operation *next;
  struct waiter *waiter;
  struct cancel cancel;
  atomic_uint references;
  bool running;
  bool reported;
  bool urgent;
  MiniAVKind kind;
  uint64_t token;
  uint64_t context; /* 0: none */
  void (*run)(struct operation *operation);
  /* arguments */
  uint32_t filter;
  struct capture_request request;
  MiniAVBufferCallback callback;
  void *user_data;
  /* results */
  MiniAVResultCode result;
  void *list;
  uint32_t count;
  uint32_t detail;
};

/* An operation to be filled in and submitted; *result says why there is none. */
struct operation *operation_create(MiniAVWaiterHandle waiter, uint64_t token, MiniAVKind kind,
                                   void (*run)(struct operation *operation),
                                   MiniAVResultCode *result);
/* SUCCESS, or OUT_OF_MEMORY, NOT_INITIALIZED (nothing will come of it). Takes the operation over.
 */
MiniAVResultCode operation_submit(struct operation *operation);
/* For one that is not going to be submitted. */
void operation_discard(struct operation *operation);

/* Runs a function of the library's own on a library thread; false when there is none to be had. */
bool operations_run(void (*job)(void));

void operations_cancel_token(struct waiter *waiter, uint64_t token);
void operations_cancel_waiter(struct waiter *waiter);
/* What waits or runs for a context, but its stops and destroys. */
void operations_cancel_context(uint64_t context);
/* Ends the queue and waits for every thread, at most the time given; for Dispose. */
bool operations_stop(uint32_t timeout_ms);

#endif
