/* The public functions of the loopback kind: argument checks and nothing else. */
#include <string.h>

#include "common/api.h"
#include "common/lists.h"
#include "loopback/loopback_backend.h"

const struct backend *const loopback_backends[] = {
#if defined(MINIAV_HAVE_PIPEWIRE)
    &loopback_pipewire_backend,
#endif
#if defined(MINIAV_HAVE_PULSE)
    &loopback_pulse_backend,
#endif
    &loopback_test_backend,
    NULL,
};

static bool is_target_type(MiniAVLoopbackTargetType type) {
  return (uint32_t)type <= MINIAV_LOOPBACK_TARGET_WINDOW;
}

MiniAVResultCode MiniAV_Loopback_EnumerateTargets(MiniAVLoopbackTargetType target_type_filter,
                                                  MiniAVDeviceInfo **targets, uint32_t *count) {
  return is_target_type(target_type_filter)
             ? api_enumerate(MINIAV_KIND_LOOPBACK, target_type_filter, targets, count)
             : MINIAV_ERROR_INVALID_ARG;
}

MiniAVResultCode
MiniAV_Loopback_EnumerateTargetsAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                      MiniAVLoopbackTargetType target_type_filter) {
  return is_target_type(target_type_filter)
             ? api_enumerate_async(MINIAV_KIND_LOOPBACK, target_type_filter, waiter, token)
             : MINIAV_ERROR_INVALID_ARG;
}

MiniAVResultCode MiniAV_Loopback_GetSupportedFormats(const char *device_id,
                                                     MiniAVAudioInfo **formats, uint32_t *count) {
  void *list = NULL;
  MiniAVResultCode result =
      api_formats(MINIAV_KIND_LOOPBACK, device_id, formats == NULL ? NULL : &list, count);
  if (formats != NULL) {
    *formats = list;
  }
  return result;
}

