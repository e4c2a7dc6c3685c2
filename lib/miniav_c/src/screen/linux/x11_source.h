/*
 * What a screen capture looks at: a display, a part of one, or a window, and what changes on it.
 *
 * A window is taken from its own pixmap (COMPOSITE), so that what lies above it is not seen. The
 * pixmap is named anew for each picture: a resize or a minimised window that comes back gives the
 * window another one, and the old one would show its last picture for ever.
 */
#ifndef MINIAV_SCREEN_X11_SOURCE_H
#define MINIAV_SCREEN_X11_SOURCE_H

#include "screen/linux/x11_damage.h"
#include "screen/linux/x11_displays.h"
#include "screen/linux/x11_pictures.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/backend.h"

struct x11_source {
  struct x11 *x11;
  const struct x11_extensions *extensions;
  enum request_target target;
  char display_id[MINIAV_TEXT_BYTES]; /* without the backend's prefix; "" is the primary one */
  char found_id[MINIAV_TEXT_BYTES];   /* the display really shown */
  xcb_window_t window;
  MiniAVRect region;  /* REQUEST_REGION: in pixels of the display */
  MiniAVRect display; /* all of it, at 0, 0 */
  struct x11_layout layout;
  uint32_t refresh_rate_millihertz; /* 0: not known */
  int32_t x;                        /* of the picture in its drawable */
  int32_t y;
  int32_t origin_x; /* of the picture in the root window; a window's is asked for when needed */
  int32_t origin_y;
  bool viewable; /* a window that is not has no picture */
  bool redirected;
  struct x11_damage damage;
  uint32_t pixmap; /* XID; 0: none yet */
  /* What events told. */
  bool damaged;
  bool changed; /* its size, place or being there: x11_source_update looks */
  bool closed;
};

/* Finds it. DEVICE_NOT_FOUND, INVALID_ARG (a region that leaves the display), NOT_SUPPORTED,
 * FORMAT_NOT_SUPPORTED, each with an explanation; as x11_ask. */
MiniAVResultCode x11_source_open(struct x11_source *source, struct x11 *x11,
                                 const struct x11_extensions *extensions,
                                 const struct capture_request *request, struct cancel *cancel);

/* Asks the server to tell of changes from now on. As x11_ask. */
MiniAVResultCode x11_source_watch(struct x11_source *source);

/* Notes an event. */
void x11_source_event(struct x11_source *source, const xcb_generic_event_t *event);

/* Looks again, after `changed`. DEVICE_LOST with *why: it is gone; as x11_ask. */
MiniAVResultCode x11_source_update(struct x11_source *source, const char **why);

/* Where the picture lies in what damage is told of. */
MiniAVRect x11_source_rectangle(const struct x11_source *source);

/* As the functions of pictures. */
void x11_source_ask(struct x11_source *source, struct x11_pictures *pictures);
MiniAVResultCode x11_source_take(struct x11_source *source, struct x11_pictures *pictures,
                                 struct block **block);

/* Whether a region lies in a display. */
bool x11_region_fits(const MiniAVRect *region, const MiniAVRect *display);

/* Where the picture lies in the root window now. */
MiniAVResultCode x11_source_place(struct x11_source *source);

#endif
#endif
