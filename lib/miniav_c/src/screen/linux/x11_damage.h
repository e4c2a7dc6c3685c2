/*
 * What of a drawable has changed, as the server tells it (DAMAGE, XFIXES).
 *
 * Invariants
 * - Damage is cut off before a picture is taken, and once more behind it: the server may serve
 * others between two requests of ours, and what they paint then is in this picture or in the next.
 * So it is told with both.
 * - The rectangles are asked for behind the picture: a server writes each answer to the socket at
 * once (WriteToClient in os/io.c of xorg-server), and one that comes a millisecond before the
 * picture's would wake its reader twice.
 */
#ifndef MINIAV_SCREEN_X11_DAMAGE_H
#define MINIAV_SCREEN_X11_DAMAGE_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include "miniav_buffer.h"

struct x11_damage {
  struct x11 *x11;
  uint32_t id;     /* XIDs; 0: nobody tells of changes */
  uint32_t before; /* regions: what was cut off before the picture, with `behind` of the last; … */
  uint32_t behind; /* … behind it; … */
  uint32_t told;   /* … and both */
};

/* As x11_do. */
MiniAVResultCode x11_damage_create(struct x11_damage *damage, struct x11 *x11,
                                   xcb_drawable_t drawable);

/* Cuts off what has changed until now. */
void x11_damage_cut(const struct x11_damage *damage);

/* Asks for what was cut off, before a picture; 0 where there is nothing to ask for. */
unsigned int x11_damage_ask_before(const struct x11_damage *damage);

/* Behind a picture: asks for what may be new in it. */
unsigned int x11_damage_ask(const struct x11_damage *damage);

/* Takes an answer: its rectangles inside `picture` (in the drawable), counted from that corner, in
 * place of those before; none when only other parts changed. As x11_ask_end. */
MiniAVResultCode x11_damage_take(const struct x11_damage *damage, unsigned int question,
                                 const MiniAVRect *picture, MiniAVFrameMetadata *metadata);

#endif
#endif
