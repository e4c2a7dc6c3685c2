/*
 * MiniAV: the capture functions.
 *
 * The life of a context:  CreateContext → Configure → StartCapture → (lost) → StopCapture →
 * DestroyContext. Configure again after a stop. Destroy works in every state: it invalidates the
 * handle first, then stops.
 *
 * Async twins: NAMEAsync(waiter, token, …) takes what NAME takes besides outputs, copies it,
 * returns at once and ends in exactly one MINIAV_EVENT_OPERATION with that token on that waiter,
 * whose result is what NAME would have returned; lists come in the event. Stop, destroy and
 * MiniAV_WaiterCancel end a pending one with USER_CANCELLED. Their own results: SUCCESS (it was
 * taken), INVALID_ARG, INVALID_HANDLE, NOT_INITIALIZED, OUT_OF_MEMORY; nothing else.
 *
 * Device ids: NULL or "" is the default device, and a capture of it follows the default when that
 * changes (an event and a DISCONTINUITY). An explicit id never moves to another device.
 *
 * Nothing falls back to something wider than was asked.
 */
#ifndef MINIAV_CAPTURE_H
#define MINIAV_CAPTURE_H

#include "miniav_buffer.h"
#include "miniav_waiter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- library ---------------------------------------------------------------------------- */

/* Any of the three may be NULL. Works after Dispose. */
MINIAV_API MiniAVResultCode MiniAV_GetVersion(uint32_t *major, uint32_t *minor, uint32_t *patch);
/* "0.1.0"; static. Works after Dispose. */
MINIAV_API const char *MiniAV_GetVersionString(void);
/* English, static, never NULL. Works after Dispose. */
MINIAV_API const char *MiniAV_GetErrorString(MiniAVResultCode code);
/* A hash of every public struct and enum of this build; a binding compares it with its own. Works
 * after Dispose. */
MINIAV_API MiniAVResultCode MiniAV_GetLayoutHash(uint64_t *hash);
/* The clock of every time stamp: CLOCK_MONOTONIC, QueryPerformanceCounter or mach time, in
 * microseconds. Works after Dispose. */
MINIAV_API MiniAVResultCode MiniAV_GetTime(int64_t *now_us);

/* Lines of at least the level go to the callback, from the notifier thread; NULL ends it, and when
 * this returns the old callback runs no more (from inside the callback it returns at once).
 * Without a callback or a watching waiter the library prints nothing. OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_SetLogCallback(MiniAVLogCallback callback, void *user_data);
/* For SetLogCallback; the default is WARN. */
MINIAV_API MiniAVResultCode MiniAV_SetLogLevel(MiniAVLogLevel level);

/* Called from the notifier thread, which holds no lock. default_id is NULL unless the default of
 * that kind changed; valid during the call. */
typedef void (*MiniAVDeviceChangeCallback)(MiniAVKind kind, const char *default_id,
                                           void *user_data);
/* kinds: 1 << MiniAVKind each. NULL ends it, as for SetLogCallback. OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_SetDeviceChangeCallback(MiniAVDeviceChangeCallback callback,
                                                           uint32_t kinds, void *user_data);
/* Called from the notifier thread for each context that is lost and belongs to no waiter. */
typedef void (*MiniAVContextLostCallback)(MiniAVHandle context, MiniAVResultCode reason,
                                          const char *message, void *user_data);
MINIAV_API MiniAVResultCode MiniAV_SetContextLostCallback(MiniAVContextLostCallback callback,
                                                          void *user_data);

/* Destroys every context and waiter and ends every thread; afterwards everything but the functions
 * that say otherwise answers NOT_INITIALIZED, for good. No callback runs once it has returned,
 * unless what another thread is destroying takes longer than two seconds: a call of the operating
 * system that hangs, a callback that does not return. Memory behind buffers that are still held is
 * leaked rather than unmapped, and a log line says how much. From a callback: ALREADY_RUNNING.
 * Nobody has to call it: leaving the process needs nothing. */
MINIAV_API MiniAVResultCode MiniAV_Dispose(void);

/* ---- lists ------------------------------------------------------------------------------ */

