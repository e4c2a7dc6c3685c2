/* Properties: the library's own keys here, the device's by its backend. */
#include <math.h>
#include <string.h>

#include "common/capture_internal.h"
#include "common/handles.h"
#include "common/lists.h"

/* One row for each key that the library answers itself. */
struct own_property {
  MiniAVPropertyKey key;
  MiniAVPropertyType type;
  uint32_t kinds; /* 1 << MiniAVKind each */
  uint32_t flags;
  double minimum;
  double maximum;
  double step;
  double default_value;
};

#define READ          ((uint32_t)MINIAV_PROPERTY_FLAG_READABLE)
#define WRITE         (READ | (uint32_t)MINIAV_PROPERTY_FLAG_WRITABLE)
#define WRITE_STOPPED (WRITE | (uint32_t)MINIAV_PROPERTY_FLAG_STOPPED_ONLY)
#define SCREEN_ONLY   (1u << MINIAV_KIND_SCREEN)
#define SOUND         (1u << MINIAV_KIND_AUDIO | 1u << MINIAV_KIND_LOOPBACK | SCREEN_ONLY)

static const struct own_property own_properties[] = {
    {MINIAV_PROPERTY_QUEUE_CAPACITY, MINIAV_PROPERTY_TYPE_INTEGER, MINIAV_KINDS_ALL, WRITE_STOPPED,
     2, SLOTS_PER_TABLE, 1, DEFAULT_SLOTS},
    {MINIAV_PROPERTY_QUEUE_LATEST, MINIAV_PROPERTY_TYPE_BOOLEAN, MINIAV_KINDS_ALL, WRITE_STOPPED, 0,
     1, 1, 0},
    {MINIAV_PROPERTY_BACKEND_NAME, MINIAV_PROPERTY_TYPE_TEXT, MINIAV_KINDS_ALL, READ, 0, 0, 0, 0},
    {MINIAV_PROPERTY_DEVICE_ID, MINIAV_PROPERTY_TYPE_TEXT, MINIAV_KINDS_ALL, READ, 0, 0, 0, 0},
    {MINIAV_PROPERTY_INTRINSICS, MINIAV_PROPERTY_TYPE_INTRINSICS, 1u << MINIAV_KIND_CAMERA, WRITE,
     0, 0, 0, 0},
    {MINIAV_PROPERTY_CURSOR_MODE, MINIAV_PROPERTY_TYPE_ENUM, SCREEN_ONLY, WRITE_STOPPED, 0, 2, 1,
     MINIAV_CURSOR_MODE_EMBEDDED},
    {MINIAV_PROPERTY_FRAME_RATE_LIMIT, MINIAV_PROPERTY_TYPE_NUMBER, SCREEN_ONLY, WRITE, 0, 1000, 0,
     0},
    {MINIAV_PROPERTY_EXCLUDED_WINDOWS, MINIAV_PROPERTY_TYPE_HANDLES, SCREEN_ONLY, WRITE_STOPPED, 0,
     0, 0, 0},
    {MINIAV_PROPERTY_AUDIO_SOURCE, MINIAV_PROPERTY_TYPE_ENUM, SCREEN_ONLY, WRITE_STOPPED, 0, 1, 1,
     0},
    {MINIAV_PROPERTY_REPEAT_LAST_FRAME, MINIAV_PROPERTY_TYPE_BOOLEAN, SCREEN_ONLY, WRITE, 0, 1, 1,
     0},
    {MINIAV_PROPERTY_PERSIST_MODE, MINIAV_PROPERTY_TYPE_ENUM, SCREEN_ONLY, WRITE_STOPPED, 0, 2, 1,
     0},
    {MINIAV_PROPERTY_RESTORE_TOKEN, MINIAV_PROPERTY_TYPE_TEXT, SCREEN_ONLY, WRITE_STOPPED, 0, 0, 0,
     0},
    {MINIAV_PROPERTY_AUDIO_GAIN, MINIAV_PROPERTY_TYPE_NUMBER, SOUND, WRITE, 0, 16, 0, 1},
    {MINIAV_PROPERTY_AUDIO_MUTE, MINIAV_PROPERTY_TYPE_BOOLEAN, SOUND, WRITE, 0, 1, 1, 0},
    {MINIAV_PROPERTY_CHUNK_DURATION, MINIAV_PROPERTY_TYPE_INTEGER, SOUND, WRITE_STOPPED, 0, 1000000,
     1, 0},
};

