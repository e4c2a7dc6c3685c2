/*
 * Camera controls of a V4L2 device as properties: values, ranges, what is automatic, changes.
 *
 * For any open device: a capture of this kind, or the device behind a node of another one. Nothing
 * is kept but the descriptor, which stays the caller's. One thread at a time, except that events
 * may be read on another one.
 */
#ifndef MINIAV_CAMERA_LINUX_V4L2_CONTROLS_H
#define MINIAV_CAMERA_LINUX_V4L2_CONTROLS_H

#include <stdbool.h>

#include "miniav_types.h"

struct v4l2_controls {
  int fd;
  int (*call)(int fd, unsigned long request, void *argument); /* v4l2_call: 0 or an errno */
};

/* NOT_SUPPORTED: the device has no such control. DEVICE_LOST: it was unplugged. */
MiniAVResultCode v4l2_control_info(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                   MiniAVPropertyInfo *info);
MiniAVResultCode v4l2_control_get(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                  MiniAVPropertyValue *value);

/* Ends the device's own choosing first. INVALID_ARG: outside the range or between two steps. */
MiniAVResultCode v4l2_control_set(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                  const MiniAVPropertyValue *value);
MiniAVResultCode v4l2_control_set_auto(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                       bool automatic);

/* From now on changes by others, and by the device, wait on the descriptor (POLLPRI). */
void v4l2_controls_subscribe(const struct v4l2_controls *controls);
/* The key of the next change that waits; false when there is none. */
bool v4l2_controls_next_change(const struct v4l2_controls *controls, MiniAVPropertyKey *key);

#endif
