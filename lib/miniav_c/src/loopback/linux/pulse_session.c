#include "loopback/linux/pulse_session.h"

#if defined(MINIAV_HAVE_PULSE)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/audio_feed.h"
#include "common/clock.h"
#include "common/linux/default_wait.h"
#include "loopback/linux/pulse_tap.h"

#define ANSWER_MS       3000u /* a negotiation without an answer ends then */
#define TURNS_MAX       256u  /* of the loop before samples go out */
#define TURN_MS         20u
#define NAP_MS          4u /* much at once would overflow the queue of a consumer that keeps up */
#define STEP_MS         40u
#define LOOK_US         250000 /* for what no event tells: processes that end */
#define TAPS_MAX        64u
#define RATE_MAX_HZ     192000u
#define DEFAULT_RATE_HZ 48000u

struct wish {
  const struct pulse_sink *sink;
  uint32_t input;
};

struct wishes {
  struct wish items[TAPS_MAX];
  uint32_t count;
  MiniAVResultCode failure;
  char reason[LOOPBACK_REASON_BYTES];
  char default_id[MINIAV_TEXT_BYTES]; /* the bare id of the default that is followed */
  bool volume_known;
  double volume;
  bool mute;
};

struct pulse_session {
  struct loopback_targets targets;
  struct capture *capture;
  MiniAVAudioInfo in;
  MiniAVAudioInfo out;
  pa_channel_map map;

  /* the caller's of start, then the worker's */
  struct pulse_client client;
  struct pulse_survey survey;
  struct tap_mixer *mixer;
  struct audio_feed feed;
  struct pulse_tap *taps[TAPS_MAX];
  uint32_t tap_count;
  bool is_changed;          /* the server told a change */
  struct default_wait wait; /* for another default that is followed */
  char current_default[MINIAV_TEXT_BYTES];

  struct mutex lock;
  struct condition changed;
  /* under the lock */
  bool quit;
  bool worker_runs;
  bool volume_known;
  double volume;
  bool mute;
};

/* -- what is to be heard ---------------------------------------------------------------------- */

static void fail(struct wishes *wishes, MiniAVResultCode failure, const char *reason) {
  wishes->failure = failure;
  text_copy(wishes->reason, sizeof wishes->reason, reason);
}

static void wish_sink(const struct loopback_targets *targets, const struct pulse_state *state,
                      bool opening, struct wishes *wishes) {
  bool follows = targets->sink[0] == 0;
  const struct pulse_sink *sink = pulse_state_sink(state, targets->sink);
  if (sink == NULL) {
    fail(wishes, MINIAV_ERROR_DEVICE_NOT_FOUND,
         follows   ? "there is no output"
         : opening ? "no output has this id"
                   : "the output was unplugged");
    return;
  }
  wishes->items[wishes->count++] = (struct wish){sink, PA_INVALID_INDEX};
  if (follows) {
    loopback_id_join(wishes->default_id, LOOPBACK_ID_SYSTEM, sink->name);
  }
}

static void wish_programs(struct loopback_targets *targets, const struct pulse_state *state,
                          bool opening, struct wishes *wishes) {
  uint32_t heard = 0;
  uint32_t telling = 0;
  wishes->mute = true;
  loopback_targets_look(targets);
  for (uint32_t i = 0; i < state->input_count; i++) {
    const struct pulse_input *input = &state->inputs[i];
    const struct pulse_sink *sink = pulse_state_sink_at(state, input->sink);
    struct stream_owner owner;
    pulse_input_owner(input, &owner);
    if (!loopback_targets_have(targets, &owner, &heard)) {
      continue;
    }
    if (sink != NULL && wishes->count < TAPS_MAX) {
      wishes->items[wishes->count++] = (struct wish){sink, input->index};
    }
    if (input->has_volume) {
      wishes->volume += input->volume;
      wishes->mute = wishes->mute && input->is_muted;
      telling++;
    }
  }
  if (telling > 0) {
    wishes->volume_known = true;
    wishes->volume /= telling;
  }
  wishes->failure = loopback_targets_judge(targets, opening, heard, wishes->reason);
}

