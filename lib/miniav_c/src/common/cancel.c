#include "common/cancel.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/lists.h"

#define LOOK_US 50000

void cancel_init(struct cancel *cancel) {
  atomic_init(&cancel->requested, false);
  mutex_init(&cancel->mutex);
  condition_init(&cancel->changed);
  cancel->hook = NULL;
  cancel->hook_user = NULL;
  cancel->backend[0] = 0;
  cancel->explanation[0] = 0;
}

void cancel_explain(struct cancel *cancel, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t capacity = sizeof cancel->explanation;
  if (vsnprintf(cancel->explanation, capacity, format, arguments) >= (int)capacity) {
    cancel->explanation[text_whole(cancel->explanation, capacity - 1)] = 0;
  }
  va_end(arguments);
}

void cancel_destroy(struct cancel *cancel) {
  condition_destroy(&cancel->changed);
  mutex_destroy(&cancel->mutex);
}

void cancel_request(struct cancel *cancel) {
  mutex_lock(&cancel->mutex);
  if (!atomic_exchange(&cancel->requested, true)) {
    if (cancel->hook != NULL) {
      cancel->hook(cancel->hook_user);
    }
    condition_broadcast(&cancel->changed);
  }
  mutex_unlock(&cancel->mutex);
}

bool cancel_requested(struct cancel *cancel) {
  return atomic_load(&cancel->requested);
}

MiniAVResultCode cancel_wait_step(struct cancel *cancel, struct condition *condition,
                                  struct mutex *mutex, int64_t deadline_us) {
  int64_t now_us = clock_now_us();
  if (cancel != NULL && cancel_requested(cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  if (now_us >= deadline_us) {
    return MINIAV_ERROR_TIMEOUT;
  }
  int64_t look_us = now_us + LOOK_US;
  condition_wait_until(condition, mutex, look_us < deadline_us ? look_us : deadline_us);
  return MINIAV_SUCCESS;
}

bool cancel_wait(struct cancel *cancel, uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&cancel->mutex);
  while (!atomic_load(&cancel->requested) &&
         condition_wait_until(&cancel->changed, &cancel->mutex, deadline_us)) {
  }
  bool requested = atomic_load(&cancel->requested);
  mutex_unlock(&cancel->mutex);
  return requested;
}

void cancel_set_hook(struct cancel *cancel, void (*hook)(void *user), void *user) {
  mutex_lock(&cancel->mutex);
  cancel->hook = hook;
  cancel->hook_user = user;
  if (hook != NULL && atomic_load(&cancel->requested)) {
    hook(user);
  }
  mutex_unlock(&cancel->mutex);
}
