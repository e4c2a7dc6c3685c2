/* A PipeWire buffer handed on as dma-bufs: descriptors, offsets and strides, nothing is mapped. */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_GPU_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_GPU_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_video_format.h"
#include "common/linux/pipewire_video_memory.h"

/* Can a picture in this memory be handed on so? */
bool video_gpu_can(const struct video_format *format, const struct video_memory *memory);

/* Describes it; false when the numbers cannot be true. chunks: changed. */
bool video_gpu_place(const struct video_format *format, const struct video_memory *memory,
                     struct video_chunk chunks[VIDEO_DATAS_MAX], MiniAVBuffer *to);

#endif
#endif
