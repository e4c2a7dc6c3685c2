/*
 * A stream of pictures from one node of the graph: the camera's, and whatever else gives frames
 * through PipeWire.
 *
 * Threads: all of it belongs to the loop thread of its connection, which calls capture_deliver;
 * others hold the connection's lock. Releases of frames may come from any thread, also after
 * pipewire_video_destroy (pipewire_video_memory.h).
 *
 * Invariants
 * - It is linked to the node it was asked to be linked to, by a link of its own where
 * `links_itself` (a stream that waits for the session manager may be given another camera);
 * `is_right` is asked before the first frame of every format, and nothing is delivered when it says
 * no.
 * - Of N buffers at most max(1, N/2 - 1) are lent, of less than four none; what comes beyond is
 *   copied, so that the source always has buffers to go on.
 * - A buffer without a picture, as screens send them when only the pointer moved, is no frame of
 *   its own: the picture before is shown again with the pointer where it is now. It is copied once
 *   for that, and its buffer goes back.
 * - A frame for a GPU is never copied: where none can be lent it is dropped, and counted.
 * - A format is told to the capture before its first frame. Older frames stay what they were: their
 *   memory is our own.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/capture.h"
#include "common/linux/pipewire_video_format.h"

struct pipewire_video;

enum pipewire_video_phase {
  PIPEWIRE_VIDEO_CONNECTING,
  PIPEWIRE_VIDEO_STREAMING,
  PIPEWIRE_VIDEO_FAILED /* for good */
};

struct pipewire_video_setup {
  struct pw_core *core;
  struct pw_loop *loop;
  struct capture *capture;
  const char *name;  /* of our own node */
  const char *role;  /* "Camera" or "Screen" */
  bool wants_damage; /* damage with the frames, where the source tells it */
  bool wants_cursor; /* the pointer with the frames; motion alone is the last picture again */
  bool keeps_last;   /* for pipewire_video_repeat */
  /* dma-bufs are handed on where the source has them. With the modifiers that it offers (NULL: it
   * was not asked, or offers none), else of cameras that export theirs without. */
  bool wants_gpu;
  const struct video_modifiers *modifiers; /* copied */
  uint32_t node_id;                        /* the source */
  uint32_t
      port_id; /* its output, where links_itself; by itself PipeWire finds only an unused one */
  bool links_itself;        /* else the session manager does, as for a portal's node */
  uint64_t node_serial;     /* by which it finds the source: PipeWire's object.serial; 0: its id */
  MiniAVVideoInfo wanted;   /* the first format must meet it; 0: any */
  MiniAVVideoInfo exact;    /* what is asked for first, and what the capture has been told */
  struct spa_fraction most; /* a limit that the source is asked to keep; 0/0: none */
  /* Loop thread, both or neither: gets formats and frames in the capture's place, to shape them. */
  void (*format)(void *shape, const MiniAVVideoInfo *info);
  void (*deliver)(void *shape, const struct capture_frame *frame);
  void *shape;
  /* Loop thread. Is the stream linked to the right node, and to nothing else? */
  bool (*is_right)(void *user, uint32_t own_id);
  /* Loop thread, after each change of the phase; must not destroy the stream. */
  void (*changed)(void *user);
  void *user;
};

/* Begins to connect; the phase tells how that ends. NULL when memory is exhausted. Locked. */
struct pipewire_video *pipewire_video_create(const struct pipewire_video_setup *setup);
/* When it returns nothing is delivered any more. Locked; not in `changed` or `is_right`. NULL is
 * fine. */
void pipewire_video_destroy(struct pipewire_video *video);

/* Loop thread or locked. */
enum pipewire_video_phase pipewire_video_phase_of(const struct pipewire_video *video);
/* Of a FAILED one. */
MiniAVResultCode pipewire_video_failure(const struct pipewire_video *video, const char **reason);
/* Has a format been agreed on? */
bool pipewire_video_has_format(const struct pipewire_video *video);
const MiniAVVideoInfo *pipewire_video_info(const struct pipewire_video *video);
/* The node whose clock drives ours, as a camera's does; SPA_ID_INVALID: not told. is_right is asked
 * again when it changes. */
uint32_t pipewire_video_driver(const struct pipewire_video *video);
/* The id of our own node; SPA_ID_INVALID while it has none. */
uint32_t pipewire_video_own_id(const struct pipewire_video *video);
/* Stops the source and lets it go on: a compositor paints anew then. Locked. */
void pipewire_video_restart(struct pipewire_video *video);
/* Delivers the newest picture again, REPEATED; false when there is none. With keeps_last. */
bool pipewire_video_repeat(struct pipewire_video *video);

#endif
#endif
