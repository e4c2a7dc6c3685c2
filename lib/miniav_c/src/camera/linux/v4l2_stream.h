/*
 * One V4L2 queue while it streams, on a thread of its own: opening, streaming and closing all
 * happen there, as a driver may take its time for each.
 *
 * Invariants
 * - References: the starter's, the thread's, one for each lent frame. The record, and the eventfd
 *   that wakes the thread, go with the last.
 * - The thread calls capture_deliver only between v4l2_stream_start's success and `delivering`
 *   false, which it sets under the mutex; v4l2_stream_stop waits for that, always short: the
 *   descriptor is non-blocking and poll is woken. Closing the device comes after; stop waits 200 ms
 *   for it and then leaves it to the thread.
 * - Only the thread touches the device's descriptor and the queue. A release, from any thread, sets
 *   its bit in `returned` and wakes the thread, nothing else; after the end nobody looks there.
 * - Of N buffers at most max(1, N/2 - 1) are lent. What comes beyond is copied into a pool block,
 *   or dropped as DROP_BUFFERS_HELD where there is none or it is a GPU's.
 */
#ifndef MINIAV_CAMERA_LINUX_V4L2_STREAM_H
#define MINIAV_CAMERA_LINUX_V4L2_STREAM_H

#include "camera/linux/v4l2_mapping.h"

struct v4l2_stream;

struct v4l2_stream_setup {
  struct capture *capture;
  const char *device_id;
  const MiniAVVideoInfo *format;
  int watched_fd; /* events of controls, read by on_event on the stream's thread; -1: none */
  void (*on_event)(void *user);
  void *user;
};

/* Opens the device, sets it, begins to stream; MINIAV_ERROR_USER_CANCELLED at the latest a moment
 * after the token says so, the rest being undone on the thread. On SUCCESS *format is what comes.
 */
MiniAVResultCode v4l2_stream_start(const struct v4l2_stream_setup *setup, struct cancel *cancel,
                                   MiniAVVideoInfo *format, struct v4l2_stream **stream);

/* Ends delivery and drops the starter's reference. */
void v4l2_stream_stop(struct v4l2_stream *stream);

#endif
