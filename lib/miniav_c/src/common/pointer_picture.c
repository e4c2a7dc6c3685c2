#include "common/pointer_picture.h"

#include <stddef.h>

bool pointer_picture_take(struct pointer_picture *picture, const MiniAVFrameMetadata *frame,
                          struct block **cursor_block) {
  if (frame == NULL || (frame->flags & MINIAV_METADATA_CURSOR_PIXELS) == 0 ||
      *cursor_block == NULL) {
    return false;
  }
  *picture = (struct pointer_picture){.block = *cursor_block,
                                      .width = frame->cursor_width,
                                      .height = frame->cursor_height,
                                      .stride_bytes = frame->cursor_stride_bytes,
                                      .serial = frame->cursor_serial,
                                      .format = frame->cursor_format,
                                      .pixels = frame->cursor_pixels};
  *cursor_block = NULL;
  return true;
}

bool pointer_picture_give(struct pointer_picture *picture, MiniAVFrameMetadata *frame,
                          struct block **cursor_block) {
  if (frame == NULL || picture->block == NULL || (frame->flags & MINIAV_METADATA_CURSOR) == 0 ||
      (frame->flags & MINIAV_METADATA_CURSOR_PIXELS) != 0 || *cursor_block != NULL ||
      frame->cursor_serial != picture->serial) {
    return false;
  }
  frame->flags |= MINIAV_METADATA_CURSOR_PIXELS;
  frame->cursor_width = picture->width;
  frame->cursor_height = picture->height;
  frame->cursor_stride_bytes = picture->stride_bytes;
  frame->cursor_format = picture->format;
  frame->cursor_pixels = picture->pixels;
  *cursor_block = picture->block;
  picture->block = NULL;
  return true;
}
