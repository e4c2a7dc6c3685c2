/*
 * The thread between a tap and a capture, from start to stop: it takes samples out of the tap's
 * ring, converts and delivers them, fills silence on its own timer while nothing drives the graph,
 * and is the only one that enters the capture.
 *
 * Silence is only told where nothing played. When this thread itself comes late, the process stood
 * still: it holds the silence back for HOLD_US, because a cycle that comes then says whether sound
 * was lost.
 *
 * Invariants
 * - `lock` guards what is marked so, for copies only; it is the last of all locks.
 * - No time lies ahead of our clock (graph_clock.h), so what is filled is bounded by what passed;
 *   between two steps of it `quit` is looked at.
 * - When pipewire_worker_stop returns the thread has ended.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_WORKER_H
#define MINIAV_COMMON_PIPEWIRE_WORKER_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/audio_feed.h"
#include "common/linux/pipewire_tap.h"

/* What others have for the worker. */
enum pipewire_news {
  PIPEWIRE_NEWS_LOST = 1u << 0,  /* text: why */
  PIPEWIRE_NEWS_MOVED = 1u << 1, /* text: the bare id of the new default */
  PIPEWIRE_NEWS_VOLUME = 1u << 2,
  PIPEWIRE_NEWS_MUTE = 1u << 3
};

struct pipewire_worker {
  struct capture *capture;
  int event_fd;
  bool fills_silence;
  /* Four times a second, without a lock; may be NULL. */
  void (*ask)(void *user);
  void *user;

  /* the thread's while it runs */
  struct pipewire_tap *tap;
  struct audio_feed feed;
  bool settled; /* the source runs steadily */

  struct mutex lock;
  struct condition changed; /* of news, wired, runs */
  /* under the lock */
  uint32_t news;
  char reason[128];
  char moved_to[MINIAV_TEXT_BYTES];
  bool wired; /* since pipewire_worker_reset */
  bool quit;
  bool runs;
};

/* SYSTEM_CALL_FAILED: no eventfd is left. */
MiniAVResultCode pipewire_worker_init(struct pipewire_worker *worker, struct capture *capture,
                                      bool fills_silence, void (*ask)(void *user), void *user);
void pipewire_worker_free(struct pipewire_worker *worker);

/* Before a start: forgets the news of the last one. */
void pipewire_worker_reset(struct pipewire_worker *worker);
/* OUT_OF_MEMORY. tap outlives the run. */
MiniAVResultCode pipewire_worker_start(struct pipewire_worker *worker, struct pipewire_tap *tap,
                                       const MiniAVAudioInfo *in, const MiniAVAudioInfo *out,
                                       enum audio_channels_meaning meaning);
void pipewire_worker_stop(struct pipewire_worker *worker);

/* Any thread. text: see enum pipewire_news. */
void pipewire_worker_tell(struct pipewire_worker *worker, uint32_t news, const char *text);
void pipewire_worker_wired(struct pipewire_worker *worker);
/* Waits until it is wired. DEVICE_NOT_FOUND (it is lost first), USER_CANCELLED, TIMEOUT. */
MiniAVResultCode pipewire_worker_wait_wired(struct pipewire_worker *worker, uint32_t timeout_ms,
                                            struct cancel *cancel);

#endif
#endif
