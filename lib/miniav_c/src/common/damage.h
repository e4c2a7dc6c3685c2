/* Rectangles of what changed, when frames between are dropped. Pure functions. */
#ifndef MINIAV_COMMON_DAMAGE_H
#define MINIAV_COMMON_DAMAGE_H

#include "miniav_buffer.h"

/* Adds the damage of a frame that nobody saw to that of the next. Unknown damage on either side
 * (MINIAV_METADATA_DAMAGE not set) makes the sum unknown. Rectangles that do not fit the list any
 * more are merged into one that covers them all. */
void damage_add(MiniAVFrameMetadata *next, const MiniAVFrameMetadata *dropped);

#endif
