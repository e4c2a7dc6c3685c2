#include "common/linux/pipewire_session.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/lists.h"

#define ANSWER_MS 3000u /* a negotiation without an answer ends then */
#define POLL_US   50000
#define IDLE_MS   250
#define FILL_MS   20
/* Silence is filled up to so long ago: later no cycle of the graph can begin, the longest being
 * 8192 frames (171 ms at 48 kHz). */
#define FILL_BEHIND_US 200000
/* Much silence at once would overflow the queue of a consumer that keeps up: it comes in steps. */
#define FILL_STEP_US 40000
#define FILL_NAP_US  4000
/* A source that starts or joins the graph may miss a cycle at first: samples count from when it has
 * run so long without. */
#define SETTLE_US  50000
#define GAP_US     3000
#define NO_HOME_US 3000000 /* how long a capture of the default waits for there to be one */

/* What the loop thread has for the worker. */
enum news { NEWS_LOST = 1u << 0, NEWS_MOVED = 1u << 1, NEWS_VOLUME = 1u << 2, NEWS_MUTE = 1u << 3 };

struct pipewire_session {
  const struct pipewire_policy *policy;
  void *user;
  struct capture *capture;
  struct pipewire_connection *connection;
  struct tap_layout layout;
  MiniAVAudioInfo in;
  MiniAVAudioInfo out;
  int event_fd;
  struct audio_feed feed; /* the worker's, as is the next */
  bool settled;           /* the source runs steadily */

  /* under the loop lock */
  struct pipewire_tap *tap; /* while it runs */
  bool wired;
  int64_t homeless_since_us; /* the followed default is gone since then; 0: it is there */
  double volume;
  bool mute;
  bool volume_known;
  char current_default[MINIAV_TEXT_BYTES];

  struct mutex lock;
  struct condition changed;
  /* under the lock */
  uint32_t news;
  char reason[128];
  char moved_to[MINIAV_TEXT_BYTES];
  bool quit;
  bool worker_runs;
  bool told_wired;
};

/* -- loop thread ---------------------------------------------------------------------------- */

static void wake_worker(struct pipewire_session *session) {
  uint64_t one = 1;
  ssize_t written = write(session->event_fd, &one, sizeof one);
  (void)written;
}

static void tell(struct pipewire_session *session, uint32_t news, const char *text) {
  mutex_lock(&session->lock);
  session->news |= news;
  if ((news & NEWS_LOST) != 0) {
    text_copy(session->reason, sizeof session->reason, text);
  }
  if ((news & NEWS_MOVED) != 0) {
    text_copy(session->moved_to, sizeof session->moved_to, text);
  }
  condition_broadcast(&session->changed);
  mutex_unlock(&session->lock);
  wake_worker(session);
}

/* Locked: the volume of the selection; true when it is another one. */
static void read_volume(struct pipewire_session *session,
                        const struct pipewire_selection *selection, bool tells) {
  double sum = 0;
  uint32_t known = 0;
  bool mute = true;
  for (uint32_t i = 0; i < selection->count; i++) {
    const struct pipewire_object *node = selection->nodes[i];
    if (node->volume_known) {
      sum += node->volume;
      mute = mute && node->mute;
      known++;
    }
  }
  if (known == 0) {
    return;
  }
  uint32_t news = 0;
  if (tells && session->volume_known) {
    news |= session->volume != sum / known ? NEWS_VOLUME : 0;
    news |= session->mute != mute ? NEWS_MUTE : 0;
  }
  session->volume = sum / known;
  session->mute = mute;
  session->volume_known = true;
  if (news != 0) {
    tell(session, news, "");
  }
}

/* The default that is followed is gone: there may be another one soon. */
static bool waits_for_default(struct pipewire_session *session,
                              const struct pipewire_selection *selection) {
  if (selection->failure == MINIAV_SUCCESS || session->current_default[0] == 0) {
    session->homeless_since_us = 0;
    return false;
  }
  int64_t now_us = clock_now_us();
  if (session->homeless_since_us == 0) {
    session->homeless_since_us = now_us;
  }
  return now_us - session->homeless_since_us < NO_HOME_US;
}

