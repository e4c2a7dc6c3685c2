#include "audio/miniaudio/mic_watch.h"

#include <string.h>

#include "common/clock.h"

/* -- the watching thread -------------------------------------------------------------------- */

static bool is_same_list(const struct mic_list *a, const struct mic_list *b) {
  if (a->count != b->count) {
    return false;
  }
  for (uint32_t i = 0; i < a->count; i++) {
    if (strcmp(a->items[i].device_id, b->items[i].device_id) != 0 ||
        strcmp(a->items[i].name, b->items[i].name) != 0) {
      return false;
    }
  }
  return true;
}

static const char *default_of(const struct mic_list *list) {
  const char *id = mic_list_default(list);
  return id != NULL ? id : "";
}

void mic_watch_compare(struct mic_watch *watch, struct mic_list *list) {
  uint32_t change = MIC_CHANGE_NONE;
  if (watch->listed && !is_same_list(&watch->last, list)) {
    change |= MIC_CHANGE_LIST;
  }
  if (watch->listed && strcmp(default_of(&watch->last), default_of(list)) != 0) {
    change |= MIC_CHANGE_DEFAULT;
  }
  mutex_lock(&watch->mutex);
  for (struct mic_watcher *at = watch->watchers; at != NULL; at = at->next) {
    if (!at->told || change != MIC_CHANGE_NONE) {
      at->changed(at->user, at->told ? change : MIC_CHANGE_NONE, default_of(list));
      at->told = true;
    }
  }
  mutex_unlock(&watch->mutex);
  mic_list_free(&watch->last);
  watch->last = *list;
  watch->listed = true;
  *list = (struct mic_list){0};
}

bool mic_watch_wanted(struct mic_watch *watch) {
  mutex_lock(&watch->mutex);
  bool wanted = watch->watchers != NULL;
  mutex_unlock(&watch->mutex);
  return wanted;
}

static bool has_untold(const struct mic_watch *watch) {
  for (const struct mic_watcher *at = watch->watchers; at != NULL; at = at->next) {
    if (!at->told) {
      return true;
    }
  }
  return false;
}

bool mic_watch_has_untold(struct mic_watch *watch) {
  mutex_lock(&watch->mutex);
  bool untold = has_untold(watch);
  mutex_unlock(&watch->mutex);
  return untold;
}

bool mic_watch_sleep(struct mic_watch *watch, uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&watch->mutex);
  bool in_time = true;
  while (in_time && watch->watchers != NULL && !has_untold(watch)) {
    in_time = condition_wait_until(&watch->changed, &watch->mutex, deadline_us);
  }
  bool wanted = watch->watchers != NULL;
  mutex_unlock(&watch->mutex);
  return wanted;
}

void mic_watch_set_wake(struct mic_watch *watch, void (*wake)(void *user), void *user) {
  mutex_lock(&watch->mutex);
  watch->wake = wake;
  watch->wake_user = user;
  mutex_unlock(&watch->mutex);
}

static void watch_main(void *user) {
  struct mic_watch *watch = user;
  for (bool wanted = true; wanted;) {
    watch->loop(watch);
    mutex_lock(&watch->mutex);
    wanted = watch->watchers != NULL; /* somebody began again meanwhile */
    if (!wanted) {
      mic_list_free(&watch->last);
      watch->listed = false;
      watch->running = false;
    }
    mutex_unlock(&watch->mutex);
  }
}

/* -- watchers ------------------------------------------------------------------------------- */

/* Under the mutex. */
static void tell_thread(struct mic_watch *watch) {
  condition_broadcast(&watch->changed);
  if (watch->wake != NULL) {
    watch->wake(watch->wake_user);
  }
}

void mic_watch_add(struct mic_watch *watch, struct mic_watcher *watcher) {
  mutex_lock(&watch->mutex);
  if (!watch->initialized) {
    condition_init(&watch->changed);
    watch->initialized = true;
  }
  watcher->told = false;
  watcher->next = watch->watchers;
  watch->watchers = watcher;
  if (!watch->running) {
    watch->running = thread_start("miniav-mic-list", watch_main, watch);
  }
  tell_thread(watch);
  mutex_unlock(&watch->mutex);
}

void mic_watch_remove(struct mic_watch *watch, struct mic_watcher *watcher) {
  mutex_lock(&watch->mutex);
  for (struct mic_watcher **at = &watch->watchers; *at != NULL; at = &(*at)->next) {
    if (*at == watcher) {
      *at = watcher->next;
      break;
    }
  }
  tell_thread(watch);
  mutex_unlock(&watch->mutex);
}
