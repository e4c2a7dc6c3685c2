/*
 * What a loopback capture is to hear: a sink's monitor, or the streams of chosen programs, or those
 * of all others. The first half is for every sound server, the second a policy of
 * pipewire_session.h.
 *
 * Never wider than asked: a stream whose owner cannot be told is nobody's when programs are
 * included, and is left out too when a program is excluded by its PID, because it may be its. Of
 * the other programs only what plays into a sink counts: it could be heard. A stream that is the
 * other end of a filter (node.link-group) is no program's own sound and never counts: what goes in
 * is captured before it.
 */
#ifndef MINIAV_LOOPBACK_TARGETS_H
#define MINIAV_LOOPBACK_TARGETS_H

#include "common/backend.h"
#include "common/linux/process_tree.h"
#include "loopback/linux/stream_owner.h"

struct loopback_target {
  MiniAVLoopbackTarget asked;
  uint64_t start_time;      /* of the process, so that a number used again is another one */
  bool was_there;           /* it has been heard or seen */
  struct process_tree tree; /* of a process with its descendants */
};

struct loopback_targets {
  bool by_sink;                 /* else by programs */
  char sink[MINIAV_TEXT_BYTES]; /* node.name; "" the default */
  MiniAVLoopbackMode mode;
  uint32_t count;
  int64_t looked_us; /* at the trees */
  struct loopback_target targets[REQUEST_MAX_TARGETS];
};

#define LOOPBACK_ID_SYSTEM      "system/"      /* then node.name */
#define LOOPBACK_ID_PROCESS     "process/"     /* then the PID */
#define LOOPBACK_ID_APPLICATION "application/" /* then its name: a PID is not known */

/* What a request means. A window is its owner's process tree from here on. Results of
 * window_target_resolve; DEVICE_NOT_FOUND, NOT_SUPPORTED with an explanation. backend: the prefix
 * that ids may have. */
MiniAVResultCode loopback_targets_from(const struct capture_request *request, const char *backend,
                                       struct loopback_targets *targets, struct cancel *cancel);
/* The same for an id without prefix, "" the system's mix. */
MiniAVResultCode loopback_targets_from_id(const char *id, struct loopback_targets *targets,
                                          struct cancel *cancel);

/* After either, whatever it said. */
void loopback_targets_free(struct loopback_targets *targets);

/* An id of one of these prefixes. */
void loopback_id_join(char id[MINIAV_TEXT_BYTES], const char *prefix, const char *name);

/* Before a round of the next: what descendants there are now. */
void loopback_targets_look(struct loopback_targets *targets);

/* Whether a stream of that owner is a target's; its bit is set in *heard. */
bool loopback_targets_have(struct loopback_targets *targets, const struct stream_owner *owner,
                           uint32_t *heard);

#define LOOPBACK_REASON_BYTES 128u

/* Whether the capture can begin or go on, when the targets in `heard` have streams now. Include:
 * every target must play at the beginning, unless it may be waited for, and one must be left later.
 * Exclude: a process to leave out must be there at the beginning. SUCCESS, else the reason. */
MiniAVResultCode loopback_targets_judge(struct loopback_targets *targets, bool opening,
                                        uint32_t heard, char reason[LOOPBACK_REASON_BYTES]);

/* A program as an entry of a list. name: of a stream that has no better one. */
void loopback_describe(const struct stream_owner *owner, const char *name, bool is_playing,
                       MiniAVDeviceInfo *device);

/* Adds it, unless an entry from `first` on has its id: that is playing if either is. */
void loopback_add_program(struct device_list *devices, uint32_t first,
                          const MiniAVDeviceInfo *device);

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_session.h"

/* The policy; user is the struct loopback_targets. */
void loopback_targets_select(void *user, const struct pipewire_graph *graph, bool opening,
                             struct pipewire_selection *selection);

/* Adds what can be listened to. filter: MiniAVLoopbackTargetType. */
void loopback_targets_list(const struct pipewire_graph *graph, uint32_t filter,
                           struct device_list *devices);

#endif
#endif
