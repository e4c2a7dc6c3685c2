#include "common/callback_thread.h"

#include <stddef.h>

#include "common/thread.h"

static struct mutex waits_mutex = MUTEX_INITIALIZER;
static _Thread_local struct callback_thread *self;

void callback_thread_begin(struct callback_thread *thread) {
  self = thread;
}

void callback_thread_end(void) {
  self = NULL;
}

bool callback_thread_is(const struct callback_thread *thread) {
  return self == thread;
}

bool callback_thread_is_any(void) {
  return self != NULL;
}

bool callback_wait_begin(struct callback_thread *thread) {
  if (self == NULL) {
    return true; /* nobody waits for this thread to return */
  }
  mutex_lock(&waits_mutex);
  const struct callback_thread *at = thread;
  while (at != NULL && at != self) {
    at = at->waits_for;
  }
  if (at == NULL) {
    self->waits_for = thread;
  }
  mutex_unlock(&waits_mutex);
  return at == NULL;
}

void callback_wait_end(void) {
  if (self != NULL) {
    mutex_lock(&waits_mutex);
    self->waits_for = NULL;
    mutex_unlock(&waits_mutex);
  }
}
