/* What a capture tells besides its frames. Events are posted under the capture's lock, so that a
 * capture that moves to another waiter takes what is not read yet with it. */
#include <string.h>

#include "common/capture_internal.h"
#include "common/handles.h"
#include "common/lists.h"
#include "common/notifier.h"
#include "common/screen_sound.h"

void capture_post_locked(struct capture *capture, enum capture_event_node node,
                         MiniAVEvent *event) {
  event->kind = capture->kind;
  event->context = capture->handle;
  if (capture->backend != NULL) {
    text_copy(event->backend, sizeof event->backend, capture->backend->name);
  }
  if (capture->waiter != NULL) {
    waiter_post(capture->waiter, &capture->nodes[node], event);
  } else if (event->type == MINIAV_EVENT_LOST) {
    notifier_post(&capture->nodes[node], event);
  }
}

/* Takes a node out of the queue it is in; whether it was unread. */
static bool forget_locked(struct capture *capture, struct event_node *node) {
  return capture->waiter != NULL ? waiter_forget(capture->waiter, node) : notifier_forget(node);
}

/* Posts to capture->waiter what was taken out of another queue, in the order it happened. */
static void post_again_locked(struct capture *capture, bool unread[NODE_COUNT]) {
  for (;;) {
    uint32_t oldest = NODE_COUNT;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
      if (unread[i] && (oldest == NODE_COUNT || capture->nodes[i].event.timestamp_us <
                                                    capture->nodes[oldest].event.timestamp_us)) {
        oldest = i;
      }
    }
    if (oldest == NODE_COUNT) {
      return;
    }
    unread[oldest] = false;
    MiniAVEvent event = capture->nodes[oldest].event;
    capture_post_locked(capture, (enum capture_event_node)oldest, &event);
  }
}

/* The new waiter, with a reference, when the consumer waits for what has come already. */
static struct waiter *move_locked(struct capture *capture, struct waiter *waiter) {
  bool unread[NODE_COUNT];
  for (uint32_t i = 0; i < NODE_COUNT; i++) {
    unread[i] = forget_locked(capture, &capture->nodes[i]);
  }
  capture->waiter = waiter;
  post_again_locked(capture, unread);
  if (waiter == NULL) {
    return NULL;
  }
  waiter_reference(waiter);
  if (!capture->armed || (capture->accepting && capture_queued_locked(capture) == 0)) {
    return NULL;
  }
  capture->armed = false;
  waiter_reference(waiter);
  return waiter;
}

bool capture_set_waiter(struct capture *capture, struct waiter *waiter) {
  struct waiter *old = NULL;
  struct waiter *woken = NULL;
  mutex_lock(&capture->lock);
  /* Looked at under our lock: waiter_destroy closes first and then takes captures away. */
  bool open = !waiter_is_closed(waiter);
  if (open && capture->waiter != waiter) {
    old = capture->waiter;
    woken = move_locked(capture, waiter);
  }
  mutex_unlock(&capture->lock);
  if (woken != NULL) {
    waiter_signal(woken);
    waiter_release(woken);
  }
  waiter_release(old);
  return open;
}

bool capture_leave_waiter(struct capture *capture, struct waiter *waiter) {
  mutex_lock(&capture->lock);
  bool has = capture->waiter == waiter;
  if (has) {
    move_locked(capture, NULL);
  }
  mutex_unlock(&capture->lock);
  if (has) {
    waiter_release(waiter);
  }
  return has;
}

static void leave(uint64_t handle, void *waiter) {
  struct capture *capture = handle_acquire_context(handle);
  if (capture != NULL) {
    capture_leave_waiter(capture, waiter);
    capture_release_reference(capture);
  }
}

void captures_leave_waiter(struct waiter *waiter) {
  handle_for_each(false, leave, waiter);
}

void capture_forget_all(struct capture *capture) {
  mutex_lock(&capture->lock);
  for (uint32_t i = 0; i < NODE_COUNT; i++) {
    forget_locked(capture, &capture->nodes[i]);
  }
  struct waiter *waiter = capture->waiter;
  capture->waiter = NULL;
  mutex_unlock(&capture->lock);
  waiter_release(waiter);
}

void capture_lost(struct capture *capture, MiniAVResultCode reason, const char *text) {
  if (capture->sound_of != NULL) {
    screen_sound_lost(capture->sound_of, reason, text);
    return;
  }
  mutex_lock(&capture->lock);
  struct waiter *waiter = NULL;
  if (capture->accepting) {
    capture->accepting = false;
    capture->lost = true;
    capture->lost_reason = reason;
    MiniAVEvent event = {.type = MINIAV_EVENT_LOST, .result = reason};
    text_copy(event.text, sizeof event.text, text);
    capture_post_locked(capture, NODE_LOST, &event);
    waiter = capture_take_wake_locked(capture, true);
    condition_broadcast(&capture->changed);
  }
  mutex_unlock(&capture->lock);
  if (waiter != NULL) {
    waiter_signal(waiter);
    waiter_release(waiter);
  }
}

