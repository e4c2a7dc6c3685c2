#include "common/log.h"

#include <stdatomic.h>
#include <stdio.h>

#include "common/handles.h"
#include "common/lists.h"
#include "common/waiter.h"

struct listener {
  struct waiter *waiter;
  int level;
};

static struct mutex listeners_mutex = MUTEX_INITIALIZER;
static struct listener listeners[HANDLE_MAX_WAITERS];
static atomic_int threshold = LOG_LEVEL_NONE;

static void update_threshold_locked(void) {
  int lowest = LOG_LEVEL_NONE;
  for (uint32_t i = 0; i < HANDLE_MAX_WAITERS; i++) {
    if (listeners[i].waiter != NULL && listeners[i].level < lowest) {
      lowest = listeners[i].level;
    }
  }
  atomic_store(&threshold, lowest);
}

static struct listener *find_locked(struct waiter *waiter) {
  for (uint32_t i = 0; i < HANDLE_MAX_WAITERS; i++) {
    if (listeners[i].waiter == waiter) {
      return &listeners[i];
    }
  }
  return NULL;
}

void log_watch(struct waiter *waiter, int level) {
  mutex_lock(&listeners_mutex);
  struct listener *listener = find_locked(waiter);
  /* Looked at under our lock: waiter_destroy closes first and then takes watches away. */
  if (level >= LOG_LEVEL_NONE || waiter_is_closed(waiter)) {
    if (listener != NULL) {
      listener->waiter = NULL;
    }
  } else {
    listener = listener != NULL ? listener : find_locked(NULL);
    *listener = (struct listener){.waiter = waiter, .level = level};
  }
  update_threshold_locked();
  mutex_unlock(&listeners_mutex);
}

void log_write(MiniAVLogLevel level, const char *source, const char *format, ...) {
  if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed)) {
    return;
  }
  char text[MINIAV_TEXT_BYTES];
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text) {
    text[text_whole(text, sizeof text - 1)] = 0;
  }
  va_end(arguments);
  mutex_lock(&listeners_mutex);
  for (uint32_t i = 0; i < HANDLE_MAX_WAITERS; i++) {
    if (listeners[i].waiter != NULL && (int)level >= listeners[i].level) {
      waiter_post_log(listeners[i].waiter, level, source, text);
    }
  }
  mutex_unlock(&listeners_mutex);
}
