#include "common/capture_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/handles.h"
#include "common/kinds.h"
#include "common/log.h"
#include "common/screen_sound.h"

#define CANCEL_LOOK_US 50000 /* how long a cancel may stay unseen by what waits for its turn */

/* -- life ----------------------------------------------------------------------------------- */

static void capture_free(void *object) {
  struct capture *capture = object;
  capture_forget_all(capture);
  for (uint32_t i = 0; i < LANE_COUNT; i++) {
    slot_table_close(capture->lanes[i].table);
  }
  free(capture->sound.inlet);
  condition_destroy(&capture->changed);
  mutex_destroy(&capture->lock);
  free(capture);
}

static void capture_created(void *object, uint64_t handle) {
  ((struct capture *)object)->handle = handle;
}

static enum handle_kind handle_kind_for(MiniAVKind kind) {
  return (enum handle_kind)((uint32_t)kind + HANDLE_CAMERA);
}

MiniAVResultCode capture_create(MiniAVKind kind, uint64_t *handle) {
  struct capture *capture = calloc(1, sizeof *capture);
  if (capture == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  capture->kind = kind;
  capture->queue_capacity = DEFAULT_SLOTS;
  capture->screen.cursor_mode = MINIAV_CURSOR_MODE_EMBEDDED;
  atomic_init(&capture->gain, 1.0f);
  mutex_init(&capture->lock);
  condition_init(&capture->changed);
  capture->lanes[LANE_MAIN].table = slot_table_create(DEFAULT_SLOTS);
  if (capture->lanes[LANE_MAIN].table == NULL) {
    capture_free(capture);
    return slot_tables_are_used_up() ? MINIAV_ERROR_DEVICE_BUSY : MINIAV_ERROR_OUT_OF_MEMORY;
  }
  *handle = handle_create(handle_kind_for(kind), capture, capture_free, capture_created);
  if (*handle == 0) {
    capture_free(capture);
    return MINIAV_ERROR_DEVICE_BUSY;
  }
  return MINIAV_SUCCESS;
}

struct capture *capture_acquire(uint64_t handle, MiniAVKind kind) {
  return handle_acquire(handle, handle_kind_for(kind));
}

void capture_release_reference(struct capture *capture) {
  handle_release(capture->handle);
}

/* -- long operations: one at a time ----------------------------------------------------------- */

/* Locks the capture and makes it busy; on failure it is unlocked. Whoever succeeds says
 * callback_wait_end at the end. */
static MiniAVResultCode begin(struct capture *capture, enum capture_busy busy,
                              struct cancel *cancel) {
  if (!callback_wait_begin(&capture->dispatcher)) {
    return MINIAV_ERROR_ALREADY_RUNNING; /* waiting here would wait for ourselves */
  }
  mutex_lock(&capture->lock);
  while (capture->busy != BUSY_NO && !capture->closed && !cancel_requested(cancel)) {
    condition_wait_until(&capture->changed, &capture->lock, clock_now_us() + CANCEL_LOOK_US);
  }
  if (capture->closed || capture->busy != BUSY_NO) {
    MiniAVResultCode why =
        capture->closed ? MINIAV_ERROR_INVALID_HANDLE : MINIAV_ERROR_USER_CANCELLED;
    mutex_unlock(&capture->lock);
    callback_wait_end();
    return why;
  }
  capture->busy = busy;
  capture->busy_cancel = cancel;
  return MINIAV_SUCCESS;
}

/* The capture is locked and busy; unlocks it. */
static void end(struct capture *capture) {
  while (capture->cancelling > 0) {
    condition_wait(&capture->changed, &capture->lock); /* our token is in use */
  }
  capture->busy = BUSY_NO;
  capture->busy_cancel = NULL;
  condition_broadcast(&capture->changed);
  mutex_unlock(&capture->lock);
}

/* Locked, and unlocked for the time of the request: its hook may take locks of the backend, under
 * which frames are delivered. */
static void cancel_busy_locked(struct capture *capture) {
  struct cancel *cancel = capture->busy_cancel;
  if (cancel == NULL || cancel_requested(cancel)) {
    return;
  }
  capture->cancelling++;
  mutex_unlock(&capture->lock);
  cancel_request(cancel);
  mutex_lock(&capture->lock);
  capture->cancelling--;
  condition_broadcast(&capture->changed);
}

static void explain_failure(struct capture *capture, const char *what, MiniAVResultCode result,
                            struct cancel *cancel) {
  if (result != MINIAV_SUCCESS && result != MINIAV_ERROR_USER_CANCELLED) {
    log_write(MINIAV_LOG_LEVEL_WARN, cancel->backend, "%s %s: %s%s%s", kind_name(capture->kind),
              what, MiniAV_GetErrorString(result), cancel->explanation[0] != 0 ? ": " : "",
              cancel->explanation);
  }
}

/* -- configure ------------------------------------------------------------------------------ */

static void close_backend(struct capture *capture) {
  mutex_lock(&capture->lock);
  const struct backend *backend = capture->backend;
  void *state = capture->backend_state;
  capture->backend = NULL;
  capture->backend_state = NULL;
  capture->state = CAPTURE_CREATED;
  mutex_unlock(&capture->lock);
  if (backend != NULL) {
    backend->close(state);
  }
}

static MiniAVResultCode open_backend(struct capture *capture, struct cancel *cancel) {
  const struct backend *backend = NULL;
  char bare_id[MINIAV_TEXT_BYTES];
  struct capture_request *request = &capture->request;
  MiniAVResultCode result =
      kind_select(capture->kind, request->device_id, &backend, bare_id, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (backend->open == NULL) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  memcpy(request->device_id, bare_id, sizeof bare_id);
  mutex_lock(&capture->lock);
  capture->backend_name = backend->name;
  device_id_join(capture->device_id, backend->name, bare_id);
  mutex_unlock(&capture->lock);
  struct capture_format format = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  void *state = NULL;
  result = backend->open(capture, request, &format, &state, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  bool by_library = screen_sound_is_needed(capture->kind, backend);
  if (by_library) {
    format.audio_result = MINIAV_ERROR_NO_BUFFER;
  }
  mutex_lock(&capture->lock);
  capture->sound.by_library = by_library;
  capture->backend = backend;
  capture->backend_state = state;
  capture->format = format;
  capture->state = CAPTURE_CONFIGURED;
  mutex_unlock(&capture->lock);
  return MINIAV_SUCCESS;
}

MiniAVResultCode capture_configure(uint64_t handle, MiniAVKind kind,
                                   const struct capture_request *request, struct cancel *cancel) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  MiniAVResultCode result = begin(capture, BUSY_CONFIGURE, cancel);
  if (result == MINIAV_SUCCESS) {
    bool running = capture->state == CAPTURE_RUNNING;
    if (!running) {
      capture->request = *request;
      capture->request.screen = capture->screen;
      capture->lanes[LANE_MAIN].table->count = capture->queue_capacity;
    }
    mutex_unlock(&capture->lock);
    if (running) {
      result = MINIAV_ERROR_ALREADY_RUNNING;
    } else {
      close_backend(capture);
      result =
          cancel_requested(cancel) ? MINIAV_ERROR_USER_CANCELLED : open_backend(capture, cancel);
    }
    mutex_lock(&capture->lock);
    end(capture);
    callback_wait_end();
    explain_failure(capture, "configure", result, cancel);
  }
  capture_release_reference(capture);
  return result;
}

/* -- start ---------------------------------------------------------------------------------- */

int64_t capture_stall_time_us(const struct capture *capture) {
  if ((capture->backend->flags & (BACKEND_SILENT_WHEN_IDLE | BACKEND_TELLS_STALLS)) != 0) {
    return 0;
  }
  const MiniAVVideoInfo *video = &capture->format.video;
  int64_t ten_intervals_us = 0;
  if (capture->kind == MINIAV_KIND_CAMERA || capture->kind == MINIAV_KIND_SCREEN) {
    if (video->frame_rate_numerator > 0) {
      ten_intervals_us =
          INT64_C(10000000) * video->frame_rate_denominator / video->frame_rate_numerator;
    }
  } else {
    ten_intervals_us = 10 * (int64_t)atomic_load(&capture->chunk_duration_us);
  }
  return ten_intervals_us > 1000000 ? ten_intervals_us : 1000000;
}

static void open_lanes_locked(struct capture *capture) {
  for (uint32_t i = 0; i < LANE_COUNT; i++) {
    struct lane *lane = &capture->lanes[i];
    lane->pending_flags = 0;
    if (lane->table != NULL) {
      lane->table->count = i == LANE_MAIN ? capture->queue_capacity : SLOTS_PER_TABLE;
      lane->limit = i == LANE_MAIN && capture->queue_latest ? 1 : lane->table->count;
    }
  }
}

/* Locked: from here on frames are accepted and a consumer may take. */
static bool open_gates_locked(struct capture *capture) {
  capture->state = CAPTURE_RUNNING;
  capture->accepting = true;
  capture->lost = false;
  capture->stalled = false;
  capture->has_pending_damage = false;
  open_lanes_locked(capture);
  capture->last_delivery_us = clock_now_us();
  capture->stall_after_us = capture_stall_time_us(capture);
  capture->deferred_stop = false;
  if (capture->callback != NULL && !dispatch_start_locked(capture)) {
    capture->state = CAPTURE_CONFIGURED;
    capture->accepting = false;
    return false;
  }
  return true;
}

/* Locked: the other way round; waits for the dispatcher, which may be in the user's callback, and
 * for a consumer that is inside the backend. */
static void close_gates_locked(struct capture *capture) {
  capture->accepting = false;
  capture->state = CAPTURE_CONFIGURED;
  condition_broadcast(&capture->changed);
  while (capture->dispatching || capture->driving) {
    condition_wait(&capture->changed, &capture->lock);
  }
}

static void wake_consumer(struct capture *capture) {
  mutex_lock(&capture->lock);
  struct waiter *waiter = capture_take_wake_locked(capture, true);
  condition_broadcast(&capture->changed);
  mutex_unlock(&capture->lock);
  if (waiter != NULL) {
    waiter_signal(waiter);
    waiter_release(waiter);
  }
}

/* The picture, then the sound; unlocked. On failure neither runs. */
static MiniAVResultCode start_backends(struct capture *capture, struct cancel *cancel) {
  const struct backend *backend = capture->backend;
  if (cancel_requested(cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  MiniAVResultCode result = backend->start(capture->backend_state, cancel);
  if (result == MINIAV_SUCCESS) {
    result = screen_sound_start(capture, cancel);
    if (result != MINIAV_SUCCESS) {
      backend->stop(capture->backend_state);
    }
  }
  return result;
}

static MiniAVResultCode start_locked(struct capture *capture, struct cancel *cancel) {
  if (capture->state == CAPTURE_RUNNING) {
    return MINIAV_ERROR_ALREADY_RUNNING;
  }
  if (capture->state != CAPTURE_CONFIGURED) {
    return MINIAV_ERROR_NOT_CONFIGURED;
  }
  if (!open_gates_locked(capture)) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  bool may_stall = capture->stall_after_us > 0;
  strncpy(cancel->backend, capture->backend->name, sizeof cancel->backend - 1);
  mutex_unlock(&capture->lock);
  MiniAVResultCode result = start_backends(capture, cancel);
  if (result != MINIAV_SUCCESS) {
    mutex_lock(&capture->lock);
    close_gates_locked(capture);
    mutex_unlock(&capture->lock);
    capture_drop_all(capture, DROP_STOPPED);
    wake_consumer(capture);
  } else if (may_stall) {
    watchdog_add(capture);
  }
  mutex_lock(&capture->lock);
  return result;
}

MiniAVResultCode capture_start(uint64_t handle, MiniAVKind kind, MiniAVBufferCallback callback,
                               void *user_data, const MiniAVAudioInfo *audio,
                               struct cancel *cancel) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  MiniAVResultCode result = begin(capture, BUSY_START, cancel);
  if (result == MINIAV_SUCCESS) {
    if (capture->state == CAPTURE_CONFIGURED) {
      capture->callback = callback;
      capture->user_data = callback != NULL ? user_data : NULL;
      capture->request.screen = capture->screen;
      result = screen_sound_prepare_locked(capture, audio);
    }
    result = result == MINIAV_SUCCESS ? start_locked(capture, cancel) : result;
    end(capture);
    callback_wait_end();
    explain_failure(capture, "start", result, cancel);
  }
  capture_release_reference(capture);
  return result;
}

/* -- stop ----------------------------------------------------------------------------------- */

enum stop_reason { STOP_CALLED, STOP_DESTROY, STOP_DEFERRED };

/* Cancels what is going on and becomes busy with stopping; locked and busy on SUCCESS. Otherwise
 * unlocked: nothing runs (any more). cancelled: a start or a stop went on when we came. */
static MiniAVResultCode begin_stop(struct capture *capture, enum stop_reason reason,
                                   bool *cancelled) {
  *cancelled = false;
  mutex_lock(&capture->lock);
  /* A deferred stop that somebody else has done meanwhile leaves alone what came after it. */
  while (capture->busy != BUSY_NO && (reason != STOP_DEFERRED || capture->deferred_stop)) {
    *cancelled = *cancelled || capture->busy == BUSY_START || capture->busy == BUSY_STOP;
    cancel_busy_locked(capture);
    condition_wait(&capture->changed, &capture->lock);
  }
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (capture->closed && reason != STOP_DESTROY) {
    result = MINIAV_ERROR_INVALID_HANDLE;
  } else if (capture->state != CAPTURE_RUNNING ||
             (reason == STOP_DEFERRED && !capture->deferred_stop)) {
    result = MINIAV_ERROR_NOT_RUNNING;
  } else {
    capture->busy = BUSY_STOP;
    capture->accepting = false;
  }
  if (result != MINIAV_SUCCESS) {
    mutex_unlock(&capture->lock);
  }
  return result;
}

static MiniAVResultCode stop_and_wait(struct capture *capture, enum stop_reason reason) {
  bool cancelled;
  MiniAVResultCode result = begin_stop(capture, reason, &cancelled);
  if (result != MINIAV_SUCCESS) {
    return result == MINIAV_ERROR_NOT_RUNNING && cancelled ? MINIAV_SUCCESS : result;
  }
  const struct backend *backend = capture->backend;
  void *state = capture->backend_state;
  mutex_unlock(&capture->lock);
  watchdog_remove(capture);
  screen_sound_stop(capture);
  backend->stop(state);
  mutex_lock(&capture->lock);
  close_gates_locked(capture);
  mutex_unlock(&capture->lock);
  capture_drop_all(capture, DROP_STOPPED);
  mutex_lock(&capture->lock);
  end(capture);
  wake_consumer(capture);
  return MINIAV_SUCCESS;
}

MiniAVResultCode capture_stop(uint64_t handle, MiniAVKind kind) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (!callback_wait_begin(&capture->dispatcher)) {
    mutex_lock(&capture->lock);
    if (capture->state != CAPTURE_RUNNING || capture->deferred_stop) {
      result = MINIAV_ERROR_NOT_RUNNING;
    } else {
      capture->deferred_stop = true;
      capture->accepting = false;
    }
    mutex_unlock(&capture->lock);
  } else {
    result = stop_and_wait(capture, STOP_CALLED);
    callback_wait_end();
  }
  capture_release_reference(capture);
  return result;
}

/* -- destroy -------------------------------------------------------------------------------- */

/* The handle is stale already and `closed` is set; drops the creator's reference. */
static void finish_destroy(struct capture *capture) {
  stop_and_wait(capture, STOP_DESTROY);
  close_backend(capture);
  capture_release_reference(capture);
}

MiniAVResultCode capture_destroy(uint64_t handle, MiniAVKind kind) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  MiniAVResultCode result = MINIAV_ERROR_INVALID_HANDLE;
  if (handle_invalidate(handle, handle_kind_for(kind))) {
    result = MINIAV_SUCCESS;
    bool may_wait = callback_wait_begin(&capture->dispatcher);
    mutex_lock(&capture->lock);
    capture->closed = true;
    capture->accepting = capture->accepting && may_wait;
    capture->deferred_destroy = !may_wait;
    condition_broadcast(&capture->changed);
    mutex_unlock(&capture->lock);
    if (may_wait) {
      finish_destroy(capture);
      callback_wait_end();
    }
  }
  capture_release_reference(capture);
  return result;
}

void capture_finish_deferred(struct capture *capture, bool destroy) {
  if (destroy) {
    finish_destroy(capture);
  } else {
    stop_and_wait(capture, STOP_DEFERRED);
  }
}

MiniAVResultCode capture_configured(uint64_t handle, MiniAVKind kind,
                                    struct capture_format *format) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  mutex_lock(&capture->lock);
  MiniAVResultCode result =
      capture->state == CAPTURE_CREATED ? MINIAV_ERROR_NOT_CONFIGURED : MINIAV_SUCCESS;
  *format = capture->format;
  mutex_unlock(&capture->lock);
  capture_release_reference(capture);
  return result;
}
