#include "common/api.h"

#include <stdlib.h>
#include <string.h>

#include "common/capture_internal.h"
#include "common/kinds.h"
#include "common/library.h"
#include "common/lists.h"
#include "common/log.h"
#include "common/operations.h"
#include "common/pixel.h"

static uint64_t value_of(const void *handle) {
  return (uint64_t)(uintptr_t)handle;
}

/* A synchronous call waits with a token that nobody requests but stop and destroy. */
static MiniAVResultCode finish_sync(MiniAVKind kind, const char *what, MiniAVResultCode result,
                                    struct cancel *cancel) {
  if (result != MINIAV_SUCCESS && cancel->explanation[0] != 0) {
    log_write(MINIAV_LOG_LEVEL_INFO, cancel->backend, "%s %s: %s", kind_name(kind), what,
              cancel->explanation);
  }
  cancel_destroy(cancel);
  return result;
}

/* -- lists ---------------------------------------------------------------------------------- */

MiniAVResultCode api_enumerate(MiniAVKind kind, uint32_t filter, MiniAVDeviceInfo **devices,
                               uint32_t *count) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || devices == NULL || count == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  void *list = NULL;
  uint32_t found = 0;
  struct cancel cancel;
  cancel_init(&cancel);
  result = kind_enumerate(kind, filter, &list, &found, &cancel);
  *devices = list;
  *count = found;
  return finish_sync(kind, "enumerate", result, &cancel);
}

static void run_enumerate(struct operation *operation) {
  operation->result = kind_enumerate(operation->kind, operation->filter, &operation->list,
                                     &operation->count, &operation->cancel);
}

MiniAVResultCode api_enumerate_async(MiniAVKind kind, uint32_t filter, MiniAVWaiterHandle waiter,
                                     uint64_t token) {
  MiniAVResultCode result;
  struct operation *operation = operation_create(waiter, token, kind, run_enumerate, &result);
  if (operation == NULL) {
    return result;
  }
  operation->filter = filter;
  return operation_submit(operation);
}

MiniAVResultCode api_formats(MiniAVKind kind, const char *device_id, void **formats,
                             uint32_t *count) {
  MiniAVResultCode result = library_enter();
  char id[MINIAV_TEXT_BYTES];
  if (result != MINIAV_SUCCESS || formats == NULL || count == NULL || !text_take(id, device_id)) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  *formats = NULL;
  *count = 0;
  struct cancel cancel;
  cancel_init(&cancel);
  result = kind_formats(kind, id, formats, count, &cancel);
  return finish_sync(kind, "formats", result, &cancel);
}

static void run_formats(struct operation *operation) {
  operation->result = kind_formats(operation->kind, operation->request.device_id, &operation->list,
                                   &operation->count, &operation->cancel);
}

static MiniAVResultCode submit_for_device(MiniAVKind kind, const char *device_id,
                                          MiniAVWaiterHandle waiter, uint64_t token,
                                          void (*run)(struct operation *operation)) {
  MiniAVResultCode result;
  struct operation *operation = operation_create(waiter, token, kind, run, &result);
  if (operation == NULL) {
    return result;
  }
  if (!text_take(operation->request.device_id, device_id)) {
    operation_discard(operation);
    return MINIAV_ERROR_INVALID_ARG;
  }
  return operation_submit(operation);
}

MiniAVResultCode api_formats_async(MiniAVKind kind, const char *device_id,
                                   MiniAVWaiterHandle waiter, uint64_t token) {
  return submit_for_device(kind, device_id, waiter, token, run_formats);
}

MiniAVResultCode api_default_format(MiniAVKind kind, const char *device_id,
                                    struct capture_format *format) {
  MiniAVResultCode result = library_enter();
  char id[MINIAV_TEXT_BYTES];
  if (result != MINIAV_SUCCESS || !text_take(id, device_id)) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  struct cancel cancel;
  cancel_init(&cancel);
  result = kind_default_format(kind, id, format, &cancel);
  return finish_sync(kind, "default format", result, &cancel);
}

