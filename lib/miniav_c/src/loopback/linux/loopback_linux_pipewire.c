/* Loopback on PipeWire: the backend; what is heard is loopback_targets.c's, how is common's. */
#include "loopback/loopback_backend.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdlib.h>

#include "common/linux/pipewire_watch.h"
#include "loopback/linux/loopback_properties.h"
#include "loopback/linux/loopback_targets.h"
#include "loopback/linux/window_owner.h"

#define LIST_MS 3000u

struct loopback {
  struct pipewire_session *session;
  struct loopback_targets targets;
};

static const struct pipewire_policy sink_policy = {.select = loopback_targets_select,
                                                   .fills_silence = true,
                                                   .of_output = true,
                                                   .meaning = AUDIO_CHANNELS_SPEAKERS,
                                                   .node_name = "MiniAV loopback"};

static const struct pipewire_policy program_policy = {.select = loopback_targets_select,
                                                      .fills_silence = true,
                                                      .of_output = true,
                                                      .asks_again = true,
                                                      .layout_is_fixed = true,
                                                      .meaning = AUDIO_CHANNELS_SPEAKERS,
                                                      .node_name = "MiniAV loopback"};

static const struct pipewire_policy *policy_for(const struct loopback_targets *targets) {
  return targets->by_sink ? &sink_policy : &program_policy;
}

/* -- lists ---------------------------------------------------------------------------------- */

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  if (filter == MINIAV_LOOPBACK_TARGET_WINDOW) {
    return window_owner_list(devices, cancel);
  }
  struct pipewire_connection *connection;
  MiniAVResultCode result = pipewire_connect(NULL, LIST_MS, cancel, &connection);
  if (result == MINIAV_SUCCESS) {
    pipewire_lock(connection);
    loopback_targets_list(pipewire_graph_of(connection), filter, devices);
    pipewire_unlock(connection);
    pipewire_disconnect(connection);
  }
  if (result == MINIAV_SUCCESS && filter == MINIAV_LOOPBACK_TARGET_NONE) {
    window_owner_list(devices, cancel); /* where the session tells */
  }
  return result;
}

static MiniAVResultCode native_format(const char *id, MiniAVAudioInfo *format,
                                      struct cancel *cancel) {
  struct loopback_targets *targets = malloc(sizeof *targets);
  if (targets == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = loopback_targets_from_id(id, targets, cancel);
  if (result == MINIAV_SUCCESS) {
    result = pipewire_session_format(policy_for(targets), targets, format, cancel);
  }
  loopback_targets_free(targets);
  free(targets);
  return result;
}

/* -- captures ------------------------------------------------------------------------------- */

static MiniAVResultCode open_loopback(struct capture *capture,
                                      const struct capture_request *request,
                                      struct capture_format *format, void **state,
                                      struct cancel *cancel) {
  struct loopback *loopback = calloc(1, sizeof *loopback);
  if (loopback == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = loopback_targets_from(request, "pipewire", &loopback->targets, cancel);
  if (result == MINIAV_SUCCESS) {
    result = pipewire_session_open(policy_for(&loopback->targets), &loopback->targets, capture,
                                   &request->audio, &format->audio, &loopback->session, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    loopback_targets_free(&loopback->targets);
    free(loopback);
    return result;
  }
  *state = loopback;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  return pipewire_session_start(((struct loopback *)state)->session, cancel);
}

static void stop(void *state) {
  pipewire_session_stop(((struct loopback *)state)->session);
}

static void close_loopback(void *state) {
  struct loopback *loopback = state;
  pipewire_session_close(loopback->session);
  loopback_targets_free(&loopback->targets);
  free(loopback);
}

/* -- properties ----------------------------------------------------------------------------- */

static bool is_per_process(const struct loopback *loopback) {
  return !loopback->targets.by_sink && loopback->targets.mode == MINIAV_LOOPBACK_MODE_INCLUDE;
}

static MiniAVResultCode get_property(void *state, MiniAVPropertyKey key,
                                     MiniAVPropertyValue *value) {
  const struct loopback *loopback = state;
  struct loopback_streams streams = {.is_per_process = is_per_process(loopback)};
  streams.volume_result =
      pipewire_session_volume(loopback->session, &streams.volume, &streams.mute);
  return loopback_get_property(key, &streams, value);
}

static MiniAVResultCode property_info(void *state, MiniAVPropertyKey key,
                                      MiniAVPropertyInfo *info) {
  return loopback_property_info(key, is_per_process(state), info);
}

/* -- changes -------------------------------------------------------------------------------- */

static void list_everything(const struct pipewire_graph *graph, struct device_list *devices) {
  loopback_targets_list(graph, MINIAV_LOOPBACK_TARGET_NONE, devices);
}

static struct pipewire_watch watcher =
    PIPEWIRE_WATCH_INITIALIZER(MINIAV_KIND_LOOPBACK, "pipewire", list_everything);

static void watch(bool on) {
  pipewire_watch(&watcher, on);
}

const struct backend loopback_pipewire_backend = {
    .name = "pipewire",
    .probe = pipewire_audio_probe,
    .enumerate = enumerate,
    .audio_format = native_format,
    .open = open_loopback,
    .start = start,
    .stop = stop,
    .close = close_loopback,
    .property_info = property_info,
    .get_property = get_property,
    .watch = watch,
};

#endif
