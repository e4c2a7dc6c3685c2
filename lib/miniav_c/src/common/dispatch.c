/* The dispatcher: one thread per running context with a C callback, which alone calls it. */
#include "common/capture_internal.h"
#include "common/handles.h"

/* Locked. The queue of a lost capture is still handed out; that of a stopping one is not. */
static bool shall_end_locked(const struct capture *capture) {
  return capture->state != CAPTURE_RUNNING || capture->closed || capture->deferred_stop ||
         (!capture->accepting && !capture->lost);
}

static void dispatch_main(void *argument) {
  struct capture *capture = argument;
  callback_thread_begin(&capture->dispatcher);
  mutex_lock(&capture->lock);
  while (!shall_end_locked(capture)) {
    struct slot *slot = capture_pop_locked(capture);
    if (slot == NULL) {
      condition_wait(&capture->changed, &capture->lock);
      continue;
    }
    MiniAVBufferCallback callback = capture->callback;
    void *user_data = capture->user_data;
    mutex_unlock(&capture->lock);
    callback(&slot->buffer, user_data);
    mutex_lock(&capture->lock);
  }
  bool destroy = capture->deferred_destroy;
  bool stop = capture->deferred_stop;
  capture->dispatching = false;
  condition_broadcast(&capture->changed);
  mutex_unlock(&capture->lock);
  callback_thread_end();
  if (destroy || stop) {
    capture_finish_deferred(capture, destroy);
  }
  capture_release_reference(capture);
}

bool dispatch_start_locked(struct capture *capture) {
  handle_reference(capture->handle);
  capture->dispatching = true;
  if (!thread_start("miniav-dispatch", dispatch_main, capture)) {
    capture->dispatching = false;
    /* Never the last reference: the caller has one. */
    capture_release_reference(capture);
    return false;
  }
  return true;
}
