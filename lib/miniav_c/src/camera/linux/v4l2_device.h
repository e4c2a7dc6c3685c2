/*
 * Video4Linux devices: nodes in /dev that capture pictures by streaming.
 *
 * An id is "bus#index": where the device sits (a USB port, a platform device) and which of its
 * nodes it is, so that it stays while numbers of nodes change. A path, "/dev/video0", is taken as
 * an id too. Any thread; nothing here is kept but what the caller closes.
 */
#ifndef MINIAV_CAMERA_LINUX_V4L2_DEVICE_H
#define MINIAV_CAMERA_LINUX_V4L2_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/lists.h"

#define V4L2_MAX_NODES 64u

struct v4l2_device {
  int fd; /* non-blocking */
  char path[32];
  char id[MINIAV_TEXT_BYTES];
  char driver[32];
  char card[64];
  uint32_t buffer_type; /* V4L2_BUF_TYPE_VIDEO_CAPTURE or its multi-planar kin */
};

/* ioctl, again after a signal: 0 or an errno. */
int v4l2_call(int fd, unsigned long request, void *argument);

/* What an errno of a device means to a user. */
MiniAVResultCode v4l2_result(int error);

/* The numbers of the nodes /dev/video<n>, rising; how many. */
uint32_t v4l2_nodes(uint32_t numbers[V4L2_MAX_NODES]);

/* Opens a node. NOT_SUPPORTED: it captures no pictures; PERMISSION_DENIED; DEVICE_NOT_FOUND. */
MiniAVResultCode v4l2_open_path(const char *path, struct v4l2_device *device);

/* Opens the device of an id, "" the first. PERMISSION_DENIED where a node that may be it cannot be
 * opened, whose path is then in device->path; DEVICE_NOT_FOUND. */
MiniAVResultCode v4l2_open_id(const char *id, struct v4l2_device *device);

void v4l2_close(struct v4l2_device *device);

/* What a list says of it; flags are left to the caller. */
void v4l2_describe(const struct v4l2_device *device, MiniAVDeviceInfo *info);

/* Degrees clockwise that turn its pictures upright, where the driver knows how it is mounted. */
uint32_t v4l2_rotation(const struct v4l2_device *device);

#endif
