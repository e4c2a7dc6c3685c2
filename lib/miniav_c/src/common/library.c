#include "common/library.h"

#include <stdatomic.h>
#include <stdbool.h>

static atomic_bool disposed;

MiniAVResultCode library_enter(void) {
  return atomic_load_explicit(&disposed, memory_order_acquire) ? MINIAV_ERROR_NOT_INITIALIZED
                                                               : MINIAV_SUCCESS;
}

MiniAVResultCode library_leave(void) {
  return atomic_exchange(&disposed, true) ? MINIAV_ERROR_NOT_INITIALIZED : MINIAV_SUCCESS;
}