static void make_wishes(struct pulse_session *session, bool opening, struct wishes *wishes) {
  *wishes = (struct wishes){.count = 0};
  if (session->targets.by_sink) {
    wish_sink(&session->targets, &session->survey.state, opening, wishes);
  } else {
    wish_programs(&session->targets, &session->survey.state, opening, wishes);
  }
}

/* True when one of them is another one than before. */
static void keep_volume(struct pulse_session *session, const struct wishes *wishes,
                        bool *volume_changed, bool *mute_changed) {
  *volume_changed = false;
  *mute_changed = false;
  if (!wishes->volume_known) {
    return;
  }
  mutex_lock(&session->lock);
  *volume_changed = session->volume_known && session->volume != wishes->volume;
  *mute_changed = session->volume_known && session->mute != wishes->mute;
  session->volume_known = true;
  session->volume = wishes->volume;
  session->mute = wishes->mute;
  mutex_unlock(&session->lock);
}

/* -- taps ------------------------------------------------------------------------------------- */

static void drop_tap(struct pulse_session *session, uint32_t at) {
  pulse_tap_destroy(session->taps[at]);
  session->taps[at] = session->taps[--session->tap_count];
}

static bool is_wished(const struct wishes *wishes, const struct pulse_tap *tap) {
  for (uint32_t i = 0; i < wishes->count; i++) {
    if (pulse_tap_is(tap, wishes->items[i].sink, wishes->items[i].input)) {
      return true;
    }
  }
  return false;
}

static bool has_tap(const struct pulse_session *session, const struct wish *wish) {
  for (uint32_t i = 0; i < session->tap_count; i++) {
    if (pulse_tap_is(session->taps[i], wish->sink, wish->input)) {
      return true;
    }
  }
  return false;
}

/* One that cannot be made now is tried again at the next look. */
static void follow_wishes(struct pulse_session *session, const struct wishes *wishes) {
  for (uint32_t i = session->tap_count; i > 0; i--) {
    if (!is_wished(wishes, session->taps[i - 1])) {
      drop_tap(session, i - 1);
    }
  }
  for (uint32_t i = 0; i < wishes->count && session->tap_count < TAPS_MAX; i++) {
    const struct wish *wish = &wishes->items[i];
    if (!has_tap(session, wish)) {
      struct pulse_tap *tap =
          pulse_tap_create(&session->client, session->mixer, session->in.sample_rate, &session->map,
                           wish->sink, wish->input);
      if (tap != NULL) {
        session->taps[session->tap_count++] = tap;
      }
    }
  }
}

/* How many are not ready yet. One that has ended is dropped, and the server asked what is there. */
static uint32_t turn_taps(struct pulse_session *session) {
  uint32_t opening = 0;
  for (uint32_t i = session->tap_count; i > 0; i--) {
    enum pulse_tap_state state = pulse_tap_turn(session->taps[i - 1]);
    opening += state == PULSE_TAP_OPENING;
    if (state == PULSE_TAP_ENDED) {
      drop_tap(session, i - 1);
      session->is_changed = true;
    }
  }
  return opening;
}

/* -- worker ----------------------------------------------------------------------------------- */

static void put_out(void *user, const float *samples, uint32_t frames, int64_t time_us,
                    bool is_silent) {
  struct audio_feed *feed = &((struct pulse_session *)user)->feed;
  if (is_silent) {
    audio_feed_silence(feed, frames, time_us);
  } else {
    audio_feed_samples(feed, samples, frames, time_us);
  }
}

static bool wants_quit(struct pulse_session *session) {
  mutex_lock(&session->lock);
  bool quit = session->quit;
  mutex_unlock(&session->lock);
  return quit;
}

/* The default that is followed is gone: there may be another one soon. */
static bool waits_for_default(struct pulse_session *session, const struct wishes *wishes) {
  return default_wait_lasts(&session->wait,
                            wishes->failure != MINIAV_SUCCESS && session->current_default[0] != 0);
}

