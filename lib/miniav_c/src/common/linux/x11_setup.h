/* What an X server says of itself when it is connected to; x11_visual and x11_pixmap_format of
 * x11_connection.h are here too. Nothing outside the bytes that came is read. */
#ifndef MINIAV_COMMON_X11_SETUP_H
#define MINIAV_COMMON_X11_SETUP_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

/* Fills in x11->screen; false: the server has none of that number. */
bool x11_find_screen(struct x11 *x11, int number);

#endif
#endif