/* Locked: asks the policy and wires; while the session runs. */
static void update(struct pipewire_session *session) {
  if (session->tap == NULL) {
    return;
  }
  struct pipewire_selection selection = {0};
  const struct pipewire_graph *graph = pipewire_graph_of(session->connection);
  session->policy->select(session->user, graph, false, &selection);
  session->wired = pipewire_tap_wire(session->tap, graph, selection.nodes, selection.count);
  if (session->wired) {
    mutex_lock(&session->lock);
    session->told_wired = true;
    condition_broadcast(&session->changed);
    mutex_unlock(&session->lock);
  }
  read_volume(session, &selection, true);
  if (waits_for_default(session, &selection)) {
    return;
  }
  if (selection.failure != MINIAV_SUCCESS) {
    tell(session, NEWS_LOST, selection.reason);
  } else if (strcmp(session->current_default, selection.default_id) != 0) {
    memcpy(session->current_default, selection.default_id, sizeof session->current_default);
    tell(session, NEWS_MOVED, selection.default_id);
  }
}

static void on_changed(void *user) {
  update(user);
}

static void on_lost(void *user, const char *reason) {
  tell(user, NEWS_LOST, reason);
}

/* -- worker --------------------------------------------------------------------------------- */

static int64_t duration_us(const struct pipewire_session *session, uint32_t frames) {
  return (int64_t)frames * 1000000 / session->feed.in.sample_rate;
}

static void drop_record(struct sample_ring *ring) {
  sample_ring_consume(ring, sample_ring_peek(ring, 0).frames);
  sample_ring_take(ring);
}

/* True once the ring begins with SETTLE_US without a gap; drops what is before the last gap. */
static bool settle(struct pipewire_session *session, struct sample_ring *ring) {
  uint32_t records = sample_ring_records(ring);
  uint32_t first = 0;
  for (uint32_t i = 1; i < records; i++) {
    struct sample_arrival before = sample_ring_peek(ring, i - 1);
    struct sample_arrival next = sample_ring_peek(ring, i);
    int64_t gap_us = next.arrival_us - before.arrival_us - duration_us(session, before.frames);
    if (gap_us > GAP_US || gap_us < -GAP_US || next.lost_frames > 0) {
      first = i;
    }
  }
  for (uint32_t i = 0; i < first; i++) {
    drop_record(ring);
  }
  records -= first;
  return records > 0 &&
         sample_ring_peek(ring, records - 1).arrival_us - sample_ring_peek(ring, 0).arrival_us >=
             SETTLE_US;
}

static bool wants_quit(struct pipewire_session *session) {
  mutex_lock(&session->lock);
  bool quit = session->quit;
  mutex_unlock(&session->lock);
  return quit;
}

/* Fills the timeline with silence up to then. */
static void fill_to(struct pipewire_session *session, int64_t time_us) {
  int64_t next_us = audio_feed_end_us(&session->feed) + FILL_STEP_US;
  while (next_us < time_us && !wants_quit(session)) {
    audio_feed_silence_until(&session->feed, next_us);
    clock_sleep_until_us(clock_now_us() + FILL_NAP_US);
    next_us += FILL_STEP_US;
  }
  audio_feed_silence_until(&session->feed, time_us);
}

static void take_samples(struct pipewire_session *session, struct pipewire_tap *tap) {
  struct sample_ring *ring = pipewire_tap_ring(tap);
  session->settled = session->settled || session->policy->fills_silence || settle(session, ring);
  if (!session->settled) {
    return;
  }
  for (uint32_t records = sample_ring_records(ring); records > 0; records--) {
    struct sample_arrival arrival = sample_ring_peek(ring, 0);
    int64_t time_us = arrival.arrival_us;
    if (session->policy->fills_silence &&
        time_us > audio_feed_end_us(&session->feed) + FILL_STEP_US) {
      fill_to(session, time_us);
    }
    for (uint32_t left = arrival.frames; left > 0;) {
      uint32_t piece = 0;
      const void *samples = sample_ring_read(ring, left, &piece);
      audio_feed_samples(&session->feed, samples, piece, time_us);
      sample_ring_consume(ring, piece);
      time_us += duration_us(session, piece);
      left -= piece;
    }
    sample_ring_take(ring);
  }
}

