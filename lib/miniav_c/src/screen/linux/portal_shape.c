#include "screen/linux/portal_shape.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/damage.h"
#include "common/pixel.h"
#include "common/pointer_picture.h"
#include "screen/frame_cut.h"

#define DEFAULT_RATE 60u
/* What is true of a picture whenever it is shown. */
#define LASTING_FLAGS ((uint32_t)MINIAV_BUFFER_FLAG_COPIED | (uint32_t)MINIAV_BUFFER_FLAG_CORRUPTED)

/* -- what is held ----------------------------------------------------------------------------- */

void portal_shape_give_back(const struct capture_frame *frame) {
  if (frame->release != NULL) {
    frame->release(frame->owner, frame->token);
  }
  block_release(frame->block);
  block_release(frame->cursor_block);
}

static void drop_held(struct portal_shape *shape) {
  if (shape->has_held) {
    shape->has_held = false;
    shape->is_fresh = false;
    portal_shape_give_back(&shape->held);
  }
}

static void hold(struct portal_shape *shape, const struct capture_frame *frame) {
  struct capture_frame next = *frame;
  MiniAVFrameMetadata metadata =
      frame->metadata != NULL ? *frame->metadata : (MiniAVFrameMetadata){0};
  if (shape->has_held && shape->is_fresh) {
    damage_add(&metadata, &shape->held_metadata);
    struct pointer_picture picture;
    if (pointer_picture_take(&picture, &shape->held_metadata, &shape->held.cursor_block) &&
        !pointer_picture_give(&picture, &metadata, &next.cursor_block)) {
      shape->held.cursor_block = picture.block; /* the frame has a newer one */
    }
    next.buffer.flags |= shape->held.buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY;
  }
  drop_held(shape);
  next.metadata = NULL;
  shape->held = next;
  shape->held_metadata = metadata;
  shape->has_held = true;
  shape->is_fresh = true;
}

