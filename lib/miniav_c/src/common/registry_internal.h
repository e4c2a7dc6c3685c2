/*
 * The library's side of registry.h: which waiters listen to devices and to the log.
 *
 * Order of locks: registry → waiter; log listeners → waiter. Backends are told to watch by a
 * library thread that holds neither.
 */
#ifndef MINIAV_COMMON_REGISTRY_INTERNAL_H
#define MINIAV_COMMON_REGISTRY_INTERNAL_H

#include "common/registry.h"
#include "common/waiter.h"

/* kinds: 1 << MiniAVKind each; replaces what the waiter watched before. INVALID_HANDLE: it is
 * closed; OUT_OF_MEMORY. */
MiniAVResultCode registry_watch_devices(struct waiter *waiter, uint32_t kinds);
/* Neither devices nor the log any more. */
void registry_unwatch(struct waiter *waiter);
/* Tells the backends to end watching, when library threads no longer can; for Dispose. */
void registry_stop(void);

#endif
