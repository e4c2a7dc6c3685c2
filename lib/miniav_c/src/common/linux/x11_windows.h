/*
 * Windows of an X server: which there are, what they are called, whose they are.
 *
 * Whose: X-Resource's QueryClientIds is the server's own word (it reads the PID from the client's
 * socket), and holds where the server also knows our own PID: then its numbers are those of our
 * namespace. Otherwise it is what the window says (_NET_WM_PID), if it says that it is of this host
 * (WM_CLIENT_MACHINE) and there is such a process. EWMH 1.5, ICCCM 4.1.2.9, X-Resource 1.2.
 */
#ifndef MINIAV_COMMON_X11_WINDOWS_H
#define MINIAV_COMMON_X11_WINDOWS_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/lists.h"

#define X11_WINDOW_ID "window/" /* then the XID, decimal */

/* What is asked of the server once, before anything else here. */
struct x11_windows {
  struct x11 *x11;
  bool server_tells; /* whose a window is */
  xcb_atom_t net_client_list_stacking;
  xcb_atom_t net_supporting_wm_check;
  xcb_atom_t net_wm_name;
  xcb_atom_t net_wm_pid;
  xcb_atom_t utf8_string;
  xcb_atom_t wm_state;
};

MiniAVResultCode x11_windows_begin(struct x11_windows *windows, struct x11 *x11);

/* The PID of a window's program, in our own numbers. DEVICE_NOT_FOUND: no such window;
 * NOT_SUPPORTED with an explanation: nobody tells; as x11_ask. *pid is 0 unless SUCCESS. */
MiniAVResultCode x11_window_owner(const struct x11_windows *windows, xcb_window_t window,
                                  uint32_t *pid, struct cancel *cancel);

/* Adds the windows that people know, visible ones first, the top one before the others. owned_only:
 * only those whose owner is known. As x11_ask. */
MiniAVResultCode x11_windows_list(const struct x11_windows *windows, bool owned_only,
                                  struct device_list *devices);

/* Reads the number of an id; 0 when it is none. */
xcb_window_t x11_window_from_id(const char *id);

/* A window's property, at most max_bytes of it; `bytes` are checked against what came. False when
 * there is none. reply is to be freed in both cases. */
struct x11_property {
  struct x11_reply reply;
  xcb_atom_t type;
  const uint8_t *data;
  size_t bytes;
};
bool x11_property_get(struct x11 *x11, xcb_window_t window, xcb_atom_t name, uint32_t max_bytes,
                      struct x11_property *property);

/* The geometry in the root window's pixels, without the border. */
MiniAVResultCode x11_window_rectangle(struct x11 *x11, xcb_window_t window, MiniAVRect *rectangle);

#endif
#endif
