/* Loopback on PulseAudio: the backend; what is heard is loopback_targets.c's, how
 * pulse_session.c's. What needs more than recording single streams (all but some programs) is
 * NOT_SUPPORTED. */
#include "loopback/loopback_backend.h"

#if defined(MINIAV_HAVE_PULSE)

#include <stdlib.h>

#include "loopback/linux/loopback_properties.h"
#include "loopback/linux/pulse_loopback_watch.h"
#include "loopback/linux/pulse_session.h"
#include "loopback/linux/pulse_survey.h"
#include "loopback/linux/window_owner.h"

#define ANSWER_MS 3000u
#define PROBE_MS  500u

static MiniAVResultCode probe(char why[MINIAV_TEXT_BYTES]) {
  return pulse_probe(PROBE_MS, why);
}

/* -- lists ------------------------------------------------------------------------------------ */

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  if (filter == MINIAV_LOOPBACK_TARGET_WINDOW) {
    return window_owner_list(devices, cancel);
  }
  struct pulse_survey survey = {.is_asking = false};
  struct pulse_client client;
  MiniAVResultCode result = pulse_connect(&client, ANSWER_MS, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = pulse_survey_wait(&survey, &client, ANSWER_MS, cancel);
  if (result == MINIAV_SUCCESS) {
    pulse_state_list(&survey.state, filter, devices);
  }
  pulse_survey_end(&survey);
  pulse_disconnect(&client);
  if (result == MINIAV_SUCCESS && filter == MINIAV_LOOPBACK_TARGET_NONE) {
    window_owner_list(devices, cancel); /* where the session tells */
  }
  return result;
}

static MiniAVResultCode native_format(const char *id, MiniAVAudioInfo *format,
                                      struct cancel *cancel) {
  static const MiniAVAudioInfo native = {.sample_rate = 0};
  struct pulse_session *session;
  struct loopback_targets *targets = malloc(sizeof *targets);
  if (targets == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = loopback_targets_from_id(id, targets, cancel);
  if (result == MINIAV_SUCCESS) {
    result = pulse_session_open(targets, NULL, &native, format, &session, cancel);
  } else {
    loopback_targets_free(targets);
  }
  if (result == MINIAV_SUCCESS) {
    pulse_session_close(session);
  }
  free(targets);
  return result;
}

/* -- captures --------------------------------------------------------------------------------- */

static MiniAVResultCode open_loopback(struct capture *capture,
                                      const struct capture_request *request,
                                      struct capture_format *format, void **state,
                                      struct cancel *cancel) {
  struct pulse_session *session = NULL;
  struct loopback_targets *targets = malloc(sizeof *targets);
  if (targets == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = loopback_targets_from(request, "pulse", targets, cancel);
  if (result == MINIAV_SUCCESS) {
    result =
        pulse_session_open(targets, capture, &request->audio, &format->audio, &session, cancel);
  } else {
    loopback_targets_free(targets);
  }
  free(targets);
  *state = session;
  return result;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  return pulse_session_start(state, cancel);
}

static void stop(void *state) {
  pulse_session_stop(state);
}

static void close_loopback(void *state) {
  pulse_session_close(state);
}

/* -- properties ------------------------------------------------------------------------------- */

static MiniAVResultCode get_property(void *state, MiniAVPropertyKey key,
                                     MiniAVPropertyValue *value) {
  struct loopback_streams streams = {.is_per_process = pulse_session_is_per_process(state)};
  streams.volume_result = pulse_session_volume(state, &streams.volume, &streams.mute);
  return loopback_get_property(key, &streams, value);
}

static MiniAVResultCode property_info(void *state, MiniAVPropertyKey key,
                                      MiniAVPropertyInfo *info) {
  return loopback_property_info(key, pulse_session_is_per_process(state), info);
}

const struct backend loopback_pulse_backend = {
    .name = "pulse",
    .probe = probe,
    .enumerate = enumerate,
    .audio_format = native_format,
    .open = open_loopback,
    .start = start,
    .stop = stop,
    .close = close_loopback,
    .property_info = property_info,
    .get_property = get_property,
    .watch = pulse_loopback_watch,
};

#endif
