/*
 * The way of requests to an X server.
 *
 * libxcb writes without MSG_NOSIGNAL, asks poll before each write, and may wait in there for ever.
 * So requests are written here: the socket is taken from libxcb (xcb_take_socket, which it has for
 * libX11), which goes on reading it and is told how many requests there were.
 *
 * Invariants
 * - Requests are written whole and in the order of their numbers: what one write leaves over stays
 *   first in the queue.
 * - libxcb is told of requests before they are written, so that it never reads an answer to one
 *   that it does not know.
 * - What a server sends carries 16 bits of a request's number: a request that has an answer is put
 *   in before 2^16 others can have gone without. So is one where the number would be 0, which
 *   libxcb takes for none.
 * - libxcb itself writes only when the two million XIDs of a connection are used up, and asks for
 *   the socket before; the next request takes it again.
 */
#ifndef MINIAV_COMMON_X11_WRITER_H
#define MINIAV_COMMON_X11_WRITER_H

#include "common/linux/xcb_library.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdbool.h>

#define X11_REQUEST_MAX_BYTES 16384u /* what every server takes */
#define X11_SPARE_BYTES       8u     /* for what is put in, and up to three that fill a word */

struct x11_writer {
  xcb_connection_t *connection;
  bool owns_socket;
  uint64_t number;     /* of the last request */
  uint32_t untold;     /* requests that libxcb does not know of */
  uint32_t unanswered; /* requests since the last one that has an answer */
  int descriptor;      /* goes along with the queue's bytes; -1: none */
  size_t bytes;
  uint8_t queue[X11_REQUEST_MAX_BYTES + X11_SPARE_BYTES];
};

void x11_writer_init(struct x11_writer *writer, xcb_connection_t *connection);
void x11_writer_destroy(struct x11_writer *writer);

/* Whether the queue has room for a request of so many bytes, with a descriptor or without. */
bool x11_writer_has_room(const struct x11_writer *writer, size_t bytes, int descriptor);

/* Queues a request for which there is room; its length is in it. A descriptor goes along and is
 * closed. The request's number; 0: the connection is broken. */
unsigned int x11_writer_add(struct x11_writer *writer, const void *request, size_t bytes,
                            bool is_answered, int descriptor);

/* Is that request, or a part of it, not written yet? */
bool x11_writer_holds(const struct x11_writer *writer, unsigned int number);

/* Writes what the socket takes, without waiting. */
enum x11_written { X11_WRITTEN, X11_SOCKET_FULL, X11_SOCKET_BROKEN };
enum x11_written x11_writer_write(struct x11_writer *writer);

#endif
#endif
