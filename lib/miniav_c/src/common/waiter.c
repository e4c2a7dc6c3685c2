#include "common/waiter.h"

#include <stdlib.h>
#include <string.h>

#include "common/callback_thread.h"
#include "common/clock.h"
#include "common/handles.h"
#include "common/lists.h"
#include "common/platform.h"

#define LOG_RING_LINES     128u
#define DEVICE_EVENT_NODES 12u /* 4 kinds × devices, default, permission */

struct log_line {
  MiniAVLogLevel level;
  int64_t timestamp_us;
  char source[32];
  char text[MINIAV_TEXT_BYTES];
};

struct waiter {
  uint64_t handle;
  struct mutex mutex;
  struct condition changed;
  bool closed;
  bool signaled;
  bool events_armed;
  int32_t wake_end; /* the library's end of the pair, -1 without */
  struct event_node *first;
  struct event_node *last;
  struct event_node device_nodes[DEVICE_EVENT_NODES];
  struct log_line *log_lines; /* LOG_RING_LINES, made when the log is watched first */
  uint32_t log_first;
  uint32_t log_count;
  uint32_t log_lost;
  MiniAVWakeCallback wake;
  void *wake_user_data;
  bool wake_pending;
  bool wake_inside;    /* the callback runs now */
  bool wake_runs;      /* its thread exists */
  uint64_t wake_calls; /* begun so far */
  struct callback_thread wake_thread;
};

static void waiter_free(void *object) {
  struct waiter *waiter = object;
  if (waiter->wake_end >= 0) {
    wake_pair_close(waiter->wake_end);
  }
  free(waiter->log_lines);
  condition_destroy(&waiter->changed);
  mutex_destroy(&waiter->mutex);
  free(waiter);
}

static void waiter_created(void *object, uint64_t handle) {
  ((struct waiter *)object)->handle = handle;
}

