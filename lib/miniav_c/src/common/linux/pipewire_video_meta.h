/*
 * What a source tells beside a picture: where it changed (SPA_META_VideoDamage), and the pointer
 * (SPA_META_Cursor). Another process writes these bytes, also while they are read: every number is
 * copied first, and the copy is what is judged. Pure functions.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_META_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_META_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "miniav_buffer.h"

#define VIDEO_CURSOR_MAX_SIDE 1024u

/* Copies words that another process may change at this moment. */
void video_meta_copy(void *to, const void *from, size_t bytes);

enum video_said {
  VIDEO_SAID_NOTHING,
  VIDEO_SAID,
  VIDEO_SAID_LIES /* it cannot be true, and nothing of it counts */
};

/* Where a picture of that size changed, into damage_*; flags are left alone. An empty list says
 * nothing: producers leave the meta empty when they do not know. */
enum video_said video_damage_read(const void *meta, size_t bytes, const MiniAVVideoInfo *info,
                                  MiniAVFrameMetadata *to);

struct video_cursor_meta {
  bool shown; /* false: the pointer is hidden, or elsewhere; nothing else counts */
  int32_t x;  /* of the hotspot */
  int32_t y;
  bool has_picture; /* a new one; else it looks as before */
  int32_t hotspot_x;
  int32_t hotspot_y;
  uint32_t width; /* 0: the new picture is that of no pointer */
  uint32_t height;
  /* where it lies in the meta */
  uint32_t format; /* enum spa_video_format */
  uint32_t stride_bytes;
  size_t offset_bytes;
};

enum video_said video_cursor_read(const void *meta, size_t bytes, struct video_cursor_meta *to);

/* The picture as BGRA of plain alpha, rows without padding, into width * height * 4 bytes. False:
 * nothing of it can be seen. */
bool video_cursor_pixels(const void *meta, const struct video_cursor_meta *cursor, uint8_t *out);

#endif
#endif