/* Makes what is heard what is to be heard; false when there is nothing any more. */
static bool follow(struct pulse_session *session) {
  struct wishes wishes;
  bool volume_changed;
  bool mute_changed;
  make_wishes(session, false, &wishes);
  follow_wishes(session, &wishes);
  keep_volume(session, &wishes, &volume_changed, &mute_changed);
  if (volume_changed) {
    capture_property_changed(session->capture, MINIAV_PROPERTY_STREAM_VOLUME);
  }
  if (mute_changed) {
    capture_property_changed(session->capture, MINIAV_PROPERTY_STREAM_MUTE);
  }
  if (waits_for_default(session, &wishes)) {
    return true;
  }
  if (wishes.failure != MINIAV_SUCCESS) {
    capture_lost(session->capture, MINIAV_ERROR_DEVICE_LOST, wishes.reason);
    return false;
  }
  if (strcmp(session->current_default, wishes.default_id) != 0) {
    memcpy(session->current_default, wishes.default_id, sizeof session->current_default);
    capture_default_moved(session->capture, wishes.default_id);
  }
  return true;
}

static void count_late(struct pulse_session *session) {
  uint64_t late = tap_mixer_take_late(session->mixer);
  if (late > 0) {
    uint32_t chunk = session->feed.chunk_frames;
    capture_count_drop(session->capture, DROP_LATE, (late + chunk - 1) / chunk);
  }
}

static void work(struct pulse_session *session) {
  const uint32_t step_frames = session->in.sample_rate * STEP_MS / 1000u;
  int64_t looked_us = clock_now_us();
  bool more = false;
  bool running = true;
  while (running && !wants_quit(session)) {
    if (!pulse_step(&session->client, more ? NAP_MS : TURN_MS) ||
        !pulse_catch_up(&session->client, TURNS_MAX)) {
      capture_lost(session->capture, MINIAV_ERROR_DEVICE_LOST, "PulseAudio ended the connection");
      return;
    }
    if (session->is_changed && !session->survey.is_asking) {
      session->is_changed = false;
      pulse_survey_ask(&session->survey, &session->client);
    }
    bool is_new = pulse_survey_look(&session->survey);
    int64_t now_us = clock_now_us();
    if (is_new || now_us - looked_us >= LOOK_US) {
      looked_us = now_us;
      running = follow(session);
    }
    turn_taps(session);
    more = tap_mixer_run(session->mixer, clock_now_us(), step_frames, put_out, session);
    count_late(session);
  }
}

static void worker_main(void *user) {
  struct pulse_session *session = user;
  work(session);
  mutex_lock(&session->lock);
  session->worker_runs = false;
  condition_broadcast(&session->changed);
  mutex_unlock(&session->lock);
}

/* -- open ------------------------------------------------------------------------------------- */

static void on_event(pa_context *context, pa_subscription_event_type_t event, uint32_t index,
                     void *user) {
  (void)context;
  (void)event;
  (void)index;
  ((struct pulse_session *)user)->is_changed = true;
}

static MiniAVResultCode explain(MiniAVResultCode result, struct cancel *cancel) {
  if (result == MINIAV_ERROR_TIMEOUT) {
    cancel_explain(cancel, "no answer from PulseAudio in %u s", ANSWER_MS / 1000u);
  } else if (result == MINIAV_ERROR_SYSTEM_CALL_FAILED) {
    cancel_explain(cancel, "no PulseAudio server takes connections");
  }
  return result;
}

/* Connects, subscribes before the first look so that nothing falls between the two, and looks. All
 * of it within ANSWER_MS. */
