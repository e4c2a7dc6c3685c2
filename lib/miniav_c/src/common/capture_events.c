/* What a capture tells besides its frames. Events are posted under the capture's lock, so that a
 * capture that moves to another waiter takes what is not read yet out of the old one's queue. */
#include <string.h>

#include "common/capture_internal.h"
#include "common/lists.h"
#include "common/notifier.h"

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

static void forget_events_locked(struct capture *capture) {
  for (uint32_t i = 0; i < NODE_COUNT; i++) {
    if (capture->waiter != NULL) {
      waiter_forget(capture->waiter, &capture->nodes[i]);
    } else {
      notifier_forget(&capture->nodes[i]);
    }
  }
}

void capture_set_waiter(struct capture *capture, struct waiter *waiter) {
  mutex_lock(&capture->lock);
  struct waiter *old = capture->waiter;
  if (old != waiter) {
    forget_events_locked(capture);
    capture->waiter = waiter;
    capture->armed = false;
    if (waiter != NULL) {
      waiter_reference(waiter);
    }
  } else {
    old = NULL;
  }
  mutex_unlock(&capture->lock);
  waiter_release(old);
}

bool capture_has_waiter(struct capture *capture, struct waiter *waiter) {
  mutex_lock(&capture->lock);
  bool has = capture->waiter == waiter;
  mutex_unlock(&capture->lock);
  return has;
}

void capture_lost(struct capture *capture, MiniAVResultCode reason, const char *text) {
  mutex_lock(&capture->lock);
  struct waiter *waiter = NULL;
  if (capture->accepting) {
    capture->accepting = false;
    capture->lost = true;
    capture->lost_reason = reason;
    MiniAVEvent event = {.type = MINIAV_EVENT_LOST, .result = reason};
    text_copy(event.text, sizeof event.text, text);
    capture_post_locked(capture, NODE_LOST, &event);
    condition_broadcast(&capture->changed);
    waiter = capture->waiter;
    capture->armed = false;
  }
  if (waiter != NULL) {
    waiter_reference(waiter);
  }
  mutex_unlock(&capture->lock);
  if (waiter != NULL) {
    waiter_signal(waiter);
    waiter_release(waiter);
  }
}

void capture_format_changed(struct capture *capture, const struct capture_format *format) {
  mutex_lock(&capture->lock);
  capture->format = *format;
  if (capture->busy != BUSY_START) {
    capture->stats.format_changes++;
    capture->pending_flags |= MINIAV_BUFFER_FLAG_FORMAT_CHANGED;
    MiniAVEvent event = {.type = MINIAV_EVENT_FORMAT_CHANGED};
    capture_post_locked(capture, NODE_FORMAT, &event);
  }
  mutex_unlock(&capture->lock);
}

void capture_set_device(struct capture *capture, const char *device_id) {
  mutex_lock(&capture->lock);
  device_id_join(capture->device_id, capture->backend_name, device_id);
  mutex_unlock(&capture->lock);
}

void capture_default_moved(struct capture *capture, const char *device_id) {
  mutex_lock(&capture->lock);
  device_id_join(capture->device_id, capture->backend_name, device_id);
  capture->pending_flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
  MiniAVEvent event = {.type = MINIAV_EVENT_DEFAULT_CHANGED};
  memcpy(event.text, capture->device_id, sizeof event.text);
  capture_post_locked(capture, NODE_DEFAULT, &event);
  mutex_unlock(&capture->lock);
}

void capture_property_changed(struct capture *capture, MiniAVPropertyKey key) {
  mutex_lock(&capture->lock);
  uint32_t node = NODE_PROPERTY;
  for (uint32_t i = NODE_PROPERTY; i < NODE_COUNT; i++) {
    /* One node a key; a key that found none shares the last. */
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
  mutex_lock(&capture->lock);
  stalled_locked(capture);
  mutex_unlock(&capture->lock);
}

void capture_resumed(struct capture *capture) {
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
