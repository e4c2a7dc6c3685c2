#include "screen/linux/x11_frames.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/clock.h"

/* -- pace ----------------------------------------------------------------------------------- */

static int64_t millirate(struct x11_stream *stream) {
  mutex_lock(&stream->lock);
  double limit = stream->limit;
  mutex_unlock(&stream->lock);
  return frame_pace_millirate(&stream->format.video, limit);
}

void x11_frames_pace(struct x11_stream *stream, int64_t now_us) {
  frame_pace_shown(&stream->pace, now_us, millirate(stream));
}

/* -- frames --------------------------------------------------------------------------------- */

static void deliver(struct x11_stream *stream, struct block *block, int64_t time_us, uint32_t flags,
                    const MiniAVFrameMetadata *metadata) {
  const struct x11_layout *layout = &stream->pictures.layout;
  struct capture_frame frame;
  capture_frame_init(&frame, MINIAV_BUFFER_TYPE_VIDEO);
  MiniAVBuffer *buffer = &frame.buffer;
  buffer->timestamp_us = time_us;
  buffer->flags = flags;
  buffer->duration_us = frame_pace_interval_us(millirate(stream));
  buffer->color_range = MINIAV_COLOR_RANGE_FULL;
  buffer->data.video.info = stream->format.video;
  buffer->data.video.num_planes = 1;
  buffer->data.video.planes[0] = (MiniAVPlane){.data_ptr = block->data,
                                               .width = layout->width,
                                               .height = layout->height,
                                               .stride_bytes = layout->stride_bytes,
                                               .size_bytes = (uint32_t)layout->picture_bytes};
  buffer->data_size_bytes = layout->picture_bytes;
  frame.metadata = metadata;
  frame.block = block;
  block_reference(block);
  if ((metadata->flags & MINIAV_METADATA_CURSOR_PIXELS) != 0) {
    frame.cursor_block = block;
    block_reference(block);
  }
  stream->shown++;
  capture_deliver(stream->capture, &frame);
}

static void add_damage(MiniAVFrameMetadata *metadata, const MiniAVRect *rectangle) {
  if (rectangle->width > 0) {
    metadata->damage[metadata->damage_count++] = *rectangle;
  }
}

static void damage_everything(const struct x11_stream *stream, MiniAVFrameMetadata *metadata) {
  metadata->damage_count = 1;
  metadata->damage[0] = (MiniAVRect){0, 0, (int32_t)stream->pictures.layout.width,
                                     (int32_t)stream->pictures.layout.height};
}

static bool cursor_is_inside(const struct x11_stream *stream, const struct x11_cursor *cursor) {
  const struct x11_layout *layout = &stream->pictures.layout;
  int32_t left = cursor->x - cursor->hotspot_x - stream->source.origin_x;
  int32_t top = cursor->y - cursor->hotspot_y - stream->source.origin_y;
  return left < (int32_t)layout->width && top < (int32_t)layout->height &&
         left + (int32_t)cursor->width > 0 && top + (int32_t)cursor->height > 0;
}

/* Whether the pointer looks other than in the last picture. Outside nobody sees it move. */
static bool cursor_differs(const struct x11_stream *stream, const struct x11_cursor *cursor) {
  int32_t x = cursor->x - stream->source.origin_x;
  int32_t y = cursor->y - stream->source.origin_y;
  bool is_seen = stream->cursor_inside || cursor_is_inside(stream, cursor);
  return !stream->cursor_known || (is_seen && (x != stream->cursor_x || y != stream->cursor_y ||
                                               cursor->serial != stream->cursor_serial));
}