static const struct own_property *find_own(MiniAVKind kind, MiniAVPropertyKey key) {
  for (uint32_t i = 0; i < sizeof own_properties / sizeof *own_properties; i++) {
    if (own_properties[i].key == key && (own_properties[i].kinds >> kind & 1) != 0) {
      return &own_properties[i];
    }
  }
  return NULL;
}

/* The backend and its state, for a call outside the lock. Nothing closes it meanwhile: close needs
 * `busy`, which is taken here. On failure nothing is held. */
static MiniAVResultCode enter_backend(struct capture *capture, const struct backend **backend,
                                      void **state) {
  bool may_wait = callback_wait_begin(&capture->dispatcher);
  mutex_lock(&capture->lock);
  MiniAVResultCode result = MINIAV_SUCCESS;
  /* BUSY_CONFIGURE waits for no callback, so a callback may wait for it. */
  while (capture->busy != BUSY_NO && !capture->closed &&
         (may_wait || capture->busy == BUSY_CONFIGURE)) {
    condition_wait(&capture->changed, &capture->lock);
  }
  if (capture->closed) {
    result = MINIAV_ERROR_INVALID_HANDLE;
  } else if (capture->busy != BUSY_NO) {
    result = MINIAV_ERROR_NOT_RUNNING; /* a stop waits for this very callback */
  } else if (capture->state == CAPTURE_CREATED) {
    result = MINIAV_ERROR_NOT_CONFIGURED;
  } else {
    capture->busy = BUSY_CONFIGURE;
    capture->busy_cancel = NULL;
    *backend = capture->backend;
    *state = capture->backend_state;
  }
  mutex_unlock(&capture->lock);
  if (may_wait) {
    callback_wait_end();
  }
  return result;
}

static void leave_backend(struct capture *capture) {
  mutex_lock(&capture->lock);
  capture->busy = BUSY_NO;
  condition_broadcast(&capture->changed);
  mutex_unlock(&capture->lock);
}

MiniAVResultCode capture_property_info(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                       MiniAVPropertyInfo *info) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  MiniAVResultCode result = MINIAV_SUCCESS;
  memset(info, 0, sizeof *info);
  info->key = key;
  const struct own_property *own = find_own(kind, key);
  const struct backend *backend;
  void *state;
  if (own != NULL) {
    info->type = own->type;
    info->flags = own->flags;
    info->minimum = own->minimum;
    info->maximum = own->maximum;
    info->step = own->step;
    info->default_value = own->default_value;
  } else {
    result = enter_backend(capture, &backend, &state);
    if (result == MINIAV_SUCCESS) {
      result = backend->property_info == NULL ? MINIAV_ERROR_NOT_SUPPORTED
                                              : backend->property_info(state, key, info);
      leave_backend(capture);
    }
  }
  capture_release_reference(capture);
  return result;
}

static void set_integer(MiniAVPropertyValue *value, int64_t integer) {
  value->value.integer = integer;
}

