/* What a stream of pictures asks its source for, in PipeWire's words. Pure functions. */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_REQUEST_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_REQUEST_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/pod/builder.h>

#include "miniav_buffer.h"

#define VIDEO_REQUESTS_MAX 6u

/* EnumFormat params that ask for `exact`, then for less and less of it, so that the source may
 * change its format while it runs. How many. */
uint32_t video_format_requests(struct spa_pod_builder *builder, const MiniAVVideoInfo *exact,
                               struct spa_fraction most,
                               const struct spa_pod *requests[VIDEO_REQUESTS_MAX]);

#endif
#endif