/* Frees what an Enumerate function or its event gave. NULL is allowed. INVALID_ARG for an address
 * that is no such list (nothing is freed). Works after Dispose. */
MINIAV_API MiniAVResultCode MiniAV_FreeDeviceList(MiniAVDeviceInfo *devices, uint32_t count);
/* Frees a list of MiniAVVideoInfo or MiniAVAudioInfo; as FreeDeviceList. */
MINIAV_API MiniAVResultCode MiniAV_FreeFormatList(void *formats, uint32_t count);
/* Copies a list into the caller's memory, for callers that may not follow pointers.
 * capacity counts elements. INVALID_ARG, BUFFER_TOO_SMALL when it is below count. */
MINIAV_API MiniAVResultCode MiniAV_CopyDeviceList(const MiniAVDeviceInfo *list, uint32_t count,
                                                  MiniAVDeviceInfo *destination, uint32_t capacity);
/* The same for format lists; capacity_bytes counts bytes. */
MINIAV_API MiniAVResultCode MiniAV_CopyFormatList(const void *list, uint32_t count,
                                                  void *destination, size_t capacity_bytes);

/* ---- buffers ---------------------------------------------------------------------------- */

/* The oldest queued buffer of a context that was started without a callback; never waits. It is the
 * caller's until released. NO_BUFFER: none now, and the waiter's wake is armed. DEVICE_LOST: none,
 * and none will come. NOT_RUNNING. NOT_SUPPORTED: it was started with a callback. */
MINIAV_API MiniAVResultCode MiniAV_TakeBuffer(MiniAVHandle context, MiniAVBuffer *buffer);
/* The same, waiting up to timeout_ms (UINT32_MAX: no limit). TIMEOUT. A backend may do on the
 * waiting thread what its own would have to wake up for; a stop or destroy by another thread ends
 * that. */
MINIAV_API MiniAVResultCode MiniAV_WaitBuffer(MiniAVHandle context, uint32_t timeout_ms,
                                              MiniAVBuffer *buffer);
/* Gives a buffer back; from any thread, also after stop and destroy, in any order. SUCCESS the
 * first time; INVALID_HANDLE a second time or after Dispose. */
MINIAV_API MiniAVResultCode MiniAV_ReleaseBuffer(void *internal_handle);
/* Copies the planes or samples of an outstanding buffer. layout may be NULL (no padding); otherwise
 * its size_bytes is written, also with BUFFER_TOO_SMALL, so that capacity 0 asks for the size.
 * A release by another thread meanwhile is safe. NOT_SUPPORTED for GPU handles. */
MINIAV_API MiniAVResultCode MiniAV_CopyBuffer(void *internal_handle, void *destination,
                                              size_t capacity_bytes, MiniAVCopyLayout *layout);
/* Copies the metadata of an outstanding buffer (cursor_pixels set to NULL). NOT_SUPPORTED when it
 * has none. */
MINIAV_API MiniAVResultCode MiniAV_CopyMetadata(void *internal_handle,
                                                MiniAVFrameMetadata *metadata);
/* Copies the pointer's picture of an outstanding buffer. NOT_SUPPORTED, BUFFER_TOO_SMALL. */
MINIAV_API MiniAVResultCode MiniAV_CopyCursorPixels(void *internal_handle, void *destination,
                                                    size_t capacity_bytes);

/* ---- camera ----------------------------------------------------------------------------- */