static void follow_rate(struct pipewire_session *session, struct pipewire_tap *tap) {
  uint32_t rate_hz = pipewire_tap_new_rate(tap);
  if (rate_hz == 0) {
    return;
  }
  MiniAVAudioInfo in = session->in;
  in.sample_rate = rate_hz;
  if (audio_format_valid(&in) && audio_feed_reformat(&session->feed, &in) == MINIAV_SUCCESS) {
    pipewire_tap_accept_rate(tap, rate_hz);
  } else {
    tell(session, NEWS_LOST, "the graph changed to a rate that cannot be converted");
  }
}

/* False when the capture is over. */
static bool take_news(struct pipewire_session *session) {
  char text[MINIAV_TEXT_BYTES];
  mutex_lock(&session->lock);
  uint32_t news = session->news;
  session->news = 0;
  memcpy(text, session->moved_to, sizeof text);
  if ((news & NEWS_LOST) != 0) {
    memcpy(text, session->reason, sizeof session->reason);
  }
  mutex_unlock(&session->lock);
  if ((news & NEWS_VOLUME) != 0) {
    capture_property_changed(session->capture, MINIAV_PROPERTY_STREAM_VOLUME);
  }
  if ((news & NEWS_MUTE) != 0) {
    capture_property_changed(session->capture, MINIAV_PROPERTY_STREAM_MUTE);
  }
  if ((news & NEWS_LOST) != 0) {
    capture_lost(session->capture, MINIAV_ERROR_DEVICE_LOST, text);
    return false;
  }
  if ((news & NEWS_MOVED) != 0) {
    if (!session->policy->fills_silence) {
      audio_feed_restart(&session->feed);
      session->settled = false;
    }
    capture_default_moved(session->capture, text);
  }
  return true;
}

static void wait_event(struct pipewire_session *session) {
  struct pollfd event = {.fd = session->event_fd, .events = POLLIN};
  if (poll(&event, 1, session->policy->fills_silence ? FILL_MS : IDLE_MS) > 0) {
    uint64_t count;
    ssize_t got = read(session->event_fd, &count, sizeof count);
    (void)got;
  }
}

static void work(struct pipewire_session *session, struct pipewire_tap *tap) {
  int64_t asked_us = clock_now_us();
  bool running = true;
  while (running && !wants_quit(session)) {
    wait_event(session);
    pipewire_tap_woken(tap);
    take_samples(session, tap);
    follow_rate(session, tap);
    int64_t now_us = clock_now_us();
    if (session->policy->fills_silence) {
      fill_to(session, now_us - FILL_BEHIND_US);
    }
    running = take_news(session);
    if (session->policy->asks_again && now_us - asked_us > IDLE_MS * 1000) {
      asked_us = now_us;
      pipewire_lock(session->connection);
      update(session);
      pipewire_unlock(session->connection);
    }
  }
}

static void worker_main(void *user) {
  struct pipewire_session *session = user;
  pipewire_lock(session->connection);
  struct pipewire_tap *tap = session->tap;
  pipewire_unlock(session->connection);
  if (tap != NULL) {
    work(session, tap);
  }
  mutex_lock(&session->lock);
  session->worker_runs = false;
  condition_broadcast(&session->changed);
  mutex_unlock(&session->lock);
}

/* -- open ----------------------------------------------------------------------------------- */

static void explain(const struct pipewire_selection *selection, struct cancel *cancel) {
  if (cancel != NULL && selection->reason[0] != 0) {
    cancel_explain(cancel, "%s", selection->reason);
  }
}

/* Puts the names of loudspeakers into the order of audio_channels.h. */
static void order_layout(struct tap_layout *layout) {
  static const char *const order[] = {"MONO", "FL", "FR", "FC", "LFE",
                                      "RL",   "RR", "RC", "SL", "SR"};
  struct tap_layout ordered = {.channels = 0};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    for (uint32_t at = 0; at < layout->channels; at++) {
      if (strcmp(layout->names[at], order[i]) == 0) {
        memcpy(ordered.names[ordered.channels++], order[i], strlen(order[i]) + 1);
        break;
      }
    }
  }
  if (ordered.channels == layout->channels) {
    *layout = ordered;
  }
}

