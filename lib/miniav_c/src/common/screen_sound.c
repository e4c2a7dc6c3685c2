#include "common/screen_sound.h"

#include <stdlib.h>
#include <string.h>

#include "common/kinds.h"
#include "common/log.h"

bool screen_sound_is_needed(MiniAVKind kind, const struct backend *backend) {
  return kind == MINIAV_KIND_SCREEN && (backend->flags & BACKEND_BRINGS_SOUND) == 0;
}

/* -- before start --------------------------------------------------------------------------- */

/* Locked, and unlocked for the time of the allocations: who is busy has them to itself. */
static MiniAVResultCode make_lane_locked(struct capture *capture) {
  if (capture->lanes[LANE_SOUND].table != NULL) {
    return MINIAV_SUCCESS;
  }
  mutex_unlock(&capture->lock);
  struct slot_table *table = slot_table_create(SLOTS_PER_TABLE);
  struct capture *inlet = calloc(1, sizeof *inlet);
  bool used_up = table == NULL && slot_tables_are_used_up();
  if (table == NULL || inlet == NULL) {
    slot_table_close(table);
    free(inlet);
    mutex_lock(&capture->lock);
    return used_up ? MINIAV_ERROR_DEVICE_BUSY : MINIAV_ERROR_OUT_OF_MEMORY;
  }
  inlet->sound_of = capture;
  inlet->kind = MINIAV_KIND_LOOPBACK;
  mutex_lock(&capture->lock);
  capture->sound.inlet = inlet;
  capture->lanes[LANE_SOUND].table = table;
  return MINIAV_SUCCESS;
}

MiniAVResultCode screen_sound_prepare_locked(struct capture *capture,
                                             const MiniAVAudioInfo *audio) {
  struct capture_request *request = &capture->request;
  bool by_library = screen_sound_is_needed(capture->kind, capture->backend);
  bool format_is_ours = by_library || capture->sound.by_library; /* of the run before, too */
  request->with_audio = audio != NULL && !by_library;
  request->audio = audio != NULL ? *audio : request->audio;
  capture->sound.wanted = audio != NULL;
  capture->sound.by_library = by_library;
  if (format_is_ours) {
    memset(&capture->format.audio, 0, sizeof capture->format.audio);
    capture->format.audio_result = MINIAV_ERROR_NO_BUFFER;
  }
  return audio != NULL ? make_lane_locked(capture) : MINIAV_SUCCESS;
}

/* -- start ---------------------------------------------------------------------------------- */

