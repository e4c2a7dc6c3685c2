#include "screen/linux/x11_stream.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/log.h"

#define STOP_MS      150u
#define DEAF_US      50000 /* so long the server need not be heard before a tick */
#define RETRY_US     10000
#define FAILURES_MAX 200u

/* What the thread does next. */
enum step { STEP_ON, STEP_END };

/* -- pace ----------------------------------------------------------------------------------- */

static int64_t millirate(struct x11_stream *stream) {
  mutex_lock(&stream->lock);
  double limit = stream->limit;
  mutex_unlock(&stream->lock);
  return frame_pace_millirate(&stream->format.video, limit);
}

static void pace(struct x11_stream *stream, int64_t now_us) {
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

static bool shows_cursor(const struct x11_stream *stream) {
  return stream->cursor_mode != MINIAV_CURSOR_MODE_HIDDEN && stream->extensions.has_cursor;
}

/* Whether a picture will be taken whatever the answers are: then it is asked for with them. */
static bool is_certain(const struct x11_stream *stream) {
  const struct x11_source *source = &stream->source;
  return stream->whole || source->damage == 0 || (source->damaged && source->is_whole);
}

/* Asks for all that the picture's meaning needs; whether there is something new to show. */
static MiniAVResultCode look(struct x11_stream *stream, struct x11_cursor *cursor,
                             MiniAVFrameMetadata *metadata, bool *is_new) {
  struct x11_source *source = &stream->source;
  bool with_picture = is_certain(stream);
  bool with_cursor = shows_cursor(stream);
  stream->cursor_moved = false;
  x11_source_cut_damage(source);
  if (with_picture) {
    x11_source_ask(source, &stream->pictures);
  }
  unsigned int damage = x11_source_ask_damage(source);
  unsigned int pointer = with_cursor ? x11_cursor_ask(stream->x11) : 0;
  MiniAVResultCode result = x11_source_take_damage(source, damage, metadata);
  bool damage_is_known = source->damage != 0;
  if (damage_is_known) {
    metadata->flags |= MINIAV_METADATA_DAMAGE;
  }
  if (with_cursor && result != MINIAV_SUCCESS) {
    x11_ask_forget(stream->x11, pointer);
  } else if (with_cursor) {
    result = x11_cursor_take(stream->x11, pointer, cursor);
  }
  if (with_cursor && result == MINIAV_SUCCESS) {
    result = x11_source_place(source);
  }
  *is_new = stream->whole || !damage_is_known || metadata->damage_count > 0 ||
            (shows_cursor(stream) && cursor_differs(stream, cursor));
  if (stream->whole && damage_is_known) {
    damage_everything(stream, metadata);
  }
  return result;
}

/* *shown: a picture was delivered; there is none when nothing in it changed. */
static MiniAVResultCode take_picture(struct x11_stream *stream, bool *shown) {
  MiniAVFrameMetadata metadata = {0};
  struct x11_cursor cursor = {0};
  struct block *block = NULL;
  bool is_new = false;
  int64_t now_us = clock_now_us();
  MiniAVResultCode result = look(stream, &cursor, &metadata, &is_new);
  if (result != MINIAV_SUCCESS || !is_new) {
    x11_pictures_forget(&stream->pictures);
  } else {
    result = x11_source_take(&stream->source, &stream->pictures, &block);
  }
  /* The damage was cut off and is not told: all of the next picture is new. */
  stream->whole = stream->whole || result != MINIAV_SUCCESS;
  if (block != NULL) {
    if (shows_cursor(stream)) {
      show_cursor(stream, &cursor, block, &metadata);
    }
    uint32_t flags = stream->pictures.segment == 0 ? MINIAV_BUFFER_FLAG_COPIED : 0u;
    deliver(stream, block, now_us, flags, &metadata);
    block_release(stream->last);
    stream->last = block;
    stream->whole = false;
    stream->failures = 0;
    *shown = true;
    pace(stream, now_us);
  }
  x11_cursor_free(&cursor);
  return result;
}

static void repeat_picture(struct x11_stream *stream) {
  const MiniAVFrameMetadata nothing_changed = {
      .flags = stream->source.damage != 0 ? MINIAV_METADATA_DAMAGE : 0u};
  uint32_t flags = MINIAV_BUFFER_FLAG_REPEATED;
  flags |= stream->pictures.segment == 0 ? MINIAV_BUFFER_FLAG_COPIED : 0u;
  int64_t now_us = clock_now_us();
  deliver(stream, stream->last, now_us, flags, &nothing_changed);
  pace(stream, now_us);
}

/* -- changes -------------------------------------------------------------------------------- */

static void on_event(void *user, const xcb_generic_event_t *event) {
  struct x11_stream *stream = user;
  x11_source_event(&stream->source, event);
  if (shows_cursor(stream) && x11_is_cursor_event(&stream->extensions, event)) {
    stream->cursor_moved = true;
  }
}

static bool same_layout(const struct x11_layout *a, const struct x11_layout *b) {
  return a->format == b->format && a->width == b->width && a->height == b->height;
}

/* Blocks of the new size, and the event before the first picture in them. */
static MiniAVResultCode change_format(struct x11_stream *stream) {
  const struct x11_layout *layout = &stream->source.layout;
  block_release(stream->last);
  stream->last = NULL;
  MiniAVResultCode result = x11_pictures_prepare(&stream->pictures, layout);
  if (result == MINIAV_SUCCESS) {
    stream->format.video.width = layout->width;
    stream->format.video.height = layout->height;
    stream->format.video.pixel_format = layout->format;
    capture_format_changed(stream->capture, &stream->format);
  }
  return result;
}

static MiniAVResultCode follow_source(struct x11_stream *stream, const char **why) {
  struct x11_source *source = &stream->source;
  bool was_viewable = source->viewable;
  int32_t x = source->x;
  int32_t y = source->y;
  char display[MINIAV_TEXT_BYTES];
  memcpy(display, source->found_id, sizeof display);
  MiniAVResultCode result = x11_source_update(source, why);
  if (result != MINIAV_SUCCESS) { /* settings may interrupt it: then it is followed once more */
    source->changed = stream->whole = true;
    return result;
  }
  mutex_lock(&stream->lock);
  stream->display = source->display;
  mutex_unlock(&stream->lock);
  if (!same_layout(&source->layout, &stream->pictures.layout)) {
    result = change_format(stream);
    source->changed = source->changed || result != MINIAV_SUCCESS;
    stream->whole = true;
  }
  bool is_display = source->target != REQUEST_WINDOW;
  if (is_display && strcmp(display, source->found_id) != 0) {
    char id[MINIAV_TEXT_BYTES];
    device_id_join(id, "x11", source->found_id);
    capture_default_moved(stream->capture, id);
    stream->whole = true;
  }
  stream->whole =
      stream->whole || x != source->x || y != source->y || (source->viewable && !was_viewable);
  return result;
}

/* Takes over what set_property left. */
static void take_settings(struct x11_stream *stream) {
  mutex_lock(&stream->lock);
  if (stream->region_moved) {
    stream->region_moved = false;
    stream->source.region = stream->region;
    stream->source.changed = true;
  }
  mutex_unlock(&stream->lock);
}

/* -- the thread ----------------------------------------------------------------------------- */

static bool is_stopping(struct x11_stream *stream) {
  mutex_lock(&stream->lock);
  bool stopping = stream->stopping;
  mutex_unlock(&stream->lock);
  return stopping;
}

static bool repeats(struct x11_stream *stream) {
  mutex_lock(&stream->lock);
  bool repeats = stream->repeats;
  mutex_unlock(&stream->lock);
  return repeats && stream->last != NULL;
}

/* Where nobody tells of the pointer's motion, or of damage, each tick looks. */
static bool must_look(const struct x11_stream *stream) {
  return stream->source.damage == 0 || (shows_cursor(stream) && !stream->extensions.has_motion);
}

/* Something may be new. */
static bool wants_picture(const struct x11_stream *stream) {
  return stream->source.viewable &&
         (stream->whole || stream->source.damaged || stream->cursor_moved || must_look(stream));
}

/* At a tick: the picture, or the last one again. */
static MiniAVResultCode show(struct x11_stream *stream, bool fills) {
  bool shown = false;
  MiniAVResultCode result = wants_picture(stream) ? take_picture(stream, &shown) : MINIAV_SUCCESS;
  if (result == MINIAV_SUCCESS && !shown && fills) {
    repeat_picture(stream);
  } else if (result == MINIAV_SUCCESS && !shown) {
    pace(stream, clock_now_us());
  }
  return result;
}

static bool source_is_to_be_followed(const struct x11_stream *stream) {
  return stream->source.changed || stream->source.closed;
}

/* Sleeps before a tick that is near; a guest may do what is to be done then. */
static MiniAVResultCode await_tick(struct x11_stream *stream) {
  int64_t early_us = stream->pace.due_us - clock_now_us();
  if (early_us <= 0 || early_us > DEAF_US) {
    return MINIAV_SUCCESS;
  }
  MiniAVResultCode result = x11_turn_sleep(&stream->turn, stream->x11, stream->pace.due_us);
  if (result == MINIAV_SUCCESS) {
    result = stream->outcome;
  }
  stream->outcome = MINIAV_SUCCESS;
  return result == MINIAV_SUCCESS ? x11_hear(stream->x11) : result;
}

static MiniAVResultCode step(struct x11_stream *stream, const char **why) {
  MiniAVResultCode result = await_tick(stream);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  take_settings(stream);
  if (source_is_to_be_followed(stream)) {
    result = follow_source(stream, why);
    if (result != MINIAV_SUCCESS) {
      return result;
    }
  }
  bool fills = repeats(stream);
  if (!wants_picture(stream) && !fills) {
    return x11_wait(stream->x11, INT64_MAX);
  }
  if (clock_now_us() < stream->pace.due_us) {
    return x11_wait(stream->x11, stream->pace.due_us);
  }
  return show(stream, fills);
}

/* -- guests --------------------------------------------------------------------------------- */

/* The turn is ours. True: the tick was dealt with; false: the thread has to look, at once. */
static bool drive_tick(struct x11_stream *stream, bool *shown) {
  uint64_t sequence = stream->shown;
  bool fills = repeats(stream);
  if (source_is_to_be_followed(stream) || !(wants_picture(stream) || fills)) {
    return false;
  }
  stream->outcome = show(stream, fills);
  *shown = stream->shown != sequence;
  return stream->outcome == MINIAV_SUCCESS;
}

bool x11_stream_drive(struct x11_stream *stream, int64_t deadline_us) {
  struct x11_signals signals;
  bool shown = false;
  if (!x11_turn_take(&stream->turn)) {
    return false;
  }
  int64_t due_us = stream->pace.due_us;
  int64_t next_us = due_us;
  x11_hold_signals(&signals);
  MiniAVResultCode result = x11_sleep(stream->x11, due_us < deadline_us ? due_us : deadline_us);
  if (result == MINIAV_ERROR_USER_CANCELLED) {
    next_us = 0;
  } else if (result != MINIAV_SUCCESS) {
    stream->outcome = result;
    next_us = 0;
  } else if (clock_now_us() >= due_us) {
    next_us = drive_tick(stream, &shown) ? stream->pace.due_us : 0;
  }
  x11_release_signals(&signals, stream->x11);
  x11_turn_return(&stream->turn, next_us);
  return shown;
}

/* -- the thread's end ------------------------------------------------------------------------- */

/* What an outcome means: whether to go on, and why the source is lost. */
static enum step judge(struct x11_stream *stream, MiniAVResultCode result, const char *why) {
  if (result == MINIAV_ERROR_USER_CANCELLED) {
    x11_continue(stream->x11); /* before the question: a stop that comes later interrupts again */
  }
  if (is_stopping(stream)) {
    return STEP_END;
  }
  switch (result) {
  case MINIAV_SUCCESS:
  case MINIAV_ERROR_USER_CANCELLED: /* settings */
    return STEP_ON;
  case MINIAV_ERROR_NO_BUFFER:
    capture_count_drop(stream->capture, DROP_BUFFERS_HELD, 1);
    pace(stream, clock_now_us());
    return STEP_ON;
  case MINIAV_ERROR_SYSTEM_CALL_FAILED: /* it was resized, or went, while it was looked at */
    stream->source.changed = true;
    stream->pace.due_us = clock_now_us() + RETRY_US;
    if (++stream->failures < FAILURES_MAX) {
      return STEP_ON;
    }
    capture_lost(stream->capture, MINIAV_ERROR_SYSTEM_CALL_FAILED,
                 "the X server gives no picture of it");
    return STEP_END;
  case MINIAV_ERROR_DEVICE_LOST:
    capture_lost(stream->capture, MINIAV_ERROR_DEVICE_LOST,
                 why != NULL ? why : "the X server ended the connection");
    return STEP_END;
  default:
    capture_lost(stream->capture, result, "the capture of the X server failed");
    return STEP_END;
  }
}

static void stream_main(void *user) {
  struct x11_stream *stream = user;
  x11_block_signals();
  thread_raise_priority();
  stream->x11->signals_blocked = true;
  enum step next = STEP_ON;
  while (next == STEP_ON) {
    const char *why = NULL;
    MiniAVResultCode result = step(stream, &why);
    next = judge(stream, result, why);
  }
  mutex_lock(&stream->lock);
  stream->running = false;
  condition_broadcast(&stream->ended);
  mutex_unlock(&stream->lock);
}

/* -- life ----------------------------------------------------------------------------------- */

static void release(struct x11_stream *stream) {
  block_release(stream->last);
  stream->last = NULL;
  x11_pictures_close(&stream->pictures);
  x11_disconnect(stream->x11);
  stream->x11 = NULL;
}

static MiniAVResultCode set_up(struct x11_stream *stream, struct cancel *cancel) {
  struct x11 *x11 = stream->x11;
  MiniAVResultCode result = x11_extensions_find(x11, &stream->extensions);
  if (result == MINIAV_SUCCESS) {
    result = x11_source_open(&stream->source, x11, &stream->extensions, stream->request, cancel);
  }
  stream->source.region = stream->region; /* it may have been moved since; the thread looks */
  x11->on_event = on_event;
  x11->user = stream;
  if (result == MINIAV_SUCCESS) {
    result = x11_source_watch(&stream->source);
  }
  stream->pictures = (struct x11_pictures){.x11 = x11,
                                           .shares_memory = stream->extensions.shares_memory,
                                           .block_count = capture_slot_count(stream->capture) + 3};
  if (result == MINIAV_SUCCESS) {
    result = x11_pictures_prepare(&stream->pictures, &stream->source.layout);
  }
  if (result == MINIAV_SUCCESS && shows_cursor(stream)) {
    x11_cursor_watch(x11, &stream->extensions);
  }
  return result;
}

static void agree(struct x11_stream *stream) {
  const struct x11_layout *layout = &stream->source.layout;
  struct capture_format before = stream->format;
  stream->format.video.width = layout->width;
  stream->format.video.height = layout->height;
  stream->format.video.pixel_format = layout->format;
  if (before.video.width != layout->width || before.video.height != layout->height) {
    capture_format_changed(stream->capture, &stream->format);
  }
}

MiniAVResultCode x11_stream_start(struct x11_stream *stream, struct cancel *cancel) {
  MiniAVResultCode result = x11_connect(X11_OPEN_MS, cancel, &stream->x11);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  stream->cursor_mode = stream->request->screen.cursor_mode;
  stream->whole = true;
  stream->cursor_known = stream->cursor_moved = false;
  stream->cursor_painted = (MiniAVRect){0};
  stream->pace.due_us = 0;
  stream->failures = 0;
  stream->limit = stream->request->screen.frame_rate_limit;
  stream->repeats = stream->request->screen.repeat_last_frame != 0;
  result = set_up(stream, cancel);
  if (result == MINIAV_SUCCESS) {
    agree(stream);
    x11_set_limits(stream->x11, INT64_MAX, NULL);
    stream->stopping = false;
    stream->running = true;
    if (!thread_start("miniav-x11", stream_main, stream)) {
      stream->running = false;
      result = MINIAV_ERROR_OUT_OF_MEMORY;
    }
  }
  if (result != MINIAV_SUCCESS) {
    release(stream);
  }
  return result;
}

void x11_stream_stop(struct x11_stream *stream) {
  if (stream->x11 == NULL) {
    return;
  }
  int64_t deadline_us = clock_deadline_us(STOP_MS);
  mutex_lock(&stream->lock);
  stream->stopping = true;
  x11_interrupt(stream->x11);
  while (stream->running && condition_wait_until(&stream->ended, &stream->lock, deadline_us)) {
  }
  if (stream->running) {
    shutdown(stream->x11->fd, SHUT_RDWR);
  }
  while (stream->running) {
    condition_wait(&stream->ended, &stream->lock);
  }
  mutex_unlock(&stream->lock);
  release(stream);
}

void x11_stream_wake(struct x11_stream *stream) {
  if (stream->x11 != NULL) {
    x11_interrupt(stream->x11);
  }
}

#endif
