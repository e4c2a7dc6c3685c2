/*
 * The pointer's picture of a frame that nobody saw, on its way to the next: a source tells it once,
 * with the first frame after it changed. Pure functions.
 */
#ifndef MINIAV_COMMON_POINTER_PICTURE_H
#define MINIAV_COMMON_POINTER_PICTURE_H

#include <stdbool.h>

#include "common/blocks.h"
#include "miniav_buffer.h"

struct pointer_picture {
  struct block *block; /* a reference of the block it lies in; NULL: there is none */
  uint32_t width;
  uint32_t height;
  uint32_t stride_bytes;
  uint32_t serial;
  MiniAVPixelFormat format;
  void *pixels;
};

/* Takes the picture and its reference out of a frame; false when it has none. */
bool pointer_picture_take(struct pointer_picture *picture, const MiniAVFrameMetadata *frame,
                          struct block **cursor_block);

/* Gives both to a frame with the same pointer that has no picture itself; false: it is none such.
 */
bool pointer_picture_give(struct pointer_picture *picture, MiniAVFrameMetadata *frame,
                          struct block **cursor_block);

#endif