MiniAVResultCode waiter_create(uint64_t *handle) {
  struct waiter *waiter = calloc(1, sizeof *waiter);
  if (waiter == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  waiter->wake_end = -1;
  mutex_init(&waiter->mutex);
  condition_init(&waiter->changed);
  *handle = handle_create(HANDLE_WAITER, waiter, waiter_free, waiter_created);
  if (*handle == 0) {
    waiter_free(waiter);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return MINIAV_SUCCESS;
}

struct waiter *waiter_acquire(uint64_t handle) {
  return handle_acquire(handle, HANDLE_WAITER);
}

void waiter_reference(struct waiter *waiter) {
  handle_reference(waiter->handle);
}

void waiter_release(struct waiter *waiter) {
  if (waiter != NULL) {
    handle_release(waiter->handle);
  }
}

uint64_t waiter_handle(struct waiter *waiter) {
  return waiter->handle;
}

/* Under the lock: makes the wake outstanding. The end to send a byte to, or -1. */
static int32_t signal_locked(struct waiter *waiter) {
  if (waiter->signaled || waiter->closed) {
    return -1;
  }
  waiter->signaled = true;
  waiter->wake_pending = true;
  condition_broadcast(&waiter->changed);
  return waiter->wake_end;
}

void waiter_signal(struct waiter *waiter) {
  mutex_lock(&waiter->mutex);
  int32_t wake_end = signal_locked(waiter);
  mutex_unlock(&waiter->mutex);
  if (wake_end >= 0) {
    wake_pair_send(wake_end); /* open until the waiter is freed, and we hold a reference */
  }
}

MiniAVResultCode waiter_wait(struct waiter *waiter, uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&waiter->mutex);
  while (!waiter->signaled && !waiter->closed && timeout_ms > 0 &&
         condition_wait_until(&waiter->changed, &waiter->mutex, deadline_us)) {
  }
  MiniAVResultCode result = waiter->closed     ? MINIAV_ERROR_INVALID_HANDLE
                            : waiter->signaled ? MINIAV_SUCCESS
                                               : MINIAV_ERROR_TIMEOUT;
  waiter->signaled = false;
  mutex_unlock(&waiter->mutex);
  return result;
}

/* -- events --------------------------------------------------------------------------------- */

static void append_locked(struct waiter *waiter, struct event_node *node) {
  node->next = NULL;
  node->queued = true;
  if (waiter->last == NULL) {
    waiter->first = node;
  } else {
    waiter->last->next = node;
  }
  waiter->last = node;
}

static bool unlink_locked(struct waiter *waiter, struct event_node *node) {
  struct event_node *before = NULL;
  for (struct event_node *at = waiter->first; at != NULL; before = at, at = at->next) {
    if (at == node) {
      if (before == NULL) {
        waiter->first = at->next;
      } else {
        before->next = at->next;
      }
      if (waiter->last == at) {
        waiter->last = before;
      }
      node->queued = false;
      return true;
    }
  }
  return false;
}

static int32_t wake_for_event_locked(struct waiter *waiter) {
  if (!waiter->events_armed) {
    return -1;
  }
  waiter->events_armed = false;
  return signal_locked(waiter);
}

static void set_event(struct event_node *node, const MiniAVEvent *event) {
  bool again = node->queued;
  uint32_t coalesced = again ? node->event.coalesced + 1 : event->coalesced;
  int64_t happened_us = event->timestamp_us != 0 ? event->timestamp_us : clock_now_us();
  int64_t timestamp_us = again ? node->event.timestamp_us : happened_us;
  node->event = *event;
  node->event.struct_size = sizeof node->event;
  node->event.coalesced = coalesced;
  node->event.timestamp_us = timestamp_us;
}

void waiter_post(struct waiter *waiter, struct event_node *node, const MiniAVEvent *event) {
  if (waiter == NULL) {
    if (node->done != NULL) {
      node->done(node, false);
    }
    return;
  }
  mutex_lock(&waiter->mutex);
  int32_t wake_end = -1;
  if (waiter->closed) {
    if (node->done != NULL) {
      node->done(node, false);
    }
  } else {
    set_event(node, event);
    if (!node->queued) {
      append_locked(waiter, node);
    }
    wake_end = wake_for_event_locked(waiter);
  }
  mutex_unlock(&waiter->mutex);
  if (wake_end >= 0) {
    wake_pair_send(wake_end);
  }
}

bool waiter_forget(struct waiter *waiter, struct event_node *node) {
  mutex_lock(&waiter->mutex);
  bool was_queued = unlink_locked(waiter, node);
  mutex_unlock(&waiter->mutex);
  return was_queued;
}

bool waiter_is_closed(struct waiter *waiter) {
  if (waiter == NULL) {
    return false;
  }
  mutex_lock(&waiter->mutex);
  bool closed = waiter->closed;
  mutex_unlock(&waiter->mutex);
  return closed;
}

static void take_log_locked(struct waiter *waiter, MiniAVEvent *event) {
  const struct log_line *line = &waiter->log_lines[waiter->log_first];
  memset(event, 0, sizeof *event);
  event->struct_size = sizeof *event;
  event->type = MINIAV_EVENT_LOG;
  event->detail = line->level;
  event->timestamp_us = line->timestamp_us;
  event->coalesced = waiter->log_lost;
  memcpy(event->backend, line->source, sizeof event->backend);
  memcpy(event->text, line->text, sizeof event->text);
  waiter->log_lost = 0;
  waiter->log_first = (waiter->log_first + 1) % LOG_RING_LINES;
  waiter->log_count--;
}

MiniAVResultCode waiter_next(struct waiter *waiter, MiniAVEvent *event) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&waiter->mutex);
  struct event_node *node = waiter->first;
  bool log_is_older =
      waiter->log_count > 0 && (node == NULL || waiter->log_lines[waiter->log_first].timestamp_us <=
                                                    node->event.timestamp_us);
  if (waiter->closed) {
    result = MINIAV_ERROR_INVALID_HANDLE;
  } else if (log_is_older) {
    take_log_locked(waiter, event);
  } else if (node != NULL) {
    unlink_locked(waiter, node);
    *event = node->event;
    if (node->done != NULL) {
      node->done(node, true);
    }
  } else {
    waiter->events_armed = true;
    result = MINIAV_ERROR_NO_BUFFER;
  }
  mutex_unlock(&waiter->mutex);
  return result;
}

static uint32_t device_node_index(const MiniAVEvent *event) {
  uint32_t type = event->type == MINIAV_EVENT_DEVICES_CHANGED   ? 0
                  : event->type == MINIAV_EVENT_DEFAULT_CHANGED ? 1
                                                                : 2;
  return (uint32_t)event->kind * 3 + type;
}

void waiter_post_device_event(struct waiter *waiter, const MiniAVEvent *event) {
  waiter_post(waiter, &waiter->device_nodes[device_node_index(event)], event);
}