static void choose_layout(struct pipewire_session *session, const struct pipewire_graph *graph,
                          const struct pipewire_selection *selection) {
  struct tap_layout layout = {.channels = 2, .names = {"FL", "FR"}};
  const struct pipewire_object *ports[TAP_CHANNELS_MAX];
  if (!session->policy->layout_is_fixed && selection->count > 0) {
    uint32_t count =
        pipewire_graph_outputs(graph, selection->nodes[0]->id, ports, TAP_CHANNELS_MAX);
    for (uint32_t i = 0; i < count; i++) {
      text_copy(layout.names[i], sizeof layout.names[i],
                ports[i]->channel[0] != 0 ? ports[i]->channel : ports[i]->name);
    }
    layout.channels = count != 0 ? count : layout.channels;
    if (session->policy->meaning == AUDIO_CHANNELS_SPEAKERS) {
      order_layout(&layout);
    }
  }
  session->layout = layout;
}

static MiniAVResultCode connect(struct pipewire_session *session, struct cancel *cancel) {
  const struct pipewire_listener listener = {on_changed, on_lost, session};
  return pipewire_connect(&listener, ANSWER_MS, cancel, &session->connection);
}

/* Connected: looks whether what is wanted is there, and what it gives. */
static MiniAVResultCode look(struct pipewire_session *session, struct cancel *cancel) {
  struct pipewire_selection selection = {0};
  pipewire_lock(session->connection);
  const struct pipewire_graph *graph = pipewire_graph_of(session->connection);
  session->policy->select(session->user, graph, true, &selection);
  choose_layout(session, graph, &selection);
  session->in = (MiniAVAudioInfo){pipewire_graph_rate(graph), session->layout.channels,
                                  MINIAV_AUDIO_FORMAT_F32};
  memcpy(session->current_default, selection.default_id, sizeof session->current_default);
  read_volume(session, &selection, false);
  pipewire_unlock(session->connection);
  if (session->capture != NULL && selection.default_id[0] != 0) {
    capture_set_device(session->capture, selection.default_id);
  }
  explain(&selection, cancel);
  return selection.failure;
}

static struct pipewire_session *session_create(const struct pipewire_policy *policy, void *user,
                                               struct capture *capture) {
  struct pipewire_session *session = calloc(1, sizeof *session);
  if (session == NULL) {
    return NULL;
  }
  session->policy = policy;
  session->user = user;
  session->capture = capture;
  session->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  mutex_init(&session->lock);
  condition_init(&session->changed);
  if (session->event_fd < 0) {
    pipewire_session_close(session);
    return NULL;
  }
  return session;
}

