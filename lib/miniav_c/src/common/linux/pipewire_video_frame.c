#include "common/linux/pipewire_video_frame.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <inttypes.h>
#include <spa/buffer/meta.h>
#include <string.h>

#include "common/clock.h"
#include "common/linux/drm_format.h"
#include "common/linux/pipewire_video_gpu.h"
#include "common/log.h"
#include "common/pixel.h"

#define TIME_LIMIT_US    1000000 /* a time that is further off is none */
#define SEQUENCE_JUMP    10000u  /* more frames than that are not missing: it counts anew */
#define PLANE_ALIGNMENT  64u
#define COMPRESSED_SLACK 65536u
/* What is true of a picture whenever it is shown. */
#define LASTING_FLAGS ((uint32_t)MINIAV_BUFFER_FLAG_COPIED | (uint32_t)MINIAV_BUFFER_FLAG_CORRUPTED)

/* -- what the producer writes; it may change at any moment, so it is read once ---------------- */

/* A meta of that type, copied; false when the buffer has none. */
static bool read_meta(const struct spa_buffer *buffer, uint32_t type, void *to, size_t bytes) {
  const void *from = spa_buffer_find_meta_data(buffer, type, bytes);
  if (from != NULL) {
    video_meta_copy(to, from, bytes);
  }
  return from != NULL;
}

