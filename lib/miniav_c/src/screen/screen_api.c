/* The public functions of the screen kind: argument checks and nothing else. */
#include "common/api.h"
#include "screen/screen_backend.h"

const struct backend *const screen_backends[] = {
#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)
    &screen_portal_backend,
#endif
#if defined(MINIAV_HAVE_XCB)
    &screen_x11_backend,
#endif
    &screen_test_backend,
    NULL,
};

MiniAVResultCode MiniAV_Screen_EnumerateDisplays(MiniAVDeviceInfo **displays, uint32_t *count) {
  return api_enumerate(MINIAV_KIND_SCREEN, 0, displays, count);
}

MiniAVResultCode MiniAV_Screen_EnumerateDisplaysAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_enumerate_async(MINIAV_KIND_SCREEN, 0, waiter, token);
}

MiniAVResultCode MiniAV_Screen_EnumerateWindows(MiniAVDeviceInfo **windows, uint32_t *count) {
  return api_enumerate(MINIAV_KIND_SCREEN, 1, windows, count);
}

MiniAVResultCode MiniAV_Screen_EnumerateWindowsAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_enumerate_async(MINIAV_KIND_SCREEN, 1, waiter, token);
}

MiniAVResultCode MiniAV_Screen_GetSupportedFormats(const char *device_id, MiniAVVideoInfo **formats,
                                                   uint32_t *count) {
  void *list = NULL;
  MiniAVResultCode result =
      api_formats(MINIAV_KIND_SCREEN, device_id, formats == NULL ? NULL : &list, count);
  if (formats != NULL) {
    *formats = list;
  }
  return result;
}

MiniAVResultCode MiniAV_Screen_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                        const char *device_id) {
  return api_formats_async(MINIAV_KIND_SCREEN, device_id, waiter, token);
}

MiniAVResultCode MiniAV_Screen_GetDefaultFormats(const char *target_id, MiniAVVideoInfo *video,
                                                 MiniAVAudioInfo *audio) {
  if (video == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format found = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  MiniAVResultCode result = api_default_format(MINIAV_KIND_SCREEN, target_id, &found);
  *video = found.video;
  if (audio != NULL) {
    *audio = found.audio;
  }
  return result;
}

MiniAVResultCode MiniAV_Screen_GetDefaultFormatsAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                      const char *target_id) {
  return api_default_format_async(MINIAV_KIND_SCREEN, target_id, waiter, token);
}

MiniAVResultCode MiniAV_Screen_CreateContext(MiniAVScreenContextHandle *context) {
  return api_create(MINIAV_KIND_SCREEN, context);
}

MiniAVResultCode MiniAV_Screen_DestroyContext(MiniAVScreenContextHandle context) {
  return api_destroy(MINIAV_KIND_SCREEN, context);
}

MiniAVResultCode MiniAV_Screen_DestroyContextAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                   MiniAVScreenContextHandle context) {
  return api_destroy_async(MINIAV_KIND_SCREEN, context, waiter, token);
}

static MiniAVResultCode request_target(struct capture_request *request, enum request_target target,
                                       const char *id, const MiniAVVideoInfo *format) {
  MiniAVResultCode result = request_init(request, MINIAV_KIND_SCREEN, target, id);
  if (result == MINIAV_SUCCESS && target == REQUEST_WINDOW && request->device_id[0] == 0) {
    result = MINIAV_ERROR_INVALID_ARG; /* there is no default window */
  }
  return result == MINIAV_SUCCESS ? request_set_video(request, format) : result;
}

