/* A part of a picture, without a copy: offsets move, strides stay. Pure functions. */
#ifndef MINIAV_SCREEN_FRAME_CUT_H
#define MINIAV_SCREEN_FRAME_CUT_H

#include "common/capture.h"

/* Does a part lie in a picture of that size, at a place where its samples can be cut? x and y of
 * formats whose colour is subsampled that way are even. */
bool frame_cut_fits(const MiniAVRect *part, MiniAVPixelFormat format, int32_t width,
                    int32_t height);

/* Leaves that part of a frame, which fits; of a GPU handle it becomes the crop. Metadata, which may
 * be NULL, then counts from the part's corner. */
void frame_cut(struct capture_frame *frame, MiniAVFrameMetadata *metadata, const MiniAVRect *part);

#endif
