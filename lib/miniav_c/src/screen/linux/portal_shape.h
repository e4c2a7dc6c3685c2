/*
 * From the frames of a compositor's stream to those of a capture: the window or region cut out of
 * them, no more of them than asked for, the last one again where a steady stream is wanted.
 *
 * Invariants
 * - The loop thread's of its connection; others hold the connection's lock.
 * - `held` is the newest frame of the stream, whole, with references of its own: it may wait for
 *   its tick (`is_fresh`), and be shown again, as a repeat or for another region. Frames that it
 *   replaces unseen leave their damage and the pointer's picture to it.
 * - The capture is told a size before its first frame. Where the size or the place of the part
 *   changes, all of it is damage.
 * - While nothing changes and nothing is to be repeated, no timer runs.
 */
#ifndef MINIAV_SCREEN_PORTAL_SHAPE_H
#define MINIAV_SCREEN_PORTAL_SHAPE_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/capture.h"
#include "common/linux/pipewire_library.h"
#include "screen/frame_pace.h"

struct portal_shape {
  /* Set before portal_shape_begin. */
  struct capture *capture;
  MiniAVVideoInfo wanted; /* what was asked for; zeros: any */
  bool has_region;
  MiniAVRect region;
  double limit; /* pictures a second; 0: none */
  bool repeats;
  /* The first frame was shown. */
  void (*shown)(void *user);
  /* Nothing more is shown: the stream's size is not what was asked for. */
  void (*refused)(void *user, MiniAVResultCode why, const char *text);
  void *user;

  /* portal_shape.c's. */
  struct pw_loop *loop;
  struct spa_source *timer;
  MiniAVVideoInfo stream;     /* what the source has agreed on */
  MiniAVRect shown_part;      /* of the stream, in the last picture; width 0: none was shown */
  struct capture_format told; /* what the capture knows; width 0: nothing yet */
  struct frame_pace pace;
  int64_t shown_us; /* the time stamp of the last picture */
  bool is_refused;
  bool has_held;
  bool is_fresh;
  struct capture_frame held;
  MiniAVFrameMetadata held_metadata;
};

/* OUT_OF_MEMORY. */
MiniAVResultCode portal_shape_begin(struct portal_shape *shape, struct pw_loop *loop);
/* Gives back what is held; fine without a begin. */
void portal_shape_end(struct portal_shape *shape);

/* The stream has a format. As pipewire_video_setup.format. */
void portal_shape_format(void *user, const MiniAVVideoInfo *info);
/* Does a frame show what the last one did? */
bool portal_shape_is_same(const struct portal_shape *shape, const struct capture_frame *frame);
/* A frame of the stream, with its references; it is shown, or given back. */
void portal_shape_frame(struct portal_shape *shape, const struct capture_frame *frame);
void portal_shape_give_back(const struct capture_frame *frame);

/* Tells the capture the size that frames will have, where none has come yet. */
void portal_shape_tell(struct portal_shape *shape);

/* Settings while it runs. INVALID_ARG: the region does not fit. */
MiniAVResultCode portal_shape_set_region(struct portal_shape *shape, const MiniAVRect *region);
void portal_shape_set_pace(struct portal_shape *shape, double limit, bool repeats);

#endif
#endif
