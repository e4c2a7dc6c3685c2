/* Hot-plug: nodes that come and go in /dev, and whose rights change, by inotify. */
#ifndef MINIAV_CAMERA_LINUX_V4L2_WATCH_H
#define MINIAV_CAMERA_LINUX_V4L2_WATCH_H

#include <stdbool.h>

/* As `watch` of common/backend.h. */
void v4l2_watch(bool on);

#endif
