/* From a filled PipeWire buffer to a frame of the capture; the loop thread's. */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_FRAME_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_FRAME_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/capture.h"
#include "common/linux/pipewire_video_cursor.h"
#include "common/linux/pipewire_video_format.h"
#include "common/linux/pipewire_video_memory.h"

/* What goes on from frame to frame. */
struct video_frames {
  struct capture *capture;
  void (*deliver)(void *shape, const struct capture_frame *frame); /* NULL: capture_deliver */
  void *shape;
  struct video_format format;
  struct block_pool *pool; /* for copies; made when the first is needed */
  size_t pool_bytes;
  bool has_sequence;
  uint64_t sequence; /* of the last frame, as the source counts */
  int64_t last_us;
  bool wants_damage;
  bool wants_cursor;
  bool keeps_last;
  struct capture_frame last; /* the newest picture, to be shown again; its block is NULL: none */
  struct video_cursor cursor;
  uint64_t lies; /* damage and pointers that could not be true */
};

void video_frames_format(struct video_frames *frames, const struct video_format *format);
/* The newest picture is not to be shown again. */
void video_frames_forget(struct video_frames *frames);
void video_frames_end(struct video_frames *frames);

/* Is the newest picture kept here alone? Then its buffer comes back with the next one. */
bool video_frames_holds_alone(const struct video_frames *frames);
/* Delivers the newest picture again, which is copied for the first time only; false when there is
 * none. */
bool video_frames_repeat(struct video_frames *frames);

/* Delivers what is in a buffer, or counts why it cannot be. One without a picture, but with a
 * pointer that differs, is the newest picture again. cycle_us: when this cycle of the graph began,
 * 0 if not known. True: the buffer is lent, and comes back through its returns. */
bool video_frames_take(struct video_frames *frames, struct video_memory *memory,
                       const struct spa_buffer *buffer, int64_t cycle_us, bool may_lend);

#endif
#endif