static MiniAVResultCode connect(struct pulse_session *session, struct cancel *cancel) {
  const unsigned kinds =
      PA_SUBSCRIPTION_MASK_SINK | PA_SUBSCRIPTION_MASK_SINK_INPUT | PA_SUBSCRIPTION_MASK_SERVER;
  int64_t deadline_us = clock_deadline_us(ANSWER_MS);
  MiniAVResultCode result = pulse_connect(&session->client, ANSWER_MS, cancel);
  if (result != MINIAV_SUCCESS) {
    return explain(result, cancel);
  }
  session->is_changed = false;
  pulse.context_set_subscribe_callback(session->client.context, on_event, session);
  pa_operation *operation =
      pulse.context_subscribe(session->client.context, (pa_subscription_mask_t)kinds, NULL, NULL);
  if (operation != NULL) {
    pulse.operation_unref(operation);
  }
  int64_t left_ms = (deadline_us - clock_now_us()) / 1000;
  result = pulse_survey_wait(&session->survey, &session->client,
                             left_ms > 0 ? (uint32_t)left_ms : 0, cancel);
  return explain(result, cancel);
}

static void disconnect(struct pulse_session *session) {
  while (session->tap_count > 0) {
    drop_tap(session, session->tap_count - 1);
  }
  pulse_survey_end(&session->survey);
  pulse_disconnect(&session->client);
}

/* The layout of that size in the order of audio_channels.h; the server folds what has another. */
static void layout_of(uint32_t channels, pa_channel_map *map) {
  enum {
    FL = PA_CHANNEL_POSITION_FRONT_LEFT,
    FR = PA_CHANNEL_POSITION_FRONT_RIGHT,
    FC = PA_CHANNEL_POSITION_FRONT_CENTER,
    LFE = PA_CHANNEL_POSITION_LFE,
    BL = PA_CHANNEL_POSITION_REAR_LEFT,
    BR = PA_CHANNEL_POSITION_REAR_RIGHT,
    BC = PA_CHANNEL_POSITION_REAR_CENTER,
    SL = PA_CHANNEL_POSITION_SIDE_LEFT,
    SR = PA_CHANNEL_POSITION_SIDE_RIGHT
  };
  static const int layouts[AUDIO_CHANNELS_MAX][AUDIO_CHANNELS_MAX] = {
      {PA_CHANNEL_POSITION_MONO},
      {FL, FR},
      {FL, FR, LFE},
      {FL, FR, BL, BR},
      {FL, FR, FC, BL, BR},
      {FL, FR, FC, LFE, BL, BR},
      {FL, FR, FC, LFE, BC, SL, SR},
      {FL, FR, FC, LFE, BL, BR, SL, SR}};
  *map = (pa_channel_map){.channels = (uint8_t)channels};
  for (uint32_t i = 0; i < channels; i++) {
    map->map[i] = (pa_channel_position_t)layouts[channels - 1][i];
  }
}

/* Programs: front left and right at the rate of the default output; else all that an output has. */
static void choose_format(struct pulse_session *session, const struct wishes *wishes) {
  bool by_sink = session->targets.by_sink && wishes->count > 0;
  const struct pulse_sink *sink =
      by_sink ? wishes->items[0].sink : pulse_state_sink(&session->survey.state, "");
  uint32_t rate_hz = sink != NULL ? sink->format.rate : DEFAULT_RATE_HZ;
  uint32_t channels = by_sink ? sink->format.channels : 2;
  layout_of(channels <= AUDIO_CHANNELS_MAX ? channels : 2, &session->map);
  session->in = (MiniAVAudioInfo){.sample_rate = rate_hz <= RATE_MAX_HZ ? rate_hz : RATE_MAX_HZ,
                                  .channel_count = session->map.channels,
                                  .format = MINIAV_AUDIO_FORMAT_F32};
}

/* Connected: looks whether what is wanted is there, and what it gives. */
static MiniAVResultCode look(struct pulse_session *session, struct wishes *wishes,
                             struct cancel *cancel) {
  bool volume_changed;
  bool mute_changed;
  make_wishes(session, true, wishes);
  keep_volume(session, wishes, &volume_changed, &mute_changed);
  choose_format(session, wishes);
  memcpy(session->current_default, wishes->default_id, sizeof session->current_default);
  if (session->capture != NULL && wishes->default_id[0] != 0) {
    capture_set_device(session->capture, wishes->default_id);
  }
  if (wishes->failure != MINIAV_SUCCESS) {
    cancel_explain(cancel, "%s", wishes->reason);
  }
  return wishes->failure;
}

