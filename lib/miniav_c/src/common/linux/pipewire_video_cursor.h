/*
 * The pointer of a screen from buffer to buffer, and its picture in memory of our own; the loop
 * thread's.
 *
 * Invariants
 * - A frame is told where the pointer is, and its picture once: with the first frame after it
 *   changed. The picture lies in a block that the frame holds a reference of.
 * - `serial` counts pictures that differ.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_CURSOR_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_CURSOR_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/blocks.h"
#include "common/linux/pipewire_video_meta.h"

struct video_cursor {
  bool is_known; /* the source tells of it at all */
  bool shown;
  bool is_blank; /* its picture is transparent all over, or none */
  int32_t x;
  int32_t y;
  int32_t hotspot_x;
  int32_t hotspot_y;
  uint32_t width;
  uint32_t height;
  uint32_t serial;
  struct block *picture; /* NULL: not known */
  bool picture_is_told;
  struct block_pool *pool;
  size_t pool_bytes;
};

/* What a buffer's meta says. frame_count: how many frames may be out at once. *differs: it looks
 * other than before. */
enum video_said video_cursor_update(struct video_cursor *cursor, const void *meta, size_t bytes,
                                    uint32_t frame_count, bool *differs);

/* Into the metadata of a frame of that size; the picture, with a reference, where it is to be told
 * with this frame, else NULL. */
struct block *video_cursor_describe(struct video_cursor *cursor, const MiniAVVideoInfo *info,
                                    MiniAVFrameMetadata *to);

void video_cursor_end(struct video_cursor *cursor);

#endif
#endif
