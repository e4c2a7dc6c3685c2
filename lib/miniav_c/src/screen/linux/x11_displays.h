/* Displays of an X server: RANDR's monitors, or without RANDR 1.5 the whole screen as one. */
#ifndef MINIAV_SCREEN_X11_DISPLAYS_H
#define MINIAV_SCREEN_X11_DISPLAYS_H

#include "screen/linux/x11_extensions.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/lists.h"

#define X11_DISPLAY_ID   "display/" /* then its name */
#define X11_DISPLAYS_MAX 32u
#define X11_DISPLAY_NAME 128u

struct x11_display {
  char name[X11_DISPLAY_NAME];
  MiniAVRect rectangle; /* in the root window */
  uint32_t refresh_rate_millihertz;
  bool is_primary;
};

struct x11_displays {
  uint32_t count;
  float scale; /* of all: Xft.dpi against 96 */
  struct x11_display displays[X11_DISPLAYS_MAX];
};

/* The primary display first. As x11_ask. */
MiniAVResultCode x11_displays_find(struct x11 *x11, const struct x11_extensions *extensions,
                                   struct x11_displays *displays);

/* The display of an id without prefix, "" the primary one; NULL when there is none. */
const struct x11_display *x11_display_named(const struct x11_displays *displays, const char *id);

/* XWayland shows windows of X programs; its root window is no picture of the desktop. */
bool x11_is_xwayland(struct x11 *x11);

void x11_displays_list(const struct x11_displays *displays, struct device_list *devices);

/* Changes of displays are told from now on. */
void x11_displays_watch(struct x11 *x11, const struct x11_extensions *extensions);
bool x11_is_display_event(const struct x11_extensions *extensions,
                          const xcb_generic_event_t *event);

#endif
#endif