/* Cameras: one MiniAVVideoInfo; sound: one MiniAVAudioInfo; screens: one of each. */
static MiniAVResultCode publish_format(MiniAVKind kind, const struct capture_format *format,
                                       void **list) {
  size_t video_bytes =
      kind == MINIAV_KIND_CAMERA || kind == MINIAV_KIND_SCREEN ? sizeof format->video : 0;
  size_t audio_bytes = kind == MINIAV_KIND_CAMERA ? 0 : sizeof format->audio;
  char *items = malloc(video_bytes + audio_bytes);
  if (items == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  memcpy(items, &format->video, video_bytes);
  memcpy(items + video_bytes, &format->audio, audio_bytes);
  *list = items;
  return list_publish(list, 1, (uint32_t)(video_bytes + audio_bytes), false);
}

static void run_default_format(struct operation *operation) {
  struct capture_format format = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  operation->result = kind_default_format(operation->kind, operation->request.device_id, &format,
                                          &operation->cancel);
  if (operation->result == MINIAV_SUCCESS) {
    operation->result = publish_format(operation->kind, &format, &operation->list);
    operation->count = operation->result == MINIAV_SUCCESS ? 1 : 0;
  }
}

MiniAVResultCode api_default_format_async(MiniAVKind kind, const char *device_id,
                                          MiniAVWaiterHandle waiter, uint64_t token) {
  return submit_for_device(kind, device_id, waiter, token, run_default_format);
}

/* -- permission ----------------------------------------------------------------------------- */

MiniAVResultCode api_permission(MiniAVKind kind, bool request, MiniAVPermission *permission) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || permission == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  struct cancel cancel;
  cancel_init(&cancel);
  result = kind_permission(kind, request, permission, &cancel);
  return finish_sync(kind, "permission", result, &cancel);
}

static void run_permission(struct operation *operation) {
  MiniAVPermission permission = MINIAV_PERMISSION_UNKNOWN;
  operation->result =
      kind_permission(operation->kind, operation->filter != 0, &permission, &operation->cancel);
  operation->detail = permission;
}

MiniAVResultCode api_permission_async(MiniAVKind kind, bool request, MiniAVWaiterHandle waiter,
                                      uint64_t token) {
  MiniAVResultCode result;
  struct operation *operation = operation_create(waiter, token, kind, run_permission, &result);
  if (operation == NULL) {
    return result;
  }
  operation->filter = request;
  return operation_submit(operation);
}

/* -- requests ------------------------------------------------------------------------------- */

MiniAVResultCode request_init(struct capture_request *request, MiniAVKind kind,
                              enum request_target target, const char *device_id) {
  memset(request, 0, sizeof *request);
  request->kind = kind;
  request->target = target;
  return text_take(request->device_id, device_id) ? MINIAV_SUCCESS : MINIAV_ERROR_INVALID_ARG;
}

MiniAVResultCode request_set_video(struct capture_request *request, const MiniAVVideoInfo *format) {
  if (format == NULL) {
    return MINIAV_SUCCESS;
  }
  bool is_wrong = format->width > PIXEL_MAX_SIDE || format->height > PIXEL_MAX_SIDE ||
                  (uint32_t)format->pixel_format > MINIAV_PIXEL_FORMAT_H264 ||
                  (uint32_t)format->output_preference > MINIAV_OUTPUT_PREFERENCE_GPU ||
                  (format->frame_rate_numerator == 0) != (format->frame_rate_denominator == 0);
  request->video = *format;
  return is_wrong ? MINIAV_ERROR_INVALID_ARG : MINIAV_SUCCESS;
}

static bool is_audio_format_wrong(const MiniAVAudioInfo *format) {
  bool rate_is_wrong =
      format->sample_rate != 0 && (format->sample_rate < 8000 || format->sample_rate > 192000);
  return rate_is_wrong || format->channel_count > 8 ||
         (uint32_t)format->format > MINIAV_AUDIO_FORMAT_F32;
}

MiniAVResultCode request_set_audio(struct capture_request *request, const MiniAVAudioInfo *format) {
  if (format == NULL) {
    return MINIAV_SUCCESS;
  }
  request->audio = *format;
  return is_audio_format_wrong(format) ? MINIAV_ERROR_INVALID_ARG : MINIAV_SUCCESS;
}

/* -- contexts ------------------------------------------------------------------------------- */

MiniAVResultCode api_create(MiniAVKind kind, void *context_out) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || context_out == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  uint64_t handle = 0;
  result = capture_create(kind, &handle);
  void *value = (void *)(uintptr_t)handle;
  memcpy(context_out, &value, sizeof value); /* every handle type is a pointer */
  return result;
}

/* Stop and destroy end what is pending for a context, whichever form they have. */
static MiniAVResultCode cancel_pending(MiniAVKind kind, const void *context) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct capture *capture = capture_acquire(value_of(context), kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  capture_release_reference(capture);
  operations_cancel_context(value_of(context));
  return MINIAV_SUCCESS;
}

MiniAVResultCode api_destroy(MiniAVKind kind, const void *context) {
  MiniAVResultCode result = cancel_pending(kind, context);
  return result != MINIAV_SUCCESS ? result : capture_destroy(value_of(context), kind);
}

static void run_destroy(struct operation *operation) {
  operation->result = capture_destroy(operation->context, operation->kind);
}

static void run_stop(struct operation *operation) {
  operation->result = capture_stop(operation->context, operation->kind);
}

