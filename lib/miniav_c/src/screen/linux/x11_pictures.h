/*
 * Pictures of drawables, in memory of our own.
 *
 * With MIT-SHM the server writes into blocks of a sealed file that it was handed: nothing is copied
 * here, a leased block can be neither shrunk nor taken away, and the server writes only where a
 * request says. Without (another machine's display) pictures come through the socket in strips and
 * are copied into a block. Both give the same bytes.
 */
#ifndef MINIAV_SCREEN_X11_PICTURES_H
#define MINIAV_SCREEN_X11_PICTURES_H

#include "screen/linux/x11_extensions.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/blocks.h"
#include "miniav_buffer.h"

/* Behind the picture in each block: the pointer's. */
#define X11_CURSOR_MAX_SIDE 256u
#define X11_CURSOR_BYTES    ((size_t)X11_CURSOR_MAX_SIDE * X11_CURSOR_MAX_SIDE * 4)

/* How the pixels of a drawable lie in memory. */
struct x11_layout {
  MiniAVPixelFormat format;
  uint32_t width;
  uint32_t height;
  uint32_t stride_bytes;
  size_t picture_bytes;
};

/* FORMAT_NOT_SUPPORTED with an explanation when no format of ours is the visual's; INVALID_ARG for
 * a size that cannot be. */
MiniAVResultCode x11_layout_of(const struct x11 *x11, xcb_visualid_t visual, uint32_t width,
                               uint32_t height, struct x11_layout *layout, struct cancel *cancel);

struct x11_pictures {
  struct x11 *x11;
  bool shares_memory;
  uint32_t block_count;
  struct x11_layout layout;
  size_t cursor_offset; /* of the pointer's picture in a block */
  struct block_pool *pool;
  uint32_t segment;    /* its XID; 0: none is attached */
  struct block *asked; /* the server was asked to write into it; NULL: nothing is under way */
  unsigned int question;
};

/* Blocks for pictures of that layout, instead of those before. OUT_OF_MEMORY; as x11_ask. */
MiniAVResultCode x11_pictures_prepare(struct x11_pictures *pictures,
                                      const struct x11_layout *layout);
void x11_pictures_close(struct x11_pictures *pictures);

/* Asks for a picture of the layout's size at x, y of a drawable, where the server can be asked for
 * more meanwhile; then it is the one that is taken next, or forgotten. A block that is forgotten is
 * written before the server answers anything later, so that nobody sees it. */
void x11_pictures_ask(struct x11_pictures *pictures, xcb_drawable_t drawable, int32_t x, int32_t y);
void x11_pictures_forget(struct x11_pictures *pictures);

/* Takes a picture, the one that was asked for if there is one; the block has one reference.
 * NO_BUFFER: every block is held; SYSTEM_CALL_FAILED: the drawable has no such part now; as
 * x11_ask. */
MiniAVResultCode x11_pictures_take(struct x11_pictures *pictures, xcb_drawable_t drawable,
                                   int32_t x, int32_t y, struct block **block);

#endif
#endif
