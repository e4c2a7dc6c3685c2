#include "common/notifier.h"

#include <stdatomic.h>

#include "common/callback_thread.h"
#include "common/log.h"
#include "common/registry_internal.h"

static struct mutex notifier_mutex = MUTEX_INITIALIZER;
static struct condition notifier_changed;
static struct waiter *_Atomic notifier_waiter; /* made once, with a reference for good */
static bool thread_runs;
static bool stopping;
static bool inside;
static uint64_t calls; /* begun so far */
static struct callback_thread notifier_thread;

static struct {
  MiniAVLogCallback log;
  void *log_user_data;
  MiniAVLogLevel log_level;
  MiniAVDeviceChangeCallback devices;
  void *devices_user_data;
  MiniAVContextLostCallback lost;
  void *lost_user_data;
} callbacks = {.log_level = MINIAV_LOG_LEVEL_WARN};

static void call(const MiniAVEvent *event) {
  mutex_lock(&notifier_mutex);
  inside = true;
  calls++;
  MiniAVLogCallback log = callbacks.log;
  void *log_user_data = callbacks.log_user_data;
  MiniAVDeviceChangeCallback devices = callbacks.devices;
  void *devices_user_data = callbacks.devices_user_data;
  MiniAVContextLostCallback lost = callbacks.lost;
  void *lost_user_data = callbacks.lost_user_data;
  mutex_unlock(&notifier_mutex);
  if (event->type == MINIAV_EVENT_LOG && log != NULL) {
    log((MiniAVLogLevel)event->detail, event->text, log_user_data);
  } else if (event->type == MINIAV_EVENT_LOST && lost != NULL) {
    lost((MiniAVHandle)(uintptr_t)event->context, event->result, event->text, lost_user_data);
  } else if (event->type == MINIAV_EVENT_DEVICES_CHANGED && devices != NULL) {
    devices(event->kind, NULL, devices_user_data);
  } else if (event->type == MINIAV_EVENT_DEFAULT_CHANGED && devices != NULL) {
    devices(event->kind, event->text, devices_user_data);
  }
  mutex_lock(&notifier_mutex);
  inside = false;
  condition_broadcast(&notifier_changed);
  mutex_unlock(&notifier_mutex);
}

static bool is_stopping(void) {
  mutex_lock(&notifier_mutex);
  bool is = stopping;
  mutex_unlock(&notifier_mutex);
  return is;
}

static void notifier_main(void *argument) {
  struct waiter *waiter = argument;
  callback_thread_begin(&notifier_thread);
  MiniAVEvent event;
  for (;;) {
    while (waiter_next(waiter, &event) == MINIAV_SUCCESS) {
      call(&event);
    }
    if (is_stopping() || waiter_wait(waiter, WAIT_FOREVER) == MINIAV_ERROR_INVALID_HANDLE) {
      break;
    }
  }
  mutex_lock(&notifier_mutex);
  thread_runs = false;
  condition_broadcast(&notifier_changed);
  mutex_unlock(&notifier_mutex);
}

/* Locked. */
static MiniAVResultCode ensure_thread_locked(void) {
  if (thread_runs) {
    return MINIAV_SUCCESS;
  }
  if (atomic_load(&notifier_waiter) == NULL) {
    uint64_t handle;
    condition_init(&notifier_changed);
    MiniAVResultCode result = waiter_create(&handle);
    if (result != MINIAV_SUCCESS) {
      return result;
    }
    atomic_store(&notifier_waiter, waiter_acquire(handle));
  }
  thread_runs = thread_start("miniav-notifier", notifier_main, atomic_load(&notifier_waiter));
  return thread_runs ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

/* Locked: the old callback runs no more when this returns. */
static void wait_outside_locked(void) {
  uint64_t call = calls;
  if (!callback_wait_begin(&notifier_thread)) {
    return;
  }
  while (inside && calls == call) {
    condition_wait(&notifier_changed, &notifier_mutex);
  }
  callback_wait_end();
}

MiniAVResultCode notifier_set_log(MiniAVLogCallback callback, void *user_data) {
  mutex_lock(&notifier_mutex);
  MiniAVResultCode result = callback == NULL ? MINIAV_SUCCESS : ensure_thread_locked();
  if (result == MINIAV_SUCCESS) {
    callbacks.log = callback;
    callbacks.log_user_data = user_data;
    if (thread_runs) {
      wait_outside_locked();
      /* What is set now: another thread may have set it meanwhile. */
      log_watch(atomic_load(&notifier_waiter),
                callbacks.log == NULL ? LOG_LEVEL_NONE : (int)callbacks.log_level);
    }
  }
  mutex_unlock(&notifier_mutex);
  return result;
}

MiniAVResultCode notifier_set_log_level(MiniAVLogLevel level) {
  mutex_lock(&notifier_mutex);
  callbacks.log_level = level;
  if (callbacks.log != NULL) {
    log_watch(atomic_load(&notifier_waiter), (int)level);
  }
  mutex_unlock(&notifier_mutex);
  return MINIAV_SUCCESS;
}

MiniAVResultCode notifier_set_device_change(MiniAVDeviceChangeCallback callback, uint32_t kinds,
                                            void *user_data) {
  mutex_lock(&notifier_mutex);
  MiniAVResultCode result = callback == NULL ? MINIAV_SUCCESS : ensure_thread_locked();
  struct waiter *waiter = atomic_load(&notifier_waiter);
  if (result == MINIAV_SUCCESS) {
    callbacks.devices = callback;
    callbacks.devices_user_data = user_data;
    if (thread_runs) {
      wait_outside_locked();
    }
  }
  mutex_unlock(&notifier_mutex);
  if (result == MINIAV_SUCCESS && waiter != NULL) {
    result = registry_watch_devices(waiter, callback == NULL ? 0 : kinds);
  }
  return result;
}

MiniAVResultCode notifier_set_lost(MiniAVContextLostCallback callback, void *user_data) {
  mutex_lock(&notifier_mutex);
  MiniAVResultCode result = callback == NULL ? MINIAV_SUCCESS : ensure_thread_locked();
  if (result == MINIAV_SUCCESS) {
    callbacks.lost = callback;
    callbacks.lost_user_data = user_data;
    if (thread_runs) {
      wait_outside_locked();
    }
  }
  mutex_unlock(&notifier_mutex);
  return result;
}

void notifier_post(struct event_node *node, const MiniAVEvent *event) {
  struct waiter *waiter = atomic_load(&notifier_waiter);
  if (waiter != NULL) {
    waiter_post(waiter, node, event);
  }
}

bool notifier_forget(struct event_node *node) {
  struct waiter *waiter = atomic_load(&notifier_waiter);
  return waiter != NULL && waiter_forget(waiter, node);
}

void notifier_stop(void) {
  struct waiter *waiter = atomic_load(&notifier_waiter);
  if (waiter == NULL) {
    return;
  }
  mutex_lock(&notifier_mutex);
  stopping = true;
  mutex_unlock(&notifier_mutex);
  waiter_signal(waiter);
  mutex_lock(&notifier_mutex);
  while (thread_runs) {
    condition_wait(&notifier_changed, &notifier_mutex);
  }
  mutex_unlock(&notifier_mutex);
}
