/* The shapes of pixel formats: planes, rows, and whether a description can be true. Pure functions.
 */
#ifndef MINIAV_COMMON_PIXEL_H
#define MINIAV_COMMON_PIXEL_H

#include <stdbool.h>

#include "miniav_buffer.h"

/* The largest width or height that is believed. */
#define PIXEL_MAX_SIDE 32768u

struct plane_shape {
  uint32_t width;     /* samples a row */
  uint32_t height;    /* rows */
  uint32_t row_bytes; /* without padding */
};

/* 0 for UNKNOWN and values out of range; 1 for compressed formats. */
uint32_t pixel_plane_count(MiniAVPixelFormat format);
bool pixel_is_compressed(MiniAVPixelFormat format);

/* The shape of one plane of a raw format; odd sizes round halved planes up. False when there is no
 * such plane or the size is 0 or above PIXEL_MAX_SIDE. */
bool pixel_plane_shape(MiniAVPixelFormat format, uint32_t width, uint32_t height, uint32_t plane,
                       struct plane_shape *shape);

/* Do planes, strides and sizes of a CPU video buffer fit each other and its format? */
bool pixel_buffer_is_sound(const MiniAVBuffer *buffer);

/* Sets num_planes, planes[] and data_size_bytes for planes that lie one after the other from `data`
 * on, rows padded to a multiple of stride_alignment bytes (1: none). The bytes used; 0 for a wrong
 * size. data may be NULL to learn the size. */
size_t pixel_lay_out(MiniAVBuffer *buffer, MiniAVPixelFormat format, uint32_t width,
                     uint32_t height, uint32_t stride_alignment, uint8_t *data);

#endif
