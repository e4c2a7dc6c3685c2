/*
 * A connection to the X server on which no call waits for longer than its user allows.
 *
 * libxcb's own waits have no limit, and a server that was stopped answers nothing for ever. So the
 * handshake runs on a thread of its own, which is left behind when it takes too long, and replies
 * are polled for, together with a descriptor that ends the wait. A reply of which only a part has
 * come is waited for inside libxcb: that ends when the socket is shut, which the same thread does a
 * moment after the deadline of x11_connect, and a cancel at once.
 *
 * Invariants
 * - One thread uses a connection at a time; only x11_interrupt, x11_is_interrupted and x11_is_woken
 *   may come from another.
 * - From x11_interrupt until x11_continue wake_fd is readable for everybody who polls it. The flag
 *   is set before the write, so a write may also come after x11_continue: it ends one wait early.
 * - on_event is called inside whatever hears the server, x11_send too where it has to wait for
 *   room: it notes what it is told and asks nothing.
 * - X errors never reach a handler of anybody's: those of x11_ask and x11_do are their result,
 *   those of x11_send are passed over.
 * - What the server says of sizes is checked against the bytes that came.
 */
#ifndef MINIAV_COMMON_X11_CONNECTION_H
#define MINIAV_COMMON_X11_CONNECTION_H

#include "common/cancel.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/linux/x11_writer.h"

#define X11_OPEN_MS        3000u
#define X11_EXTENSIONS_MAX 12u

/* What the server says of one that it was asked for. */
struct x11_extension {
  const xcb_extension_t *extension;
  xcb_query_extension_reply_t answer;
};

struct x11 {
  xcb_connection_t *connection;
  int fd;
  int wake_fd; /* an eventfd that x11_interrupt writes */
  atomic_bool interrupted;
  int64_t deadline_us; /* of every x11_ask; INT64_MAX: none */
  struct cancel *cancel;
  struct handshake *guard; /* looks after the deadline; NULL: nobody does */
  struct x11_writer writer;
  unsigned int failed; /* the number of the last request to which an X error came, … */
  uint8_t failure;     /* … and that error */
  uint8_t
      error_code; /* of the last x11_ask or x11_do: an X error; 0: none, or another came since */
  uint32_t extension_count;
  struct x11_extension extensions[X11_EXTENSIONS_MAX];
  void (*on_event)(void *user, const xcb_generic_event_t *event);
  void *user;
  const xcb_setup_t *setup;
  size_t setup_bytes;
  xcb_screen_t screen; /* the one that DISPLAY names */
};

/* A reply: `bytes` are all that came, at least 32. Given back with x11_reply_free. */
struct x11_reply {
  uint8_t *data;
  size_t bytes;
};

/* Connects to DISPLAY. NOT_SUPPORTED with an explanation: no libxcb, no DISPLAY, no server there;
 * TIMEOUT; USER_CANCELLED; OUT_OF_MEMORY. The deadline and the token hold for what is asked next,
 * until x11_set_limits. */
MiniAVResultCode x11_connect(uint32_t timeout_ms, struct cancel *cancel, struct x11 **x11);
void x11_disconnect(struct x11 *x11);

/* Whether there may be a server; cheap, waits for nothing. NOT_SUPPORTED, DEVICE_NOT_FOUND. */
MiniAVResultCode x11_probe(char *why, size_t why_bytes);

void x11_set_limits(struct x11 *x11, int64_t deadline_us, struct cancel *cancel);

/* Ends a wait, from any thread, until x11_continue. */
void x11_interrupt(struct x11 *x11);
void x11_continue(struct x11 *x11);
bool x11_is_interrupted(const struct x11 *x11);
/* As x11_is_interrupted, after a poll that told this of wake_fd. */
bool x11_is_woken(const struct x11 *x11, short revents);

/* extension NULL: the core protocol. The request is its struct of the headers, with what follows
 * it, at most X11_REQUEST_MAX_BYTES; its first four bytes are filled in. */
struct x11_request {
  const xcb_extension_t *extension;
  uint8_t opcode;
  void *request;
  size_t bytes;
};

/* Sends what has a reply and waits for that. TIMEOUT, USER_CANCELLED (cancelled or interrupted),
 * DEVICE_LOST (the connection broke), SYSTEM_CALL_FAILED (an X error, in error_code). */
MiniAVResultCode x11_ask(struct x11 *x11, const struct x11_request *request,
                         struct x11_reply *reply);
void x11_reply_free(struct x11_reply *reply);

/* The same in two, so that the server is asked several things at once; it answers in their order.
 * What was begun is ended or forgotten. */
unsigned int x11_ask_begin(struct x11 *x11, const struct x11_request *request);
MiniAVResultCode x11_ask_end(struct x11 *x11, unsigned int sequence, struct x11_reply *reply);
void x11_ask_forget(struct x11 *x11, unsigned int sequence);

/* Why a connection that is broken is: USER_CANCELLED, TIMEOUT, DEVICE_LOST. */
MiniAVResultCode x11_why_broken(const struct x11 *x11);

/* Sends what has no reply; waits only while the queue has no room, and when that never comes ends
 * the connection. fd −1, or a descriptor that goes along and is closed.
 * The request's sequence number; 0: the connection is broken, or the server has not the
 * extension. x11_do and x11_ask_end tell which. */
unsigned int x11_send(struct x11 *x11, const struct x11_request *request, int fd);

/* Sends what has no reply and waits until the server has done it. As x11_ask. */
MiniAVResultCode x11_do(struct x11 *x11, const struct x11_request *request, int fd);

/* Waits for an event until a time and hands what came to on_event. SUCCESS, also at the time, and
 * early when the server has taken what it would not before; USER_CANCELLED, DEVICE_LOST. */
MiniAVResultCode x11_wait(struct x11 *x11, int64_t until_us);

/* Waits until a time, whatever comes, and hears nothing. SUCCESS; USER_CANCELLED. */
MiniAVResultCode x11_rest(struct x11 *x11, int64_t until_us);

/* The same; then as x11_wait. */
MiniAVResultCode x11_sleep(struct x11 *x11, int64_t until_us);

/* Hands what has come to on_event, without waiting. SUCCESS; DEVICE_LOST. */
MiniAVResultCode x11_hear(struct x11 *x11);

/* The extension's numbers, or NULL when the server has none of that name. Waits as x11_ask. */
const xcb_query_extension_reply_t *x11_extension(struct x11 *x11, const xcb_extension_t *extension);

/* How pixels of a visual lie in memory; false when the server has not told of it. */
bool x11_visual(const struct x11 *x11, xcb_visualid_t id, xcb_visualtype_t *visual, uint8_t *depth);
bool x11_pixmap_format(const struct x11 *x11, uint8_t depth, xcb_format_t *format);

#endif
#endif
