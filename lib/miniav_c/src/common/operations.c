#include "common/operations.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/library.h"
#include "common/lists.h"

#define IDLE_MS  1000u
#define MAX_JOBS 16u

static struct mutex pool_mutex = MUTEX_INITIALIZER;
static struct condition pool_changed; /* made by pool_prepare_locked */
static bool pool_prepared;
static bool pool_stopping;
static struct operation *first; /* queued and running ones, oldest first */
static struct operation *last;
static void (*jobs[MAX_JOBS])(void);
static uint32_t job_count;
static uint32_t thread_count;
static uint32_t idle_count;

static void pool_prepare_locked(void) {
  if (!pool_prepared) {
    condition_init(&pool_changed);
    pool_prepared = true;
  }
}

static void operation_unreference(struct operation *operation) {
  if (atomic_fetch_sub_explicit(&operation->references, 1, memory_order_acq_rel) == 1) {
    cancel_destroy(&operation->cancel);
    waiter_release(operation->waiter);
    free(operation);
  }
}

/* Under the waiter's lock. The waiter cannot go here: the caller of waiter_next holds it too. */
static void event_done(struct event_node *node, bool read) {
  struct operation *operation = (struct operation *)node;
  if (!read) {
    list_free(node->event.list);
  }
  operation_unreference(operation);
}

struct operation *operation_create(MiniAVWaiterHandle waiter_value, uint64_t token, MiniAVKind kind,
                                   void (*run)(struct operation *operation),
                                   MiniAVResultCode *result) {
  *result = library_enter();
  if (*result != MINIAV_SUCCESS) {
    return NULL;
  }
  struct waiter *waiter = waiter_acquire((uint64_t)(uintptr_t)waiter_value);
  struct operation *operation = waiter == NULL ? NULL : calloc(1, sizeof *operation);
  if (operation == NULL) {
    *result = waiter == NULL ? MINIAV_ERROR_INVALID_HANDLE : MINIAV_ERROR_OUT_OF_MEMORY;
    waiter_release(waiter);
    return NULL;
  }
  operation->node.done = event_done;
  operation->waiter = waiter;
  operation->token = token;
  operation->kind = kind;
  operation->run = run;
  operation->request.kind = kind;
  atomic_init(&operation->references, 1);
  cancel_init(&operation->cancel);
  return operation;
}

void operation_discard(struct operation *operation) {
  operation_unreference(operation);
}

/* Posts the one event of an operation; list and the event's reference go with it. What it wrote is
 * read only when it has ended. */
static void report(struct operation *operation, MiniAVResultCode result, bool has_ended) {
  MiniAVEvent event = {.type = MINIAV_EVENT_OPERATION,
                       .result = result,
                       .kind = operation->kind,
                       .token = operation->token,
                       .context = operation->context};
  if (result == MINIAV_SUCCESS) {
    event.list = operation->list;
    event.count = operation->count;
    event.detail = operation->detail;
    operation->list = NULL;
  }
  if (has_ended) {
    text_copy(event.text, sizeof event.text, operation->cancel.explanation);
    text_copy(event.backend, sizeof event.backend, operation->cancel.backend);
  }
  /* waiter_post hands a closed waiter's node back to event_done, which reads its list there. */
  operation->node.event.list = event.list;
  waiter_post(operation->waiter, &operation->node, &event);
}

/* -- the queue, under pool_mutex ------------------------------------------------------------ */

static void unlink_locked(struct operation *operation) {
  struct operation *before = NULL;
  for (struct operation *at = first; at != NULL; before = at, at = at->next) {
    if (at == operation) {
      if (before == NULL) {
        first = at->next;
      } else {
        before->next = at->next;
      }
      if (last == at) {
        last = before;
      }
      return;
    }
  }
}

static bool context_is_running_locked(uint64_t context) {
  for (struct operation *at = first; at != NULL; at = at->next) {
    if (at->running && at->context == context) {
      return true;
    }
  }
  return false;
}

static struct operation *next_ready_locked(void) {
  for (struct operation *at = first; at != NULL; at = at->next) {
    if (!at->running && (at->context == 0 || !context_is_running_locked(at->context))) {
      return at;
    }
  }
  return NULL;
}

/* Cancels one. True when it is to be reported by the caller, outside the lock, as cancelled; it
 * then has a reference of the caller's. */
static bool cancel_locked(struct operation *operation) {
  cancel_request(&operation->cancel);
  if (operation->reported || (operation->running && operation->context != 0)) {
    return false;
  }
  operation->reported = true;
  if (!operation->running) {
    unlink_locked(operation);
  } else {
    atomic_fetch_add_explicit(&operation->references, 1, memory_order_relaxed);
  }
  return true;
}

enum cancel_scope { CANCEL_TOKEN, CANCEL_WAITER, CANCEL_CONTEXT, CANCEL_ALL };

static bool in_scope(const struct operation *at, enum cancel_scope scope,
                     const struct waiter *waiter, uint64_t value) {
  switch (scope) {
  case CANCEL_TOKEN:
    return at->waiter == waiter && at->token == value;
  case CANCEL_WAITER:
    return at->waiter == waiter;
  case CANCEL_CONTEXT:
    return at->context == value && !at->urgent;
  case CANCEL_ALL:
    break;
  }
  return true;
}