MiniAVResultCode MiniAV_Loopback_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                          const char *device_id) {
  return api_formats_async(MINIAV_KIND_LOOPBACK, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Loopback_GetDefaultFormat(const char *device_id, MiniAVAudioInfo *format) {
  if (format == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format found = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  MiniAVResultCode result = api_default_format(MINIAV_KIND_LOOPBACK, device_id, &found);
  *format = found.audio;
  return result;
}

MiniAVResultCode MiniAV_Loopback_GetDefaultFormatAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                       const char *device_id) {
  return api_default_format_async(MINIAV_KIND_LOOPBACK, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Loopback_CreateContext(MiniAVLoopbackContextHandle *context) {
  return api_create(MINIAV_KIND_LOOPBACK, context);
}

MiniAVResultCode MiniAV_Loopback_DestroyContext(MiniAVLoopbackContextHandle context) {
  return api_destroy(MINIAV_KIND_LOOPBACK, context);
}

MiniAVResultCode MiniAV_Loopback_DestroyContextAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                     MiniAVLoopbackContextHandle context) {
  return api_destroy_async(MINIAV_KIND_LOOPBACK, context, waiter, token);
}

static MiniAVResultCode request_device(struct capture_request *request,
                                       const char *target_device_id,
                                       const MiniAVAudioInfo *format) {
  const char *id = target_device_id;
  if (id != NULL && strncmp(id, "system_default", sizeof "system_default") == 0) {
    id = NULL;
  }
  MiniAVResultCode result = request_init(request, MINIAV_KIND_LOOPBACK, REQUEST_DEVICE, id);
  return result == MINIAV_SUCCESS ? request_set_audio(request, format) : result;
}

MiniAVResultCode MiniAV_Loopback_Configure(MiniAVLoopbackContextHandle context,
                                           const char *target_device_id,
                                           const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_device(&request, target_device_id, format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Loopback_ConfigureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                MiniAVLoopbackContextHandle context,
                                                const char *target_device_id,
                                                const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_device(&request, target_device_id, format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

static bool is_target_sound(const MiniAVLoopbackTarget *target) {
  char name[MINIAV_TEXT_BYTES];
  uint32_t known_flags =
      MINIAV_LOOPBACK_FLAG_TREE | MINIAV_LOOPBACK_FLAG_WAIT | MINIAV_LOOPBACK_FLAG_FOLLOW_NAME;
  if ((target->flags & ~known_flags) != 0 || !text_take(name, target->name)) {
    return false;
  }
  switch (target->type) {
  case MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO:
    return true;
  case MINIAV_LOOPBACK_TARGET_PROCESS:
    return target->process_id != 0;
  case MINIAV_LOOPBACK_TARGET_WINDOW:
    return target->window_handle != NULL;
  case MINIAV_LOOPBACK_TARGET_NAME:
    return name[0] != 0;
  default:
    return false;
  }
}

static MiniAVResultCode request_targets(struct capture_request *request,
                                        const MiniAVLoopbackTarget *targets, uint32_t count,
                                        MiniAVLoopbackMode mode, const MiniAVAudioInfo *format) {
  MiniAVResultCode result = request_init(request, MINIAV_KIND_LOOPBACK, REQUEST_TARGETS, NULL);
  if (targets == NULL || count == 0 || count > REQUEST_MAX_TARGETS ||
      (uint32_t)mode > MINIAV_LOOPBACK_MODE_EXCLUDE) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (!is_target_sound(&targets[i])) {
      return MINIAV_ERROR_INVALID_ARG;
    }
    request->targets[i] = targets[i];
  }
  request->target_count = count;
  request->mode = mode;
  return result == MINIAV_SUCCESS ? request_set_audio(request, format) : result;
}

static MiniAVResultCode request_target_info(struct capture_request *request,
                                            const MiniAVLoopbackTargetInfo *info,
                                            const MiniAVAudioInfo *format) {
  if (info == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  MiniAVLoopbackTarget target = {.type = info->type, .flags = MINIAV_LOOPBACK_FLAG_TREE};
  if (info->type == MINIAV_LOOPBACK_TARGET_PROCESS) {
    target.process_id = info->target_handle.process_id;
  } else if (info->type == MINIAV_LOOPBACK_TARGET_WINDOW) {
    target.window_handle = info->target_handle.window_handle;
  } else if (info->type == MINIAV_LOOPBACK_TARGET_NAME) {
    return MINIAV_ERROR_INVALID_ARG; /* it has no member for a name */
  }
  return request_targets(request, &target, 1, MINIAV_LOOPBACK_MODE_INCLUDE, format);
}

MiniAVResultCode
MiniAV_Loopback_ConfigureWithTargetInfo(MiniAVLoopbackContextHandle context,
                                        const MiniAVLoopbackTargetInfo *target_info,
                                        const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_target_info(&request, target_info, format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Loopback_ConfigureWithTargetInfoAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVLoopbackContextHandle context,
    const MiniAVLoopbackTargetInfo *target_info, const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_target_info(&request, target_info, format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

MiniAVResultCode MiniAV_Loopback_ConfigureWithTargets(MiniAVLoopbackContextHandle context,
                                                      const MiniAVLoopbackTarget *targets,
                                                      uint32_t count, MiniAVLoopbackMode mode,
                                                      const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_targets(&request, targets, count, mode, format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Loopback_ConfigureWithTargetsAsync(MiniAVWaiterHandle waiter,
                                                           uint64_t token,
                                                           MiniAVLoopbackContextHandle context,
                                                           const MiniAVLoopbackTarget *targets,
                                                           uint32_t count, MiniAVLoopbackMode mode,
                                                           const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_targets(&request, targets, count, mode, format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

MiniAVResultCode MiniAV_Loopback_GetConfiguredFormat(MiniAVLoopbackContextHandle context,
                                                     MiniAVAudioInfo *format) {
  if (format == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format configured;
  MiniAVResultCode result = api_configured(MINIAV_KIND_LOOPBACK, context, &configured);
  if (result == MINIAV_SUCCESS) {
    *format = configured.audio;
  }
  return result;
}

MiniAVResultCode MiniAV_Loopback_StartCapture(MiniAVLoopbackContextHandle context,
                                              MiniAVBufferCallback callback, void *user_data) {
  return api_start(MINIAV_KIND_LOOPBACK, context, callback, user_data, NULL);
}

MiniAVResultCode MiniAV_Loopback_StartCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                   MiniAVLoopbackContextHandle context,
                                                   MiniAVBufferCallback callback, void *user_data) {
  return api_start_async(MINIAV_KIND_LOOPBACK, context, callback, user_data, NULL, waiter, token);
}

MiniAVResultCode MiniAV_Loopback_StopCapture(MiniAVLoopbackContextHandle context) {
  return api_stop(MINIAV_KIND_LOOPBACK, context);
}

MiniAVResultCode MiniAV_Loopback_StopCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                  MiniAVLoopbackContextHandle context) {
  return api_stop_async(MINIAV_KIND_LOOPBACK, context, waiter, token);
}

MiniAVResultCode MiniAV_Loopback_GetStats(MiniAVLoopbackContextHandle context,
                                          MiniAVCaptureStats *stats) {
  return api_stats(MINIAV_KIND_LOOPBACK, context, stats);
}

MiniAVResultCode MiniAV_Loopback_GetPropertyInfo(MiniAVLoopbackContextHandle context,
                                                 MiniAVPropertyKey key, MiniAVPropertyInfo *info) {
  return api_property_info(MINIAV_KIND_LOOPBACK, context, key, info);
}

MiniAVResultCode MiniAV_Loopback_GetProperty(MiniAVLoopbackContextHandle context,
                                             MiniAVPropertyKey key, MiniAVPropertyValue *value) {
  return api_get_property(MINIAV_KIND_LOOPBACK, context, key, value);
}

MiniAVResultCode MiniAV_Loopback_SetProperty(MiniAVLoopbackContextHandle context,
                                             MiniAVPropertyKey key,
                                             const MiniAVPropertyValue *value) {
  return api_set_property(MINIAV_KIND_LOOPBACK, context, key, value);
}

MiniAVResultCode MiniAV_Loopback_SetAutoProperty(MiniAVLoopbackContextHandle context,
                                                 MiniAVPropertyKey key, uint32_t automatic) {
  return api_set_auto(MINIAV_KIND_LOOPBACK, context, key, automatic);
}

MiniAVResultCode MiniAV_Loopback_GetPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_LOOPBACK, false, permission);
}

MiniAVResultCode MiniAV_Loopback_GetPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_LOOPBACK, false, waiter, token);
}

MiniAVResultCode MiniAV_Loopback_RequestPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_LOOPBACK, true, permission);
}

MiniAVResultCode MiniAV_Loopback_RequestPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_LOOPBACK, true, waiter, token);
}
