#include "screen/linux/x11_stream.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "screen/linux/x11_frames.h"

#define STOP_MS      150u
#define DEAF_US      50000 /* so long the server need not be heard before a tick */
#define RETRY_US     10000
#define FAILURES_MAX 200u
#define GUEST_US     50000 /* how much longer than it said a guest may be kept by a server */

/* What the thread does next. */
enum step { STEP_ON, STEP_END };

/* -- changes -------------------------------------------------------------------------------- */

static void on_event(void *user, const xcb_generic_event_t *event) {
  struct x11_stream *stream = user;
  x11_source_event(&stream->source, event);
  if (x11_shows_cursor(stream) && x11_is_cursor_event(&stream->extensions, event)) {
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

static bool source_is_to_be_followed(const struct x11_stream *stream) {
  return stream->source.changed || stream->source.closed;
}

/* Sleeps before a tick that is near; a guest may do what is to be done then. */
static MiniAVResultCode await_tick(struct x11_stream *stream) {
  int64_t early_us = stream->pace.due_us - clock_now_us();
  if (early_us <= 0 || early_us > DEAF_US) {
    return MINIAV_SUCCESS;
  }
  MiniAVResultCode result =
      x11_turn_sleep(&stream->turn, stream->x11, stream->pace.due_us, stream->pace.then_us);
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
  bool fills = x11_frames_repeat(stream);
  if (!x11_frames_are_wanted(stream) && !fills) {
    return x11_wait(stream->x11, INT64_MAX);
  }
  int64_t early_us = stream->pace.due_us - clock_now_us();
  if (early_us > 0) {
    /* The box around what changed grows many times until then. */
    return x11_sleep(stream->x11, clock_now_us() + (early_us < DEAF_US ? early_us : DEAF_US));
  }
  return x11_frames_show(stream, fills);
}

/* -- guests --------------------------------------------------------------------------------- */

/* The turn is ours. True: the tick was dealt with; false: the thread has to look, at once. */
static bool drive_tick(struct x11_stream *stream, bool *shown) {
  uint64_t sequence = stream->shown;
  bool fills = x11_frames_repeat(stream);
  if (x11_hear(stream->x11) != MINIAV_SUCCESS) {
    return false; /* that is lost: the thread finds it too */
  }
  if (source_is_to_be_followed(stream) || !(x11_frames_are_wanted(stream) || fills)) {
    return false;
  }
  MiniAVResultCode result = x11_frames_show(stream, fills);
  *shown = stream->shown != sequence;
  stream->outcome = result == MINIAV_ERROR_TIMEOUT ? MINIAV_SUCCESS : result;
  return result == MINIAV_SUCCESS;
}

bool x11_stream_drive(struct x11_stream *stream, int64_t deadline_us) {
  bool shown = false;
  if (!x11_turn_take(&stream->turn)) {
    return false;
  }
  int64_t due_us = stream->pace.due_us;
  int64_t next_us = due_us;
  MiniAVResultCode result = x11_rest(stream->x11, due_us < deadline_us ? due_us : deadline_us);
  if (result != MINIAV_SUCCESS) {
    next_us = 0;
  } else if (clock_now_us() >= due_us) {
    /* A server that hangs keeps the thread, which looks next, and no guest. */
    stream->x11->deadline_us = deadline_us < INT64_MAX ? deadline_us + GUEST_US : INT64_MAX;
    next_us = drive_tick(stream, &shown) ? stream->pace.due_us : 0;
    stream->x11->deadline_us = INT64_MAX;
  }
  x11_turn_return(&stream->turn, next_us, stream->pace.then_us);
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
    x11_frames_pace(stream, clock_now_us());
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
  thread_raise_priority();
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
  if (result == MINIAV_SUCCESS && x11_shows_cursor(stream)) {
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
  stream->pace = (struct frame_pace){0};
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
