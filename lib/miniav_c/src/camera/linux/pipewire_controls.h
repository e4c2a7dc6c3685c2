/*
 * Camera controls of a node of PipeWire that stands for a V4L2 device: the device's own, by the
 * path that the node's properties tell (api.v4l2.path, or object.path "v4l2:…"). PipeWire 0.3.65
 * sets controls, but tells no values.
 *
 * The path is another process's word: only one of this machine's /dev/video<n> is opened, and only
 * if it captures pictures. What others change is told on the loop thread.
 *
 * Threads: open and close belong to the loop thread, or hold its lock; a user takes a descriptor of
 * its own under the lock, and works on it without, as a device may take its time.
 */
#ifndef MINIAV_CAMERA_LINUX_PIPEWIRE_CONTROLS_H
#define MINIAV_CAMERA_LINUX_PIPEWIRE_CONTROLS_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "camera/linux/v4l2_controls.h"
#include "camera/linux/v4l2_device.h"
#include "common/capture.h"
#include "common/linux/pipewire_library.h"

struct pipewire_controls {
  struct capture *capture; /* told of changes */
  struct pw_loop *loop;
  struct spa_source *events;
  struct v4l2_device device;
  MiniAVResultCode opened; /* NOT_SUPPORTED: there is no device behind the node */
};

/* Beforehand: capture and loop set, opened is not SUCCESS. path "": the node has none. */
void pipewire_controls_open(struct pipewire_controls *controls, const char *path);
void pipewire_controls_close(struct pipewire_controls *controls);

/* Locked. On SUCCESS *fd is the caller's to close. */
MiniAVResultCode pipewire_controls_take(const struct pipewire_controls *controls, int *fd);

#endif
#endif