/* Locked. */
static MiniAVResultCode get_own_locked(struct capture *capture, MiniAVPropertyKey key,
                                       MiniAVPropertyValue *value) {
  switch (key) {
  case MINIAV_PROPERTY_QUEUE_CAPACITY:
    set_integer(value, capture->queue_capacity);
    break;
  case MINIAV_PROPERTY_QUEUE_LATEST:
    set_integer(value, capture->queue_latest);
    break;
  case MINIAV_PROPERTY_BACKEND_NAME:
  case MINIAV_PROPERTY_DEVICE_ID:
    if (capture->backend == NULL) {
      return MINIAV_ERROR_NOT_CONFIGURED;
    }
    text_copy(value->value.text, MINIAV_TEXT_BYTES,
              key == MINIAV_PROPERTY_DEVICE_ID ? capture->device_id : capture->backend->name);
    break;
  case MINIAV_PROPERTY_INTRINSICS:
    if (!capture->has_intrinsics) {
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    value->value.intrinsics = capture->intrinsics;
    break;
  case MINIAV_PROPERTY_CURSOR_MODE:
    set_integer(value, capture->screen.cursor_mode);
    break;
  case MINIAV_PROPERTY_FRAME_RATE_LIMIT:
    value->value.number = capture->screen.frame_rate_limit;
    break;
  case MINIAV_PROPERTY_EXCLUDED_WINDOWS:
    value->count = capture->screen.excluded_count;
    memcpy(value->value.handles, capture->screen.excluded_windows,
           sizeof capture->screen.excluded_windows);
    break;
  case MINIAV_PROPERTY_AUDIO_SOURCE:
    set_integer(value, capture->screen.audio_source);
    break;
  case MINIAV_PROPERTY_REPEAT_LAST_FRAME:
    set_integer(value, capture->screen.repeat_last_frame);
    break;
  case MINIAV_PROPERTY_PERSIST_MODE:
    set_integer(value, capture->screen.persist_mode);
    break;
  case MINIAV_PROPERTY_RESTORE_TOKEN:
    memcpy(value->value.text, capture->screen.restore_token, MINIAV_TEXT_BYTES);
    break;
  case MINIAV_PROPERTY_AUDIO_GAIN:
    value->value.number = (double)atomic_load(&capture->gain);
    break;
  case MINIAV_PROPERTY_AUDIO_MUTE:
    set_integer(value, atomic_load(&capture->mute));
    break;
  case MINIAV_PROPERTY_CHUNK_DURATION:
    set_integer(value, atomic_load(&capture->chunk_duration_us));
    break;
  default:
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

/* What the screen's backend was told at run time; the restore token comes from it after start. */
static bool backend_reads(MiniAVKind kind, MiniAVPropertyKey key) {
  return kind == MINIAV_KIND_SCREEN && key == MINIAV_PROPERTY_RESTORE_TOKEN;
}

MiniAVResultCode capture_get_property(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                      MiniAVPropertyValue *value) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  memset(value, 0, sizeof *value);
  const struct own_property *own = find_own(kind, key);
  MiniAVResultCode result = MINIAV_ERROR_NOT_SUPPORTED;
  if (own != NULL) {
    value->type = own->type;
    mutex_lock(&capture->lock);
    result = get_own_locked(capture, key, value);
    mutex_unlock(&capture->lock);
  }
  if (result == MINIAV_ERROR_NOT_SUPPORTED || backend_reads(kind, key)) {
    const struct backend *backend;
    void *state;
    MiniAVResultCode entered = enter_backend(capture, &backend, &state);
    if (entered == MINIAV_SUCCESS) {
      if (backend->get_property != NULL) {
        MiniAVPropertyValue told = {0};
        MiniAVResultCode answer = backend->get_property(state, key, &told);
        if (answer == MINIAV_SUCCESS) {
          *value = told;
        }
        result = result == MINIAV_SUCCESS ? result : answer;
      }
      leave_backend(capture);
    } else if (own == NULL) {
      result = entered;
    }
  }
  capture_release_reference(capture);
  return result;
}

/* Every number is one: what a script leaves out or misspells comes as NaN. */
static bool are_intrinsics(const MiniAVIntrinsics *is) {
  bool finite = isfinite(is->focal_x) && isfinite(is->focal_y) && isfinite(is->centre_x) &&
                isfinite(is->centre_y);
  for (size_t i = 0; i < sizeof is->distortion / sizeof *is->distortion; i++) {
    finite = finite && isfinite(is->distortion[i]);
  }
  return finite && is->width > 0 && is->height > 0;
}

static bool is_in_range(const struct own_property *own, const MiniAVPropertyValue *value) {
  double number = (double)value->value.integer;
  switch (own->type) {
  case MINIAV_PROPERTY_TYPE_NUMBER:
    number = value->value.number;
    break;
  case MINIAV_PROPERTY_TYPE_TEXT: {
    char text[MINIAV_TEXT_BYTES];
    /* libdbus ends the process that sends what is no UTF-8. */
    return text_take(text, value->value.text) && text_is_utf8(text);
  }
  case MINIAV_PROPERTY_TYPE_HANDLES:
    return value->count <= MINIAV_PROPERTY_MAX_HANDLES;
  case MINIAV_PROPERTY_TYPE_INTRINSICS:
    return are_intrinsics(&value->value.intrinsics);
  default:
    break;
  }
  return number >= own->minimum && number <= own->maximum; /* false for NaN */
}

/* Locked; the value is in range. */
static void set_own_locked(struct capture *capture, MiniAVPropertyKey key,
                           const MiniAVPropertyValue *value) {
  int64_t integer = value->value.integer;
  switch (key) {
  case MINIAV_PROPERTY_QUEUE_CAPACITY:
    capture->queue_capacity = (uint32_t)integer;
    break;
  case MINIAV_PROPERTY_QUEUE_LATEST:
    capture->queue_latest = integer != 0;
    break;
  case MINIAV_PROPERTY_INTRINSICS:
    capture->has_intrinsics = true;
    capture->intrinsics = value->value.intrinsics;
    break;
  case MINIAV_PROPERTY_CURSOR_MODE:
    capture->screen.cursor_mode = (MiniAVCursorMode)integer;
    break;
  case MINIAV_PROPERTY_FRAME_RATE_LIMIT:
    capture->screen.frame_rate_limit = value->value.number;
    break;
  case MINIAV_PROPERTY_EXCLUDED_WINDOWS:
    capture->screen.excluded_count = value->count;
    memcpy(capture->screen.excluded_windows, value->value.handles,
           sizeof capture->screen.excluded_windows);
    break;
  case MINIAV_PROPERTY_AUDIO_SOURCE:
    capture->screen.audio_source = (MiniAVScreenAudioSource)integer;
    break;
  case MINIAV_PROPERTY_REPEAT_LAST_FRAME:
    capture->screen.repeat_last_frame = (uint32_t)integer;
    break;
  case MINIAV_PROPERTY_PERSIST_MODE:
    capture->screen.persist_mode = (MiniAVPersistMode)integer;
    break;
  case MINIAV_PROPERTY_RESTORE_TOKEN:
    text_take(capture->screen.restore_token, value->value.text);
    break;
  case MINIAV_PROPERTY_AUDIO_GAIN:
    atomic_store(&capture->gain, (float)value->value.number);
    break;
  case MINIAV_PROPERTY_AUDIO_MUTE:
    atomic_store(&capture->mute, integer != 0);
    break;
  case MINIAV_PROPERTY_CHUNK_DURATION:
    atomic_store(&capture->chunk_duration_us, (uint32_t)integer);
    break;
  default:
    break;
  }
}

static MiniAVResultCode set_own(struct capture *capture, const struct own_property *own,
                                const MiniAVPropertyValue *value, MiniAVPropertyValue *before) {
  if ((own->flags & MINIAV_PROPERTY_FLAG_WRITABLE) == 0) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (value->type != own->type || !is_in_range(own, value)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&capture->lock);
  if (capture->state == CAPTURE_RUNNING && (own->flags & MINIAV_PROPERTY_FLAG_STOPPED_ONLY) != 0) {
    result = MINIAV_ERROR_ALREADY_RUNNING;
  } else {
    memset(before, 0, sizeof *before);
    get_own_locked(capture, own->key, before);
    set_own_locked(capture, own->key, value);
  }
  mutex_unlock(&capture->lock);
  return result;
}

static MiniAVResultCode set_on_backend(struct capture *capture, MiniAVPropertyKey key,
                                       const MiniAVPropertyValue *value) {
  const struct backend *backend;
  void *state;
  MiniAVResultCode result = enter_backend(capture, &backend, &state);
  if (result == MINIAV_SUCCESS) {
    result = backend->set_property == NULL ? MINIAV_ERROR_NOT_SUPPORTED
                                           : backend->set_property(state, key, value);
    leave_backend(capture);
  }
  return result;
}

/* Screen settings that the backend honours while the capture is open. Whose sound comes is read at
 * start, by the backend or by the library in its place. */
static bool backend_is_told(const struct own_property *own) {
  return own == NULL || (own->kinds == SCREEN_ONLY && own->key != MINIAV_PROPERTY_AUDIO_SOURCE);
}

MiniAVResultCode capture_set_property(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                      const MiniAVPropertyValue *value) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  const struct own_property *own = find_own(kind, key);
  MiniAVPropertyValue before;
  MiniAVResultCode result = own == NULL ? MINIAV_SUCCESS : set_own(capture, own, value, &before);
  if (result == MINIAV_SUCCESS && backend_is_told(own)) {
    result = set_on_backend(capture, key, value);
    if (own != NULL && result == MINIAV_ERROR_NOT_CONFIGURED) {
      result = MINIAV_SUCCESS; /* open will see it */
    } else if (own != NULL && result != MINIAV_SUCCESS) {
      mutex_lock(&capture->lock);
      set_own_locked(capture, key, &before); /* refused: as if never asked */
      mutex_unlock(&capture->lock);
    }
  }
  capture_release_reference(capture);
  return result;
}

MiniAVResultCode capture_set_auto(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                  bool automatic) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  const struct backend *backend;
  void *state;
  MiniAVResultCode result = MINIAV_ERROR_NOT_SUPPORTED;
  if (find_own(kind, key) == NULL) {
    result = enter_backend(capture, &backend, &state);
    if (result == MINIAV_SUCCESS) {
      result = backend->set_auto_property == NULL
                   ? MINIAV_ERROR_NOT_SUPPORTED
                   : backend->set_auto_property(state, key, automatic);
      leave_backend(capture);
    }
  }
  capture_release_reference(capture);
  return result;
}
