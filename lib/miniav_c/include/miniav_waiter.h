/*
 * MiniAV: waiters. One waiter joins any number of contexts, so that one thread, or one event loop,
 * can sleep until any of them has something.
 *
 * Protocol (the consumer's side):
 *   for (;;) {
 *     for each context: while (MiniAV_TakeBuffer(context, &buffer) == MINIAV_SUCCESS) use(&buffer);
 *     while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) handle(&event);
 *     MiniAV_WaitAny(waiter, timeout_ms);
 *   }
 * A take, or NextEvent, that finds nothing arms the wake under the lock that guards the queue, so
 * nothing that arrives later is missed; a context that the consumer did not find empty wakes
 * nobody. At most one wake is outstanding until WaitAny takes it.
 */
#ifndef MINIAV_WAITER_H
#define MINIAV_WAITER_H

#include "miniav_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MINIAV_EVENT_NONE = 0,
  MINIAV_EVENT_OPERATION = 1,       /* an Async call ended: token, result, list and count, detail */
  MINIAV_EVENT_LOST = 2,            /* context, result (why), text; comes after the last buffer */
  MINIAV_EVENT_STALLED = 3,         /* context: nothing came for max(1 s, 10 intervals) */
  MINIAV_EVENT_RESUMED = 4,         /* context: it came again */
  MINIAV_EVENT_FORMAT_CHANGED = 5,  /* context: see GetConfiguredFormat; result: SUCCESS, or why a
                                       screen's sound ended while its picture goes on, and text */
  MINIAV_EVENT_DEVICES_CHANGED = 6, /* kind: enumerate again */
  MINIAV_EVENT_DEFAULT_CHANGED = 7, /* kind, text: the new default's id; context when that capture
                                       follows the default and moved */
  MINIAV_EVENT_PERMISSION_CHANGED = 8, /* kind, detail: MiniAVPermission */
  MINIAV_EVENT_PROPERTY_CHANGED = 9,   /* context, detail: MiniAVPropertyKey */
  MINIAV_EVENT_LOG = 10                /* detail: MiniAVLogLevel, text; coalesced: lines lost */
} MiniAVEventType;

typedef struct {
  uint32_t struct_size;
  MiniAVEventType type;
  MiniAVResultCode result;
  MiniAVKind kind;
  uint64_t token;       /* OPERATION: as given */
  uint64_t context;     /* the handle's value, or 0 */
  int64_t timestamp_us; /* when it happened (when it first did, if coalesced) */
  void *list;           /* OPERATION of enumerate and formats: now the reader's, to be freed with
                           MiniAV_FreeDeviceList or MiniAV_FreeFormatList */
  uint32_t count;       /* elements of list */
  uint32_t detail;
  uint32_t coalesced; /* how many equal events this one stands for besides itself */
  uint32_t reserved;
  char backend[32];             /* who says so, or empty */
  char text[MINIAV_TEXT_BYTES]; /* for people, or empty */
} MiniAVEvent;

/* A waiter of the caller's. OUT_OF_MEMORY. */
MINIAV_API MiniAVResultCode MiniAV_CreateWaiter(MiniAVWaiterHandle *waiter);

/* Ends every wait on it and cancels its pending operations; lists nobody read are freed; contexts
 * go on without it. */
MINIAV_API MiniAVResultCode MiniAV_DestroyWaiter(MiniAVWaiterHandle waiter);

/* Joins a context of any kind. A context has one waiter at a time: adding it to another moves it
 * there. Its events go to its waiter from then on. */
MINIAV_API MiniAVResultCode MiniAV_WaiterAdd(MiniAVWaiterHandle waiter, MiniAVHandle context);

/* NOT_SUPPORTED when the context belongs to another waiter or to none. */
MINIAV_API MiniAVResultCode MiniAV_WaiterRemove(MiniAVWaiterHandle waiter, MiniAVHandle context);

/* Sleeps until a wake is outstanding and takes it: SUCCESS, or TIMEOUT. timeout_ms 0 only looks;
 * UINT32_MAX has no limit. INVALID_HANDLE when the waiter is destroyed meanwhile. Scalars only, so
 * that a runtime can call it on a thread of its own. */
MINIAV_API MiniAVResultCode MiniAV_WaitAny(MiniAVWaiterHandle waiter, uint32_t timeout_ms);

/* Makes one wake outstanding. */
MINIAV_API MiniAVResultCode MiniAV_WaiterKick(MiniAVWaiterHandle waiter);

/* POSIX: one end of a socket pair, non-blocking, close-on-exec, on which one byte arrives for each
 * wake; after reading it call WaitAny(waiter, 0), then take. The caller owns and closes the
 * descriptor. One a waiter: ALREADY_RUNNING the second time. Elsewhere NOT_SUPPORTED.
 * OUT_OF_MEMORY when descriptors are exhausted. */
MINIAV_API MiniAVResultCode MiniAV_WaiterFd(MiniAVWaiterHandle waiter, int32_t *fd);

/* Where there is no descriptor: a thread of the waiter calls wake(user_data) for each wake. NULL
 * ends that thread; when this call or MiniAV_DestroyWaiter returns, wake runs no more (called from
 * inside wake it returns at once). OUT_OF_MEMORY. */
typedef void (*MiniAVWakeCallback)(void *user_data);
MINIAV_API MiniAVResultCode MiniAV_WaiterSetWake(MiniAVWaiterHandle waiter, MiniAVWakeCallback wake,
                                                 void *user_data);

/* The oldest event: SUCCESS, or NO_BUFFER (and the wake is armed). Log lines lie in a bounded ring
 * and are counted when it overflows; other events are never lost: equal ones coalesce. */
MINIAV_API MiniAVResultCode MiniAV_NextEvent(MiniAVWaiterHandle waiter, MiniAVEvent *event);

/* Devices, defaults and permissions of these kinds (1 << MiniAVKind each; 0 ends it). Watching
 * costs a connection or a thread in the library while any waiter watches. */
MINIAV_API MiniAVResultCode MiniAV_WaiterWatchDevices(MiniAVWaiterHandle waiter, uint32_t kinds);

/* Log lines from this level on; a level above ERROR (4) ends it. */
MINIAV_API MiniAVResultCode MiniAV_WaiterWatchLog(MiniAVWaiterHandle waiter, MiniAVLogLevel level);

/* Cancels the pending Async call with this token: it ends in an event with USER_CANCELLED.
 * SUCCESS also when there is none any more. */
MINIAV_API MiniAVResultCode MiniAV_WaiterCancel(MiniAVWaiterHandle waiter, uint64_t token);

#ifdef __cplusplus
}
#endif

#endif