/* Paints or describes it; what that changed is damage. */
static void show_cursor(struct x11_stream *stream, const struct x11_cursor *cursor,
                        struct block *block, MiniAVFrameMetadata *metadata) {
  const struct x11_source *source = &stream->source;
  const struct x11_layout *layout = &stream->pictures.layout;
  if (stream->cursor_mode == MINIAV_CURSOR_MODE_EMBEDDED) {
    MiniAVRect before = stream->cursor_painted;
    stream->cursor_painted =
        x11_cursor_paint(cursor, layout, block->data, source->origin_x, source->origin_y);
    if (!stream->whole && cursor_differs(stream, cursor)) {
      add_damage(metadata, &before);
      add_damage(metadata, &stream->cursor_painted);
    }
  } else {
    bool is_new = stream->whole || !stream->cursor_known || cursor->serial != stream->cursor_serial;
    x11_cursor_describe(cursor, layout, source->origin_x, source->origin_y,
                        is_new ? block->data + stream->pictures.cursor_offset : NULL, metadata);
  }
  stream->cursor_known = true;
  stream->cursor_inside = cursor_is_inside(stream, cursor);
  stream->cursor_x = cursor->x - source->origin_x;
  stream->cursor_y = cursor->y - source->origin_y;
  stream->cursor_serial = cursor->serial;
}

bool x11_shows_cursor(const struct x11_stream *stream) {
  return stream->cursor_mode != MINIAV_CURSOR_MODE_HIDDEN && stream->extensions.has_cursor;
}

/* What is asked of the server together. */
struct questions {
  unsigned int damage;
  unsigned int pointer; /* 0: not wanted, or known already */
};

static MiniAVResultCode take_answers(struct x11_stream *stream, const struct questions *questions,
                                     struct x11_cursor *cursor, MiniAVFrameMetadata *metadata) {
  struct x11_source *source = &stream->source;
  const MiniAVRect rectangle = x11_source_rectangle(source);
  MiniAVResultCode result =
      x11_damage_take(&source->damage, questions->damage, &rectangle, metadata);
  if (questions->pointer == 0) {
    return result;
  }
  if (result != MINIAV_SUCCESS) {
    x11_ask_forget(stream->x11, questions->pointer);
    return result;
  }
  result = x11_cursor_take(stream->x11, questions->pointer, cursor);
  return result == MINIAV_SUCCESS ? x11_source_place(source) : result;
}

static void forget_answers(struct x11_stream *stream, const struct questions *questions) {
  if (questions->damage != 0) {
    x11_ask_forget(stream->x11, questions->damage);
  }
  if (questions->pointer != 0) {
    x11_ask_forget(stream->x11, questions->pointer);
  }
}

static unsigned int ask_pointer(struct x11_stream *stream) {
  stream->cursor_moved = false;
  return x11_shows_cursor(stream) ? x11_cursor_ask(stream->x11) : 0;
}

/* Whether there is something new to show, where only the server knows. */
static MiniAVResultCode look(struct x11_stream *stream, struct x11_cursor *cursor,
                             MiniAVFrameMetadata *metadata, bool *is_new) {
  const struct questions questions = {x11_damage_ask(&stream->source.damage), ask_pointer(stream)};
  MiniAVResultCode result = take_answers(stream, &questions, cursor, metadata);
  *is_new =
      metadata->damage_count > 0 || (x11_shows_cursor(stream) && cursor_differs(stream, cursor));
  return result;
}

/* The picture, and what it means: all of that is asked for together. */
static MiniAVResultCode take_with_meaning(struct x11_stream *stream, struct x11_cursor *cursor,
                                          MiniAVFrameMetadata *metadata, struct block **block) {
  struct x11_source *source = &stream->source;
  const MiniAVRect rectangle = x11_source_rectangle(source);
  x11_source_ask(source, &stream->pictures);
  const struct questions questions = {x11_damage_ask_if_large(&source->damage, &rectangle),
                                      ask_pointer(stream)};
  MiniAVResultCode result = x11_source_take(source, &stream->pictures, block);
  if (result == MINIAV_SUCCESS) {
    return take_answers(stream, &questions, cursor, metadata);
  }
  forget_answers(stream, &questions);
  return result;
}

static void show_picture(struct x11_stream *stream, const struct x11_cursor *cursor,
                         struct block *block, int64_t now_us, MiniAVFrameMetadata *metadata) {
  if (stream->whole && stream->source.damage.id != 0) {
    damage_everything(stream, metadata);
  }
  if (x11_shows_cursor(stream)) {
    show_cursor(stream, cursor, block, metadata);
  }
  uint32_t flags = stream->pictures.segment == 0 ? MINIAV_BUFFER_FLAG_COPIED : 0u;
  deliver(stream, block, now_us, flags, metadata);
  block_release(stream->last);
  stream->last = block;
  stream->whole = false;
  stream->failures = 0;
  x11_frames_pace(stream, now_us);
}

