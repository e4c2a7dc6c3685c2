/* The extensions that a screen capture speaks to, and their versions, asked for once a connection:
 * a request of one that the server has not would break the connection. */
#ifndef MINIAV_SCREEN_X11_EXTENSIONS_H
#define MINIAV_SCREEN_X11_EXTENSIONS_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

extern const xcb_extension_t x11_shm;
extern const xcb_extension_t x11_damage;
extern const xcb_extension_t x11_xfixes;
extern const xcb_extension_t x11_composite;
extern const xcb_extension_t x11_randr;
extern const xcb_extension_t x11_input;

struct x11_extensions {
  bool shares_memory; /* MIT-SHM 1.2 over a local socket: descriptors can be passed */
  bool has_damage;    /* DAMAGE, and XFIXES' regions */
  bool has_cursor;    /* XFIXES' picture of the pointer */
  bool has_composite; /* COMPOSITE 0.2: pixmaps of windows */
  bool has_monitors;  /* RANDR 1.5 */
  bool has_motion;    /* XInput 2: motion is told, wherever the pointer is */
  uint8_t damage_event;
  uint8_t randr_event;
  uint8_t xfixes_event;
  uint8_t input_opcode;
};

/* As x11_ask; an extension that is missing is no error. */
MiniAVResultCode x11_extensions_find(struct x11 *x11, struct x11_extensions *extensions);

/* Does it say that it is XWayland? From 23.1 on. */
bool x11_names_xwayland(struct x11 *x11);

#endif
#endif
