/* What a video node of the graph offers. */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_QUERY_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_QUERY_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_connection.h"
#include "common/linux/pipewire_video_format.h"

/* Asks the node for its EnumFormat params, and its port when the node itself has none. *offers is
 * zeroed by the caller, and its items are the caller's also after a failure. Not locked. TIMEOUT,
 * USER_CANCELLED, DEVICE_LOST, OUT_OF_MEMORY. */
MiniAVResultCode pipewire_video_query(struct pipewire_connection *connection, uint32_t node_id,
                                      struct video_offers *offers, uint32_t timeout_ms,
                                      struct cancel *cancel);

#endif
#endif