/* Cameras, the default first; free with MiniAV_FreeDeviceList. NOT_SUPPORTED: no backend here. */
MINIAV_API MiniAVResultCode MiniAV_Camera_EnumerateDevices(MiniAVDeviceInfo **devices,
                                                           uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Camera_EnumerateDevicesAsync(MiniAVWaiterHandle waiter,
                                                                uint64_t token);
/* The native formats of a device; free with MiniAV_FreeFormatList. DEVICE_NOT_FOUND. */
MINIAV_API MiniAVResultCode MiniAV_Camera_GetSupportedFormats(const char *device_id,
                                                              MiniAVVideoInfo **formats,
                                                              uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Camera_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter,
                                                                   uint64_t token,
                                                                   const char *device_id);
/* What a NULL format means for it. Async: a list of one element. DEVICE_NOT_FOUND. */
MINIAV_API MiniAVResultCode MiniAV_Camera_GetDefaultFormat(const char *device_id,
                                                           MiniAVVideoInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Camera_GetDefaultFormatAsync(MiniAVWaiterHandle waiter,
                                                                uint64_t token,
                                                                const char *device_id);
/* A new context. OUT_OF_MEMORY; DEVICE_BUSY: 1024 contexts exist. */
MINIAV_API MiniAVResultCode MiniAV_Camera_CreateContext(MiniAVCameraContextHandle *context);
/* Invalidates the handle, cancels what waits, stops, frees. Buffers still held stay valid. */
MINIAV_API MiniAVResultCode MiniAV_Camera_DestroyContext(MiniAVCameraContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Camera_DestroyContextAsync(MiniAVWaiterHandle waiter,
                                                              uint64_t token,
                                                              MiniAVCameraContextHandle context);
/* Chooses device and format; NULL or zero members: the device's own. DEVICE_NOT_FOUND, DEVICE_BUSY,
 * FORMAT_NOT_SUPPORTED, PERMISSION_DENIED, USER_CANCELLED, TIMEOUT, ALREADY_RUNNING. */
MINIAV_API MiniAVResultCode MiniAV_Camera_Configure(MiniAVCameraContextHandle context,
                                                    const char *device_id,
                                                    const MiniAVVideoInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Camera_ConfigureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                         MiniAVCameraContextHandle context,
                                                         const char *device_id,
                                                         const MiniAVVideoInfo *format);
/* What really comes. NOT_CONFIGURED. */
MINIAV_API MiniAVResultCode MiniAV_Camera_GetConfiguredFormat(MiniAVCameraContextHandle context,
                                                              MiniAVVideoInfo *format);
/* With a callback: a dispatcher thread calls it. NULL: pull with MiniAV_TakeBuffer. NOT_CONFIGURED,
 * ALREADY_RUNNING, DEVICE_NOT_FOUND, DEVICE_BUSY, DEVICE_LOST, PERMISSION_DENIED, USER_CANCELLED,
 * TIMEOUT, SYSTEM_CALL_FAILED, OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_Camera_StartCapture(MiniAVCameraContextHandle context,
                                                       MiniAVBufferCallback callback,
                                                       void *user_data);
MINIAV_API MiniAVResultCode MiniAV_Camera_StartCaptureAsync(MiniAVWaiterHandle waiter,
                                                            uint64_t token,
                                                            MiniAVCameraContextHandle context,
                                                            MiniAVBufferCallback callback,
                                                            void *user_data);
/* When it returns no callback runs and queued buffers are dropped; buffers held stay valid. From
 * inside the callback it returns at once and takes effect when the callback returns. NOT_RUNNING.
 */
MINIAV_API MiniAVResultCode MiniAV_Camera_StopCapture(MiniAVCameraContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Camera_StopCaptureAsync(MiniAVWaiterHandle waiter,
                                                           uint64_t token,
                                                           MiniAVCameraContextHandle context);
/* One consistent snapshot, in any state. */
MINIAV_API MiniAVResultCode MiniAV_Camera_GetStats(MiniAVCameraContextHandle context,
                                                   MiniAVCaptureStats *stats);
/* Properties: see MiniAVPropertyKey. NOT_SUPPORTED: this device has no such property;
 * NOT_CONFIGURED: it is the device's, and none is configured; ALREADY_RUNNING: settable only while
 * stopped. */
MINIAV_API MiniAVResultCode MiniAV_Camera_GetPropertyInfo(MiniAVCameraContextHandle context,
                                                          MiniAVPropertyKey key,
                                                          MiniAVPropertyInfo *info);
MINIAV_API MiniAVResultCode MiniAV_Camera_GetProperty(MiniAVCameraContextHandle context,
                                                      MiniAVPropertyKey key,
                                                      MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Camera_SetProperty(MiniAVCameraContextHandle context,
                                                      MiniAVPropertyKey key,
                                                      const MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Camera_SetAutoProperty(MiniAVCameraContextHandle context,
                                                          MiniAVPropertyKey key,
                                                          uint32_t automatic);
/* The state of consent. Async: in the event's detail. SYSTEM_CALL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Camera_GetPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Camera_GetPermissionAsync(MiniAVWaiterHandle waiter,
                                                             uint64_t token);
/* May show the system's dialog and wait for the person. USER_CANCELLED, TIMEOUT, PORTAL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Camera_RequestPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Camera_RequestPermissionAsync(MiniAVWaiterHandle waiter,
                                                                 uint64_t token);

/* ---- screen ----------------------------------------------------------------------------- */

/* Displays, the primary first; where the desktop asks the user itself, one "ask" entry. */
MINIAV_API MiniAVResultCode MiniAV_Screen_EnumerateDisplays(MiniAVDeviceInfo **displays,
                                                            uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Screen_EnumerateDisplaysAsync(MiniAVWaiterHandle waiter,
                                                                 uint64_t token);
/* Windows, top first. NOT_SUPPORTED where the system lists none. */
MINIAV_API MiniAVResultCode MiniAV_Screen_EnumerateWindows(MiniAVDeviceInfo **windows,
                                                           uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Screen_EnumerateWindowsAsync(MiniAVWaiterHandle waiter,
                                                                uint64_t token);
/* The native formats of a device; free with MiniAV_FreeFormatList. DEVICE_NOT_FOUND. */
MINIAV_API MiniAVResultCode MiniAV_Screen_GetSupportedFormats(const char *device_id,
                                                              MiniAVVideoInfo **formats,
                                                              uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Screen_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter,
                                                                   uint64_t token,
                                                                   const char *device_id);
/* What NULL formats mean for a display or window; audio may be NULL. Async: the list is one
 * MiniAVVideoInfo followed by one MiniAVAudioInfo, its count is 1. DEVICE_NOT_FOUND. */
MINIAV_API MiniAVResultCode MiniAV_Screen_GetDefaultFormats(const char *target_id,
                                                            MiniAVVideoInfo *video,
                                                            MiniAVAudioInfo *audio);
MINIAV_API MiniAVResultCode MiniAV_Screen_GetDefaultFormatsAsync(MiniAVWaiterHandle waiter,
                                                                 uint64_t token,
                                                                 const char *target_id);
/* A new context. OUT_OF_MEMORY; DEVICE_BUSY: 1024 contexts exist. */
MINIAV_API MiniAVResultCode MiniAV_Screen_CreateContext(MiniAVScreenContextHandle *context);
/* Invalidates the handle, cancels what waits, stops, frees. Buffers still held stay valid. */
MINIAV_API MiniAVResultCode MiniAV_Screen_DestroyContext(MiniAVScreenContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Screen_DestroyContextAsync(MiniAVWaiterHandle waiter,
                                                              uint64_t token,
                                                              MiniAVScreenContextHandle context);
/* A whole display. As MiniAV_Camera_Configure. */
MINIAV_API MiniAVResultCode MiniAV_Screen_ConfigureDisplay(MiniAVScreenContextHandle context,
                                                           const char *display_id,
                                                           const MiniAVVideoInfo *video_format);
MINIAV_API MiniAVResultCode MiniAV_Screen_ConfigureDisplayAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVScreenContextHandle context,
    const char *display_id, const MiniAVVideoInfo *video_format);
/* One window, also while it is covered; the id must be given. As MiniAV_Camera_Configure. */
MINIAV_API MiniAVResultCode MiniAV_Screen_ConfigureWindow(MiniAVScreenContextHandle context,
                                                          const char *window_id,
                                                          const MiniAVVideoInfo *video_format);
MINIAV_API MiniAVResultCode MiniAV_Screen_ConfigureWindowAsync(MiniAVWaiterHandle waiter,
                                                               uint64_t token,
                                                               MiniAVScreenContextHandle context,
                                                               const char *window_id,
                                                               const MiniAVVideoInfo *video_format);
/* A part of a display, in its pixels. INVALID_ARG when it leaves the display, is empty, or has an
 * odd x or y in a format with halved colour. As MiniAV_Camera_Configure. */
MINIAV_API MiniAVResultCode MiniAV_Screen_ConfigureRegion(MiniAVScreenContextHandle context,
                                                          const char *display_id, int32_t x,
                                                          int32_t y, int32_t width, int32_t height,
                                                          const MiniAVVideoInfo *video_format);
MINIAV_API MiniAVResultCode MiniAV_Screen_ConfigureRegionAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVScreenContextHandle context,
    const char *display_id, int32_t x, int32_t y, int32_t width, int32_t height,
    const MiniAVVideoInfo *video_format);
/* What really comes; audio and audio_result may be NULL. audio_result: SUCCESS with sound,
 * NO_BUFFER when none was asked for, otherwise why there is none (any more). NOT_CONFIGURED. */
MINIAV_API MiniAVResultCode MiniAV_Screen_GetConfiguredFormats(MiniAVScreenContextHandle context,
                                                               MiniAVVideoInfo *video,
                                                               MiniAVAudioInfo *audio,
                                                               MiniAVResultCode *audio_result);
/* With a callback: a dispatcher thread calls it. NULL: pull with MiniAV_TakeBuffer.
 * With an audio format (zero members: the source's own) buffers of both types come, on one clock,
 * those captured first before the others: of a display or region the system's sound, of a window
 * its processes', or the system's when AUDIO_SOURCE says so. Each type has a queue of its own:
 * QUEUE_CAPACITY and QUEUE_LATEST are the pictures', sound has 64 buffers. Sound that cannot be had
 * is no error: the picture goes on, and GetConfiguredFormats, a log line and the text of the Async
 * event say why. Sound that ends while the picture goes on is a FORMAT_CHANGED event, and that flag
 * on the next picture. NOT_CONFIGURED, ALREADY_RUNNING, DEVICE_NOT_FOUND, DEVICE_BUSY, DEVICE_LOST,
 * PERMISSION_DENIED, USER_CANCELLED, TIMEOUT, SYSTEM_CALL_FAILED, OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_Screen_StartCapture(
    MiniAVScreenContextHandle context, MiniAVBufferCallback callback, void *user_data,
    const MiniAVAudioInfo *optional_audio_format_for_loopback);
MINIAV_API MiniAVResultCode MiniAV_Screen_StartCaptureAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVScreenContextHandle context,
    MiniAVBufferCallback callback, void *user_data,
    const MiniAVAudioInfo *optional_audio_format_for_loopback);
/* When it returns no callback runs and queued buffers are dropped; buffers held stay valid. From
 * inside the callback it returns at once and takes effect when the callback returns. NOT_RUNNING.
 */
MINIAV_API MiniAVResultCode MiniAV_Screen_StopCapture(MiniAVScreenContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Screen_StopCaptureAsync(MiniAVWaiterHandle waiter,
                                                           uint64_t token,
                                                           MiniAVScreenContextHandle context);
/* One consistent snapshot, in any state. */
MINIAV_API MiniAVResultCode MiniAV_Screen_GetStats(MiniAVScreenContextHandle context,
                                                   MiniAVCaptureStats *stats);
/* Properties: see MiniAVPropertyKey. NOT_SUPPORTED: this device has no such property;
 * NOT_CONFIGURED: it is the device's, and none is configured; ALREADY_RUNNING: settable only while
 * stopped. */
MINIAV_API MiniAVResultCode MiniAV_Screen_GetPropertyInfo(MiniAVScreenContextHandle context,
                                                          MiniAVPropertyKey key,
                                                          MiniAVPropertyInfo *info);
MINIAV_API MiniAVResultCode MiniAV_Screen_GetProperty(MiniAVScreenContextHandle context,
                                                      MiniAVPropertyKey key,
                                                      MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Screen_SetProperty(MiniAVScreenContextHandle context,
                                                      MiniAVPropertyKey key,
                                                      const MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Screen_SetAutoProperty(MiniAVScreenContextHandle context,
                                                          MiniAVPropertyKey key,
                                                          uint32_t automatic);
/* The state of consent. Async: in the event's detail. SYSTEM_CALL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Screen_GetPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Screen_GetPermissionAsync(MiniAVWaiterHandle waiter,
                                                             uint64_t token);
/* May show the system's dialog and wait for the person. USER_CANCELLED, TIMEOUT, PORTAL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Screen_RequestPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Screen_RequestPermissionAsync(MiniAVWaiterHandle waiter,
                                                                 uint64_t token);

/* ---- microphone ------------------------------------------------------------------------- */

/* Microphones and other inputs; flags mark the default. NOT_SUPPORTED: no backend here. */
MINIAV_API MiniAVResultCode MiniAV_Audio_EnumerateDevices(MiniAVDeviceInfo **devices,
                                                          uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Audio_EnumerateDevicesAsync(MiniAVWaiterHandle waiter,
                                                               uint64_t token);
/* The native formats of a device; free with MiniAV_FreeFormatList. DEVICE_NOT_FOUND. Any format
 * in range can be configured all the same; it is then converted. */
MINIAV_API MiniAVResultCode MiniAV_Audio_GetSupportedFormats(const char *device_id,
                                                             MiniAVAudioInfo **formats,
                                                             uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Audio_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter,
                                                                  uint64_t token,
                                                                  const char *device_id);
/* What a NULL format means for it. Async: a list of one element. DEVICE_NOT_FOUND. */
MINIAV_API MiniAVResultCode MiniAV_Audio_GetDefaultFormat(const char *device_id,
                                                          MiniAVAudioInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Audio_GetDefaultFormatAsync(MiniAVWaiterHandle waiter,
                                                               uint64_t token,
                                                               const char *device_id);
/* A new context. OUT_OF_MEMORY; DEVICE_BUSY: 1024 contexts exist. */
MINIAV_API MiniAVResultCode MiniAV_Audio_CreateContext(MiniAVAudioContextHandle *context);
/* Invalidates the handle, cancels what waits, stops, frees. Buffers still held stay valid. */
MINIAV_API MiniAVResultCode MiniAV_Audio_DestroyContext(MiniAVAudioContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Audio_DestroyContextAsync(MiniAVWaiterHandle waiter,
                                                             uint64_t token,
                                                             MiniAVAudioContextHandle context);
/* As MiniAV_Camera_Configure. A format that the device does not have is converted and flagged. */
MINIAV_API MiniAVResultCode MiniAV_Audio_Configure(MiniAVAudioContextHandle context,
                                                   const char *device_id,
                                                   const MiniAVAudioInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Audio_ConfigureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                        MiniAVAudioContextHandle context,
                                                        const char *device_id,
                                                        const MiniAVAudioInfo *format);
/* What really comes. NOT_CONFIGURED. */
MINIAV_API MiniAVResultCode MiniAV_Audio_GetConfiguredFormat(MiniAVAudioContextHandle context,
                                                             MiniAVAudioInfo *format);
/* With a callback: a dispatcher thread calls it. NULL: pull with MiniAV_TakeBuffer. NOT_CONFIGURED,
 * ALREADY_RUNNING, DEVICE_NOT_FOUND, DEVICE_BUSY, DEVICE_LOST, PERMISSION_DENIED, USER_CANCELLED,
 * TIMEOUT, SYSTEM_CALL_FAILED, OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_Audio_StartCapture(MiniAVAudioContextHandle context,
                                                      MiniAVBufferCallback callback,
                                                      void *user_data);
MINIAV_API MiniAVResultCode MiniAV_Audio_StartCaptureAsync(MiniAVWaiterHandle waiter,
                                                           uint64_t token,
                                                           MiniAVAudioContextHandle context,
                                                           MiniAVBufferCallback callback,
                                                           void *user_data);
/* When it returns no callback runs and queued buffers are dropped; buffers held stay valid. From
 * inside the callback it returns at once and takes effect when the callback returns. NOT_RUNNING.
 */
MINIAV_API MiniAVResultCode MiniAV_Audio_StopCapture(MiniAVAudioContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Audio_StopCaptureAsync(MiniAVWaiterHandle waiter, uint64_t token,
                                                          MiniAVAudioContextHandle context);
/* One consistent snapshot, in any state. */
MINIAV_API MiniAVResultCode MiniAV_Audio_GetStats(MiniAVAudioContextHandle context,
                                                  MiniAVCaptureStats *stats);
/* Properties: see MiniAVPropertyKey. NOT_SUPPORTED: this device has no such property;
 * NOT_CONFIGURED: it is the device's, and none is configured; ALREADY_RUNNING: settable only while
 * stopped. */
MINIAV_API MiniAVResultCode MiniAV_Audio_GetPropertyInfo(MiniAVAudioContextHandle context,
                                                         MiniAVPropertyKey key,
                                                         MiniAVPropertyInfo *info);
MINIAV_API MiniAVResultCode MiniAV_Audio_GetProperty(MiniAVAudioContextHandle context,
                                                     MiniAVPropertyKey key,
                                                     MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Audio_SetProperty(MiniAVAudioContextHandle context,
                                                     MiniAVPropertyKey key,
                                                     const MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Audio_SetAutoProperty(MiniAVAudioContextHandle context,
                                                         MiniAVPropertyKey key, uint32_t automatic);
/* The state of consent. Async: in the event's detail. SYSTEM_CALL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Audio_GetPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Audio_GetPermissionAsync(MiniAVWaiterHandle waiter,
                                                            uint64_t token);
/* May show the system's dialog and wait for the person. USER_CANCELLED, TIMEOUT, PORTAL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Audio_RequestPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Audio_RequestPermissionAsync(MiniAVWaiterHandle waiter,
                                                                uint64_t token);

/* ---- loopback --------------------------------------------------------------------------- */

/* Targets of one type; NONE lists every type. NOT_SUPPORTED. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_EnumerateTargets(
    MiniAVLoopbackTargetType target_type_filter, MiniAVDeviceInfo **targets, uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Loopback_EnumerateTargetsAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVLoopbackTargetType target_type_filter);
/* The native formats of a device; free with MiniAV_FreeFormatList. DEVICE_NOT_FOUND. Any format
 * in range can be configured all the same. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetSupportedFormats(const char *device_id,
                                                                MiniAVAudioInfo **formats,
                                                                uint32_t *count);
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetSupportedFormatsAsync(MiniAVWaiterHandle waiter,
                                                                     uint64_t token,
                                                                     const char *device_id);
/* What a NULL format means for it. Async: a list of one element. DEVICE_NOT_FOUND. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetDefaultFormat(const char *device_id,
                                                             MiniAVAudioInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetDefaultFormatAsync(MiniAVWaiterHandle waiter,
                                                                  uint64_t token,
                                                                  const char *device_id);
/* A new context. OUT_OF_MEMORY; DEVICE_BUSY: 1024 contexts exist. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_CreateContext(MiniAVLoopbackContextHandle *context);
/* Invalidates the handle, cancels what waits, stops, frees. Buffers still held stay valid. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_DestroyContext(MiniAVLoopbackContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Loopback_DestroyContextAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVLoopbackContextHandle context);
/* NULL, "" and "system_default" are the system's mix; otherwise an id of EnumerateTargets or of
 * MiniAV_Screen_EnumerateWindows. DEVICE_NOT_FOUND, NOT_SUPPORTED, FORMAT_NOT_SUPPORTED,
 * PERMISSION_DENIED, ALREADY_RUNNING. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_Configure(MiniAVLoopbackContextHandle context,
                                                      const char *target_device_id,
                                                      const MiniAVAudioInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Loopback_ConfigureAsync(MiniAVWaiterHandle waiter,
                                                           uint64_t token,
                                                           MiniAVLoopbackContextHandle context,
                                                           const char *target_device_id,
                                                           const MiniAVAudioInfo *format);
/* One process (with its descendants), one window's process, or the system. As Configure. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_ConfigureWithTargetInfo(
    MiniAVLoopbackContextHandle context, const MiniAVLoopbackTargetInfo *target_info,
    const MiniAVAudioInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Loopback_ConfigureWithTargetInfoAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVLoopbackContextHandle context,
    const MiniAVLoopbackTargetInfo *target_info, const MiniAVAudioInfo *format);
/* The sum of 1…32 targets, or everything but them. As Configure. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_ConfigureWithTargets(
    MiniAVLoopbackContextHandle context, const MiniAVLoopbackTarget *targets, uint32_t count,
    MiniAVLoopbackMode mode, const MiniAVAudioInfo *format);
MINIAV_API MiniAVResultCode MiniAV_Loopback_ConfigureWithTargetsAsync(
    MiniAVWaiterHandle waiter, uint64_t token, MiniAVLoopbackContextHandle context,
    const MiniAVLoopbackTarget *targets, uint32_t count, MiniAVLoopbackMode mode,
    const MiniAVAudioInfo *format);
/* What really comes. NOT_CONFIGURED. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetConfiguredFormat(MiniAVLoopbackContextHandle context,
                                                                MiniAVAudioInfo *format);
/* With a callback: a dispatcher thread calls it. NULL: pull with MiniAV_TakeBuffer. NOT_CONFIGURED,
 * ALREADY_RUNNING, DEVICE_NOT_FOUND, DEVICE_BUSY, DEVICE_LOST, PERMISSION_DENIED, USER_CANCELLED,
 * TIMEOUT, SYSTEM_CALL_FAILED, OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_StartCapture(MiniAVLoopbackContextHandle context,
                                                         MiniAVBufferCallback callback,
                                                         void *user_data);
MINIAV_API MiniAVResultCode MiniAV_Loopback_StartCaptureAsync(MiniAVWaiterHandle waiter,
                                                              uint64_t token,
                                                              MiniAVLoopbackContextHandle context,
                                                              MiniAVBufferCallback callback,
                                                              void *user_data);
/* When it returns no callback runs and queued buffers are dropped; buffers held stay valid. From
 * inside the callback it returns at once and takes effect when the callback returns. NOT_RUNNING.
 */
MINIAV_API MiniAVResultCode MiniAV_Loopback_StopCapture(MiniAVLoopbackContextHandle context);
MINIAV_API MiniAVResultCode MiniAV_Loopback_StopCaptureAsync(MiniAVWaiterHandle waiter,
                                                             uint64_t token,
                                                             MiniAVLoopbackContextHandle context);
/* One consistent snapshot, in any state. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetStats(MiniAVLoopbackContextHandle context,
                                                     MiniAVCaptureStats *stats);
/* Properties: see MiniAVPropertyKey. NOT_SUPPORTED: this device has no such property;
 * NOT_CONFIGURED: it is the device's, and none is configured; ALREADY_RUNNING: settable only while
 * stopped. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetPropertyInfo(MiniAVLoopbackContextHandle context,
                                                            MiniAVPropertyKey key,
                                                            MiniAVPropertyInfo *info);
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetProperty(MiniAVLoopbackContextHandle context,
                                                        MiniAVPropertyKey key,
                                                        MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Loopback_SetProperty(MiniAVLoopbackContextHandle context,
                                                        MiniAVPropertyKey key,
                                                        const MiniAVPropertyValue *value);
MINIAV_API MiniAVResultCode MiniAV_Loopback_SetAutoProperty(MiniAVLoopbackContextHandle context,
                                                            MiniAVPropertyKey key,
                                                            uint32_t automatic);
/* The state of consent. Async: in the event's detail. SYSTEM_CALL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Loopback_GetPermissionAsync(MiniAVWaiterHandle waiter,
                                                               uint64_t token);
/* May show the system's dialog and wait for the person. USER_CANCELLED, TIMEOUT, PORTAL_FAILED. */
MINIAV_API MiniAVResultCode MiniAV_Loopback_RequestPermission(MiniAVPermission *permission);
MINIAV_API MiniAVResultCode MiniAV_Loopback_RequestPermissionAsync(MiniAVWaiterHandle waiter,
                                                                   uint64_t token);

#ifdef __cplusplus
}
#endif

#endif