void waiter_post_log(struct waiter *waiter, MiniAVLogLevel level, const char *source,
                     const char *text) {
  int32_t wake_end = -1;
  mutex_lock(&waiter->mutex);
  if (waiter->log_lines == NULL && !waiter->closed) {
    waiter->log_lines = calloc(LOG_RING_LINES, sizeof *waiter->log_lines);
  }
  if (waiter->closed || waiter->log_lines == NULL || waiter->log_count == LOG_RING_LINES) {
    waiter->log_lost++;
  } else {
    uint32_t at = (waiter->log_first + waiter->log_count++) % LOG_RING_LINES;
    struct log_line *line = &waiter->log_lines[at];
    line->level = level;
    line->timestamp_us = clock_now_us();
    text_copy(line->source, sizeof line->source, source);
    text_copy(line->text, sizeof line->text, text);
    wake_end = wake_for_event_locked(waiter);
  }
  mutex_unlock(&waiter->mutex);
  if (wake_end >= 0) {
    wake_pair_send(wake_end);
  }
}

/* -- ends ----------------------------------------------------------------------------------- */

static void throw_events_away_locked(struct waiter *waiter) {
  while (waiter->first != NULL) {
    struct event_node *node = waiter->first;
    unlink_locked(waiter, node);
    if (node->done != NULL) {
      node->done(node, false);
    }
  }
}

void waiter_close(struct waiter *waiter) {
  mutex_lock(&waiter->mutex);
  waiter->closed = true;
  mutex_unlock(&waiter->mutex);
}

void waiter_finish(struct waiter *waiter) {
  mutex_lock(&waiter->mutex);
  throw_events_away_locked(waiter);
  condition_broadcast(&waiter->changed);
  mutex_unlock(&waiter->mutex);
  if (callback_wait_begin(&waiter->wake_thread)) {
    mutex_lock(&waiter->mutex);
    while (waiter->wake_inside) {
      condition_wait(&waiter->changed, &waiter->mutex);
    }
    mutex_unlock(&waiter->mutex);
    callback_wait_end();
  }
}

MiniAVResultCode waiter_open_fd(struct waiter *waiter, int32_t *fd) {
  if (!wake_pair_supported()) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  int32_t ends[2];
  if (!wake_pair_open(ends)) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_lock(&waiter->mutex);
  bool first = waiter->wake_end < 0;
  bool outstanding = waiter->signaled;
  if (first) {
    waiter->wake_end = ends[1];
  }
  mutex_unlock(&waiter->mutex);
  if (!first) {
    wake_pair_close(ends[0]);
    wake_pair_close(ends[1]);
    return MINIAV_ERROR_ALREADY_RUNNING;
  }
  if (outstanding) {
    wake_pair_send(ends[1]);
  }
  *fd = ends[0];
  return MINIAV_SUCCESS;
}

static void wake_main(void *argument) {
  struct waiter *waiter = argument;
  callback_thread_begin(&waiter->wake_thread);
  mutex_lock(&waiter->mutex);
  while (!waiter->closed && waiter->wake != NULL) {
    if (!waiter->wake_pending) {
      condition_wait(&waiter->changed, &waiter->mutex);
      continue;
    }
    waiter->wake_pending = false;
    MiniAVWakeCallback wake = waiter->wake;
    void *user_data = waiter->wake_user_data;
    waiter->wake_inside = true;
    waiter->wake_calls++;
    mutex_unlock(&waiter->mutex);
    wake(user_data);
    mutex_lock(&waiter->mutex);
    waiter->wake_inside = false;
    condition_broadcast(&waiter->changed);
  }
  callback_thread_end();
  waiter->wake_runs = false;
  condition_broadcast(&waiter->changed);
  mutex_unlock(&waiter->mutex);
  waiter_release(waiter);
}

/* Until the old callback runs no more, and its thread neither when there is no new one. Another
 * thread may set one meanwhile. */
static void wait_for_old_wake_locked(struct waiter *waiter) {
  uint64_t call = waiter->wake_calls;
  if (!callback_wait_begin(&waiter->wake_thread)) {
    return;
  }
  while ((waiter->wake == NULL && waiter->wake_runs) ||
         (waiter->wake_inside && waiter->wake_calls == call)) {
    condition_wait(&waiter->changed, &waiter->mutex);
  }
  callback_wait_end();
}

MiniAVResultCode waiter_set_wake(struct waiter *waiter, MiniAVWakeCallback wake, void *user_data) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&waiter->mutex);
  waiter->wake = wake;
  waiter->wake_user_data = user_data;
  waiter->wake_pending = waiter->signaled;
  condition_broadcast(&waiter->changed);
  wait_for_old_wake_locked(waiter);
  if (waiter->wake != NULL && !waiter->wake_runs) {
    waiter->wake_runs = true;
    waiter_reference(waiter);
    if (!thread_start("miniav-wake", wake_main, waiter)) {
      waiter->wake_runs = false;
      waiter->wake = NULL;
      waiter_release(waiter);
      result = MINIAV_ERROR_OUT_OF_MEMORY;
    }
  }
  mutex_unlock(&waiter->mutex);
  return result;
}
