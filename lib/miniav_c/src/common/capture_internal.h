/* The library's side of capture.h: the object itself, and what the public functions do with it. */
#ifndef MINIAV_COMMON_CAPTURE_INTERNAL_H
#define MINIAV_COMMON_CAPTURE_INTERNAL_H

#include "common/callback_thread.h"
#include "common/capture.h"
#include "common/pointer_picture.h"
#include "common/slots.h"
#include "common/thread.h"
#include "common/waiter.h"

#define DEFAULT_SLOTS   16u
#define PROPERTY_EVENTS 20u

enum capture_state { CAPTURE_CREATED, CAPTURE_CONFIGURED, CAPTURE_RUNNING };
enum capture_busy { BUSY_NO, BUSY_CONFIGURE, BUSY_START, BUSY_STOP };

enum capture_event_node {
  NODE_LOST,
  NODE_STALLED,
  NODE_RESUMED,
  NODE_FORMAT,
  NODE_DEFAULT,
  NODE_PROPERTY, /* PROPERTY_EVENTS of them */
  NODE_COUNT = NODE_PROPERTY + PROPERTY_EVENTS
};

/* Frames of one sort on their way from the source to the consumer. A screen has two: a queue and
 * slots of its own for its sound, so that neither pushes the other out (screen_sound.h). */
enum lane_number { LANE_MAIN, LANE_SOUND, LANE_COUNT };

struct lane {
  struct slot_table *table;            /* NULL: this sort does not come */
  struct slot *queue[SLOTS_PER_TABLE]; /* slots of `table`, oldest at queue[first] */
  uint32_t first;
  uint32_t count;
  uint32_t limit;         /* slot count, or 1 for "latest" */
  uint32_t pending_flags; /* for the next frame: FORMAT_CHANGED, DISCONTINUITY */
  uint64_t produced;      /* numbers the frames */
};

/* The loopback beside a screen (screen_sound.h). */
struct screen_sound {
  struct capture *inlet; /* what the loopback backend takes for its capture; freed with it */
  bool wanted;           /* of this run */
  bool by_library;       /* of this run: the screen's backend brings no sound */
  bool accepting;
  const struct backend *backend; /* NULL: not open */
  void *state;
};

struct capture {
  struct capture *sound_of; /* an inlet: the screen it belongs to, and nothing else of it counts
                               but `request` */
  uint64_t handle;
  MiniAVKind kind;
  struct mutex lock;
  struct condition changed; /* a frame, a state, busy, the dispatcher */

  enum capture_state state;
  enum capture_busy busy;
  struct cancel *busy_cancel;
  uint32_t cancelling; /* who requests busy_cancel now, without the lock */
  bool closed;
  bool accepting;
  bool lost;
  MiniAVResultCode lost_reason;

  const struct backend *backend;
  void *backend_state;
  const char *backend_name; /* set before open, for what open tells */
  struct capture_request request;
  struct capture_format format;
  char device_id[MINIAV_TEXT_BYTES]; /* the one really used, with prefix */

  struct lane lanes[LANE_COUNT];
  bool has_pending_damage; /* of frames that were dropped, for the next picture */
  MiniAVFrameMetadata pending_damage;
  struct pointer_picture pending_pointer; /* likewise */
  struct screen_sound sound;

  MiniAVBufferCallback callback;
  void *user_data;
  bool dispatching; /* the dispatcher thread exists */
  bool driving;     /* a consumer is inside backend.drive; a stop waits for it */
  struct callback_thread dispatcher;
  bool deferred_stop;
  bool deferred_destroy;

  struct waiter *waiter; /* with a reference */
  bool armed;
  struct event_node nodes[NODE_COUNT];

  MiniAVCaptureStats stats; /* queued, released, outstanding are computed */
  int64_t last_delivery_us;
  int64_t stall_after_us; /* 0: nobody watches */
  bool stalled;

