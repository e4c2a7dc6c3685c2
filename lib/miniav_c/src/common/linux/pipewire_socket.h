/*
 * Whether PipeWire's socket would take this user, for those who have to say why it does not serve:
 * its own library says no more than that it could not connect. Works without that library.
 *
 * Threads: any.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_SOCKET_H
#define MINIAV_COMMON_PIPEWIRE_SOCKET_H

#include <stddef.h>

#include "miniav_types.h"

/* SUCCESS: somebody listens. PERMISSION_DENIED, or DEVICE_NOT_FOUND when nobody does; then a text
 * says so in a sentence without its end. */
MiniAVResultCode pipewire_socket_look(char *text, size_t capacity);

#endif
