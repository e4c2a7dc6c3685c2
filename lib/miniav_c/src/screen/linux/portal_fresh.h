/*
 * Is the last frame the newest one? A compositor drives its stream itself: it queues a frame when
 * something was painted, and the frame goes out if the one before has been taken by then. Else it
 * stays in the queue until the next one is painted (impl_node_process_output in
 * src/pipewire/stream.c, 0.3.65), and on a still screen that may never be. So when nothing has come
 * for a while after a frame, or none at all, the stream is stopped and goes on: the compositor
 * paints, which pushes out what is stuck. A frame that was captured after that ends it.
 *
 * Invariants
 * - The loop thread's; others hold the connection's lock.
 * - On a still screen it is soon over: at most TRIES_MAX times after each change, and never again
 *   where the source does not answer at all. No timer runs after that.
 * - While frames come the timer is set once a quiet time, not once a frame.
 * - A frame that shows what the last one did is no change: another capture of the same screen that
 *   has it painted starts nothing here.
 */
#ifndef MINIAV_SCREEN_PORTAL_FRESH_H
#define MINIAV_SCREEN_PORTAL_FRESH_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_video.h"

struct portal_fresh {
  struct pw_loop *loop;
  struct spa_source *timer;
  struct pipewire_video *video;
  bool is_armed;
  bool has_streamed;
  bool was_answered;  /* ever */
  uint32_t tries;     /* since the last change that nobody asked for */
  int64_t asked_us;   /* when the source was last stopped; 0: that is answered */
  int64_t changed_us; /* when the last frame with a change came */
};

/* OUT_OF_MEMORY. */
MiniAVResultCode portal_fresh_begin(struct portal_fresh *fresh, struct pw_loop *loop);
void portal_fresh_end(struct portal_fresh *fresh);

/* There is a format: frames may come from now on. */
void portal_fresh_streaming(struct portal_fresh *fresh);
/* Is it worth looking whether the next frame is another picture? */
bool portal_fresh_doubts(const struct portal_fresh *fresh);
/* A frame has come; is_same: it shows what the last one did. */
void portal_fresh_frame(struct portal_fresh *fresh, const MiniAVBuffer *frame, bool is_same);

#endif
#endif
