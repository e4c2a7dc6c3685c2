/*
 * Whose a window is.
 *
 * X-Resource's QueryClientIds is the server's own word (it reads the PID from the client's socket),
 * and holds where the server also knows our own PID: then its numbers are those of our namespace.
 * Otherwise it is what the window says (_NET_WM_PID), if it says that it is of this host
 * (WM_CLIENT_MACHINE) and there is such a process. EWMH 1.5, ICCCM 4.1.2.9, X-Resource 1.2.
 */
#ifndef MINIAV_COMMON_X11_OWNER_H
#define MINIAV_COMMON_X11_OWNER_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

/* What is asked of the server once, before anything else here. */
struct x11_owner {
  struct x11 *x11;
  bool server_tells; /* whose a window is */
  xcb_atom_t net_wm_pid;
};

MiniAVResultCode x11_owner_begin(struct x11_owner *owner, struct x11 *x11);

/* The PID of a window's program, in our own numbers. DEVICE_NOT_FOUND: no such window;
 * NOT_SUPPORTED with an explanation: nobody tells; as x11_ask. *pid is 0 unless SUCCESS. */
MiniAVResultCode x11_window_owner(const struct x11_owner *owner, xcb_window_t window, uint32_t *pid,
                                  struct cancel *cancel);

#endif
#endif
