/*
 * Where the planes of a picture lie in the memory of a PipeWire buffer, from the numbers that the
 * producer writes beside it. They may lie, or be missing: GStreamer sends stride 0 and planar
 * pictures as one block. Pure functions.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_LAYOUT_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_LAYOUT_H

#include <stdbool.h>

#include "miniav_buffer.h"

#define VIDEO_DATAS_MAX 4u

/* Of one data of a buffer: a copy, because the producer may change the original meanwhile. */
struct video_chunk {
  uint32_t capacity_bytes; /* of the data's memory */
  uint32_t offset_bytes;
  uint32_t size_bytes;
  int32_t stride_bytes;
};

struct video_layout {
  uint32_t plane_count;
  struct {
    uint32_t data; /* which data it is in */
    uint32_t offset_bytes;
    uint32_t stride_bytes;
    uint32_t size_bytes; /* up to the end of the last row */
  } planes[MINIAV_MAX_PLANES];
};

/* False when the numbers cannot be true for such a picture. */
bool video_layout_find(const MiniAVVideoInfo *info, const struct video_chunk *chunks,
                       uint32_t chunk_count, struct video_layout *layout);

#endif
