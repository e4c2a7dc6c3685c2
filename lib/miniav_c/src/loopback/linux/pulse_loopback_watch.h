/* Telling of changes of what a PulseAudio server plays: a connection of its own, made again
 * whenever the server comes back. */
#ifndef MINIAV_LOOPBACK_PULSE_LOOPBACK_WATCH_H
#define MINIAV_LOOPBACK_PULSE_LOOPBACK_WATCH_H

#include <stdbool.h>

/* As backend->watch. */
void pulse_loopback_watch(bool on);

#endif
