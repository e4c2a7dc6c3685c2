#include "common/library.h"

#include <stdatomic.h>

#include "common/blocks.h"
#include "common/callback_thread.h"
#include "common/capture_internal.h"
#include "common/handles.h"
#include "common/log.h"
#include "common/notifier.h"
#include "common/operations.h"
#include "common/registry_internal.h"
#include "common/slots.h"

#define OPERATIONS_END_MS 2000u

static atomic_bool disposed;

MiniAVResultCode library_enter(void) {
  return atomic_load_explicit(&disposed, memory_order_acquire) ? MINIAV_ERROR_NOT_INITIALIZED
                                                               : MINIAV_SUCCESS;
}

static void destroy_context(uint64_t handle, void *user) {
  (void)user;
  capture_destroy(handle, (MiniAVKind)(handle_kind_of(handle) - HANDLE_CAMERA));
}

static void destroy_waiter(uint64_t handle, void *user) {
  (void)user;
  waiter_destroy(handle);
}

MiniAVResultCode MiniAV_Dispose(void) {
  if (callback_thread_is_any()) {
    return MINIAV_ERROR_ALREADY_RUNNING;
  }
  if (atomic_exchange(&disposed, true)) {
    return MINIAV_ERROR_NOT_INITIALIZED;
  }
  handle_for_each(false, destroy_context, NULL);
  bool ended = operations_stop(OPERATIONS_END_MS);
  watchdog_stop();
  uint32_t slots = slot_leased_count();
  if (slots > 0) {
    uint32_t blocks;
    size_t bytes;
    block_store_leased(&blocks, &bytes);
    log_write(MINIAV_LOG_LEVEL_WARN, "library",
              "%u buffers were never released; %zu bytes behind them are leaked", slots, bytes);
  }
  notifier_stop();
  handle_for_each(true, destroy_waiter, NULL);
  if (ended) {
    registry_stop(); /* a library thread that hangs might hold what this takes */
  }
  return MINIAV_SUCCESS;
}

const char *MiniAV_GetErrorString(MiniAVResultCode code) {
  switch (code) {
  case MINIAV_SUCCESS:
    return "success";
  case MINIAV_ERROR_UNKNOWN:
    return "unknown error";
  case MINIAV_ERROR_INVALID_ARG:
    return "an argument is NULL, out of range or contradicts another";
  case MINIAV_ERROR_NOT_INITIALIZED:
    return "the library has been disposed of";
  case MINIAV_ERROR_SYSTEM_CALL_FAILED:
    return "the operating system or a daemon refused";
  case MINIAV_ERROR_NOT_SUPPORTED:
    return "no backend here can do it";
  case MINIAV_ERROR_BUFFER_TOO_SMALL:
    return "the memory given is too small";
  case MINIAV_ERROR_INVALID_HANDLE:
    return "the handle is stale, released or was never valid";
  case MINIAV_ERROR_DEVICE_NOT_FOUND:
    return "no device has this id";
  case MINIAV_ERROR_DEVICE_BUSY:
    return "the device is in use, or a table is full";
  case MINIAV_ERROR_DEVICE_LOST:
    return "the device went away";
  case MINIAV_ERROR_ALREADY_RUNNING:
    return "the capture is running";
  case MINIAV_ERROR_NOT_RUNNING:
    return "the capture is not running";
  case MINIAV_ERROR_NOT_CONFIGURED:
    return "the capture is not configured";
  case MINIAV_ERROR_PERMISSION_DENIED:
    return "permission denied";
  case MINIAV_ERROR_USER_CANCELLED:
    return "cancelled";
  case MINIAV_ERROR_TIMEOUT:
    return "no answer in time";
  case MINIAV_ERROR_OUT_OF_MEMORY:
    return "memory, threads or descriptors are exhausted";
  case MINIAV_ERROR_FORMAT_NOT_SUPPORTED:
    return "the device does not offer this format";
  case MINIAV_ERROR_PORTAL_FAILED:
    return "the desktop portal answered with an error";
  case MINIAV_ERROR_NO_BUFFER:
    return "nothing is queued now";
  }
  return "unknown error";
}
