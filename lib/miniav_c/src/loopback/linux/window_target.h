/*
 * A window as a target of loopback: its sound is that of the process tree of its owner. For every
 * backend of this folder. Any thread.
 */
#ifndef MINIAV_LOOPBACK_WINDOW_TARGET_H
#define MINIAV_LOOPBACK_WINDOW_TARGET_H

#include "common/backend.h"

#define WINDOW_ID_BYTES 32u

/* The id of a window without a backend's prefix: "window/" and the decimal number. */
void window_target_id(char id[WINDOW_ID_BYTES], uint64_t window);

/* Reads such an id; false when it is none. */
bool window_target_from_id(const char *id, MiniAVLoopbackTarget *target);

/* Makes a WINDOW target the PROCESS target, with its tree, that it stands for; its other flags
 * stay, and other targets too. NOT_SUPPORTED, DEVICE_NOT_FOUND with an explanation, TIMEOUT,
 * USER_CANCELLED. */
MiniAVResultCode window_target_resolve(MiniAVLoopbackTarget *target, struct cancel *cancel);

#endif
