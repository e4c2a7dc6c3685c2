#include "audio/linux/pulse_stream.h"

#include <string.h>

#include "common/linux/pulse_library.h"

#if defined(MINIAV_HAVE_PULSE)

#define ANSWER_MS 3000u
#define TURN_US   50000u
/* A latency beyond this is a server that errs. */
#define LATENCY_MAX_US 2000000u

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

/*
 * Stands in for pa_stream_connect_record in miniaudio's table of functions, because miniaudio has
 * no setting for two things.
 *
 * - A source whose samples miniaudio does not know (24 bits in 32, big-endian, A-law) it asks to
 *   send floats and then tells the server, with FIX_FORMAT, to send its own samples instead, which
 *   it refuses. Without the flag the server converts.
 * - With these two flags libpulse asks the server for its latency now and then, and interpolates.
 */
static int connect_record(pa_stream *stream, const char *source, const pa_buffer_attr *attributes,
                          pa_stream_flags_t flags) {
  const unsigned fix = PA_STREAM_FIX_FORMAT | PA_STREAM_FIX_RATE | PA_STREAM_FIX_CHANNELS;
  const unsigned timing = PA_STREAM_AUTO_TIMING_UPDATE | PA_STREAM_INTERPOLATE_TIMING;
  return pulse.stream_connect_record(stream, source, attributes,
                                     (pa_stream_flags_t)(((unsigned)flags & ~fix) | timing));
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
  int (*connect)(pa_stream *, const char *, const pa_buffer_attr *, pa_stream_flags_t) =
      connect_record;
  memcpy(&context->pulse.pa_stream_connect_record, &connect, sizeof(connect));
  return MINIAV_SUCCESS;
}

bool pulse_stream_is_from(ma_device *device, const char *source) {
  const char *name = pulse.stream_get_device_name(device->pulse.pStreamCapture);
  return name != NULL && strcmp(name, source) == 0;
}

uint32_t pulse_stream_latency_us(ma_device *device, uint32_t frames) {
  pa_usec_t first_us = 0;
  int negative = 0;
  /* Of the first of these frames: they have been peeked at and not dropped yet. */
  if (pulse.stream_get_latency(device->pulse.pStreamCapture, &first_us, &negative) < 0 ||
      negative != 0 || first_us > LATENCY_MAX_US) {
    return 0;
  }
  /* A source that makes its sound in advance, as virtual ones do, is ahead of the clock. */
  uint64_t duration_us = (uint64_t)frames * 1000000u / device->sampleRate;
  return first_us > duration_us ? (uint32_t)(first_us - duration_us) : 0;
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
