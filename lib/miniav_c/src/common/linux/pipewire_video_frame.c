#include "common/linux/pipewire_video_frame.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/buffer/meta.h>
#include <string.h>

#include "common/clock.h"
#include "common/pixel.h"

#define TIME_LIMIT_US    1000000 /* a time that is further off is none */
#define SEQUENCE_JUMP    10000u  /* more frames than that are not missing: it counts anew */
#define PLANE_ALIGNMENT  64u
#define COMPRESSED_SLACK 65536u

/* -- what the producer writes; it may change at any moment, so it is read once ---------------- */

static void read_shared(void *to, const void *from, size_t bytes) {
  const volatile uint32_t *words = from;
  uint32_t *out = to;
  for (size_t i = 0; i < bytes / sizeof *out; i++) {
    out[i] = words[i];
  }
}

/* A meta of that type, copied; false when the buffer has none. */
static bool read_meta(const struct spa_buffer *buffer, uint32_t type, void *to, size_t bytes) {
  const void *from = spa_buffer_find_meta_data(buffer, type, bytes);
  if (from != NULL) {
    read_shared(to, from, bytes);
  }
  return from != NULL;
}

/* True when the source itself says that a chunk is corrupted. */
static bool read_chunks(const struct spa_buffer *buffer, const struct video_memory *memory,
                        struct video_chunk *chunks) {
  bool corrupted = false;
  for (uint32_t i = 0; i < memory->data_count; i++) {
    struct spa_chunk chunk;
    read_shared(&chunk, buffer->datas[i].chunk, sizeof chunk);
    chunks[i] = (struct video_chunk){memory->datas[i].capacity_bytes, chunk.offset, chunk.size,
                                     chunk.stride};
    corrupted = corrupted || ((uint32_t)chunk.flags & SPA_CHUNK_FLAG_CORRUPTED) != 0;
  }
  return corrupted;
}

/* -- header, crop, transform ------------------------------------------------------------------ */

static bool is_near(int64_t time_us, int64_t now_us) {
  return time_us > 0 && time_us - now_us <= TIME_LIMIT_US && now_us - time_us <= TIME_LIMIT_US;
}

/* The source's own time, else that of the cycle in which the frame came. */
static void set_time(struct video_frames *frames, const struct spa_meta_header *header,
                     int64_t cycle_us, MiniAVBuffer *to) {
  int64_t now_us = clock_now_us();
  int64_t pts_us = header != NULL ? header->pts / 1000 : 0;
  if (is_near(pts_us, now_us)) {
    to->timestamp_us = pts_us;
  } else {
    int64_t time_us = is_near(cycle_us, now_us) ? cycle_us : now_us;
    to->timestamp_us = time_us > frames->last_us ? time_us : frames->last_us + 1;
    to->flags |= MINIAV_BUFFER_FLAG_ESTIMATED_TIME;
  }
  frames->last_us = to->timestamp_us;
}

/* Frames that the source counted and we never saw. */
static void count_missing(struct video_frames *frames, const struct spa_meta_header *header) {
  uint64_t missing = header->seq - frames->sequence - 1;
  if (frames->has_sequence && header->seq > frames->sequence && missing > 0 &&
      missing <= SEQUENCE_JUMP) {
    capture_count_drop(frames->capture, DROP_LATE, missing);
  }
  frames->has_sequence = true;
  frames->sequence = header->seq;
}

static void take_header(struct video_frames *frames, const struct spa_buffer *buffer,
                        int64_t cycle_us, MiniAVBuffer *to) {
  struct spa_meta_header header;
  bool found = read_meta(buffer, SPA_META_Header, &header, sizeof header);
  set_time(frames, found ? &header : NULL, cycle_us, to);
  if (!found) {
    return;
  }
  count_missing(frames, &header);
  if ((header.flags & SPA_META_HEADER_FLAG_DISCONT) != 0) {
    to->flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
  }
  if ((header.flags & SPA_META_HEADER_FLAG_CORRUPTED) != 0) {
    to->flags |= MINIAV_BUFFER_FLAG_CORRUPTED;
  }
}

static int32_t side(uint32_t value) {
  return value <= INT32_MAX ? (int32_t)value : -1; /* -1 is refused with the whole frame */
}

static void take_crop(const struct spa_buffer *buffer, MiniAVBuffer *to) {
  struct spa_meta_region meta;
  if (read_meta(buffer, SPA_META_VideoCrop, &meta, sizeof meta) &&
      spa_meta_region_is_valid(&meta)) {
    const struct spa_region *is = &meta.region;
    to->crop =
        (MiniAVRect){is->position.x, is->position.y, side(is->size.width), side(is->size.height)};
  }
}

/* What was done to the picture is undone by the same turn the other way round, then the flip. */
static void take_transform(const struct spa_buffer *buffer, MiniAVBuffer *to) {
  struct spa_meta_videotransform meta;
  if (read_meta(buffer, SPA_META_VideoTransform, &meta, sizeof meta) &&
      meta.transform <= SPA_META_TRANSFORMATION_Flipped270) {
    to->rotation_degrees = meta.transform % 4 * 90;
    to->mirrored = meta.transform >= SPA_META_TRANSFORMATION_Flipped;
  }
}

/* -- planes ----------------------------------------------------------------------------------- */

static void describe(const struct video_frames *frames, MiniAVBuffer *to) {
  const struct video_format *format = &frames->format;
  to->data.video.info = format->info;
  to->color_range = format->color_range;
  to->color_matrix = format->color_matrix;
  to->color_primaries = format->color_primaries;
  to->color_transfer = format->color_transfer;
  if (format->info.frame_rate_numerator != 0) {
    to->duration_us =
        (int64_t)format->info.frame_rate_denominator * 1000000 / format->info.frame_rate_numerator;
  }
}

