/* The microphone backends that miniaudio serves: one struct backend for each sound system. */
#include "audio/audio_backend.h"
#include "audio/miniaudio/mic_session.h"
#include "audio/miniaudio/mic_survey.h"
#include "audio/miniaudio/mic_watches.h"

static MiniAVResultCode enumerate(enum mic_system system, struct device_list *devices,
                                  struct cancel *cancel) {
  struct mic_list list;
  MiniAVResultCode result = mic_survey(system, &list, cancel);
  for (uint32_t i = 0; i < list.count; i++) {
    device_list_add(devices, &list.items[i]);
  }
  if (result == MINIAV_ERROR_TIMEOUT) {
    cancel_explain(cancel, "no answer from %s", mic_system_name(system));
  }
  mic_list_free(&list);
  return result;
}

static MiniAVResultCode open_session(enum mic_system system, struct capture *capture,
                                     const struct capture_request *request,
                                     struct capture_format *format, void **state,
                                     struct cancel *cancel) {
  struct mic_session *session = NULL;
  MiniAVResultCode result = mic_session_open(system, capture, request, format, &session, cancel);
  *state = session;
  return result;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  return mic_session_start(state, cancel);
}

static void stop(void *state) {
  mic_session_stop(state);
}

static void close_session(void *state) {
  mic_session_close(state);
}

/* -- changes -------------------------------------------------------------------------------- */

static void on_change(void *user, uint32_t change, const char *default_id) {
  const enum mic_system *system = user;
  if ((change & MIC_CHANGE_LIST) != 0) {
    registry_devices_changed(MINIAV_KIND_AUDIO);
  }
  if ((change & MIC_CHANGE_DEFAULT) != 0) {
    char id[MINIAV_TEXT_BYTES] = "";
    if (default_id[0] != 0) {
      device_id_join(id, mic_system_name(*system), default_id);
    }
    registry_default_changed(MINIAV_KIND_AUDIO, id);
  }
}

static void watch(enum mic_system system, bool on) {
  static enum mic_system systems[MIC_SYSTEMS] = {MIC_PULSE, MIC_ALSA, MIC_JACK, MIC_WASAPI};
  static struct mic_watcher watchers[MIC_SYSTEMS];
  if (on) {
    watchers[system].changed = on_change;
    watchers[system].user = &systems[system];
    mic_watch_begin(system, &watchers[system]);
  } else {
    mic_watch_end(system, &watchers[system]);
  }
}

/* The functions of a struct backend do not say for which backend they are called: a set for each.
 */
#define MICROPHONE_BACKEND(id, system, watcher)                                                    \
  static MiniAVResultCode id##_probe(char why[MINIAV_TEXT_BYTES]) {                                \
    return mic_probe(system, why);                                                                 \
  }                                                                                                \
  static MiniAVResultCode id##_enumerate(uint32_t filter, struct device_list *devices,             \
                                         struct cancel *cancel) {                                  \
    (void)filter;                                                                                  \
    return enumerate(system, devices, cancel);                                                     \
  }                                                                                                \
  static MiniAVResultCode id##_audio_format(const char *device, MiniAVAudioInfo *format,           \
                                            struct cancel *cancel) {                               \
    return mic_session_format(system, device, format, cancel);                                     \
  }                                                                                                \
  static MiniAVResultCode id##_open(                                                               \
      struct capture *capture, const struct capture_request *request,                              \
      struct capture_format *format, void **state, struct cancel *cancel) {                        \
    return open_session(system, capture, request, format, state, cancel);                          \
  }                                                                                                \
  const struct backend audio_##id##_backend = {                                                    \
      .name = #id,                                                                                 \
      .probe = id##_probe,                                                                         \
      .enumerate = id##_enumerate,                                                                 \
      .audio_format = id##_audio_format,                                                           \
      .open = id##_open,                                                                           \
      .start = start,                                                                              \
      .stop = stop,                                                                                \
      .close = close_session,                                                                      \
      .watch = watcher,                                                                            \
  }

#if defined(_WIN32)
static void wasapi_watch(bool on) {
  watch(MIC_WASAPI, on);
}

MICROPHONE_BACKEND(wasapi, MIC_WASAPI, wasapi_watch);
#else
static void pulse_watch(bool on) {
  watch(MIC_PULSE, on);
}

static void alsa_watch(bool on) {
  watch(MIC_ALSA, on);
}

MICROPHONE_BACKEND(pulse, MIC_PULSE, pulse_watch);
MICROPHONE_BACKEND(alsa, MIC_ALSA, alsa_watch);
/* JACK has one microphone, its physical inputs, as long as it runs. */
MICROPHONE_BACKEND(jack, MIC_JACK, NULL);
#endif
