/*
 * A connection to the PipeWire daemon: a loop thread of its own, and the graph that it keeps up to
 * date.
 *
 * Invariants
 * - The graph, and every object of libpipewire that hangs on the connection, is touched on the loop
 *   thread or with pipewire_lock held; never between the daemon's end and a new connection.
 * - `changed` runs on the loop thread: it must not wait, and may not disconnect.
 * - Once `lost` has been called nothing is called any more.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_CONNECTION_H
#define MINIAV_COMMON_PIPEWIRE_CONNECTION_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/cancel.h"
#include "common/linux/pipewire_graph.h"

struct pipewire_connection;

struct pipewire_listener {
  void (*changed)(void *user);                  /* after each batch of changes; may be NULL */
  void (*lost)(void *user, const char *reason); /* the daemon is gone; may be NULL */
  void *user;
  /* At once; may be NULL. */
  void (*removed)(void *user, const struct pipewire_object *object);
};

/* Connects and waits until the whole graph is known. NOT_SUPPORTED: no library; DEVICE_NOT_FOUND:
 * no daemon; TIMEOUT, USER_CANCELLED, SYSTEM_CALL_FAILED, OUT_OF_MEMORY. cancel may be NULL. */
MiniAVResultCode pipewire_connect(const struct pipewire_listener *listener, uint32_t timeout_ms,
                                  struct cancel *cancel, struct pipewire_connection **connection);
/* The same over a connection that somebody else opened, as the desktop portal does: its graph is
 * what that one may see. `fd` is closed in any case, at the latest by pipewire_disconnect. */
MiniAVResultCode pipewire_connect_fd(int fd, const struct pipewire_listener *listener,
                                     uint32_t timeout_ms, struct cancel *cancel,
                                     struct pipewire_connection **connection);
/* When it returns the listener is called no more. Never on the loop thread, never locked. NULL is
 * fine. */
void pipewire_disconnect(struct pipewire_connection *connection);

void pipewire_lock(struct pipewire_connection *connection);
void pipewire_unlock(struct pipewire_connection *connection);
/* Locked. */
const struct pipewire_graph *pipewire_graph_of(const struct pipewire_connection *connection);
struct pw_core *pipewire_core_of(const struct pipewire_connection *connection);
struct pw_loop *pipewire_loop_of(const struct pipewire_connection *connection);
bool pipewire_is_lost(struct pipewire_connection *connection);

/* Does a daemon answer? Connects for it: a few milliseconds. `why` says why not. */
MiniAVResultCode pipewire_probe(char why[MINIAV_TEXT_BYTES]);
/* Waits until everything that the daemon had sent before it heard of this has been handled; false
 * when it does not answer in time. One caller at a time, never on the loop thread, never locked. */
bool pipewire_roundtrip(struct pipewire_connection *connection, uint32_t timeout_ms);

/* Is there a daemon that serves sound? Connects for it: a few milliseconds. `why` says why not. */
MiniAVResultCode pipewire_audio_probe(char why[MINIAV_TEXT_BYTES]);

#endif
#endif