/* Operations of a context begin with a handle that is alive. */
static struct operation *operation_for(MiniAVKind kind, const void *context,
                                       MiniAVWaiterHandle waiter, uint64_t token,
                                       void (*run)(struct operation *operation),
                                       MiniAVResultCode *result) {
  struct operation *operation = operation_create(waiter, token, kind, run, result);
  if (operation == NULL) {
    return NULL;
  }
  struct capture *capture = capture_acquire(value_of(context), kind);
  if (capture == NULL) {
    operation_discard(operation);
    *result = MINIAV_ERROR_INVALID_HANDLE;
    return NULL;
  }
  capture_release_reference(capture);
  operation->context = value_of(context);
  return operation;
}

static MiniAVResultCode submit_urgent(MiniAVKind kind, const void *context,
                                      MiniAVWaiterHandle waiter, uint64_t token,
                                      void (*run)(struct operation *operation)) {
  MiniAVResultCode result;
  struct operation *operation = operation_for(kind, context, waiter, token, run, &result);
  if (operation == NULL) {
    return result;
  }
  operation->urgent = true;
  return operation_submit(operation);
}

MiniAVResultCode api_destroy_async(MiniAVKind kind, const void *context, MiniAVWaiterHandle waiter,
                                   uint64_t token) {
  return submit_urgent(kind, context, waiter, token, run_destroy);
}

MiniAVResultCode api_configure(const struct capture_request *request, const void *context) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct cancel cancel;
  cancel_init(&cancel);
  result = capture_configure(value_of(context), request->kind, request, &cancel);
  cancel_destroy(&cancel);
  return result;
}

static void run_configure(struct operation *operation) {
  operation->result = capture_configure(operation->context, operation->kind, &operation->request,
                                        &operation->cancel);
}

MiniAVResultCode api_configure_async(const struct capture_request *request, const void *context,
                                     MiniAVWaiterHandle waiter, uint64_t token) {
  MiniAVResultCode result;
  struct operation *operation =
      operation_for(request->kind, context, waiter, token, run_configure, &result);
  if (operation == NULL) {
    return result;
  }
  operation->request = *request;
  return operation_submit(operation);
}

MiniAVResultCode api_configured(MiniAVKind kind, const void *context,
                                struct capture_format *format) {
  MiniAVResultCode result = library_enter();
  return result != MINIAV_SUCCESS ? result : capture_configured(value_of(context), kind, format);
}

MiniAVResultCode api_start(MiniAVKind kind, const void *context, MiniAVBufferCallback callback,
                           void *user_data, const MiniAVAudioInfo *audio) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || (audio != NULL && is_audio_format_wrong(audio))) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  struct cancel cancel;
  cancel_init(&cancel);
  result = capture_start(value_of(context), kind, callback, user_data, audio, &cancel);
  cancel_destroy(&cancel);
  return result;
}

static void run_start(struct operation *operation) {
  const MiniAVAudioInfo *audio =
      operation->request.with_audio != 0 ? &operation->request.audio : NULL;
  operation->result = capture_start(operation->context, operation->kind, operation->callback,
                                    operation->user_data, audio, &operation->cancel);
}

MiniAVResultCode api_start_async(MiniAVKind kind, const void *context,
                                 MiniAVBufferCallback callback, void *user_data,
                                 const MiniAVAudioInfo *audio, MiniAVWaiterHandle waiter,
                                 uint64_t token) {
  if (audio != NULL && is_audio_format_wrong(audio)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  MiniAVResultCode result;
  struct operation *operation = operation_for(kind, context, waiter, token, run_start, &result);
  if (operation == NULL) {
    return result;
  }
  operation->callback = callback;
  operation->user_data = user_data;
  operation->request.with_audio = audio != NULL;
  if (audio != NULL) {
    operation->request.audio = *audio;
  }
  return operation_submit(operation);
}

MiniAVResultCode api_stop(MiniAVKind kind, const void *context) {
  MiniAVResultCode result = cancel_pending(kind, context);
  return result != MINIAV_SUCCESS ? result : capture_stop(value_of(context), kind);
}

MiniAVResultCode api_stop_async(MiniAVKind kind, const void *context, MiniAVWaiterHandle waiter,
                                uint64_t token) {
  return submit_urgent(kind, context, waiter, token, run_stop);
}

/* -- numbers and properties ----------------------------------------------------------------- */

MiniAVResultCode api_stats(MiniAVKind kind, const void *context, MiniAVCaptureStats *stats) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || stats == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return capture_stats(value_of(context), kind, stats);
}

MiniAVResultCode api_property_info(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                                   MiniAVPropertyInfo *info) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || info == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return capture_property_info(value_of(context), kind, key, info);
}

MiniAVResultCode api_get_property(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                                  MiniAVPropertyValue *value) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || value == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return capture_get_property(value_of(context), kind, key, value);
}

MiniAVResultCode api_set_property(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                                  const MiniAVPropertyValue *value) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || value == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return capture_set_property(value_of(context), kind, key, value);
}

MiniAVResultCode api_set_auto(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                              uint32_t automatic) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || automatic > 1) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return capture_set_auto(value_of(context), kind, key, automatic != 0);
}
