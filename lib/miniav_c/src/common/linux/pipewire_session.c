#include "common/linux/pipewire_session.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/linux/default_wait.h"
#include "common/linux/pipewire_worker.h"
#include "common/lists.h"

#define ANSWER_MS  3000u /* a negotiation without an answer ends then */
#define GOODBYE_MS 100u  /* of the 250 ms that a stop may take */

struct pipewire_session {
  const struct pipewire_policy *policy;
  void *user;
  struct capture *capture; /* NULL: only a look */
  struct pipewire_connection *connection;
  struct tap_layout layout;
  MiniAVAudioInfo in;
  MiniAVAudioInfo out;
  struct pipewire_worker worker;

  /* under the loop lock */
  struct pipewire_tap *tap; /* while it runs */
  struct default_wait wait; /* for another default that is followed */
  double volume;
  bool mute;
  bool volume_known;
  char current_default[MINIAV_TEXT_BYTES];
};

/* -- loop thread ---------------------------------------------------------------------------- */

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
    news |= session->volume != sum / known ? (uint32_t)PIPEWIRE_NEWS_VOLUME : 0u;
    news |= session->mute != mute ? (uint32_t)PIPEWIRE_NEWS_MUTE : 0u;
  }
  session->volume = sum / known;
  session->mute = mute;
  session->volume_known = true;
  if (news != 0) {
    pipewire_worker_tell(&session->worker, news, "");
  }
}

/* The default that is followed is gone: there may be another one soon. */
static bool waits_for_default(struct pipewire_session *session,
                              const struct pipewire_selection *selection) {
  return default_wait_lasts(&session->wait, selection->failure != MINIAV_SUCCESS &&
                                                session->current_default[0] != 0);
}

/* Locked: asks the policy and wires; while the session runs. */
static void update(struct pipewire_session *session) {
  if (session->tap == NULL) {
    return;
  }
  struct pipewire_selection selection = {0};
  const struct pipewire_graph *graph = pipewire_graph_of(session->connection);
  session->policy->select(session->user, graph, false, &selection);
  if (pipewire_tap_wire(session->tap, graph, selection.nodes, selection.count)) {
    pipewire_worker_wired(&session->worker);
  }
  read_volume(session, &selection, true);
  if (waits_for_default(session, &selection)) {
    return;
  }
  if (selection.failure != MINIAV_SUCCESS) {
    pipewire_worker_tell(&session->worker, PIPEWIRE_NEWS_LOST, selection.reason);
  } else if (strcmp(session->current_default, selection.default_id) != 0) {
    memcpy(session->current_default, selection.default_id, sizeof session->current_default);
    pipewire_worker_tell(&session->worker, PIPEWIRE_NEWS_MOVED, selection.default_id);
  }
}

static void on_changed(void *user) {
  update(user);
}

/* Not with the next batch: whoever gets the port's number next must not be heard for a moment. */
static void on_removed(void *user, const struct pipewire_object *object) {
  struct pipewire_session *session = user;
  if (session->tap != NULL && object->kind == PIPEWIRE_PORT) {
    pipewire_tap_forget(session->tap, object);
  }
}

static void on_lost(void *user, const char *reason) {
  struct pipewire_session *session = user;
  pipewire_worker_tell(&session->worker, PIPEWIRE_NEWS_LOST, reason);
}

/* The worker. */
static void ask_again(void *user) {
  struct pipewire_session *session = user;
  pipewire_lock(session->connection);
  update(session);
  pipewire_unlock(session->connection);
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
  const struct pipewire_listener listener = {on_changed, on_lost, session, on_removed};
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
  if (pipewire_worker_init(&session->worker, capture, policy->fills_silence,
                           policy->asks_again ? ask_again : NULL, session) != MINIAV_SUCCESS) {
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
  pipewire_worker_free(&session->worker);
  free(session);
}

/* -- start and stop ------------------------------------------------------------------------- */

static MiniAVResultCode begin(struct pipewire_session *session, struct cancel *cancel) {
  pipewire_worker_reset(&session->worker); /* what the loop thread tells from now on counts */
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
  pipewire_lock(session->connection);
  session->wait = (struct default_wait){0};
  struct pipewire_tap *tap = pipewire_tap_create(
      pipewire_core_of(session->connection), session->policy->node_name, &session->layout,
      session->in.sample_rate, session->policy->of_output, session->worker.event_fd);
  session->tap = tap;
  update(session);
  pipewire_unlock(session->connection);
  if (tap == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  result = pipewire_worker_wait_wired(&session->worker, ANSWER_MS, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  return pipewire_worker_start(&session->worker, tap, &session->in, &session->out,
                               session->policy->meaning);
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
  pipewire_worker_stop(&session->worker);
  if (session->connection == NULL) {
    return;
  }
  pipewire_lock(session->connection);
  struct pipewire_tap *tap = session->tap;
  session->tap = NULL;
  pipewire_tap_cut(tap);
  pipewire_unlock(session->connection);
  if (tap == NULL) {
    return;
  }
  /* libpipewire never closes the eventfds in messages to a node that is gone by then. */
  pipewire_roundtrip(session->connection, GOODBYE_MS);
  pipewire_lock(session->connection);
  pipewire_tap_destroy(tap);
  pipewire_unlock(session->connection);
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
