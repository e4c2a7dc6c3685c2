#include "camera/linux/v4l2_mapping.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/pixel.h"

static void destroy(struct block *block) {
  struct v4l2_mapping *mapping = (struct v4l2_mapping *)block;
  for (uint32_t i = 0; i < mapping->count; i++) {
    if (mapping->planes[i].dmabuf >= 0) {
      close(mapping->planes[i].dmabuf);
    }
    munmap(mapping->planes[i].data, mapping->planes[i].bytes);
  }
  free(mapping);
}

static MiniAVResultCode map_plane(const struct v4l2_device *device, struct v4l2_mapping *mapping,
                                  uint32_t index, size_t bytes, uint32_t offset, bool exported) {
  uint32_t plane = mapping->count;
  void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd, (off_t)offset);
  if (data == MAP_FAILED) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mapping->planes[plane].data = data;
  mapping->planes[plane].bytes = bytes;
  mapping->planes[plane].dmabuf = -1;
  mapping->count = plane + 1;
  if (exported) {
    struct v4l2_exportbuffer about = {
        .type = device->buffer_type, .index = index, .plane = plane, .flags = O_CLOEXEC | O_RDWR};
    if (v4l2_call(device->fd, VIDIOC_EXPBUF, &about) != 0) {
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    mapping->planes[plane].dmabuf = about.fd;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode v4l2_mapping_create(const struct v4l2_device *device, const struct v4l2_mode *mode,
                                     uint32_t index, bool exported, struct v4l2_mapping **result) {
  struct v4l2_plane planes[VIDEO_MAX_PLANES];
  struct v4l2_buffer about = {
      .index = index, .type = device->buffer_type, .memory = V4L2_MEMORY_MMAP};
  bool is_multi = device->buffer_type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  memset(planes, 0, sizeof planes);
  if (is_multi) {
    about.m.planes = planes;
    about.length = VIDEO_MAX_PLANES;
  }
  int error = v4l2_call(device->fd, VIDIOC_QUERYBUF, &about);
  if (error != 0) {
    return v4l2_result(error);
  }
  struct v4l2_mapping *mapping = calloc(1, sizeof *mapping);
  if (mapping == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  atomic_init(&mapping->block.references, 1);
  mapping->block.destroy = destroy;
  MiniAVResultCode failure = MINIAV_SUCCESS;
  for (uint32_t i = 0; i < mode->memory_count && failure == MINIAV_SUCCESS; i++) {
    size_t bytes = is_multi ? planes[i].length : about.length;
    uint32_t offset = is_multi ? planes[i].m.mem_offset : about.m.offset;
    failure = bytes < mode->memory_bytes[i] || (is_multi && i >= about.length)
                  ? MINIAV_ERROR_FORMAT_NOT_SUPPORTED
                  : map_plane(device, mapping, index, bytes, offset, exported);
  }
  if (failure != MINIAV_SUCCESS) {
    block_release(&mapping->block);
    return failure;
  }
  *result = mapping;
  return MINIAV_SUCCESS;
}

static void place_dmabufs(const struct v4l2_mapping *mapping, const struct v4l2_mode *mode,
                          MiniAVBuffer *buffer) {
  buffer->content_type = MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD;
  buffer->drm_fourcc = mode->drm_fourcc;
  buffer->drm_modifier = 0; /* DRM_FORMAT_MOD_LINEAR */
  buffer->num_fds = mode->plane_count;
  for (uint32_t i = 0; i < mode->plane_count; i++) {
    MiniAVPlane *plane = &buffer->data.video.planes[i];
    int fd = mapping->planes[mode->planes[i].memory].dmabuf;
    buffer->plane_fds[i] = fd;
    buffer->plane_offsets_bytes[i] = plane->offset_bytes;
    buffer->plane_strides_bytes[i] = plane->stride_bytes;
    plane->data_ptr = (void *)(uintptr_t)fd;
    plane->stride_bytes = 0;
    plane->size_bytes = 0;
  }
}

bool v4l2_mapping_place(const struct v4l2_mapping *mapping, const struct v4l2_mode *mode,
                        const uint32_t used[MINIAV_MAX_PLANES],
                        const uint32_t begins[MINIAV_MAX_PLANES], struct capture_frame *frame) {
  MiniAVBuffer *buffer = &frame->buffer;
  bool complete = true;
  buffer->data.video.num_planes = (uint8_t)mode->plane_count;
  buffer->data_size_bytes = 0;
  for (uint32_t i = 0; i < mode->plane_count; i++) {
    const struct v4l2_plane_place *place = &mode->planes[i];
    uint32_t at = begins[place->memory];
    size_t capacity = mapping->planes[place->memory].bytes;
    /* A compressed picture is what is used of its memory. */
    uint64_t filled = used[place->memory] > at ? used[place->memory] - at : 0;
    uint64_t bytes = place->size_bytes != 0 ? place->size_bytes : filled;
    uint64_t end = (uint64_t)at + place->offset_bytes + bytes;
    if (bytes == 0 || end > capacity) {
      return false;
    }
    complete = complete && filled >= place->offset_bytes + bytes;
    MiniAVPlane *plane = &buffer->data.video.planes[i];
    *plane =
        (MiniAVPlane){.data_ptr = mapping->planes[place->memory].data + at + place->offset_bytes,
                      .width = mode->info.width,
                      .height = mode->info.height,
                      .stride_bytes = place->stride_bytes,
                      .offset_bytes = at + place->offset_bytes,
                      .size_bytes = (uint32_t)bytes};
    struct plane_shape shape;
    if (pixel_plane_shape(mode->info.pixel_format, mode->info.width, mode->info.height, i,
                          &shape)) {
      plane->width = shape.width;
      plane->height = shape.height;
    }
    buffer->data_size_bytes += (size_t)bytes;
  }
  if (!complete) {
    buffer->flags |= MINIAV_BUFFER_FLAG_CORRUPTED;
  }
  if (mapping->planes[0].dmabuf >= 0) {
    place_dmabufs(mapping, mode, buffer);
  }
  return true;
}

void v4l2_mapping_copy(struct capture_frame *frame, struct block *block) {
  uint32_t offset = 0;
  for (uint32_t i = 0; i < frame->buffer.data.video.num_planes; i++) {
    MiniAVPlane *plane = &frame->buffer.data.video.planes[i];
    memcpy(block->data + offset, plane->data_ptr, plane->size_bytes);
    plane->data_ptr = block->data + offset;
    plane->offset_bytes = offset;
    offset += plane->size_bytes;
  }
  frame->buffer.flags |= MINIAV_BUFFER_FLAG_COPIED;
  frame->block = block;
}
