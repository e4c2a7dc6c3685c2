/* The end of a waiter, and of what leads to it. */
#ifndef MINIAV_COMMON_WAITER_LIFE_H
#define MINIAV_COMMON_WAITER_LIFE_H

#include "miniav_types.h"

/* INVALID_HANDLE, or SUCCESS: nothing comes to it any more, its operations are cancelled, its
 * captures have left it, and its wake callback runs no more. */
MiniAVResultCode waiter_destroy(uint64_t handle);

#endif