/* Locked. The sound is the library's affair when the backend brings none. */
static void take_format_locked(struct capture *capture, const struct capture_format *format) {
  struct capture_format before = capture->format;
  capture->format = *format;
  if (capture->sound.by_library) {
    capture->format.audio = before.audio;
    capture->format.audio_result = before.audio_result;
  }
}

void capture_format_changed(struct capture *capture, const struct capture_format *format) {
  if (capture->sound_of != NULL) {
    screen_sound_format_changed(capture->sound_of, &format->audio);
    return;
  }
  mutex_lock(&capture->lock);
  take_format_locked(capture, format);
  if (capture->state == CAPTURE_RUNNING) {
    capture->stall_after_us = capture_stall_time_us(capture);
  }
  if (capture->busy != BUSY_START) {
    capture->stats.format_changes++;
    capture_flag_locked(capture, MINIAV_BUFFER_FLAG_FORMAT_CHANGED);
    MiniAVEvent event = {.type = MINIAV_EVENT_FORMAT_CHANGED};
    capture_post_locked(capture, NODE_FORMAT, &event);
  }
  mutex_unlock(&capture->lock);
}

void capture_set_device(struct capture *capture, const char *device_id) {
  if (capture->sound_of != NULL) {
    return; /* the device of a screen is the screen */
  }
  mutex_lock(&capture->lock);
  device_id_join(capture->device_id, capture->backend_name, device_id);
  mutex_unlock(&capture->lock);
}

void capture_default_moved(struct capture *capture, const char *device_id) {
  if (capture->sound_of != NULL) {
    screen_sound_moved(capture->sound_of);
    return;
  }
  mutex_lock(&capture->lock);
  device_id_join(capture->device_id, capture->backend_name, device_id);
  capture_flag_locked(capture, MINIAV_BUFFER_FLAG_DISCONTINUITY);
  MiniAVEvent event = {.type = MINIAV_EVENT_DEFAULT_CHANGED};
  memcpy(event.text, capture->device_id, sizeof event.text);
  capture_post_locked(capture, NODE_DEFAULT, &event);
  mutex_unlock(&capture->lock);
}

void capture_property_changed(struct capture *capture, MiniAVPropertyKey key) {
  if (capture->sound_of != NULL) {
    return; /* a screen has no properties of a loopback */
  }
  mutex_lock(&capture->lock);
  uint32_t node = NODE_PROPERTY;
  for (uint32_t i = NODE_PROPERTY; i < NODE_COUNT; i++) {
    /* One node a key that devices change by themselves; there are fewer than nodes. */
    uint32_t owner = capture->nodes[i].event.detail;
    node = i;
    if (owner == 0 || owner == (uint32_t)key) {
      break;
    }
  }
  MiniAVEvent event = {.type = MINIAV_EVENT_PROPERTY_CHANGED, .detail = key};
  capture_post_locked(capture, (enum capture_event_node)node, &event);
  mutex_unlock(&capture->lock);
}

static void stalled_locked(struct capture *capture) {
  if (capture->accepting && !capture->stalled) {
    capture->stalled = true;
    capture->stats.stalls++;
    MiniAVEvent event = {.type = MINIAV_EVENT_STALLED};
    capture_post_locked(capture, NODE_STALLED, &event);
  }
}

void capture_stalled(struct capture *capture) {
  if (capture->sound_of != NULL) {
    return; /* only the picture's silence is told */
  }
  mutex_lock(&capture->lock);
  stalled_locked(capture);
  mutex_unlock(&capture->lock);
}

void capture_resumed(struct capture *capture) {
  if (capture->sound_of != NULL) {
    return; /* only the picture's silence is told */
  }
  mutex_lock(&capture->lock);
  if (capture->accepting && capture->stalled) {
    capture->stalled = false;
    MiniAVEvent event = {.type = MINIAV_EVENT_RESUMED};
    capture_post_locked(capture, NODE_RESUMED, &event);
  }
  mutex_unlock(&capture->lock);
}

void capture_check_stall(struct capture *capture, int64_t now_us) {
  mutex_lock(&capture->lock);
  if (capture->stall_after_us > 0 && now_us - capture->last_delivery_us > capture->stall_after_us) {
    stalled_locked(capture);
  }
  mutex_unlock(&capture->lock);
}