/* True when the source itself says that a chunk is corrupted. */
static bool read_chunks(const struct spa_buffer *buffer, const struct video_memory *memory,
                        struct video_chunk *chunks) {
  bool corrupted = false;
  for (uint32_t i = 0; i < memory->data_count; i++) {
    struct spa_chunk chunk;
    video_meta_copy(&chunk, buffer->datas[i].chunk, sizeof chunk);
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
  frame->block = video_memory_lend(memory);
}

static uint32_t aligned(uint32_t bytes) {
  return (bytes + PLANE_ALIGNMENT - 1) / PLANE_ALIGNMENT * PLANE_ALIGNMENT;
}

/* A block that a picture of so many bytes fits in. NULL: every one is held, memory is exhausted, or
 * the picture is larger than any of its format; *reason then says which. */
static struct block *take_block(struct video_frames *frames, uint64_t needed,
                                enum drop_reason *reason) {
  const MiniAVVideoInfo *info = &frames->format.info;
  uint64_t most = (uint64_t)info->width * info->height * 4 + COMPRESSED_SLACK;
  *reason = DROP_FAILED;
  if (pixel_is_compressed(info->pixel_format)) {
    if (needed > most) {
      return NULL;
    }
    needed = most;
  }
  if (frames->pool == NULL || frames->pool_bytes < needed) {
    block_pool_close(frames->pool);
    uint32_t count = capture_slot_count(frames->capture) + 2;
    frames->pool = block_pool_create(count, (size_t)needed);
    frames->pool_bytes = (size_t)needed;
  }
  *reason = frames->pool != NULL ? DROP_BUFFERS_HELD : DROP_FAILED;
  return frames->pool != NULL ? block_pool_take(frames->pool) : NULL;
}

static bool copy(struct video_frames *frames, const struct video_memory *memory,
                 const struct video_layout *layout, struct capture_frame *frame) {
  enum drop_reason reason;
  uint64_t needed = 0;
  for (uint32_t i = 0; i < layout->plane_count; i++) {
    needed += aligned(layout->planes[i].size_bytes);
  }
  struct block *block = take_block(frames, needed, &reason);
  if (block == NULL) {
    capture_count_drop(frames->capture, reason, 1);
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

/* -- what screens tell ------------------------------------------------------------------------ */

static void take_damage(struct video_frames *frames, const struct spa_buffer *buffer,
                        MiniAVFrameMetadata *metadata) {
  const struct spa_meta *meta = spa_buffer_find_meta(buffer, SPA_META_VideoDamage);
  if (!frames->wants_damage || meta == NULL || meta->data == NULL) {
    return;
  }
  enum video_said said = video_damage_read(meta->data, meta->size, &frames->format.info, metadata);
  frames->lies += said == VIDEO_SAID_LIES;
  metadata->flags |= said == VIDEO_SAID ? (uint32_t)MINIAV_METADATA_DAMAGE : 0u;
}

/* Whether the pointer looks other than before. */
static bool take_cursor(struct video_frames *frames, const struct spa_buffer *buffer) {
  const struct spa_meta *meta = spa_buffer_find_meta(buffer, SPA_META_Cursor);
  bool differs = false;
  if (!frames->wants_cursor || meta == NULL || meta->data == NULL) {
    return false;
  }
  uint32_t frame_count = capture_slot_count(frames->capture);
  enum video_said said =
      video_cursor_update(&frames->cursor, meta->data, meta->size, frame_count, &differs);
  frames->lies += said == VIDEO_SAID_LIES;
  return differs;
}

static bool is_screen(const struct video_frames *frames) {
  return frames->wants_damage || frames->wants_cursor;
}

/* Screens send buffers without a picture when only the pointer moved, mutter also when it could
 * paint none: chunks of 0 bytes, flagged corrupted (meta-screen-cast-stream-src.c). */
static bool is_empty(const struct video_chunk *chunks, uint32_t count) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    bytes += chunks[i].size_bytes;
  }
  return bytes == 0;
}

/* -- frames ----------------------------------------------------------------------------------- */

void video_frames_format(struct video_frames *frames, const struct video_format *format) {
  video_frames_forget(frames);
  frames->format = *format;
}

void video_frames_forget(struct video_frames *frames) {
  block_release(frames->last.block);
  frames->last.block = NULL;
}

void video_frames_end(struct video_frames *frames) {
  video_frames_forget(frames);
  video_cursor_end(&frames->cursor);
  block_pool_close(frames->pool);
  frames->pool = NULL;
  if (frames->lies > 0) {
    log_write(MINIAV_LOG_LEVEL_DEBUG, "pipewire",
              "damage or pointer could not be true %" PRIu64 " times", frames->lies);
    frames->lies = 0;
  }
}

bool video_frames_holds_alone(const struct video_frames *frames) {
  return frames->last.block != NULL &&
         atomic_load_explicit(&frames->last.block->references, memory_order_acquire) == 1;
}

/* Hands a frame over, and keeps its picture when it may have to be shown again. */
static void deliver(struct video_frames *frames, struct capture_frame *frame,
                    MiniAVFrameMetadata *metadata) {
  if (is_screen(frames)) {
    frame->cursor_block =
        video_cursor_describe(&frames->cursor, &frame->buffer.data.video.info, metadata);
    frame->metadata = metadata;
  }
  if (frames->keeps_last && frame->block != frames->last.block) {
    video_frames_forget(frames);
    block_reference(frame->block);
    frames->last = *frame;
    frames->last.cursor_block = NULL;
    frames->last.metadata = NULL;
  }
  if (frames->deliver != NULL) {
    frames->deliver(frames->shape, frame);
  } else {
    capture_deliver(frames->capture, frame);
  }
}

/* Moves the newest picture into memory of our own, where there is some, so that its buffer goes
 * back. A source sends into its buffers in turn: it would drop each picture whose turn comes to one
 * that is still here, and of a screen that stands still no other picture comes. */
static void own_last(struct video_frames *frames) {
  MiniAVBuffer *buffer = &frames->last.buffer;
  struct block *lease = frames->last.block;
  bool is_own = lease == NULL || lease->pool != NULL ||
                buffer->content_type != MINIAV_BUFFER_CONTENT_TYPE_CPU;
  enum drop_reason reason;
  uint64_t needed = 0;
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    needed += aligned(buffer->data.video.planes[i].size_bytes);
  }
  struct block *block = is_own ? NULL : take_block(frames, needed, &reason);
  if (block == NULL) {
    return;
  }
  uint32_t at = 0;
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    MiniAVPlane *plane = &buffer->data.video.planes[i];
    memcpy(block->data + at, plane->data_ptr, plane->size_bytes);
    plane->data_ptr = block->data + at;
    plane->offset_bytes = at;
    at += aligned(plane->size_bytes);
  }
  buffer->flags |= MINIAV_BUFFER_FLAG_COPIED;
  frames->last.block = block;
  block_release(lease);
}

