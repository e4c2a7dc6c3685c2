/* The public functions of the camera kind: argument checks and nothing else. */
#include "common/api.h"
#include "camera/camera_backend.h"

const struct backend *const camera_backends[] = {
#if defined(MINIAV_HAVE_PIPEWIRE)
#if defined(MINIAV_HAVE_DBUS)
    &camera_portal_backend,
#endif
    &camera_pipewire_backend,
#endif
#if defined(__linux__)
    &camera_v4l2_backend,
#endif
    &camera_test_backend,     NULL,
};

MiniAVResultCode MiniAV_Camera_EnumerateDevices(MiniAVDeviceInfo **devices, uint32_t *count) {
  return api_enumerate(MINIAV_KIND_CAMERA, 0, devices, count);
}

MiniAVResultCode MiniAV_Camera_EnumerateDevicesAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_enumerate_async(MINIAV_KIND_CAMERA, 0, waiter, token);
}

MiniAVResultCode MiniAV_Camera_GetSupportedFormats(const char *device_id, MiniAVVideoInfo **formats,
                                                   uint32_t *count) {
  void *list = NULL;
  MiniAVResultCode result =
      api_formats(MINIAV_KIND_CAMERA, device_id, formats == NULL ? NULL : &list, count);
  if (formats != NULL) {
    *formats = list;
  }
  return result;
}

MiniAVResultCode MiniAV_Camera_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                        const char *device_id) {
  return api_formats_async(MINIAV_KIND_CAMERA, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Camera_GetDefaultFormat(const char *device_id, MiniAVVideoInfo *format) {
  if (format == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format found = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  MiniAVResultCode result = api_default_format(MINIAV_KIND_CAMERA, device_id, &found);
  *format = found.video;
  return result;
}

MiniAVResultCode MiniAV_Camera_GetDefaultFormatAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                     const char *device_id) {
  return api_default_format_async(MINIAV_KIND_CAMERA, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Camera_CreateContext(MiniAVCameraContextHandle *context) {
  return api_create(MINIAV_KIND_CAMERA, context);
}

MiniAVResultCode MiniAV_Camera_DestroyContext(MiniAVCameraContextHandle context) {
  return api_destroy(MINIAV_KIND_CAMERA, context);
}

MiniAVResultCode MiniAV_Camera_DestroyContextAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                   MiniAVCameraContextHandle context) {
  return api_destroy_async(MINIAV_KIND_CAMERA, context, waiter, token);
}

static MiniAVResultCode request_device(struct capture_request *request, const char *device_id,
                                       const MiniAVVideoInfo *format) {
  MiniAVResultCode result = request_init(request, MINIAV_KIND_CAMERA, REQUEST_DEVICE, device_id);
  return result == MINIAV_SUCCESS ? request_set_video(request, format) : result;
}

MiniAVResultCode MiniAV_Camera_Configure(MiniAVCameraContextHandle context, const char *device_id,
                                         const MiniAVVideoInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_device(&request, device_id, format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Camera_ConfigureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                              MiniAVCameraContextHandle context,
                                              const char *device_id,
                                              const MiniAVVideoInfo *format) {
  struct capture_request request;
  MiniAVResultCode result = request_device(&request, device_id, format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

MiniAVResultCode MiniAV_Camera_GetConfiguredFormat(MiniAVCameraContextHandle context,
                                                   MiniAVVideoInfo *format) {
  if (format == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format configured;
  MiniAVResultCode result = api_configured(MINIAV_KIND_CAMERA, context, &configured);
  if (result == MINIAV_SUCCESS) {
    *format = configured.video;
  }
  return result;
}

MiniAVResultCode MiniAV_Camera_StartCapture(MiniAVCameraContextHandle context,
                                            MiniAVBufferCallback callback, void *user_data) {
  return api_start(MINIAV_KIND_CAMERA, context, callback, user_data, NULL);
}

MiniAVResultCode MiniAV_Camera_StartCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                 MiniAVCameraContextHandle context,
                                                 MiniAVBufferCallback callback, void *user_data) {
  return api_start_async(MINIAV_KIND_CAMERA, context, callback, user_data, NULL, waiter, token);
}

MiniAVResultCode MiniAV_Camera_StopCapture(MiniAVCameraContextHandle context) {
  return api_stop(MINIAV_KIND_CAMERA, context);
}

MiniAVResultCode MiniAV_Camera_StopCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                MiniAVCameraContextHandle context) {
  return api_stop_async(MINIAV_KIND_CAMERA, context, waiter, token);
}

MiniAVResultCode MiniAV_Camera_GetStats(MiniAVCameraContextHandle context,
                                        MiniAVCaptureStats *stats) {
  return api_stats(MINIAV_KIND_CAMERA, context, stats);
}

MiniAVResultCode MiniAV_Camera_GetPropertyInfo(MiniAVCameraContextHandle context,
                                               MiniAVPropertyKey key, MiniAVPropertyInfo *info) {
  return api_property_info(MINIAV_KIND_CAMERA, context, key, info);
}

MiniAVResultCode MiniAV_Camera_GetProperty(MiniAVCameraContextHandle context, MiniAVPropertyKey key,
                                           MiniAVPropertyValue *value) {
  return api_get_property(MINIAV_KIND_CAMERA, context, key, value);
}

MiniAVResultCode MiniAV_Camera_SetProperty(MiniAVCameraContextHandle context, MiniAVPropertyKey key,
                                           const MiniAVPropertyValue *value) {
  return api_set_property(MINIAV_KIND_CAMERA, context, key, value);
}

MiniAVResultCode MiniAV_Camera_SetAutoProperty(MiniAVCameraContextHandle context,
                                               MiniAVPropertyKey key, uint32_t automatic) {
  return api_set_auto(MINIAV_KIND_CAMERA, context, key, automatic);
}

MiniAVResultCode MiniAV_Camera_GetPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_CAMERA, false, permission);
}

MiniAVResultCode MiniAV_Camera_GetPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_CAMERA, false, waiter, token);
}

MiniAVResultCode MiniAV_Camera_RequestPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_CAMERA, true, permission);
}

MiniAVResultCode MiniAV_Camera_RequestPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_CAMERA, true, waiter, token);
}
