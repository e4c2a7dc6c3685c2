/*
 * What of a drawable has changed, as the server tells it (DAMAGE, XFIXES).
 *
 * Events tell the box around all that has changed since it was cut off last, each time that grows.
 * Where it is small it is all that is told of a picture; the rectangles in it are asked for only
 * where it is large, because a server writes each answer to the socket at once (WriteToClient in
 * os/io.c of xorg-server), and a second one behind the picture's wakes its reader again.
 *
 * Invariants
 * - Damage is cut off before a picture is taken. The server may serve others between the two, and
 * what they paint then is in this picture or in the next: it is told with both.
 * - An event belongs to what was cut off when the server sent it before the cut (its sequence
 * number), whenever it is read. Behind any answer to a later request all of those have been read:
 * so what is cut off is told behind an answer, or all of the next picture counts as new.
 */
#ifndef MINIAV_SCREEN_X11_DAMAGE_H
#define MINIAV_SCREEN_X11_DAMAGE_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include "miniav_buffer.h"

struct x11_damage {
  struct x11 *x11;
  uint32_t id;       /* XIDs; 0: nobody tells of changes */
  uint32_t parts;    /* the region that was cut off */
  unsigned int cut;  /* the sequence number of that */
  MiniAVRect before; /* boxes, in the drawable; width 0: nothing: of what was cut off, … */
  MiniAVRect since;  /* … and of what came since */
};

/* As x11_do. */
MiniAVResultCode x11_damage_create(struct x11_damage *damage, struct x11 *x11,
                                   xcb_drawable_t drawable);

/* Takes in an event of it. */
void x11_damage_note(struct x11_damage *damage, const xcb_generic_event_t *event);

/* How what has changed since the last cut lies to a part of the drawable. PARTLY: around both what
 * is in it and what is beside it, perhaps with nothing in it. */
enum x11_damage_place { DAMAGE_OUTSIDE, DAMAGE_PARTLY, DAMAGE_INSIDE };
enum x11_damage_place x11_damage_place(const struct x11_damage *damage, const MiniAVRect *picture);

/* Cuts off what has changed until now. */
void x11_damage_cut(struct x11_damage *damage);

/* Asks for the rectangles that were cut off; 0 where there is nothing to ask for. */
unsigned int x11_damage_ask(const struct x11_damage *damage);
/* The same where the box says too little of the picture; else 0. */
unsigned int x11_damage_ask_if_large(const struct x11_damage *damage, const MiniAVRect *picture);

/* Tells what was cut off, as far as it lies in the picture, counted from its corner: the rectangles
 * of an answer, or the box where question is 0. As x11_ask_end. */
MiniAVResultCode x11_damage_take(const struct x11_damage *damage, unsigned int question,
                                 const MiniAVRect *picture, MiniAVFrameMetadata *metadata);
/* Adds what came since the cut. */
void x11_damage_add_since(const struct x11_damage *damage, const MiniAVRect *picture,
                          MiniAVFrameMetadata *metadata);

#endif
#endif
