/*
 * What the four <kind>_api.c share: each public function checks what is particular to its kind and
 * calls one of these, which check the rest, with a cancel token of their own (sync) or as an
 * operation (async).
 */
#ifndef MINIAV_COMMON_API_H
#define MINIAV_COMMON_API_H

#include "common/backend.h"
#include "miniav_capture.h"

MiniAVResultCode api_enumerate(MiniAVKind kind, uint32_t filter, MiniAVDeviceInfo **devices,
                               uint32_t *count);
MiniAVResultCode api_enumerate_async(MiniAVKind kind, uint32_t filter, MiniAVWaiterHandle waiter,
                                     uint64_t token);
MiniAVResultCode api_formats(MiniAVKind kind, const char *device_id, void **formats,
                             uint32_t *count);
MiniAVResultCode api_formats_async(MiniAVKind kind, const char *device_id,
                                   MiniAVWaiterHandle waiter, uint64_t token);
MiniAVResultCode api_default_format(MiniAVKind kind, const char *device_id,
                                    struct capture_format *format);
MiniAVResultCode api_default_format_async(MiniAVKind kind, const char *device_id,
                                          MiniAVWaiterHandle waiter, uint64_t token);
MiniAVResultCode api_permission(MiniAVKind kind, bool request, MiniAVPermission *permission);
MiniAVResultCode api_permission_async(MiniAVKind kind, bool request, MiniAVWaiterHandle waiter,
                                      uint64_t token);

MiniAVResultCode api_create(MiniAVKind kind, void *context_out);
MiniAVResultCode api_destroy(MiniAVKind kind, const void *context);
MiniAVResultCode api_destroy_async(MiniAVKind kind, const void *context, MiniAVWaiterHandle waiter,
                                   uint64_t token);

/* Fill a request; INVALID_ARG when something in it cannot be meant. NULL formats ask for nothing.
 */
MiniAVResultCode request_init(struct capture_request *request, MiniAVKind kind,
                              enum request_target target, const char *device_id);
MiniAVResultCode request_set_video(struct capture_request *request, const MiniAVVideoInfo *format);
MiniAVResultCode request_set_audio(struct capture_request *request, const MiniAVAudioInfo *format);

MiniAVResultCode api_configure(const struct capture_request *request, const void *context);
MiniAVResultCode api_configure_async(const struct capture_request *request, const void *context,
                                     MiniAVWaiterHandle waiter, uint64_t token);
MiniAVResultCode api_configured(MiniAVKind kind, const void *context,
                                struct capture_format *format);

MiniAVResultCode api_start(MiniAVKind kind, const void *context, MiniAVBufferCallback callback,
                           void *user_data, const MiniAVAudioInfo *audio);
MiniAVResultCode api_start_async(MiniAVKind kind, const void *context,
                                 MiniAVBufferCallback callback, void *user_data,
                                 const MiniAVAudioInfo *audio, MiniAVWaiterHandle waiter,
                                 uint64_t token);
MiniAVResultCode api_stop(MiniAVKind kind, const void *context);
MiniAVResultCode api_stop_async(MiniAVKind kind, const void *context, MiniAVWaiterHandle waiter,
                                uint64_t token);

MiniAVResultCode api_stats(MiniAVKind kind, const void *context, MiniAVCaptureStats *stats);
MiniAVResultCode api_property_info(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                                   MiniAVPropertyInfo *info);
MiniAVResultCode api_get_property(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                                  MiniAVPropertyValue *value);
MiniAVResultCode api_set_property(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                                  const MiniAVPropertyValue *value);
MiniAVResultCode api_set_auto(MiniAVKind kind, const void *context, MiniAVPropertyKey key,
                              uint32_t automatic);

#endif
