/* Telling of displays that come and go: a connection of its own, made again when a server comes. */
#ifndef MINIAV_SCREEN_X11_WATCH_H
#define MINIAV_SCREEN_X11_WATCH_H

#include <stdbool.h>

/* As backend->watch; one caller at a time. */
void x11_watch(bool on);

#endif
