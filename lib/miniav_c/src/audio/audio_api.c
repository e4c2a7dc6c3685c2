/* The public functions of the audio kind: argument checks and nothing else. */
#include "common/api.h"
#include "audio/audio_backend.h"

const struct backend *const audio_backends[] = {
#if defined(MINIAV_HAVE_PIPEWIRE)
    &audio_pipewire_backend,
#endif
#if defined(__linux__)
    &audio_pulse_backend,    &audio_alsa_backend,
    &audio_jack_backend,
#elif defined(_WIN32)
    &audio_wasapi_backend,
#endif
    &audio_test_backend,     NULL,
};

MiniAVResultCode MiniAV_Audio_EnumerateDevices(MiniAVDeviceInfo **devices, uint32_t *count) {
  return api_enumerate(MINIAV_KIND_AUDIO, 0, devices, count);
}

MiniAVResultCode MiniAV_Audio_EnumerateDevicesAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_enumerate_async(MINIAV_KIND_AUDIO, 0, waiter, token);
}

MiniAVResultCode MiniAV_Audio_GetSupportedFormats(const char *device_id, MiniAVAudioInfo **formats,
                                                  uint32_t *count) {
  void *list = NULL;
  MiniAVResultCode result =
      api_formats(MINIAV_KIND_AUDIO, device_id, formats == NULL ? NULL : &list, count);
  if (formats != NULL) {
    *formats = list;
  }
  return result;
}

MiniAVResultCode MiniAV_Audio_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                       const char *device_id) {
  return api_formats_async(MINIAV_KIND_AUDIO, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Audio_GetDefaultFormat(const char *device_id, MiniAVAudioInfo *format) {
  if (format == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format found = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  MiniAVResultCode result = api_default_format(MINIAV_KIND_AUDIO, device_id, &found);
  *format = found.audio;
  return result;
}

MiniAVResultCode MiniAV_Audio_GetDefaultFormatAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                    const char *device_id) {
  return api_default_format_async(MINIAV_KIND_AUDIO, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Audio_CreateContext(MiniAVAudioContextHandle *context) {
  return api_create(MINIAV_KIND_AUDIO, context);
}

MiniAVResultCode MiniAV_Audio_DestroyContext(MiniAVAudioContextHandle context) {
  return api_destroy(MINIAV_KIND_AUDIO, context);
}

MiniAVResultCode MiniAV_Audio_DestroyContextAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                  MiniAVAudioContextHandle context) {
  return api_destroy_async(MINIAV_KIND_AUDIO, context, waiter, token);
}

static MiniAVResultCode request_device(struct capture_request *request, const char *device_id,
                                       const MiniAVAudioInfo *format) {
  MiniAVResultCode result = request_init(request, MINIAV_KIND_AUDIO, REQUEST_DEVICE, device_id);
  return result == MINIAV_SUCCESS ? request_set_audio(request, format) : result;
}

MiniAVResultCode MiniAV_Audio_Configure(MiniAVAudioContextHandle context, const char *device_id,
                                        const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_device(&request, device_id, format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Audio_ConfigureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                             MiniAVAudioContextHandle context,
                                             const char *device_id, const MiniAVAudioInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_device(&request, device_id, format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

MiniAVResultCode MiniAV_Audio_GetConfiguredFormat(MiniAVAudioContextHandle context,
                                                  MiniAVAudioInfo *format) {
  if (format == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format configured;
  MiniAVResultCode result = api_configured(MINIAV_KIND_AUDIO, context, &configured);
  if (result == MINIAV_SUCCESS) {
    *format = configured.audio;
  }
  return result;
}

MiniAVResultCode MiniAV_Audio_StartCapture(MiniAVAudioContextHandle context,
                                           MiniAVBufferCallback callback, void *user_data) {
  return api_start(MINIAV_KIND_AUDIO, context, callback, user_data, NULL);
}

MiniAVResultCode MiniAV_Audio_StartCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                MiniAVAudioContextHandle context,
                                                MiniAVBufferCallback callback, void *user_data) {
  return api_start_async(MINIAV_KIND_AUDIO, context, callback, user_data, NULL, waiter, token);
}

MiniAVResultCode MiniAV_Audio_StopCapture(MiniAVAudioContextHandle context) {
  return api_stop(MINIAV_KIND_AUDIO, context);
}

MiniAVResultCode MiniAV_Audio_StopCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                               MiniAVAudioContextHandle context) {
  return api_stop_async(MINIAV_KIND_AUDIO, context, waiter, token);
}

MiniAVResultCode MiniAV_Audio_GetStats(MiniAVAudioContextHandle context,
                                       MiniAVCaptureStats *stats) {
  return api_stats(MINIAV_KIND_AUDIO, context, stats);
}

MiniAVResultCode MiniAV_Audio_GetPropertyInfo(MiniAVAudioContextHandle context,
                                              MiniAVPropertyKey key, MiniAVPropertyInfo *info) {
  return api_property_info(MINIAV_KIND_AUDIO, context, key, info);
}

MiniAVResultCode MiniAV_Audio_GetProperty(MiniAVAudioContextHandle context, MiniAVPropertyKey key,
                                          MiniAVPropertyValue *value) {
  return api_get_property(MINIAV_KIND_AUDIO, context, key, value);
}

MiniAVResultCode MiniAV_Audio_SetProperty(MiniAVAudioContextHandle context, MiniAVPropertyKey key,
                                          const MiniAVPropertyValue *value) {
  return api_set_property(MINIAV_KIND_AUDIO, context, key, value);
}

MiniAVResultCode MiniAV_Audio_SetAutoProperty(MiniAVAudioContextHandle context,
                                              MiniAVPropertyKey key, uint32_t automatic) {
  return api_set_auto(MINIAV_KIND_AUDIO, context, key, automatic);
}

MiniAVResultCode MiniAV_Audio_GetPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_AUDIO, false, permission);
}

MiniAVResultCode MiniAV_Audio_GetPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_AUDIO, false, waiter, token);
}

MiniAVResultCode MiniAV_Audio_RequestPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_AUDIO, true, permission);
}

MiniAVResultCode MiniAV_Audio_RequestPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_AUDIO, true, waiter, token);
}
