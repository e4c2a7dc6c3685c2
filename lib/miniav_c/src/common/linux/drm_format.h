/* Pixel formats as DRM names them, for handles of GPU memory. */
#ifndef MINIAV_COMMON_DRM_FORMAT_H
#define MINIAV_COMMON_DRM_FORMAT_H

#include <stdint.h>

#include "miniav_buffer.h"

#define DRM_MODIFIER_LINEAR  UINT64_C(0)
#define DRM_MODIFIER_INVALID UINT64_C(0x00ffffffffffffff) /* none is said: the driver knows */

/* drm_fourcc.h's code for the same bytes in memory; 0 for compressed formats. */
uint32_t drm_format_of(MiniAVPixelFormat format);

#endif