MiniAVResultCode MiniAV_Screen_ConfigureDisplay(MiniAVScreenContextHandle context,
                                                const char *display_id,
                                                const MiniAVVideoInfo *video_format) {
  struct capture_request request;
  MiniAVResultCode result = request_target(&request, REQUEST_DISPLAY, display_id, video_format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Screen_ConfigureDisplayAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                     MiniAVScreenContextHandle context,
                                                     const char *display_id,
                                                     const MiniAVVideoInfo *video_format) {
  struct capture_request request;
  MiniAVResultCode result = request_target(&request, REQUEST_DISPLAY, display_id, video_format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

MiniAVResultCode MiniAV_Screen_ConfigureWindow(MiniAVScreenContextHandle context,
                                               const char *window_id,
                                               const MiniAVVideoInfo *video_format) {
  struct capture_request request;
  MiniAVResultCode result = request_target(&request, REQUEST_WINDOW, window_id, video_format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Screen_ConfigureWindowAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                    MiniAVScreenContextHandle context,
                                                    const char *window_id,
                                                    const MiniAVVideoInfo *video_format) {
  struct capture_request request;
  MiniAVResultCode result = request_target(&request, REQUEST_WINDOW, window_id, video_format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

static MiniAVResultCode request_region(struct capture_request *request, const char *display_id,
                                       MiniAVRect region, const MiniAVVideoInfo *format) {
  MiniAVResultCode result = request_target(request, REQUEST_REGION, display_id, format);
  request->region = region;
  bool is_wrong = region.x < 0 || region.y < 0 || region.width <= 0 || region.height <= 0;
  return result == MINIAV_SUCCESS && is_wrong ? MINIAV_ERROR_INVALID_ARG : result;
}

MiniAVResultCode MiniAV_Screen_ConfigureRegion(MiniAVScreenContextHandle context,
                                               const char *display_id, int32_t x, int32_t y,
                                               int32_t width, int32_t height,
                                               const MiniAVVideoInfo *video_format) {
  struct capture_request request;
  MiniAVResultCode result =
      request_region(&request, display_id, (MiniAVRect){x, y, width, height}, video_format);
  return result == MINIAV_SUCCESS ? api_configure(&request, context) : result;
}

MiniAVResultCode MiniAV_Screen_ConfigureRegionAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                    MiniAVScreenContextHandle context,
                                                    const char *display_id, int32_t x, int32_t y,
                                                    int32_t width, int32_t height,
                                                    const MiniAVVideoInfo *video_format) {
  struct capture_request request;
  MiniAVResultCode result =
      request_region(&request, display_id, (MiniAVRect){x, y, width, height}, video_format);
  return result == MINIAV_SUCCESS ? api_configure_async(&request, context, waiter, token) : result;
}

MiniAVResultCode MiniAV_Screen_GetConfiguredFormats(MiniAVScreenContextHandle context,
                                                    MiniAVVideoInfo *video, MiniAVAudioInfo *audio,
                                                    MiniAVResultCode *audio_result) {
  if (video == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct capture_format configured;
  MiniAVResultCode result = api_configured(MINIAV_KIND_SCREEN, context, &configured);
  if (result == MINIAV_SUCCESS) {
    *video = configured.video;
    if (audio != NULL) {
      *audio = configured.audio;
    }
    if (audio_result != NULL) {
      *audio_result = configured.audio_result;
    }
  }
  return result;
}

MiniAVResultCode
MiniAV_Screen_StartCapture(MiniAVScreenContextHandle context, MiniAVBufferCallback callback,
                           void *user_data,
                           const MiniAVAudioInfo *optional_audio_format_for_loopback) {
  return api_start(MINIAV_KIND_SCREEN, context, callback, user_data,
                   optional_audio_format_for_loopback);
}

MiniAVResultCode
MiniAV_Screen_StartCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                MiniAVScreenContextHandle context, MiniAVBufferCallback callback,
                                void *user_data,
                                const MiniAVAudioInfo *optional_audio_format_for_loopback) {
  return api_start_async(MINIAV_KIND_SCREEN, context, callback, user_data,
                         optional_audio_format_for_loopback, waiter, token);
}

MiniAVResultCode MiniAV_Screen_StopCapture(MiniAVScreenContextHandle context) {
  return api_stop(MINIAV_KIND_SCREEN, context);
}

MiniAVResultCode MiniAV_Screen_StopCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                MiniAVScreenContextHandle context) {
  return api_stop_async(MINIAV_KIND_SCREEN, context, waiter, token);
}

MiniAVResultCode MiniAV_Screen_GetStats(MiniAVScreenContextHandle context,
                                        MiniAVCaptureStats *stats) {
  return api_stats(MINIAV_KIND_SCREEN, context, stats);
}

MiniAVResultCode MiniAV_Screen_GetPropertyInfo(MiniAVScreenContextHandle context,
                                               MiniAVPropertyKey key, MiniAVPropertyInfo *info) {
  return api_property_info(MINIAV_KIND_SCREEN, context, key, info);
}

MiniAVResultCode MiniAV_Screen_GetProperty(MiniAVScreenContextHandle context, MiniAVPropertyKey key,
                                           MiniAVPropertyValue *value) {
  return api_get_property(MINIAV_KIND_SCREEN, context, key, value);
}

MiniAVResultCode MiniAV_Screen_SetProperty(MiniAVScreenContextHandle context, MiniAVPropertyKey key,
                                           const MiniAVPropertyValue *value) {
  return api_set_property(MINIAV_KIND_SCREEN, context, key, value);
}

MiniAVResultCode MiniAV_Screen_SetAutoProperty(MiniAVScreenContextHandle context,
                                               MiniAVPropertyKey key, uint32_t automatic) {
  return api_set_auto(MINIAV_KIND_SCREEN, context, key, automatic);
}

MiniAVResultCode MiniAV_Screen_GetPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_SCREEN, false, permission);
}

MiniAVResultCode MiniAV_Screen_GetPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_SCREEN, false, waiter, token);
}

MiniAVResultCode MiniAV_Screen_RequestPermission(MiniAVPermission *permission) {
  return api_permission(MINIAV_KIND_SCREEN, true, permission);
}

MiniAVResultCode MiniAV_Screen_RequestPermissionAsync(MiniAVWaiterHandle waiter, uint64_t token) {
  return api_permission_async(MINIAV_KIND_SCREEN, true, waiter, token);
}
