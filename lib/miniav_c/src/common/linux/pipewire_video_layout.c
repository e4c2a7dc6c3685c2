#include "common/linux/pipewire_video_layout.h"

#include "common/pixel.h"

/* How rows are laid out in one block: what the first plane's rows are padded to, what the chroma's,
 * and whether the first plane has an even number of rows. */
struct guess {
  uint32_t stride_bytes;
  uint32_t chroma_stride_bytes;
  bool even_rows;
};

static uint32_t round_up(uint32_t value, uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

static bool chunk_is_sound(const struct video_chunk *chunk) {
  return chunk->size_bytes > 0 && chunk->stride_bytes >= 0 &&
         chunk->offset_bytes <= chunk->capacity_bytes &&
         chunk->size_bytes <= chunk->capacity_bytes - chunk->offset_bytes;
}

/* Lays all planes into one chunk; the bytes with the padding of the last row, 0 when it does not
 * fit. */
static uint64_t lay_block(const MiniAVVideoInfo *info, const struct video_chunk *chunk,
                          const struct guess *guess, struct video_layout *layout) {
  uint64_t at = 0;
  uint64_t end = 0;
  layout->plane_count = pixel_plane_count(info->pixel_format);
  for (uint32_t i = 0; i < layout->plane_count; i++) {
    struct plane_shape shape;
    uint32_t stride = i == 0 ? guess->stride_bytes : guess->chroma_stride_bytes;
    if (!pixel_plane_shape(info->pixel_format, info->width, info->height, i, &shape) ||
        stride < shape.row_bytes) {
      return 0;
    }
    bool even = i == 0 && layout->plane_count > 1 && guess->even_rows;
    uint32_t rows = even ? round_up(shape.height, 2) : shape.height;
    uint64_t size = (uint64_t)stride * (shape.height - 1) + shape.row_bytes;
    end = at + size;
    if (end > chunk->size_bytes) {
      return 0;
    }
    layout->planes[i].data = 0;
    layout->planes[i].offset_bytes = chunk->offset_bytes + (uint32_t)at;
    layout->planes[i].stride_bytes = stride;
    layout->planes[i].size_bytes = (uint32_t)size;
    at += (uint64_t)stride * rows;
  }
  return at;
}

/* The stride of the chroma in a block whose first plane has that stride. */
static uint32_t chroma_stride(const MiniAVVideoInfo *info, uint32_t stride) {
  return info->pixel_format == MINIAV_PIXEL_FORMAT_I420 ? (stride + 1) / 2 : stride;
}

static bool find_in_block(const MiniAVVideoInfo *info, const struct video_chunk *chunk,
                          struct video_layout *layout) {
  struct plane_shape first;
  struct plane_shape second = {0};
  if (!pixel_plane_shape(info->pixel_format, info->width, info->height, 0, &first)) {
    return false;
  }
  pixel_plane_shape(info->pixel_format, info->width, info->height, 1, &second);
  uint32_t told = (uint32_t)chunk->stride_bytes;
  uint32_t tight = told != 0 ? told : first.row_bytes;
  uint32_t padded = told != 0 ? told : round_up(first.row_bytes, 4);
  /* GStreamer pads to four bytes, and to pairs of rows where chroma has half of them:
   * gst-libs/gst/video/video-info.c. */
  const struct guess guesses[] = {
      {tight, told != 0 ? chroma_stride(info, told) : second.row_bytes, false},
      {padded, round_up(second.row_bytes, 4), true},
      {padded, chroma_stride(info, padded), true},
  };
  const struct guess *fits = NULL;
  for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
    uint64_t bytes = lay_block(info, chunk, &guesses[i], layout);
    if (bytes == chunk->size_bytes) {
      return true;
    }
    fits = fits == NULL && bytes != 0 ? &guesses[i] : fits;
  }
  return fits != NULL && lay_block(info, chunk, fits, layout) != 0;
}

/* A plane that has a data of its own. */
static bool find_alone(const MiniAVVideoInfo *info, const struct video_chunk *chunk, uint32_t plane,
                       struct video_layout *layout) {
  struct plane_shape shape;
  if (!pixel_plane_shape(info->pixel_format, info->width, info->height, plane, &shape)) {
    return false;
  }
  uint32_t stride = (uint32_t)chunk->stride_bytes;
  if (stride == 0) {
    uint32_t padded = round_up(shape.row_bytes, 4);
    bool is_padded = (uint64_t)padded * shape.height == chunk->size_bytes;
    stride = is_padded ? padded : shape.row_bytes;
  }
  uint64_t size = (uint64_t)stride * (shape.height - 1) + shape.row_bytes;
  layout->planes[plane].data = plane;
  layout->planes[plane].offset_bytes = chunk->offset_bytes;
  layout->planes[plane].stride_bytes = stride;
  layout->planes[plane].size_bytes = (uint32_t)size;
  return stride >= shape.row_bytes && size <= chunk->size_bytes;
}

bool video_layout_find(const MiniAVVideoInfo *info, const struct video_chunk *chunks,
                       uint32_t chunk_count, struct video_layout *layout) {
  uint32_t planes = pixel_plane_count(info->pixel_format);
  if (planes == 0 || (chunk_count != 1 && chunk_count != planes)) {
    return false;
  }
  for (uint32_t i = 0; i < chunk_count; i++) {
    if (!chunk_is_sound(&chunks[i])) {
      return false;
    }
  }
  if (pixel_is_compressed(info->pixel_format)) {
    layout->plane_count = 1;
    layout->planes[0].data = 0;
    layout->planes[0].offset_bytes = chunks[0].offset_bytes;
    layout->planes[0].stride_bytes = 0;
    layout->planes[0].size_bytes = chunks[0].size_bytes;
    return true;
  }
  if (chunk_count == 1) {
    return find_in_block(info, &chunks[0], layout);
  }
  layout->plane_count = planes;
  for (uint32_t i = 0; i < planes; i++) {
    if (!find_alone(info, &chunks[i], i, layout)) {
      return false;
    }
  }
  return true;
}