static bool show_again(struct video_frames *frames, const MiniAVBuffer *about) {
  MiniAVFrameMetadata metadata = {.flags = MINIAV_METADATA_DAMAGE}; /* nothing changed */
  own_last(frames);
  struct capture_frame frame = frames->last;
  if (frame.block == NULL) {
    return false;
  }
  frame.buffer.timestamp_us = about->timestamp_us;
  frame.buffer.flags =
      about->flags | MINIAV_BUFFER_FLAG_REPEATED | (frames->last.buffer.flags & LASTING_FLAGS);
  block_reference(frame.block);
  deliver(frames, &frame, &metadata);
  return true;
}

bool video_frames_repeat(struct video_frames *frames) {
  MiniAVBuffer about = {.timestamp_us = clock_now_us()};
  if (about.timestamp_us <= frames->last_us) {
    about.timestamp_us = frames->last_us + 1;
  }
  frames->last_us = about.timestamp_us;
  return show_again(frames, &about);
}

/* Puts the picture into the frame, or counts why not. */
static bool place(struct video_frames *frames, struct video_memory *memory,
                  struct video_chunk chunks[VIDEO_DATAS_MAX], bool lends,
                  struct capture_frame *frame) {
  struct video_layout layout;
  const struct video_format *format = &frames->format;
  bool is_for_gpu = video_gpu_can(format, memory);
  bool is_opaque = format->has_modifier && format->modifier != DRM_MODIFIER_LINEAR;
  if (is_for_gpu && !lends) {
    capture_count_drop(frames->capture, DROP_BUFFERS_HELD, 1);
    return false;
  }
  if (!is_for_gpu && (memory->is_for_gpu || is_opaque)) {
    capture_count_drop(frames->capture, DROP_INVALID, 1);
    return false;
  }
  if (is_for_gpu ? !video_gpu_place(format, memory, chunks, &frame->buffer)
                 : !video_layout_find(&format->info, chunks, memory->data_count, &layout)) {
    capture_count_drop(frames->capture, DROP_INVALID, 1);
    return false;
  }
  if (is_for_gpu) {
    frame->block = video_memory_lend(memory);
  } else if (lends) {
    lend(frames, memory, &layout, frame);
  } else {
    return copy(frames, memory, &layout, frame);
  }
  return true;
}

bool video_frames_take(struct video_frames *frames, struct video_memory *memory,
                       const struct spa_buffer *buffer, int64_t cycle_us, bool may_lend) {
  struct video_chunk chunks[VIDEO_DATAS_MAX];
  struct capture_frame frame;
  MiniAVFrameMetadata metadata = {.flags = 0};
  if (memory == NULL || !memory->is_sound) {
    capture_count_drop(frames->capture, DROP_INVALID, 1);
    return false;
  }
  capture_frame_init(&frame, MINIAV_BUFFER_TYPE_VIDEO);
  bool corrupted = read_chunks(buffer, memory, chunks);
  take_header(frames, buffer, cycle_us, &frame.buffer);
  bool cursor_differs = take_cursor(frames, buffer);
  /* Of dma-bufs many say no size. */
  bool is_empty_one = is_empty(chunks, memory->data_count) && (!memory->is_for_gpu || corrupted);
  if (is_screen(frames) && is_empty_one) {
    if (cursor_differs) {
      show_again(frames, &frame.buffer);
    }
    return false;
  }
  frame.buffer.flags |= corrupted ? (uint32_t)MINIAV_BUFFER_FLAG_CORRUPTED : 0u;
  take_crop(buffer, &frame.buffer);
  take_transform(buffer, &frame.buffer);
  take_damage(frames, buffer, &metadata);
  describe(frames, &frame.buffer);
  bool lends = may_lend && memory->lendable;
  if (!place(frames, memory, chunks, lends, &frame)) {
    return false;
  }
  deliver(frames, &frame, &metadata);
  return lends;
}

#endif
