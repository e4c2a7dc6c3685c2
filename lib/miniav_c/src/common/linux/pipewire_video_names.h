/* Pixel formats, their kinds and frame rates between PipeWire's words and ours. Pure functions. */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_NAMES_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_NAMES_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdbool.h>

#include "common/linux/pipewire_library.h"
#include "miniav_buffer.h"

#define VIDEO_RATE_MAX_HZ 10000u

/* MINIAV_PIXEL_FORMAT_UNKNOWN, SPA_VIDEO_FORMAT_UNKNOWN where there is no equal. */
MiniAVPixelFormat video_format_from_spa(uint32_t format);
uint32_t video_format_to_spa(MiniAVPixelFormat format);

/* The raw ones, in the order in which those of a source without wishes are liked. */
uint32_t video_name_count(void);
MiniAVPixelFormat video_name_at(uint32_t index);

/* SPA_MEDIA_SUBTYPE_raw for what is not compressed; UNKNOWN for a subtype that is not known. */
uint32_t video_subtype_of(MiniAVPixelFormat format);
MiniAVPixelFormat video_compressed_of(uint32_t subtype);

/* False for 0/1, which says that the rate varies, and for what can be no rate. */
bool video_is_rate(struct spa_fraction rate);

#endif
#endif
