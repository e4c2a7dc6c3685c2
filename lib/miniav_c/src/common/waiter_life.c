#include "common/waiter_life.h"

#include "common/capture_internal.h"
#include "common/handles.h"
#include "common/operations.h"
#include "common/registry_internal.h"

MiniAVResultCode waiter_destroy(uint64_t handle) {
  struct waiter *waiter = waiter_acquire(handle);
  if (waiter == NULL || !handle_invalidate(handle, HANDLE_WAITER)) {
    waiter_release(waiter);
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  /* Closed first: a watch or a capture that comes to it meanwhile sees that, or is taken away. */
  waiter_close(waiter);
  registry_unwatch(waiter);
  operations_cancel_waiter(waiter);
  captures_leave_waiter(waiter);
  waiter_finish(waiter);
  waiter_release(waiter); /* the creator's */
  waiter_release(waiter);
  return MINIAV_SUCCESS;
}
