/*
 * libxcb, opened at run time and typed from its own headers.
 *
 * Only libxcb itself: requests of extensions are sent as their protocol says (x11_writer.h, with
 * the request's struct of the extension's header), so that the seven small libraries that do
 * nothing else need not be there.
 */
#ifndef MINIAV_COMMON_XCB_LIBRARY_H
#define MINIAV_COMMON_XCB_LIBRARY_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_XCB)

#include <sys/uio.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>

struct xcb_functions {
  __typeof__(&xcb_connect) connect;
  __typeof__(&xcb_connection_has_error) connection_has_error;
  __typeof__(&xcb_disconnect) disconnect;
  __typeof__(&xcb_get_file_descriptor) get_file_descriptor;
  __typeof__(&xcb_get_setup) get_setup;
  __typeof__(&xcb_generate_id) generate_id;
  __typeof__(&xcb_take_socket) take_socket;
  __typeof__(&xcb_writev) writev;
  __typeof__(&xcb_poll_for_event) poll_for_event;
  __typeof__(&xcb_poll_for_queued_event) poll_for_queued_event;
  __typeof__(&xcb_poll_for_reply) poll_for_reply;
  __typeof__(&xcb_discard_reply) discard_reply;
};

extern struct xcb_functions xcb;

/* NOT_SUPPORTED; `why` says what is missing. Any thread. */
MiniAVResultCode xcb_load(char *why, size_t why_bytes);

#endif
#endif
