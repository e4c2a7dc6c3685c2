#include "audio/linux/pulse_stream.h"

#include <string.h>

#include "audio/linux/pulse_library.h"

#if defined(MINIAV_HAVE_PULSE)

#define ANSWER_MS 3000u
#define TURN_US   50000u

struct found {
  bool found;
  pa_channel_map map;
};

static void take(const pa_source_info *source, void *user) {
  struct found *found = user;
  found->found = true;
  found->map = source->channel_map;
}

/* The one of libpulse's named layouts that is the source's own. */
static int layout_of(const pa_channel_map *map) {
  for (int layout = 0; layout < PA_CHANNEL_MAP_DEF_MAX; layout++) {
    pa_channel_map named;
    if (pulse.channel_map_init_extend(&named, map->channels, (pa_channel_map_def_t)layout) !=
            NULL &&
        pulse.channel_map_equal(&named, map)) {
      return layout;
    }
  }
  return PA_CHANNEL_MAP_ALSA;
}

MiniAVResultCode pulse_stream_prepare(ma_context *context, const char *source,
                                      ma_device_config *config) {
  MiniAVResultCode result = pulse_load(NULL, 0);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  /* miniaudio's own connection; nobody else runs its loop now. */
  struct pulse_client client = {context->pulse.pMainLoop, context->pulse.pPulseContext};
  struct found found = {0};
  result = pulse_sources(&client, source, take, &found, ANSWER_MS, NULL);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (!found.found) {
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  config->pulse.channelMap = layout_of(&found.map);
  return MINIAV_SUCCESS;
}

bool pulse_stream_is_from(ma_device *device, const char *source) {
  const char *name = pulse.stream_get_device_name(device->pulse.pStreamCapture);
  return name != NULL && strcmp(name, source) == 0;
}

static void on_state(pa_stream *stream, void *user) {
  const struct pulse_stream_watch *watch = user;
  if (!PA_STREAM_IS_GOOD(pulse.stream_get_state(stream))) {
    watch->gone(watch->user);
  }
}

static void on_turn(pa_mainloop_api *api, pa_time_event *event, const struct timeval *time,
                    void *user) {
  const struct pulse_stream_watch *watch = user;
  (void)api;
  (void)time;
  pulse.context_rttime_restart(watch->context, event, pulse.rtclock_now() + TURN_US);
}

void pulse_stream_watch(ma_device *device, struct pulse_stream_watch *watch) {
  watch->context = device->pulse.pPulseContext;
  pulse.stream_set_state_callback(device->pulse.pStreamCapture, on_state, watch);
  /* The event goes with its loop. */
  pulse.context_rttime_new(watch->context, pulse.rtclock_now() + TURN_US, on_turn, watch);
}

#endif
