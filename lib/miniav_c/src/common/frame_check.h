/* What is believed of a frame that a capture thread hands over: another process may have filled it
 * in. Pure functions. */
#ifndef MINIAV_COMMON_FRAME_CHECK_H
#define MINIAV_COMMON_FRAME_CHECK_H

#include <stdbool.h>

#include "common/capture.h"

/* Do numbers, strides, sizes and the block fit each other? A consumer may trust every frame for
 * which this is true: it lies within planes[].size_bytes or data_size_bytes, in the block if there
 * is one, and no count is above the size of its array. */
bool frame_is_sound(const struct capture_frame *frame);

/* Copies metadata of a frame of that size, without what cannot be true: damage is clipped to the
 * frame (unknown when there are too many rectangles), a pointer's picture with a wrong shape goes.
 */
void frame_clean_metadata(const MiniAVFrameMetadata *from, const MiniAVVideoInfo *info,
                          MiniAVFrameMetadata *to);

#endif
