/*
 * The C callbacks that are not about buffers: log, device changes, lost contexts. One thread with a
 * waiter of its own reads the events and calls, holding no lock.
 *
 * Invariant: `inside` is true only while a callback runs; setting a callback waits until that call
 * is over, except on the notifier's own thread or one that it waits for (callback_thread.h).
 */
#ifndef MINIAV_COMMON_NOTIFIER_H
#define MINIAV_COMMON_NOTIFIER_H

#include "common/waiter.h"
#include "miniav_capture.h"

MiniAVResultCode notifier_set_log(MiniAVLogCallback callback, void *user_data);
MiniAVResultCode notifier_set_log_level(MiniAVLogLevel level);
MiniAVResultCode notifier_set_device_change(MiniAVDeviceChangeCallback callback, uint32_t kinds,
                                            void *user_data);
MiniAVResultCode notifier_set_lost(MiniAVContextLostCallback callback, void *user_data);

/* Events of a context without a waiter; nobody listening is allowed. */
void notifier_post(struct event_node *node, const MiniAVEvent *event);
bool notifier_forget(struct event_node *node); /* as waiter_forget */

/* Hands out what is queued and ends the thread; for Dispose. */
void notifier_stop(void);

#endif
