/* The public functions that belong to no kind: argument checks and nothing else. */
#include "miniav.h"

#include <string.h>

#include "common/capture_internal.h"
#include "common/clock.h"
#include "common/handles.h"
#include "common/library.h"
#include "common/lists.h"
#include "common/log.h"
#include "common/notifier.h"
#include "common/operations.h"
#include "common/pixel.h"
#include "common/registry_internal.h"
#include "common/slots.h"
#include "common/waiter_life.h"
#include "layout_assert.gen.h"

static uint64_t value_of(const void *handle) {
  return (uint64_t)(uintptr_t)handle;
}

MiniAVResultCode MiniAV_GetVersion(uint32_t *major, uint32_t *minor, uint32_t *patch) {
  if (major != NULL) {
    *major = MINIAV_VERSION_MAJOR;
  }
  if (minor != NULL) {
    *minor = MINIAV_VERSION_MINOR;
  }
  if (patch != NULL) {
    *patch = MINIAV_VERSION_PATCH;
  }
  return MINIAV_SUCCESS;
}

#define TEXT_OF(number)                   #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *MiniAV_GetVersionString(void) {
  return VERSION_TEXT(MINIAV_VERSION_MAJOR, MINIAV_VERSION_MINOR, MINIAV_VERSION_PATCH);
}

MiniAVResultCode MiniAV_GetLayoutHash(uint64_t *hash) {
  if (hash == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  *hash = MINIAV_LAYOUT_HASH;
  return MINIAV_SUCCESS;
}

MiniAVResultCode MiniAV_GetTime(int64_t *now_us) {
  if (now_us == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  *now_us = clock_now_us();
  return MINIAV_SUCCESS;
}

/* -- callbacks ------------------------------------------------------------------------------ */

MiniAVResultCode MiniAV_SetLogCallback(MiniAVLogCallback callback, void *user_data) {
  MiniAVResultCode result = library_enter();
  return result != MINIAV_SUCCESS ? result : notifier_set_log(callback, user_data);
}

MiniAVResultCode MiniAV_SetLogLevel(MiniAVLogLevel level) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || (uint32_t)level > MINIAV_LOG_LEVEL_ERROR) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return notifier_set_log_level(level);
}

MiniAVResultCode MiniAV_SetDeviceChangeCallback(MiniAVDeviceChangeCallback callback, uint32_t kinds,
                                                void *user_data) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || (kinds & ~MINIAV_KINDS_ALL) != 0) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  return notifier_set_device_change(callback, kinds, user_data);
}

MiniAVResultCode MiniAV_SetContextLostCallback(MiniAVContextLostCallback callback,
                                               void *user_data) {
  MiniAVResultCode result = library_enter();
  return result != MINIAV_SUCCESS ? result : notifier_set_lost(callback, user_data);
}

/* -- lists ---------------------------------------------------------------------------------- */

MiniAVResultCode MiniAV_FreeDeviceList(MiniAVDeviceInfo *devices, uint32_t count) {
  (void)count; /* the library knows its lists */
  return list_free(devices);
}

MiniAVResultCode MiniAV_FreeFormatList(void *formats, uint32_t count) {
  (void)count;
  return list_free(formats);
}

static MiniAVResultCode copy_list(const void *list, size_t bytes, void *destination,
                                  size_t capacity_bytes) {
  if (bytes == 0) {
    return MINIAV_SUCCESS;
  }
  if (destination == NULL || list == NULL || list_bytes(list) < bytes) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  if (capacity_bytes < bytes) {
    return MINIAV_ERROR_BUFFER_TOO_SMALL;
  }
  memcpy(destination, list, bytes);
  return MINIAV_SUCCESS;
}

MiniAVResultCode MiniAV_CopyDeviceList(const MiniAVDeviceInfo *list, uint32_t count,
                                       MiniAVDeviceInfo *destination, uint32_t capacity) {
  MiniAVResultCode result = library_enter();
  return result != MINIAV_SUCCESS
             ? result
             : copy_list(list, count * sizeof *list, destination, capacity * sizeof *destination);
}

MiniAVResultCode MiniAV_CopyFormatList(const void *list, uint32_t count, void *destination,
                                       size_t capacity_bytes) {
  MiniAVResultCode result = library_enter();
  return result != MINIAV_SUCCESS
             ? result
             : copy_list(list, count == 0 ? 0 : list_bytes(list), destination, capacity_bytes);
}

/* -- buffers -------------------------------------------------------------------------------- */

MiniAVResultCode MiniAV_TakeBuffer(MiniAVHandle context, MiniAVBuffer *buffer) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || buffer == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  struct capture *capture = handle_acquire_context(value_of(context));
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  result = capture_take(capture, buffer);
  capture_release_reference(capture);
  return result;
}