MiniAVResultCode pulse_session_open(struct loopback_targets *targets, struct capture *capture,
                                    const MiniAVAudioInfo *wanted, MiniAVAudioInfo *format,
                                    struct pulse_session **out, struct cancel *cancel) {
  *out = NULL;
  if (targets->mode == MINIAV_LOOPBACK_MODE_EXCLUDE) {
    cancel_explain(cancel, "PulseAudio can only record single streams: nothing can be excluded");
    loopback_targets_free(targets);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  struct pulse_session *session = calloc(1, sizeof *session);
  if (session == NULL) {
    loopback_targets_free(targets);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  session->targets = *targets;
  session->capture = capture;
  mutex_init(&session->lock);
  condition_init(&session->changed);
  struct wishes wishes;
  MiniAVResultCode result = connect(session, cancel);
  if (result == MINIAV_SUCCESS) {
    result = look(session, &wishes, cancel);
  }
  disconnect(session);
  if (result != MINIAV_SUCCESS) {
    pulse_session_close(session);
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

void pulse_session_close(struct pulse_session *session) {
  loopback_targets_free(&session->targets);
  condition_destroy(&session->changed);
  mutex_destroy(&session->lock);
  free(session);
}

bool pulse_session_is_per_process(const struct pulse_session *session) {
  return !session->targets.by_sink;
}

MiniAVResultCode pulse_session_volume(struct pulse_session *session, double *volume, bool *mute) {
  mutex_lock(&session->lock);
  bool known = session->volume_known;
  *volume = session->volume;
  *mute = session->mute;
  mutex_unlock(&session->lock);
  return known ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

/* -- start and stop --------------------------------------------------------------------------- */

/* Until every stream is there, or has turned out not to be. */
static MiniAVResultCode wait_for_taps(struct pulse_session *session, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(ANSWER_MS);
  MiniAVResultCode result = MINIAV_SUCCESS;
  bool had_any = session->tap_count > 0;
  while (result == MINIAV_SUCCESS && turn_taps(session) > 0) {
    result = pulse_step_until(&session->client, deadline_us, cancel);
  }
  if (result == MINIAV_SUCCESS && had_any && session->tap_count == 0) {
    cancel_explain(cancel, "PulseAudio does not let this be recorded, or it has just ended");
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return explain(result, cancel);
}

static MiniAVResultCode begin(struct pulse_session *session, struct cancel *cancel) {
  struct wishes wishes;
  MiniAVResultCode result = connect(session, cancel);
  if (result == MINIAV_SUCCESS) {
    result = look(session, &wishes, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = audio_feed_init(&session->feed, session->capture, &session->in, &session->out,
                             AUDIO_CHANNELS_SPEAKERS, true);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  session->wait = (struct default_wait){0};
  session->mixer =
      tap_mixer_create(session->in.sample_rate, session->in.channel_count, clock_now_us());
  if (session->mixer == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  follow_wishes(session, &wishes);
  result = wait_for_taps(session, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  session->quit = false;
  session->worker_runs = true;
  if (!thread_start("miniav-pa-loop", worker_main, session)) {
    session->worker_runs = false;
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode pulse_session_start(struct pulse_session *session, struct cancel *cancel) {
  MiniAVResultCode result = begin(session, cancel);
  if (result != MINIAV_SUCCESS) {
    pulse_session_stop(session);
  }
  return result;
}

void pulse_session_stop(struct pulse_session *session) {
  mutex_lock(&session->lock);
  session->quit = true;
  while (session->worker_runs) {
    condition_wait(&session->changed, &session->lock);
  }
  mutex_unlock(&session->lock);
  disconnect(session);
  tap_mixer_destroy(session->mixer);
  session->mixer = NULL;
  audio_feed_free(&session->feed);
}

#endif
