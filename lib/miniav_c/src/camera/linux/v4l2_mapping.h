/*
 * The buffers of a V4L2 queue, mapped: device memory, which no other process can shrink.
 *
 * Each buffer is a foreign block (blocks.h). The queue holds one reference, each lent frame
 * another; the mapping, and an exported dma-buf, go with the last one, which may be long after the
 * device was closed, stopped or unplugged: the kernel keeps mapped pages until they are unmapped.
 */
#ifndef MINIAV_CAMERA_LINUX_V4L2_MAPPING_H
#define MINIAV_CAMERA_LINUX_V4L2_MAPPING_H

#include "camera/linux/v4l2_formats.h"
#include "common/capture.h"

#define V4L2_MAX_BUFFERS 32u

struct v4l2_mapping {
  struct block block; /* first; names no memory of its own, which may be several */
  uint32_t count;
  struct {
    uint8_t *data;
    size_t bytes;
    int dmabuf; /* -1: not exported */
  } planes[MINIAV_MAX_PLANES];
};

/* Maps buffer `index` of a queue, and exports it where `exported` is set. The result's reference is
 * the caller's. FORMAT_NOT_SUPPORTED: smaller than the picture. NOT_SUPPORTED: cannot be exported.
 */
MiniAVResultCode v4l2_mapping_create(const struct v4l2_device *device, const struct v4l2_mode *mode,
                                     uint32_t index, bool exported, struct v4l2_mapping **mapping);

/* Where the picture lies, with what the driver says of this filling: bytes used, and where data
 * begin (0 in single-planar queues). False when it is outside the memory or not all there. */
bool v4l2_mapping_place(const struct v4l2_mapping *mapping, const struct v4l2_mode *mode,
                        const uint32_t used[MINIAV_MAX_PLANES],
                        const uint32_t begins[MINIAV_MAX_PLANES], struct capture_frame *frame);

/* Moves a picture that was placed into a block of the library's own. */
void v4l2_mapping_copy(struct capture_frame *frame, struct block *block);

#endif
