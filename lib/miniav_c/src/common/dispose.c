/* The end of the library in this process. */
#include "common/blocks.h"
#include "common/callback_thread.h"
#include "common/capture_internal.h"
#include "common/clock.h"
#include "common/handles.h"
#include "common/library.h"
#include "common/log.h"
#include "common/notifier.h"
#include "common/operations.h"
#include "common/registry_internal.h"
#include "common/slots.h"
#include "common/waiter_life.h"

/* For operations and for what others destroy. Longer only where a backend, or a callback, hangs. */
#define END_MS 2000u

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
  if (library_leave() != MINIAV_SUCCESS) {
    return MINIAV_ERROR_NOT_INITIALIZED;
  }
  handle_for_each(false, destroy_context, NULL);
  int64_t end_us = clock_deadline_us(END_MS);
  bool ended = operations_stop(END_MS);
  /* Others may be in the middle of a destroy, and callbacks come until its end. */
  ended = handle_wait_destroyed(false, end_us) && ended;
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
  ended = handle_wait_destroyed(true, end_us) && ended;
  if (ended) {
    registry_stop(); /* a library thread that hangs might hold what this takes */
  }
  return MINIAV_SUCCESS;
}