  /* settings; the audio ones are read by capture threads */
  uint32_t queue_capacity;
  bool queue_latest;
  _Atomic float gain;
  atomic_bool mute;
  atomic_uint chunk_duration_us;
  bool has_intrinsics;
  MiniAVIntrinsics intrinsics;
  struct screen_settings screen;
};

MiniAVResultCode capture_create(MiniAVKind kind, uint64_t *handle);
MiniAVResultCode capture_configure(uint64_t handle, MiniAVKind kind,
                                   const struct capture_request *request, struct cancel *cancel);
/* audio: NULL, or the sound a screen capture shall have. */
MiniAVResultCode capture_start(uint64_t handle, MiniAVKind kind, MiniAVBufferCallback callback,
                               void *user_data, const MiniAVAudioInfo *audio,
                               struct cancel *cancel);
MiniAVResultCode capture_stop(uint64_t handle, MiniAVKind kind);
MiniAVResultCode capture_destroy(uint64_t handle, MiniAVKind kind);
MiniAVResultCode capture_configured(uint64_t handle, MiniAVKind kind,
                                    struct capture_format *format);
MiniAVResultCode capture_stats(uint64_t handle, MiniAVKind kind, MiniAVCaptureStats *stats);

/* Locked, configured: how long nothing may come; 0 when nobody watches. */
int64_t capture_stall_time_us(const struct capture *capture);

/* For a capture that the caller holds a reference of. */
MiniAVResultCode capture_take(struct capture *capture, MiniAVBuffer *buffer);
MiniAVResultCode capture_wait_take(struct capture *capture, uint32_t timeout_ms,
                                   MiniAVBuffer *buffer);
/* Under the lock. */
uint32_t capture_queued_locked(const struct capture *capture);
/* For the next frame of every sort that the capture's own backend delivers. */
void capture_flag_locked(struct capture *capture, uint32_t flags);
struct slot *capture_pop_locked(struct capture *capture); /* leased; NULL when empty */
void capture_drop_all(struct capture *capture, enum drop_reason reason);
void capture_count_locked(struct capture *capture, enum drop_reason reason, uint64_t count);
/* The waiter to signal, with a reference, when the consumer found the queue empty, or for_good:
 * there is nothing more to wait for. Those inside WaitBuffer are the caller's to wake (`changed`).
 */
struct waiter *capture_take_wake_locked(struct capture *capture, bool for_good);

/* capture_events.c */
void capture_post_locked(struct capture *capture, enum capture_event_node node, MiniAVEvent *event);
/* Moves the capture and what was not read yet there. False: it has been destroyed meanwhile. */
bool capture_set_waiter(struct capture *capture, struct waiter *waiter);
/* False when it belongs to another one or to none. A loss that was not read yet is the notifier's
 * then. */
bool capture_leave_waiter(struct capture *capture, struct waiter *waiter);
/* Every capture of it; for a waiter that is closed. */
void captures_leave_waiter(struct waiter *waiter);
/* Takes every event out of whoever's queue it is in; before the capture is freed. */
void capture_forget_all(struct capture *capture);
void capture_check_stall(struct capture *capture, int64_t now_us);

/* capture_properties.c */
MiniAVResultCode capture_property_info(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                       MiniAVPropertyInfo *info);
MiniAVResultCode capture_get_property(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                      MiniAVPropertyValue *value);
MiniAVResultCode capture_set_property(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                      const MiniAVPropertyValue *value);
MiniAVResultCode capture_set_auto(uint64_t handle, MiniAVKind kind, MiniAVPropertyKey key,
                                  bool automatic);

/* dispatch.c */
bool dispatch_start_locked(struct capture *capture);
/* What the dispatcher does after a stop or destroy from inside the callback (capture.c). */
void capture_finish_deferred(struct capture *capture, bool destroy);

/* watchdog.c: running captures that may stall. */
void watchdog_add(struct capture *capture);
void watchdog_remove(struct capture *capture);
void watchdog_stop(void);

/* A capture's handle for handle_acquire. */
struct capture *capture_acquire(uint64_t handle, MiniAVKind kind);
void capture_release_reference(struct capture *capture);

#endif
