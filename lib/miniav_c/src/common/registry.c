#include "common/registry_internal.h"

#include <string.h>

#include "common/handles.h"
#include "common/kinds.h"
#include "common/lists.h"
#include "common/log.h"
#include "common/operations.h"

#define KINDS 4u

struct watcher {
  struct waiter *waiter;
  uint32_t kinds;
};

static struct mutex registry_mutex = MUTEX_INITIALIZER;
static struct watcher watchers[HANDLE_MAX_WAITERS];

/* Serialises what the backends are told; never held together with registry_mutex. */
static struct mutex apply_mutex = MUTEX_INITIALIZER;
static uint32_t kinds_watched;

static struct watcher *find_locked(struct waiter *waiter) {
  for (uint32_t i = 0; i < HANDLE_MAX_WAITERS; i++) {
    if (watchers[i].waiter == waiter) {
      return &watchers[i];
    }
  }
  return NULL;
}

static uint32_t kinds_wanted(void) {
  uint32_t kinds = 0;
  mutex_lock(&registry_mutex);
  for (uint32_t i = 0; i < HANDLE_MAX_WAITERS; i++) {
    kinds |= watchers[i].waiter != NULL ? watchers[i].kinds : 0;
  }
  mutex_unlock(&registry_mutex);
  return kinds;
}

/* On a library thread: tells the backends what is wanted now. */
static void apply(void) {
  mutex_lock(&apply_mutex);
  uint32_t wanted = kinds_wanted();
  for (uint32_t kind = 0; kind < KINDS; kind++) {
    uint32_t bit = 1u << kind;
    if ((wanted & bit) != (kinds_watched & bit)) {
      kind_watch((MiniAVKind)kind, (wanted & bit) != 0);
    }
  }
  kinds_watched = wanted;
  mutex_unlock(&apply_mutex);
}

/* What the waiter watches from now on; what it did before. A closed one watches nothing. */
static uint32_t replace_kinds(struct waiter *waiter, uint32_t kinds) {
  mutex_lock(&registry_mutex);
  struct watcher *watcher = find_locked(waiter);
  uint32_t before = watcher != NULL ? watcher->kinds : 0;
  /* Looked at under our lock: waiter_destroy closes first and then takes watches away. */
  if (kinds == 0 || waiter_is_closed(waiter)) {
    if (watcher != NULL) {
      *watcher = (struct watcher){0};
    }
  } else {
    watcher = watcher != NULL ? watcher : find_locked(NULL);
    *watcher = (struct watcher){.waiter = waiter, .kinds = kinds};
  }
  mutex_unlock(&registry_mutex);
  return before;
}

MiniAVResultCode registry_watch_devices(struct waiter *waiter, uint32_t kinds) {
  if (kinds != 0 && waiter_is_closed(waiter)) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  uint32_t before = replace_kinds(waiter, kinds);
  if (before == kinds || operations_run(apply)) {
    return MINIAV_SUCCESS;
  }
  if (kinds != 0) {
    replace_kinds(waiter, before); /* or a second try would find nothing to do */
  }
  return MINIAV_ERROR_OUT_OF_MEMORY;
}

void registry_unwatch(struct waiter *waiter) {
  registry_watch_devices(waiter, 0);
  log_watch(waiter, LOG_LEVEL_NONE);
}

void registry_stop(void) {
  apply();
}

static void tell(const MiniAVEvent *event) {
  mutex_lock(&registry_mutex);
  for (uint32_t i = 0; i < HANDLE_MAX_WAITERS; i++) {
    if (watchers[i].waiter != NULL && (watchers[i].kinds >> event->kind & 1) != 0) {
      waiter_post_device_event(watchers[i].waiter, event);
    }
  }
  mutex_unlock(&registry_mutex);
}

void registry_devices_changed(MiniAVKind kind) {
  MiniAVEvent event = {.type = MINIAV_EVENT_DEVICES_CHANGED, .kind = kind};
  tell(&event);
}

void registry_default_changed(MiniAVKind kind, const char *device_id) {
  MiniAVEvent event = {.type = MINIAV_EVENT_DEFAULT_CHANGED, .kind = kind};
  text_copy(event.text, sizeof event.text, device_id);
  tell(&event);
}

void registry_permission_changed(MiniAVKind kind, MiniAVPermission permission) {
  MiniAVEvent event = {.type = MINIAV_EVENT_PERMISSION_CHANGED, .kind = kind, .detail = permission};
  tell(&event);
}