MiniAVResultCode MiniAV_WaitBuffer(MiniAVHandle context, uint32_t timeout_ms,
                                   MiniAVBuffer *buffer) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || buffer == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  struct capture *capture = handle_acquire_context(value_of(context));
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  result = capture_wait_take(capture, timeout_ms, buffer);
  capture_release_reference(capture);
  return result;
}

MiniAVResultCode MiniAV_ReleaseBuffer(void *internal_handle) {
  if (library_enter() != MINIAV_SUCCESS || !slot_release(value_of(internal_handle))) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  return MINIAV_SUCCESS;
}

/* -- waiters -------------------------------------------------------------------------------- */

MiniAVResultCode MiniAV_CreateWaiter(MiniAVWaiterHandle *waiter) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS || waiter == NULL) {
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_INVALID_ARG;
  }
  uint64_t handle = 0;
  result = waiter_create(&handle);
  *waiter = (MiniAVWaiterHandle)(uintptr_t)handle;
  return result;
}

MiniAVResultCode MiniAV_DestroyWaiter(MiniAVWaiterHandle waiter) {
  MiniAVResultCode result = library_enter();
  return result != MINIAV_SUCCESS ? result : waiter_destroy(value_of(waiter));
}

/* The waiter with a reference; *result says why not. */
static struct waiter *enter_waiter(MiniAVWaiterHandle handle, MiniAVResultCode *result) {
  *result = library_enter();
  struct waiter *waiter = *result == MINIAV_SUCCESS ? waiter_acquire(value_of(handle)) : NULL;
  if (*result == MINIAV_SUCCESS && waiter == NULL) {
    *result = MINIAV_ERROR_INVALID_HANDLE;
  }
  return waiter;
}

MiniAVResultCode MiniAV_WaiterAdd(MiniAVWaiterHandle handle, MiniAVHandle context) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter == NULL) {
    return result;
  }
  struct capture *capture = handle_acquire_context(value_of(context));
  if (capture == NULL) {
    result = MINIAV_ERROR_INVALID_HANDLE;
  } else {
    result = capture_set_waiter(capture, waiter) ? result : MINIAV_ERROR_INVALID_HANDLE;
    capture_release_reference(capture);
  }
  waiter_release(waiter);
  return result;
}

MiniAVResultCode MiniAV_WaiterRemove(MiniAVWaiterHandle handle, MiniAVHandle context) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter == NULL) {
    return result;
  }
  struct capture *capture = handle_acquire_context(value_of(context));
  if (capture == NULL) {
    result = MINIAV_ERROR_INVALID_HANDLE;
  } else if (!capture_leave_waiter(capture, waiter)) {
    result = MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (capture != NULL) {
    capture_release_reference(capture);
  }
  waiter_release(waiter);
  return result;
}

MiniAVResultCode MiniAV_WaitAny(MiniAVWaiterHandle handle, uint32_t timeout_ms) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    result = waiter_wait(waiter, timeout_ms);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_WaiterKick(MiniAVWaiterHandle handle) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    waiter_signal(waiter);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_WaiterFd(MiniAVWaiterHandle handle, int32_t *fd) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    result = fd == NULL ? MINIAV_ERROR_INVALID_ARG : waiter_open_fd(waiter, fd);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_WaiterSetWake(MiniAVWaiterHandle handle, MiniAVWakeCallback wake,
                                      void *user_data) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    result = waiter_set_wake(waiter, wake, user_data);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_NextEvent(MiniAVWaiterHandle handle, MiniAVEvent *event) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    result = event == NULL ? MINIAV_ERROR_INVALID_ARG : waiter_next(waiter, event);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_WaiterWatchDevices(MiniAVWaiterHandle handle, uint32_t kinds) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    result = (kinds & ~MINIAV_KINDS_ALL) != 0 ? MINIAV_ERROR_INVALID_ARG
                                              : registry_watch_devices(waiter, kinds);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_WaiterWatchLog(MiniAVWaiterHandle handle, MiniAVLogLevel level) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    log_watch(waiter, (uint32_t)level > MINIAV_LOG_LEVEL_ERROR ? LOG_LEVEL_NONE : (int)level);
    waiter_release(waiter);
  }
  return result;
}

MiniAVResultCode MiniAV_WaiterCancel(MiniAVWaiterHandle handle, uint64_t token) {
  MiniAVResultCode result;
  struct waiter *waiter = enter_waiter(handle, &result);
  if (waiter != NULL) {
    operations_cancel_token(waiter, token);
    waiter_release(waiter);
  }
  return result;
}
