/* The pointer: its place and picture, painted into a frame or beside it. */
#ifndef MINIAV_SCREEN_X11_CURSOR_H
#define MINIAV_SCREEN_X11_CURSOR_H

#include "screen/linux/x11_pictures.h"

#if defined(MINIAV_HAVE_XCB)

struct x11_cursor {
  struct x11_reply reply; /* owns pixels */
  int32_t x;              /* of the hotspot, in the root window */
  int32_t y;
  int32_t hotspot_x;
  int32_t hotspot_y;
  uint32_t width; /* 0: there is no picture */
  uint32_t height;
  uint32_t serial;
  const uint8_t *pixels; /* 32-bit words of ours: alpha, red, green, blue, colour times alpha */
};

/* Asks for both, as x11_ask_begin, and takes the answer; to be freed in every case. As x11_ask. */
unsigned int x11_cursor_ask(struct x11 *x11);
MiniAVResultCode x11_cursor_take(struct x11 *x11, unsigned int question, struct x11_cursor *cursor);
void x11_cursor_free(struct x11_cursor *cursor);

/* Motion and change of the picture are told by events from now on. */
void x11_cursor_watch(struct x11 *x11, const struct x11_extensions *extensions);
bool x11_is_cursor_event(const struct x11_extensions *extensions, const xcb_generic_event_t *event);

/* Paints it over a picture whose first pixel is origin_x, origin_y of the root window; the part of
 * the picture that it covers. */
MiniAVRect x11_cursor_paint(const struct x11_cursor *cursor, const struct x11_layout *layout,
                            uint8_t *picture, int32_t origin_x, int32_t origin_y);

/* Fills in the cursor's members; pixels is room of X11_CURSOR_BYTES, or NULL: the picture is known
 * already. */
void x11_cursor_describe(const struct x11_cursor *cursor, const struct x11_layout *layout,
                         int32_t origin_x, int32_t origin_y, uint8_t *pixels,
                         MiniAVFrameMetadata *metadata);

#endif
#endif