static void cancel_matching(enum cancel_scope scope, const struct waiter *waiter, uint64_t value) {
  for (;;) {
    struct operation *found = NULL;
    mutex_lock(&pool_mutex);
    for (struct operation *at = first, *next; at != NULL && found == NULL; at = next) {
      next = at->next;
      bool stays = at->urgent && scope != CANCEL_ALL; /* a stop cannot be taken back */
      if (!stays && in_scope(at, scope, waiter, value) && cancel_locked(at)) {
        found = at;
      }
    }
    mutex_unlock(&pool_mutex);
    if (found == NULL) {
      return;
    }
    atomic_fetch_add_explicit(&found->references, 1, memory_order_relaxed);
    report(found, MINIAV_ERROR_USER_CANCELLED, false);
    operation_unreference(found);
  }
}

/* -- the threads ---------------------------------------------------------------------------- */

static void run_operation(struct operation *operation) {
  operation->run(operation);
  mutex_lock(&pool_mutex);
  bool report_it = !operation->reported;
  operation->reported = true;
  mutex_unlock(&pool_mutex);
  if (report_it) {
    atomic_fetch_add_explicit(&operation->references, 1, memory_order_relaxed);
    report(operation, operation->result, true);
  }
  /* Only now may the next one of its context run: events come in the order of the operations. */
  mutex_lock(&pool_mutex);
  unlink_locked(operation);
  operation->running = false;
  condition_broadcast(&pool_changed);
  mutex_unlock(&pool_mutex);
  list_free(operation->list); /* what nobody will read */
  operation->list = NULL;
  operation_unreference(operation);
}

static bool ensure_thread_locked(void);

/* This thread is about to be busy, perhaps for good: what is ready besides needs another one. An
 * idle thread counts as one until it looks, so several submissions may have counted on this one. */
static void leave_the_rest_locked(void) {
  if (next_ready_locked() != NULL || job_count > 0) {
    ensure_thread_locked();
  }
}

static void pool_main(void *argument) {
  (void)argument;
  /* Of this thread's own last work: what others do wakes it, and must not keep it. */
  int64_t idle_until_us = clock_deadline_us(IDLE_MS);
  mutex_lock(&pool_mutex);
  for (;;) {
    struct operation *operation = next_ready_locked();
    if (operation != NULL) {
      operation->running = true;
      leave_the_rest_locked();
      mutex_unlock(&pool_mutex);
      run_operation(operation);
      idle_until_us = clock_deadline_us(IDLE_MS);
      mutex_lock(&pool_mutex);
    } else if (job_count > 0) {
      void (*job)(void) = jobs[0];
      memmove(&jobs[0], &jobs[1], --job_count * sizeof jobs[0]);
      leave_the_rest_locked();
      mutex_unlock(&pool_mutex);
      job();
      idle_until_us = clock_deadline_us(IDLE_MS);
      mutex_lock(&pool_mutex);
    } else {
      idle_count++;
      bool woken =
          !pool_stopping && condition_wait_until(&pool_changed, &pool_mutex, idle_until_us);
      idle_count--;
      if (!woken && next_ready_locked() == NULL && job_count == 0) {
        break;
      }
    }
  }
  thread_count--;
  condition_broadcast(&pool_changed);
  mutex_unlock(&pool_mutex);
}

/* A thread for one more thing to do; false when there is none at all. */
static bool ensure_thread_locked(void) {
  if (idle_count == 0 && thread_count < OPERATION_THREADS) {
    if (thread_start("miniav-op", pool_main, NULL)) {
      thread_count++;
    }
  }
  condition_broadcast(&pool_changed);
  return thread_count > 0;
}

void operations_cancel_context(uint64_t context) {
  cancel_matching(CANCEL_CONTEXT, NULL, context);
}

MiniAVResultCode operation_submit(struct operation *operation) {
  if (operation->urgent) {
    operations_cancel_context(operation->context);
  }
  mutex_lock(&pool_mutex);
  pool_prepare_locked();
  bool disposed = pool_stopping;
  bool taken = !disposed;
  if (taken) {
    operation->next = NULL;
    if (last == NULL) {
      first = operation;
    } else {
      last->next = operation;
    }
    last = operation;
    taken = ensure_thread_locked();
    if (!taken) {
      unlink_locked(operation);
    }
  }
  mutex_unlock(&pool_mutex);
  if (!taken) {
    operation_unreference(operation);
  }
  return taken      ? MINIAV_SUCCESS
         : disposed ? MINIAV_ERROR_NOT_INITIALIZED
                    : MINIAV_ERROR_OUT_OF_MEMORY;
}

bool operations_run(void (*job)(void)) {
  mutex_lock(&pool_mutex);
  pool_prepare_locked();
  bool queued = false;
  for (uint32_t i = 0; i < job_count; i++) {
    queued = queued || jobs[i] == job;
  }
  if (!queued && !pool_stopping && job_count < MAX_JOBS) {
    jobs[job_count++] = job;
    queued = true;
  }
  bool running = queued && ensure_thread_locked();
  mutex_unlock(&pool_mutex);
  return running;
}

void operations_cancel_token(struct waiter *waiter, uint64_t token) {
  cancel_matching(CANCEL_TOKEN, waiter, token);
}

void operations_cancel_waiter(struct waiter *waiter) {
  cancel_matching(CANCEL_WAITER, waiter, 0);
}

bool operations_stop(uint32_t timeout_ms) {
  cancel_matching(CANCEL_ALL, NULL, 0);
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&pool_mutex);
  pool_prepare_locked();
  pool_stopping = true;
  condition_broadcast(&pool_changed);
  while (thread_count > 0 && condition_wait_until(&pool_changed, &pool_mutex, deadline_us)) {
  }
  bool ended = thread_count == 0;
  mutex_unlock(&pool_mutex);
  return ended;
}
