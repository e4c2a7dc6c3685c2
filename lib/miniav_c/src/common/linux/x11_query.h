/* What is asked of an X server about names and single windows. */
#ifndef MINIAV_COMMON_X11_QUERY_H
#define MINIAV_COMMON_X11_QUERY_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

/* The number of a name, which is at most 40 bytes long. As x11_ask. */
MiniAVResultCode x11_atom(struct x11 *x11, const char *name, xcb_atom_t *atom);

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
