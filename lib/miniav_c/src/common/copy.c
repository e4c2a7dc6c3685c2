/* MiniAV_CopyBuffer and its kin: out of an outstanding buffer into the caller's memory. The slot is
 * pinned meanwhile, so a release by another thread waits for the copy's end, not the other way. */
#include <string.h>

#include "common/handles.h"
#include "common/library.h"
#include "common/pixel.h"
#include "common/slots.h"

static struct slot *enter(void *internal_handle, MiniAVResultCode *result) {
  *result = library_enter();
  if (*result != MINIAV_SUCCESS) {
    return NULL;
  }
  struct slot *slot = slot_pin((uint64_t)(uintptr_t)internal_handle);
  *result = slot == NULL ? MINIAV_ERROR_INVALID_HANDLE : MINIAV_SUCCESS;
  return slot;
}

/* Completes a layout for raw video; false when the caller's cannot hold the planes. */
static bool complete_layout(const MiniAVBuffer *buffer, MiniAVCopyLayout *layout) {
  const MiniAVVideoInfo *info = &buffer->data.video.info;
  uint32_t planes = buffer->data.video.num_planes;
  bool choose = layout->plane_count == 0;
  if (!choose && layout->plane_count != planes) {
    return false;
  }
  uint64_t end = 0;
  for (uint32_t i = 0; i < planes; i++) {
    struct plane_shape shape;
    if (!pixel_plane_shape(info->pixel_format, info->width, info->height, i, &shape)) {
      return false;
    }
    if (choose) {
      layout->offsets_bytes[i] = end;
      layout->strides_bytes[i] = shape.row_bytes;
    }
    if (layout->strides_bytes[i] < shape.row_bytes || layout->offsets_bytes[i] > UINT64_MAX / 2) {
      return false;
    }
    uint64_t bytes = (uint64_t)layout->strides_bytes[i] * (shape.height - 1) + shape.row_bytes;
    if (layout->offsets_bytes[i] + bytes > end) {
      end = layout->offsets_bytes[i] + bytes;
    }
  }
  layout->plane_count = planes;
  layout->size_bytes = end;
  return true;
}

static void copy_planes(const MiniAVBuffer *buffer, uint8_t *destination,
                        const MiniAVCopyLayout *layout) {
  const MiniAVVideoInfo *info = &buffer->data.video.info;
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    const MiniAVPlane *plane = &buffer->data.video.planes[i];
    struct plane_shape shape;
    pixel_plane_shape(info->pixel_format, info->width, info->height, i, &shape);
    const uint8_t *from = plane->data_ptr;
    uint8_t *to = destination + layout->offsets_bytes[i];
    if (plane->stride_bytes == layout->strides_bytes[i]) {
      memcpy(to, from, (size_t)plane->stride_bytes * (shape.height - 1) + shape.row_bytes);
      continue;
    }
    for (uint32_t row = 0; row < shape.height; row++) {
      memcpy(to, from, shape.row_bytes);
      from += plane->stride_bytes;
      to += layout->strides_bytes[i];
    }
  }
}

static MiniAVResultCode copy_bytes(const void *from, uint64_t bytes, void *destination,
                                   size_t capacity_bytes, MiniAVCopyLayout *layout) {
  layout->size_bytes = bytes;
  if (capacity_bytes < bytes || destination == NULL) {
    return MINIAV_ERROR_BUFFER_TOO_SMALL;
  }
  memcpy(destination, from, (size_t)bytes);
  return MINIAV_SUCCESS;
}

static MiniAVResultCode copy_buffer(const MiniAVBuffer *buffer, void *destination,
                                    size_t capacity_bytes, MiniAVCopyLayout *layout) {
  if (buffer->content_type != MINIAV_BUFFER_CONTENT_TYPE_CPU) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (buffer->type == MINIAV_BUFFER_TYPE_AUDIO) {
    return copy_bytes(buffer->data.audio.data, buffer->data_size_bytes, destination, capacity_bytes,
                      layout);
  }
  if (pixel_is_compressed(buffer->data.video.info.pixel_format)) {
    const MiniAVPlane *plane = &buffer->data.video.planes[0];
    return copy_bytes(plane->data_ptr, plane->size_bytes, destination, capacity_bytes, layout);
  }
  if (!complete_layout(buffer, layout)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  if (layout->size_bytes > capacity_bytes || destination == NULL) {
    return MINIAV_ERROR_BUFFER_TOO_SMALL;
  }
  copy_planes(buffer, destination, layout);
  return MINIAV_SUCCESS;
}

MiniAVResultCode MiniAV_CopyBuffer(void *internal_handle, void *destination, size_t capacity_bytes,
                                   MiniAVCopyLayout *layout) {
  MiniAVResultCode result;
  struct slot *slot = enter(internal_handle, &result);
  if (slot == NULL) {
    return result;
  }
  MiniAVCopyLayout own = {0};
  result = copy_buffer(&slot->buffer, destination, capacity_bytes, layout == NULL ? &own : layout);
  slot_unpin(slot);
  return result;
}

MiniAVResultCode MiniAV_CopyMetadata(void *internal_handle, MiniAVFrameMetadata *metadata) {
  if (metadata == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  MiniAVResultCode result;
  struct slot *slot = enter(internal_handle, &result);
  if (slot == NULL) {
    return result;
  }
  if (slot->buffer.metadata == NULL) {
    result = MINIAV_ERROR_NOT_SUPPORTED;
  } else {
    *metadata = slot->metadata;
    metadata->cursor_pixels = NULL;
  }
  slot_unpin(slot);
  return result;
}

MiniAVResultCode MiniAV_CopyCursorPixels(void *internal_handle, void *destination,
                                         size_t capacity_bytes) {
  MiniAVResultCode result;
  struct slot *slot = enter(internal_handle, &result);
  if (slot == NULL) {
    return result;
  }
  const MiniAVFrameMetadata *metadata = &slot->metadata;
  size_t bytes = (size_t)metadata->cursor_stride_bytes * metadata->cursor_height;
  if (slot->buffer.metadata == NULL || metadata->cursor_pixels == NULL) {
    result = MINIAV_ERROR_NOT_SUPPORTED;
  } else if (capacity_bytes < bytes || destination == NULL) {
    result = MINIAV_ERROR_BUFFER_TOO_SMALL;
  } else {
    memcpy(destination, metadata->cursor_pixels, bytes);
  }
  slot_unpin(slot);
  return result;
}
