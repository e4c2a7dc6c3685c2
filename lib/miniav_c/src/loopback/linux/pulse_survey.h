/*
 * What a PulseAudio server has that can be heard: its outputs, and the streams that play into them.
 *
 * A survey is asked for on a connection and complete some turns of its loop later; the state before
 * it stays until then. One thread: the one that runs the loop.
 *
 * Whose a stream is, the client says itself; stream_owner.h tells when its number counts.
 */
#ifndef MINIAV_LOOPBACK_PULSE_SURVEY_H
#define MINIAV_LOOPBACK_PULSE_SURVEY_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PULSE)

#include "common/linux/pulse_library.h"
#include "loopback/linux/loopback_targets.h"

struct pulse_sink {
  uint32_t index;
  uint32_t monitor_index;
  char name[MINIAV_TEXT_BYTES];
  char monitor[MINIAV_TEXT_BYTES]; /* name of the source */
  char description[MINIAV_TEXT_BYTES];
  pa_sample_spec format;
  pa_channel_map map;
  bool is_hardware;
  bool is_running;
};

/* A sink input: a stream that plays. */
struct pulse_input {
  uint32_t index;
  uint32_t sink;
  uint32_t pid; /* 0: not known */
  bool is_corked;
  bool has_volume;
  bool is_muted;
  double volume; /* linear, the mean of the channels */
  char media[MINIAV_TEXT_BYTES];
  char application[MINIAV_TEXT_BYTES];
  char binary[MINIAV_TEXT_BYTES];
  char icon[MINIAV_TEXT_BYTES];
};

struct pulse_state {
  char server[MINIAV_TEXT_BYTES];
  char default_sink[MINIAV_TEXT_BYTES];
  struct pulse_sink *sinks;
  uint32_t sink_count;
  struct pulse_input *inputs;
  uint32_t input_count;
};

#define PULSE_SURVEY_QUESTIONS 3u

struct pulse_survey {
  struct pulse_state state; /* of the last complete one */
  struct pulse_state next;
  pa_operation *questions[PULSE_SURVEY_QUESTIONS];
  bool is_asking;
  bool failed; /* memory was exhausted */
};

/* Asks anew, unless it is asking. */
void pulse_survey_ask(struct pulse_survey *survey, struct pulse_client *client);

/* True once when a survey has become complete: `state` is new. */
bool pulse_survey_look(struct pulse_survey *survey);

/* Asks and runs the loop until it is complete. Errors as for pulse_connect; NOT_SUPPORTED when the
 * server is PipeWire's, which ties a stream whose source ends to another one. */
MiniAVResultCode pulse_survey_wait(struct pulse_survey *survey, struct pulse_client *client,
                                   uint32_t timeout_ms, struct cancel *cancel);

/* Before the client's end. */
void pulse_survey_end(struct pulse_survey *survey);

/* NULL: there is none; "" is the default. */
const struct pulse_sink *pulse_state_sink(const struct pulse_state *state, const char *name);
const struct pulse_sink *pulse_state_sink_at(const struct pulse_state *state, uint32_t index);

/* Its pointers are the input's. */
void pulse_input_owner(const struct pulse_input *input, struct stream_owner *owner);

/* Adds what can be listened to. filter: MiniAVLoopbackTargetType. */
void pulse_state_list(const struct pulse_state *state, uint32_t filter,
                      struct device_list *devices);

#endif
#endif