static bool is_same_part(const MiniAVRect *a, const MiniAVRect *b) {
  return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

static bool is_same_plane(const MiniAVPlane *a, const MiniAVPlane *b, uint32_t row_bytes) {
  const uint8_t *left = a->data_ptr;
  const uint8_t *right = b->data_ptr;
  for (uint32_t row = 0; row < a->height; row++) {
    if (memcmp(left, right, row_bytes) != 0) {
      return false;
    }
    left += a->stride_bytes;
    right += b->stride_bytes;
  }
  return true;
}

static bool is_same_pointer(const MiniAVFrameMetadata *a, const MiniAVFrameMetadata *b) {
  return (b->flags & MINIAV_METADATA_CURSOR) == 0 ||
         (a->cursor_serial == b->cursor_serial && a->cursor_visible == b->cursor_visible &&
          a->cursor_x == b->cursor_x && a->cursor_y == b->cursor_y);
}

bool portal_shape_is_same(const struct portal_shape *shape, const struct capture_frame *frame) {
  const MiniAVBuffer *last = &shape->held.buffer;
  const MiniAVBuffer *next = &frame->buffer;
  const MiniAVVideoInfo *info = &next->data.video.info;
  bool is_comparable = shape->has_held && last->content_type == MINIAV_BUFFER_CONTENT_TYPE_CPU &&
                       next->content_type == MINIAV_BUFFER_CONTENT_TYPE_CPU &&
                       last->data.video.info.width == info->width &&
                       last->data.video.info.height == info->height &&
                       last->data.video.info.pixel_format == info->pixel_format &&
                       last->data.video.num_planes == next->data.video.num_planes &&
                       is_same_part(&last->crop, &next->crop);
  bool is_same = is_comparable && (frame->metadata == NULL ||
                                   is_same_pointer(&shape->held_metadata, frame->metadata));
  for (uint32_t i = 0; is_same && i < next->data.video.num_planes; i++) {
    struct plane_shape plane;
    is_same =
        pixel_plane_shape(info->pixel_format, info->width, info->height, i, &plane) &&
        is_same_plane(&last->data.video.planes[i], &next->data.video.planes[i], plane.row_bytes);
  }
  return is_same;
}

/* -- which part ------------------------------------------------------------------------------- */

/* All that the stream shows: a window's place in a larger picture is told as its crop. */
static MiniAVRect whole_of(const struct portal_shape *shape) {
  if (shape->has_held && shape->held.buffer.crop.width > 0) {
    return shape->held.buffer.crop;
  }
  return (MiniAVRect){0, 0, (int32_t)shape->stream.width, (int32_t)shape->stream.height};
}

static void refuse(struct portal_shape *shape, MiniAVResultCode why, const char *text) {
  if (!shape->is_refused) {
    shape->is_refused = true;
    drop_held(shape);
    shape->refused(shape->user, why, text);
  }
}

/* The part to show; false: it is not there. */
static bool find_part(struct portal_shape *shape, MiniAVRect *part) {
  MiniAVRect whole = whole_of(shape);
  char text[128];
  *part = whole;
  if (!shape->has_region) {
    return true;
  }
  if (!frame_cut_fits(&shape->region, shape->stream.pixel_format, whole.width, whole.height)) {
    snprintf(text, sizeof text, "the region does not fit the display, which has %d x %d pixels",
             whole.width, whole.height);
    refuse(shape,
           shape->told.video.width == 0 ? MINIAV_ERROR_INVALID_ARG : MINIAV_ERROR_DEVICE_LOST,
           text);
    return false;
  }
  part->x += shape->region.x;
  part->y += shape->region.y;
  part->width = shape->region.width;
  part->height = shape->region.height;
  return true;
}

/* -- what the capture is told ----------------------------------------------------------------- */

static MiniAVVideoInfo info_of(const struct portal_shape *shape, const MiniAVRect *part) {
  MiniAVVideoInfo info = shape->stream;
  info.width = (uint32_t)part->width;
  info.height = (uint32_t)part->height;
  if (shape->wanted.frame_rate_numerator > 0) {
    info.frame_rate_numerator = shape->wanted.frame_rate_numerator;
    info.frame_rate_denominator = shape->wanted.frame_rate_denominator;
  } else if (info.frame_rate_numerator == 0 || info.frame_rate_denominator == 0) {
    info.frame_rate_numerator = DEFAULT_RATE;
    info.frame_rate_denominator = 1;
  }
  return info;
}

/* False: it is not what was asked for. Only the first size is bound to the wish. */
static bool tell(struct portal_shape *shape, const MiniAVVideoInfo *info) {
  const MiniAVVideoInfo *told = &shape->told.video;
  bool is_first = told->width == 0;
  if (is_first && ((shape->wanted.width != 0 && shape->wanted.width != info->width) ||
                   (shape->wanted.height != 0 && shape->wanted.height != info->height))) {
    char text[128];
    snprintf(text, sizeof text, "it has %u x %u pixels, and is not scaled", info->width,
             info->height);
    refuse(shape, MINIAV_ERROR_FORMAT_NOT_SUPPORTED, text);
    return false;
  }
  if (told->width != info->width || told->height != info->height ||
      told->pixel_format != info->pixel_format) {
    shape->told = (struct capture_format){.video = *info, .audio_result = MINIAV_ERROR_NO_BUFFER};
    capture_format_changed(shape->capture, &shape->told);
  }
  return true;
}

/* -- showing ---------------------------------------------------------------------------------- */

static int64_t millirate(const struct portal_shape *shape) {
  return frame_pace_millirate(&shape->told.video, shape->limit);
}

static bool is_limited(const struct portal_shape *shape) {
  return shape->limit > 0 || shape->wanted.frame_rate_numerator > 0;
}

/* Does something of the part differ from the last picture of it? */
static bool has_news(const MiniAVFrameMetadata *metadata, const MiniAVRect *part) {
  if ((metadata->flags & MINIAV_METADATA_DAMAGE) == 0 ||
      (metadata->flags & MINIAV_METADATA_CURSOR) != 0) {
    return true;
  }
  for (uint32_t i = 0; i < metadata->damage_count; i++) {
    const MiniAVRect *is = &metadata->damage[i];
    if (is->x < part->x + part->width && is->y < part->y + part->height &&
        is->x + is->width > part->x && is->y + is->height > part->y) {
      return true;
    }
  }
  return false;
}

/* Hands out a frame of the part, with references of its own. */
static void deliver(struct portal_shape *shape, const MiniAVRect *part, const MiniAVVideoInfo *info,
                    struct capture_frame *frame, MiniAVFrameMetadata *metadata) {
  bool is_part =
      part->width != (int32_t)shape->stream.width || part->height != (int32_t)shape->stream.height;
  if (is_part) {
    frame_cut(frame, metadata, part);
  }
  frame->buffer.data.video.info.frame_rate_numerator = info->frame_rate_numerator;
  frame->buffer.data.video.info.frame_rate_denominator = info->frame_rate_denominator;
  if (frame->buffer.timestamp_us <= shape->shown_us) { /* a repeat overtook it on its way here */
    frame->buffer.timestamp_us = shape->shown_us + 1;
    frame->buffer.flags |= MINIAV_BUFFER_FLAG_ESTIMATED_TIME;
  }
  shape->shown_us = frame->buffer.timestamp_us;
  frame->buffer.duration_us = frame_pace_interval_us(millirate(shape));
  frame->metadata = metadata->flags != 0 ? metadata : NULL;
  if (frame->block != NULL) {
    block_reference(frame->block);
  }
  if (frame->cursor_block != NULL) {
    block_reference(frame->cursor_block);
  }
  capture_deliver(shape->capture, frame);
  frame_pace_shown(&shape->pace, clock_now_us(), millirate(shape));
}

static void show(struct portal_shape *shape) {
  MiniAVRect part;
  if (!find_part(shape, &part)) {
    return;
  }
  MiniAVVideoInfo info = info_of(shape, &part);
  bool is_first = shape->shown_part.width == 0;
  bool is_other = !is_same_part(&part, &shape->shown_part);
  if (!tell(shape, &info)) {
    return;
  }
  struct capture_frame frame = shape->held;
  MiniAVFrameMetadata metadata = shape->held_metadata;
  shape->is_fresh = false;
  if (is_other) {
    metadata.flags |= MINIAV_METADATA_DAMAGE;
    metadata.damage_count = 1;
    metadata.damage[0] = part;
  }
  if (is_other || has_news(&metadata, &part)) {
    deliver(shape, &part, &info, &frame, &metadata);
    /* The references just given out are the capture's; the picture of the pointer was told. */
    shape->held_metadata.flags &= ~(uint32_t)MINIAV_METADATA_CURSOR_PIXELS;
  }
  shape->shown_part = part;
  if (is_first) {
    shape->shown(shape->user);
  }
}

static void repeat(struct portal_shape *shape) {
  MiniAVVideoInfo info = info_of(shape, &shape->shown_part);
  struct capture_frame frame = shape->held;
  MiniAVFrameMetadata metadata = shape->held_metadata;
  metadata.damage_count = 0;
  metadata.flags &= ~(uint32_t)MINIAV_METADATA_CURSOR_PIXELS;
  frame.cursor_block = NULL;
  frame.buffer.flags = (frame.buffer.flags & LASTING_FLAGS) | MINIAV_BUFFER_FLAG_REPEATED;
  frame.buffer.timestamp_us = clock_now_us();
  deliver(shape, &shape->shown_part, &info, &frame, &metadata);
}

/* Shows what may be shown now, and sets the timer for the rest. */
static void consider(struct portal_shape *shape) {
  int64_t now_us = clock_now_us();
  bool is_due = now_us >= shape->pace.due_us;
  if (shape->has_held && shape->is_fresh && (is_due || !is_limited(shape))) {
    show(shape);
  } else if (shape->has_held && !shape->is_fresh && shape->repeats && is_due) {
    repeat(shape);
  }
  if (shape->has_held && (shape->is_fresh || shape->repeats)) {
    int64_t due_us = shape->pace.due_us;
    struct timespec at = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000 + 1};
    pw_loop_update_timer(shape->loop, shape->timer, &at, NULL, true);
  }
}