/* The damage is cut off. *block NULL with SUCCESS: there is nothing new. */
static MiniAVResultCode take_what_is_new(struct x11_stream *stream, bool certain,
                                         struct x11_cursor *cursor, MiniAVFrameMetadata *metadata,
                                         struct block **block) {
  if (certain) {
    return take_with_meaning(stream, cursor, metadata, block);
  }
  bool is_new = false;
  MiniAVResultCode result = look(stream, cursor, metadata, &is_new);
  return result == MINIAV_SUCCESS && is_new
             ? x11_source_take(&stream->source, &stream->pictures, block)
             : result;
}

/* *shown: a picture was delivered; there is none when nothing in it changed. */
static MiniAVResultCode take_picture(struct x11_stream *stream, bool *shown) {
  struct x11_source *source = &stream->source;
  const MiniAVRect rectangle = x11_source_rectangle(source);
  MiniAVFrameMetadata metadata = {0};
  struct x11_cursor cursor = {0};
  struct block *block = NULL;
  int64_t now_us = clock_now_us();
  enum x11_damage_place place = x11_damage_place(&source->damage, &rectangle);
  bool certain = stream->whole || source->damage.id == 0 || place == DAMAGE_INSIDE;
  source->damaged = false;
  if (!certain && place == DAMAGE_OUTSIDE && !x11_shows_cursor(stream)) {
    return MINIAV_SUCCESS; /* not cut off: what comes inside makes the box grow */
  }
  x11_damage_cut(&source->damage);
  MiniAVResultCode result = take_what_is_new(stream, certain, &cursor, &metadata, &block);
  if (result == MINIAV_SUCCESS && block != NULL) {
    x11_damage_add_since(&source->damage, &rectangle, &metadata);
    show_picture(stream, &cursor, block, now_us, &metadata);
    *shown = true;
  } else if (result != MINIAV_SUCCESS) {
    block_release(block);
    stream->whole = true; /* the damage was cut off and is not told: all of the next is new */
  }
  x11_cursor_free(&cursor);
  return result;
}

static void repeat_picture(struct x11_stream *stream) {
  const MiniAVFrameMetadata nothing_changed = {
      .flags = stream->source.damage.id != 0 ? MINIAV_METADATA_DAMAGE : 0u};
  uint32_t flags = MINIAV_BUFFER_FLAG_REPEATED;
  flags |= stream->pictures.segment == 0 ? MINIAV_BUFFER_FLAG_COPIED : 0u;
  int64_t now_us = clock_now_us();
  deliver(stream, stream->last, now_us, flags, &nothing_changed);
  x11_frames_pace(stream, now_us);
}

/* -- at a tick ------------------------------------------------------------------------------- */

bool x11_frames_repeat(struct x11_stream *stream) {
  mutex_lock(&stream->lock);
  bool repeats = stream->repeats;
  mutex_unlock(&stream->lock);
  return repeats && stream->last != NULL;
}

/* Where nobody tells of the pointer's motion, or of damage, each tick looks. */
static bool must_look(const struct x11_stream *stream) {
  return stream->source.damage.id == 0 ||
         (x11_shows_cursor(stream) && !stream->extensions.has_motion);
}

bool x11_frames_are_wanted(const struct x11_stream *stream) {
  return stream->source.viewable &&
         (stream->whole || stream->source.damaged || stream->cursor_moved || must_look(stream));
}

MiniAVResultCode x11_frames_show(struct x11_stream *stream, bool repeats) {
  bool shown = false;
  MiniAVResultCode result =
      x11_frames_are_wanted(stream) ? take_picture(stream, &shown) : MINIAV_SUCCESS;
  if (result == MINIAV_SUCCESS && !shown && repeats) {
    repeat_picture(stream);
  } else if (result == MINIAV_SUCCESS && !shown) {
    x11_frames_pace(stream, clock_now_us());
  }
  return result;
}

#endif