/* What the loopback shall hear; never more than was asked. */
static MiniAVResultCode choose_target(struct capture *capture, struct cancel *cancel) {
  const struct capture_request *screen = &capture->request;
  struct capture_request *request = &capture->sound.inlet->request;
  memset(request, 0, sizeof *request);
  request->kind = MINIAV_KIND_LOOPBACK;
  request->target = REQUEST_DEVICE;
  request->audio = screen->audio;
  if (screen->target != REQUEST_WINDOW ||
      screen->screen.audio_source == MINIAV_SCREEN_AUDIO_SOURCE_SYSTEM) {
    return MINIAV_SUCCESS;
  }
  const struct backend *backend = capture->backend;
  uint64_t window =
      backend->window_handle != NULL ? backend->window_handle(capture->backend_state) : 0;
  if (window == 0) {
    cancel_explain(cancel, "whose sound a window's is cannot be told here");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  request->target = REQUEST_TARGETS;
  request->mode = MINIAV_LOOPBACK_MODE_INCLUDE;
  request->target_count = 1;
  request->targets[0] = (MiniAVLoopbackTarget){.type = MINIAV_LOOPBACK_TARGET_WINDOW,
                                               .flags = (uint32_t)MINIAV_LOOPBACK_FLAG_TREE |
                                                        (uint32_t)MINIAV_LOOPBACK_FLAG_WAIT,
                                               .window_handle = (void *)(uintptr_t)window};
  return MINIAV_SUCCESS;
}

static void set_open(struct capture *capture, const struct backend *backend, void *state,
                     const MiniAVAudioInfo *format) {
  mutex_lock(&capture->lock);
  capture->sound.backend = backend;
  capture->sound.state = state;
  capture->sound.accepting = true;
  capture->format.audio = *format;
  capture->format.audio_result = MINIAV_SUCCESS;
  mutex_unlock(&capture->lock);
}

static MiniAVResultCode open_and_start(struct capture *capture, struct cancel *cancel) {
  struct capture *inlet = capture->sound.inlet;
  const struct backend *backend = NULL;
  MiniAVResultCode result = choose_target(capture, cancel);
  if (result == MINIAV_SUCCESS) {
    result = kind_select(MINIAV_KIND_LOOPBACK, "", &backend, inlet->request.device_id, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (backend->open == NULL || backend->start == NULL) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  struct capture_format format = {.audio_result = MINIAV_SUCCESS};
  void *state = NULL;
  result = backend->open(inlet, &inlet->request, &format, &state, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  set_open(capture, backend, state, &format.audio);
  result = cancel_requested(cancel) ? MINIAV_ERROR_USER_CANCELLED : backend->start(state, cancel);
  if (result == MINIAV_SUCCESS && cancel_requested(cancel)) {
    backend->stop(state);
    result = MINIAV_ERROR_USER_CANCELLED;
  }
  if (result != MINIAV_SUCCESS) {
    mutex_lock(&capture->lock);
    capture->sound.accepting = false;
    capture->sound.backend = NULL;
    mutex_unlock(&capture->lock);
    backend->close(state);
  }
  return result;
}

static void set_failed(struct capture *capture, MiniAVResultCode reason) {
  mutex_lock(&capture->lock);
  memset(&capture->format.audio, 0, sizeof capture->format.audio);
  capture->format.audio_result = reason;
  mutex_unlock(&capture->lock);
}

MiniAVResultCode screen_sound_start(struct capture *capture, struct cancel *cancel) {
  mutex_lock(&capture->lock);
  bool needed = capture->kind == MINIAV_KIND_SCREEN && capture->sound.wanted &&
                capture->format.audio_result == MINIAV_ERROR_NO_BUFFER;
  capture->sound.by_library = capture->sound.by_library || needed;
  mutex_unlock(&capture->lock);
  if (!needed) {
    return MINIAV_SUCCESS;
  }
  char picture_backend[sizeof cancel->backend];
  memcpy(picture_backend, cancel->backend, sizeof picture_backend);
  MiniAVResultCode result = open_and_start(capture, cancel);
  if (result != MINIAV_SUCCESS) {
    set_failed(capture, result);
    if (cancel_requested(cancel)) {
      return MINIAV_ERROR_USER_CANCELLED;
    }
    log_write(MINIAV_LOG_LEVEL_WARN, cancel->backend, "screen without its sound: %s%s%s",
              MiniAV_GetErrorString(result), cancel->explanation[0] != 0 ? ": " : "",
              cancel->explanation);
  } else {
    cancel->explanation[0] = 0; /* of a choice on the way */
    memcpy(cancel->backend, picture_backend, sizeof picture_backend);
  }
  return MINIAV_SUCCESS;
}

void screen_sound_stop(struct capture *capture) {
  mutex_lock(&capture->lock);
  const struct backend *backend = capture->sound.backend;
  void *state = capture->sound.state;
  capture->sound.accepting = false;
  mutex_unlock(&capture->lock);
  if (backend == NULL) {
    return;
  }
  backend->stop(state);
  mutex_lock(&capture->lock);
  capture->sound.backend = NULL;
  mutex_unlock(&capture->lock);
  backend->close(state);
}

/* -- what the inlet is told ----------------------------------------------------------------- */

/* Locked. While start runs the format is what start agreed on, and tells itself. */
static void tell_format_locked(struct capture *capture, MiniAVResultCode reason, const char *text) {
  if (capture->busy == BUSY_START) {
    return;
  }
  capture->stats.format_changes++;
  MiniAVEvent event = {.type = MINIAV_EVENT_FORMAT_CHANGED, .result = reason};
  text_copy(event.text, sizeof event.text, text);
  capture_post_locked(capture, NODE_FORMAT, &event);
}

void screen_sound_lost(struct capture *capture, MiniAVResultCode reason, const char *text) {
  mutex_lock(&capture->lock);
  bool told = capture->sound.accepting && capture->accepting;
  if (capture->sound.accepting) {
    capture->sound.accepting = false;
    memset(&capture->format.audio, 0, sizeof capture->format.audio);
    capture->format.audio_result = reason;
  }
  if (told) {
    /* A C callback has no events: the flag sends it to GetConfiguredFormats. */
    capture->lanes[LANE_MAIN].pending_flags |= MINIAV_BUFFER_FLAG_FORMAT_CHANGED;
    tell_format_locked(capture, reason, text);
  }
  mutex_unlock(&capture->lock);
  if (told) {
    log_write(MINIAV_LOG_LEVEL_WARN, "screen", "the sound is lost, the picture goes on: %s: %s",
              MiniAV_GetErrorString(reason), text);
  }
}

void screen_sound_format_changed(struct capture *capture, const MiniAVAudioInfo *format) {
  mutex_lock(&capture->lock);
  if (capture->sound.accepting) {
    capture->format.audio = *format;
    capture->lanes[LANE_SOUND].pending_flags |=
        capture->busy == BUSY_START ? 0 : (uint32_t)MINIAV_BUFFER_FLAG_FORMAT_CHANGED;
    tell_format_locked(capture, MINIAV_SUCCESS, "");
  }
  mutex_unlock(&capture->lock);
}

void screen_sound_moved(struct capture *capture) {
  mutex_lock(&capture->lock);
  capture->lanes[LANE_SOUND].pending_flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
  mutex_unlock(&capture->lock);
}