static void on_timer(void *user, uint64_t expirations) {
  (void)expirations;
  consider(user);
}

/* -- the stream ------------------------------------------------------------------------------- */

void portal_shape_format(void *user, const MiniAVVideoInfo *info) {
  struct portal_shape *shape = user;
  drop_held(shape); /* it is of the old size */
  shape->stream = *info;
  shape->shown_part = (MiniAVRect){0, 0, shape->shown_part.width > 0 ? -1 : 0, 0};
}

void portal_shape_frame(struct portal_shape *shape, const struct capture_frame *frame) {
  if (shape->is_refused) {
    portal_shape_give_back(frame);
    return;
  }
  hold(shape, frame);
  consider(shape);
}

void portal_shape_tell(struct portal_shape *shape) {
  MiniAVRect part;
  if (shape->told.video.width == 0 && shape->stream.width > 0 && find_part(shape, &part)) {
    MiniAVVideoInfo info = info_of(shape, &part);
    tell(shape, &info);
  }
}

/* -- settings and life ------------------------------------------------------------------------ */

MiniAVResultCode portal_shape_set_region(struct portal_shape *shape, const MiniAVRect *region) {
  MiniAVRect whole = whole_of(shape);
  if (!frame_cut_fits(region, shape->stream.pixel_format, whole.width, whole.height)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  shape->region = *region;
  shape->is_fresh = shape->has_held;
  consider(shape);
  return MINIAV_SUCCESS;
}

void portal_shape_set_pace(struct portal_shape *shape, double limit, bool repeats) {
  shape->limit = limit;
  shape->repeats = repeats;
  shape->pace.due_us = 0; /* ticks are counted anew */
  consider(shape);
}

MiniAVResultCode portal_shape_begin(struct portal_shape *shape, struct pw_loop *loop) {
  shape->loop = loop;
  shape->timer = pw_loop_add_timer(loop, on_timer, shape);
  return shape->timer != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

void portal_shape_end(struct portal_shape *shape) {
  drop_held(shape);
  if (shape->timer != NULL) {
    pw_loop_destroy_source(shape->loop, shape->timer);
    shape->timer = NULL;
  }
}

#endif