MiniAVResultCode pipewire_session_open(const struct pipewire_policy *policy, void *user,
                                       struct capture *capture, const MiniAVAudioInfo *wanted,
                                       MiniAVAudioInfo *format, struct pipewire_session **out,
                                       struct cancel *cancel) {
  *out = NULL;
  struct pipewire_session *session = session_create(policy, user, capture);
  if (session == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = connect(session, cancel);
  if (result == MINIAV_SUCCESS) {
    result = look(session, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    pipewire_session_close(session);
    return result;
  }
  session->out = (MiniAVAudioInfo){
      wanted->sample_rate != 0 ? wanted->sample_rate : session->in.sample_rate,
      wanted->channel_count != 0 ? wanted->channel_count : session->in.channel_count,
      wanted->format != MINIAV_AUDIO_FORMAT_UNKNOWN ? wanted->format : session->in.format,
  };
  *format = session->out;
  *out = session;
  return MINIAV_SUCCESS;
}

MiniAVResultCode pipewire_session_format(const struct pipewire_policy *policy, void *user,
                                         MiniAVAudioInfo *format, struct cancel *cancel) {
  static const MiniAVAudioInfo native = {0};
  struct pipewire_session *session;
  MiniAVResultCode result =
      pipewire_session_open(policy, user, NULL, &native, format, &session, cancel);
  if (result == MINIAV_SUCCESS) {
    pipewire_session_close(session);
  }
  return result;
}

void pipewire_session_close(struct pipewire_session *session) {
  pipewire_disconnect(session->connection);
  if (session->event_fd >= 0) {
    close(session->event_fd);
  }
  condition_destroy(&session->changed);
  mutex_destroy(&session->lock);
  free(session);
}

/* -- start and stop ------------------------------------------------------------------------- */

/* Waits until what is selected is wired. */
static MiniAVResultCode wait_wired(struct pipewire_session *session, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(ANSWER_MS);
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&session->lock);
  while (!session->told_wired && result == MINIAV_SUCCESS) {
    int64_t now_us = clock_now_us();
    if ((session->news & NEWS_LOST) != 0) {
      cancel_explain(cancel, "%s", session->reason);
      result = MINIAV_ERROR_DEVICE_NOT_FOUND;
    } else if (cancel_requested(cancel)) {
      result = MINIAV_ERROR_USER_CANCELLED;
    } else if (now_us >= deadline_us) {
      cancel_explain(cancel, "PipeWire did not link the capture in %u s", ANSWER_MS / 1000u);
      result = MINIAV_ERROR_TIMEOUT;
    } else {
      condition_wait_until(&session->changed, &session->lock, now_us + POLL_US);
    }
  }
  mutex_unlock(&session->lock);
  return result;
}

static MiniAVResultCode begin(struct pipewire_session *session, struct cancel *cancel) {
  session->news = 0; /* no worker runs; what the loop thread tells from now on counts */
  session->quit = false;
  session->told_wired = false;
  if (pipewire_is_lost(session->connection)) {
    pipewire_disconnect(session->connection);
    session->connection = NULL;
    MiniAVResultCode result = connect(session, cancel);
    if (result != MINIAV_SUCCESS) {
      return result;
    }
  }
  MiniAVResultCode result = look(session, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  session->homeless_since_us = 0;
  session->settled = false;
  result = audio_feed_init(&session->feed, session->capture, &session->in, &session->out,
                           session->policy->meaning, session->policy->fills_silence);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  pipewire_lock(session->connection);
  session->tap =
      pipewire_tap_create(pipewire_core_of(session->connection), session->policy->node_name,
                          &session->layout, session->in.sample_rate, session->event_fd);
  update(session);
  pipewire_unlock(session->connection);
  if (session->tap == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  result = wait_wired(session, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (session->policy->fills_silence) {
    audio_feed_begin(&session->feed, clock_now_us());
  }
  session->worker_runs = true;
  if (!thread_start("miniav-pw-work", worker_main, session)) {
    session->worker_runs = false;
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode pipewire_session_start(struct pipewire_session *session, struct cancel *cancel) {
  if (session->connection == NULL) { /* the daemon was away at the last start */
    MiniAVResultCode result = connect(session, cancel);
    if (result != MINIAV_SUCCESS) {
      return result;
    }
  }
  MiniAVResultCode result = begin(session, cancel);
  if (result != MINIAV_SUCCESS) {
    pipewire_session_stop(session);
  }
  return result;
}

void pipewire_session_stop(struct pipewire_session *session) {
  mutex_lock(&session->lock);
  session->quit = true;
  mutex_unlock(&session->lock);
  wake_worker(session);
  mutex_lock(&session->lock);
  while (session->worker_runs) {
    condition_wait(&session->changed, &session->lock);
  }
  mutex_unlock(&session->lock);
  if (session->connection != NULL) {
    pipewire_lock(session->connection);
    pipewire_tap_destroy(session->tap);
    session->tap = NULL;
    pipewire_unlock(session->connection);
  }
  audio_feed_free(&session->feed);
}

MiniAVResultCode pipewire_session_volume(struct pipewire_session *session, double *volume,
                                         bool *mute) {
  if (session->connection == NULL) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  pipewire_lock(session->connection);
  bool known = session->volume_known;
  *volume = session->volume;
  *mute = session->mute;
  pipewire_unlock(session->connection);
  return known ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

#endif
