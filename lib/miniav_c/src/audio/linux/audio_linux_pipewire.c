/* Microphones on PipeWire itself. */
#include "audio/audio_backend.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/linux/pipewire_session.h"
#include "common/linux/pipewire_watch.h"

#define LIST_MS 3000u

static void list_sources(const struct pipewire_graph *graph, struct device_list *devices) {
  const char *default_name = pipewire_graph_default(graph, PIPEWIRE_CLASS_SOURCE);
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind != PIPEWIRE_NODE || at->node_class != PIPEWIRE_CLASS_SOURCE || at->name[0] == 0) {
      continue;
    }
    MiniAVDeviceInfo device = {0};
    text_copy(device.device_id, sizeof device.device_id, at->name);
    text_copy(device.name, sizeof device.name,
              at->description[0] != 0 ? at->description : at->name);
    text_copy(device.icon, sizeof device.icon, at->icon);
    device.flags |= strcmp(at->name, default_name) == 0 ? MINIAV_DEVICE_FLAG_DEFAULT : 0u;
    device.flags |= at->is_virtual ? MINIAV_DEVICE_FLAG_VIRTUAL : 0u;
    device_list_add(devices, &device);
  }
}

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  (void)filter;
  struct pipewire_connection *connection;
  MiniAVResultCode result = pipewire_connect(NULL, LIST_MS, cancel, &connection);
  if (result == MINIAV_SUCCESS) {
    pipewire_lock(connection);
    list_sources(pipewire_graph_of(connection), devices);
    pipewire_unlock(connection);
    pipewire_disconnect(connection);
  }
  return result;
}

/* -- what is heard -------------------------------------------------------------------------- */

struct microphone {
  struct pipewire_session *session;
  char id[MINIAV_TEXT_BYTES]; /* "": the default */
};

static void fail(struct pipewire_selection *selection, MiniAVResultCode failure,
                 const char *reason) {
  selection->failure = failure;
  text_copy(selection->reason, sizeof selection->reason, reason);
}

static void select_source(void *user, const struct pipewire_graph *graph, bool opening,
                          struct pipewire_selection *selection) {
  const struct microphone *microphone = user;
  bool follows = microphone->id[0] == 0;
  const char *name =
      follows ? pipewire_graph_default(graph, PIPEWIRE_CLASS_SOURCE) : microphone->id;
  struct pipewire_object *node = pipewire_graph_node(graph, PIPEWIRE_CLASS_SOURCE, name);
  if (node == NULL) {
    fail(selection, MINIAV_ERROR_DEVICE_NOT_FOUND,
         follows   ? "there is no microphone"
         : opening ? "no microphone has this id"
                   : "the microphone was unplugged");
    return;
  }
  selection->nodes[selection->count++] = node;
  if (follows) {
    memcpy(selection->default_id, node->name, sizeof selection->default_id);
  }
}

static const struct pipewire_policy policy = {
    .select = select_source, .meaning = AUDIO_CHANNELS_DISCRETE, .node_name = "MiniAV microphone"};

static MiniAVResultCode native_format(const char *id, MiniAVAudioInfo *format,
                                      struct cancel *cancel) {
  struct microphone microphone = {0};
  text_copy(microphone.id, sizeof microphone.id, id);
  return pipewire_session_format(&policy, &microphone, format, cancel);
}

/* -- captures ------------------------------------------------------------------------------- */

static MiniAVResultCode open_microphone(struct capture *capture,
                                        const struct capture_request *request,
                                        struct capture_format *format, void **state,
                                        struct cancel *cancel) {
  struct microphone *microphone = calloc(1, sizeof *microphone);
  if (microphone == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  text_copy(microphone->id, sizeof microphone->id, request->device_id);
  MiniAVResultCode result = pipewire_session_open(&policy, microphone, capture, &request->audio,
                                                  &format->audio, &microphone->session, cancel);
  if (result != MINIAV_SUCCESS) {
    free(microphone);
    return result;
  }
  *state = microphone;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  return pipewire_session_start(((struct microphone *)state)->session, cancel);
}

static void stop(void *state) {
  pipewire_session_stop(((struct microphone *)state)->session);
}

static void close_microphone(void *state) {
  struct microphone *microphone = state;
  pipewire_session_close(microphone->session);
  free(microphone);
}

static struct pipewire_watch watcher =
    PIPEWIRE_WATCH_INITIALIZER(MINIAV_KIND_AUDIO, "pipewire", list_sources);

static void watch(bool on) {
  pipewire_watch(&watcher, on);
}

const struct backend audio_pipewire_backend = {
    .name = "pipewire",
    .probe = pipewire_audio_probe,
    .enumerate = enumerate,
    .audio_format = native_format,
    .open = open_microphone,
    .start = start,
    .stop = stop,
    .close = close_microphone,
    .watch = watch,
};

#endif