static void set_plane(const struct video_frames *frames, const struct video_layout *layout,
                      uint32_t index, uint8_t *data, uint32_t offset_bytes, MiniAVBuffer *to) {
  const MiniAVVideoInfo *info = &frames->format.info;
  struct plane_shape shape = {info->width, info->height, 0};
  pixel_plane_shape(info->pixel_format, info->width, info->height, index, &shape);
  to->data.video.planes[index] = (MiniAVPlane){.data_ptr = data,
                                               .width = shape.width,
                                               .height = shape.height,
                                               .stride_bytes = layout->planes[index].stride_bytes,
                                               .offset_bytes = offset_bytes,
                                               .size_bytes = layout->planes[index].size_bytes};
  to->data.video.num_planes = (uint8_t)layout->plane_count;
  to->data_size_bytes += layout->planes[index].size_bytes;
}

static void lend(const struct video_frames *frames, struct video_memory *memory,
                 const struct video_layout *layout, struct capture_frame *frame) {
  for (uint32_t i = 0; i < layout->plane_count; i++) {
    uint32_t offset = layout->planes[i].offset_bytes;
    set_plane(frames, layout, i, memory->datas[layout->planes[i].data].at + offset, offset,
              &frame->buffer);
  }
  video_memory_begin_read(memory);
  block_reference(&memory->block);
  frame->block = &memory->block;
  frame->release = video_memory_return;
  frame->owner = memory;
}

static uint32_t aligned(uint32_t bytes) {
  return (bytes + PLANE_ALIGNMENT - 1) / PLANE_ALIGNMENT * PLANE_ALIGNMENT;
}

/* A pool of blocks that a picture of this layout fits in; NULL: memory is exhausted, or the picture
 * is larger than any of its format. */
static struct block_pool *pool_for(struct video_frames *frames, const struct video_layout *layout) {
  const MiniAVVideoInfo *info = &frames->format.info;
  uint64_t needed = 0;
  uint64_t most = (uint64_t)info->width * info->height * 4 + COMPRESSED_SLACK;
  for (uint32_t i = 0; i < layout->plane_count; i++) {
    needed += aligned(layout->planes[i].size_bytes);
  }
  if (pixel_is_compressed(info->pixel_format)) {
    if (needed > most) {
      return NULL;
    }
    needed = most;
  }
  if (frames->pool == NULL || frames->pool_bytes < needed) {
    block_pool_close(frames->pool);
    frames->pool = block_pool_create(capture_slot_count(frames->capture) + 2, (size_t)needed);
    frames->pool_bytes = (size_t)needed;
  }
  return frames->pool;
}

static bool copy(struct video_frames *frames, const struct video_memory *memory,
                 const struct video_layout *layout, struct capture_frame *frame) {
  struct block_pool *pool = pool_for(frames, layout);
  struct block *block = pool != NULL ? block_pool_take(pool) : NULL;
  if (block == NULL) {
    capture_count_drop(frames->capture, pool != NULL ? DROP_BUFFERS_HELD : DROP_FAILED, 1);
    return false;
  }
  uint32_t at = 0;
  video_memory_begin_read(memory);
  bool complete = true;
  for (uint32_t i = 0; i < layout->plane_count; i++) {
    uint32_t bytes = layout->planes[i].size_bytes;
    complete =
        complete && video_memory_read(memory, layout->planes[i].data,
                                      layout->planes[i].offset_bytes, bytes, block->data + at);
    set_plane(frames, layout, i, block->data + at, at, &frame->buffer);
    at += aligned(bytes);
  }
  video_memory_end_read(memory);
  if (!complete) {
    block_release(block);
    capture_count_drop(frames->capture, DROP_INVALID, 1);
    return false;
  }
  frame->block = block;
  frame->buffer.flags |= MINIAV_BUFFER_FLAG_COPIED;
  return true;
}

/* -- frames ----------------------------------------------------------------------------------- */

void video_frames_format(struct video_frames *frames, const struct video_format *format) {
  frames->format = *format;
}

void video_frames_end(struct video_frames *frames) {
  block_pool_close(frames->pool);
  frames->pool = NULL;
}

bool video_frames_take(struct video_frames *frames, struct video_memory *memory,
                       const struct spa_buffer *buffer, int64_t cycle_us, bool may_lend) {
  struct video_chunk chunks[VIDEO_DATAS_MAX];
  struct video_layout layout;
  struct capture_frame frame;
  if (memory == NULL || !memory->is_sound) {
    capture_count_drop(frames->capture, DROP_INVALID, 1);
    return false;
  }
  capture_frame_init(&frame, MINIAV_BUFFER_TYPE_VIDEO);
  if (read_chunks(buffer, memory, chunks)) {
    frame.buffer.flags |= MINIAV_BUFFER_FLAG_CORRUPTED;
  }
  take_header(frames, buffer, cycle_us, &frame.buffer);
  take_crop(buffer, &frame.buffer);
  take_transform(buffer, &frame.buffer);
  if (!video_layout_find(&frames->format.info, chunks, memory->data_count, &layout)) {
    capture_count_drop(frames->capture, DROP_INVALID, 1);
    return false;
  }
  describe(frames, &frame.buffer);
  bool lends = may_lend && memory->lendable;
  if (lends) {
    lend(frames, memory, &layout, &frame);
  } else if (!copy(frames, memory, &layout, &frame)) {
    return false;
  }
  capture_deliver(frames->capture, &frame);
  return lends;
}

#endif
