/* Windows of an X server: which there are, and what they are called. EWMH 1.5, ICCCM 4.1.2. */
#ifndef MINIAV_COMMON_X11_WINDOWS_H
#define MINIAV_COMMON_X11_WINDOWS_H

#include "common/linux/x11_owner.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/lists.h"

#define X11_WINDOW_ID "window/" /* then the XID, decimal */

/* What is asked of the server once, before anything else here. */
struct x11_windows {
  struct x11 *x11;
  struct x11_owner owner;
  xcb_atom_t net_client_list_stacking;
  xcb_atom_t net_supporting_wm_check;
  xcb_atom_t net_wm_name;
  xcb_atom_t utf8_string;
  xcb_atom_t wm_state;
};

MiniAVResultCode x11_windows_begin(struct x11_windows *windows, struct x11 *x11);

/* Adds the windows that people know, visible ones first, the top one before the others. owned_only:
 * only those whose owner is known. As x11_ask. */
MiniAVResultCode x11_windows_list(const struct x11_windows *windows, bool owned_only,
                                  struct device_list *devices);

/* Reads the number of an id; 0 when it is none. */
xcb_window_t x11_window_from_id(const char *id);

#endif
#endif
