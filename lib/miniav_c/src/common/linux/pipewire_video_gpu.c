#include "common/linux/pipewire_video_gpu.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/drm_format.h"
#include "common/pixel.h"

bool video_gpu_can(const struct video_format *format, const struct video_memory *memory) {
  return memory->is_for_gpu && drm_format_of(format->info.pixel_format) != 0;
}

/* Planes of a layout that only its driver knows, and as many as it likes: what is said of them is
 * passed on where it lies within the memory. */
static bool find_opaque(const struct video_memory *memory, const struct video_chunk *chunks,
                        struct video_layout *layout) {
  layout->plane_count = memory->data_count;
  for (uint32_t i = 0; i < memory->data_count; i++) {
    if (chunks[i].stride_bytes <= 0 || chunks[i].offset_bytes >= chunks[i].capacity_bytes) {
      return false;
    }
    layout->planes[i].data = i;
    layout->planes[i].offset_bytes = chunks[i].offset_bytes;
    layout->planes[i].stride_bytes = (uint32_t)chunks[i].stride_bytes;
    layout->planes[i].size_bytes = 0;
  }
  return true;
}

static bool find_layout(const struct video_format *format, const struct video_memory *memory,
                        struct video_chunk *chunks, struct video_layout *layout) {
  bool is_linear = !format->has_modifier || format->modifier == DRM_MODIFIER_LINEAR;
  if (!is_linear) {
    return find_opaque(memory, chunks, layout);
  }
  for (uint32_t i = 0; i < memory->data_count; i++) {
    struct video_chunk *chunk = &chunks[i];
    if (chunk->size_bytes == 0 && chunk->offset_bytes < chunk->capacity_bytes) {
      chunk->size_bytes = chunk->capacity_bytes - chunk->offset_bytes; /* many say none */
    }
  }
  return video_layout_find(&format->info, chunks, memory->data_count, layout);
}

bool video_gpu_place(const struct video_format *format, const struct video_memory *memory,
                     struct video_chunk chunks[VIDEO_DATAS_MAX], MiniAVBuffer *to) {
  const MiniAVVideoInfo *info = &format->info;
  struct video_layout layout;
  if (!find_layout(format, memory, chunks, &layout)) {
    return false;
  }
  uint32_t planes = pixel_plane_count(info->pixel_format);
  to->content_type = MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD;
  to->data.video.info.output_preference = MINIAV_OUTPUT_PREFERENCE_GPU;
  to->drm_fourcc = drm_format_of(info->pixel_format);
  to->drm_modifier = format->has_modifier ? format->modifier : DRM_MODIFIER_INVALID;
  to->num_fds = layout.plane_count;
  to->data.video.num_planes = (uint8_t)(planes < layout.plane_count ? planes : layout.plane_count);
  for (uint32_t i = 0; i < layout.plane_count; i++) {
    const struct video_data *data = &memory->datas[layout.planes[i].data];
    to->plane_fds[i] = data->fd;
    to->plane_offsets_bytes[i] = (uint32_t)data->file_offset + layout.planes[i].offset_bytes;
    to->plane_strides_bytes[i] = layout.planes[i].stride_bytes;
  }
  for (uint32_t i = 0; i < to->data.video.num_planes; i++) {
    struct plane_shape shape = {info->width, info->height, 0};
    pixel_plane_shape(info->pixel_format, info->width, info->height, i, &shape);
    to->data.video.planes[i] = (MiniAVPlane){.data_ptr = (void *)(uintptr_t)to->plane_fds[i],
                                             .width = shape.width,
                                             .height = shape.height,
                                             .offset_bytes = to->plane_offsets_bytes[i]};
  }
  return true;
}

#endif
