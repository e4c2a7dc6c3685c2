/*
 * Whose a window is. Any thread; each call asks anew, because windows and their owners come and go.
 */
#ifndef MINIAV_LOOPBACK_WINDOW_OWNER_H
#define MINIAV_LOOPBACK_WINDOW_OWNER_H

#include "common/cancel.h"
#include "common/lists.h"

/* The PID, in our own namespace's numbers, of the program that owns a window (an XID).
 * NOT_SUPPORTED with an explanation: this session does not tell; DEVICE_NOT_FOUND: there is no such
 * window; TIMEOUT, USER_CANCELLED. *pid is 0 unless SUCCESS. */
MiniAVResultCode window_owner_find(uint64_t window, uint32_t *pid, struct cancel *cancel);

/* Adds each window whose owner is known: the id of window_target_id, title, process_id. Results as
 * above. */
MiniAVResultCode window_owner_list(struct device_list *devices, struct cancel *cancel);

#endif
