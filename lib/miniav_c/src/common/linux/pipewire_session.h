/*
 * A configured capture of sound from PipeWire: the state behind open, start, stop and close of the
 * microphone and of the loopback. What is to be heard is a policy's word, asked again at each
 * change of the graph.
 *
 * Threads: the loop thread (libpipewire's) asks the policy and wires; the data thread writes
 * samples into the tap's ring; the worker (pipewire_worker.h), a thread of the session from start
 * to stop, delivers. Order of locks: loop lock → the worker's.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_SESSION_H
#define MINIAV_COMMON_PIPEWIRE_SESSION_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/audio_channels.h"
#include "common/capture.h"
#include "common/linux/pipewire_connection.h"
#include "common/linux/pipewire_tap.h"

#define SELECTION_MAX 64u

/* What is to be heard now. */
struct pipewire_selection {
  const struct pipewire_object *nodes[SELECTION_MAX];
  uint32_t count;
  MiniAVResultCode failure; /* SUCCESS; else why there is nothing to capture (any more) */
  char reason[128];
  char default_id[MINIAV_TEXT_BYTES]; /* the bare id of the default device that is followed */
};

struct pipewire_policy {
  /* On the loop thread or with its lock; may read /proc, must not wait. opening: at open and start,
   * else while it runs. *selection is zeroed. */
  void (*select)(void *user, const struct pipewire_graph *graph, bool opening,
                 struct pipewire_selection *selection);
  bool fills_silence;
  bool of_output;       /* what is heard is yet to be played: it counts when it is */
  bool asks_again;      /* four times a second, for what no event tells: processes that end */
  bool layout_is_fixed; /* front left and right; else the channels of the first node */
  enum audio_channels_meaning meaning;
  const char *node_name;
};

struct pipewire_session;

/* As the functions of struct backend. policy and user outlive the session. */
MiniAVResultCode pipewire_session_open(const struct pipewire_policy *policy, void *user,
                                       struct capture *capture, const MiniAVAudioInfo *wanted,
                                       MiniAVAudioInfo *format, struct pipewire_session **session,
                                       struct cancel *cancel);
MiniAVResultCode pipewire_session_start(struct pipewire_session *session, struct cancel *cancel);
void pipewire_session_stop(struct pipewire_session *session);
void pipewire_session_close(struct pipewire_session *session);

/* The graph's own format for what is selected. */
MiniAVResultCode pipewire_session_format(const struct pipewire_policy *policy, void *user,
                                         MiniAVAudioInfo *format, struct cancel *cancel);

/* The volume of what is heard: the mean of the streams that tell theirs, and whether all of them
 * are muted. NOT_SUPPORTED when none tells. */
MiniAVResultCode pipewire_session_volume(struct pipewire_session *session, double *volume,
                                         bool *mute);

#endif
#endif
