/*
 * Whose a stream is.
 *
 * A native client's PID is the daemon's own word (pipewire.sec.pid, from the socket). A PulseAudio
 * client's is not: the socket is pipewire-pulse's, and application.process.id is what the client
 * says, in its own namespace's numbers when it is sandboxed. It counts only where /proc has a
 * process of that number with the executable that the client names (application.process.binary).
 * A stream whose owner cannot be told has the PID 0.
 */
#ifndef MINIAV_LOOPBACK_STREAM_OWNER_H
#define MINIAV_LOOPBACK_STREAM_OWNER_H

#include "miniav_types.h"

struct stream_owner {
  uint32_t pid;
  const char *application; /* what it calls itself; "" when it does not */
  char binary[256];        /* of the process, else as declared; "" when neither is known */
  const char *icon;
};

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_graph.h"

/* False while the daemon has not told all of it. */
bool stream_owner_find(const struct pipewire_graph *graph, const struct pipewire_object *stream,
                       struct stream_owner *owner);

#endif
#endif
