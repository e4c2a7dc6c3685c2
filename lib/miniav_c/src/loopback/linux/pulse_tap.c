#include "loopback/linux/pulse_tap.h"

#if defined(MINIAV_HAVE_PULSE)

#include <stdlib.h>
#include <sys/time.h>

#include "common/clock.h"

#define FRAGMENT_MS 20u /* without a wish an output may keep what it has for two seconds */
#define ASK_US      250000
#define AGE_MAX_US  1000000 /* of an answer; beyond that the wall clock was set */

struct pulse_tap {
  struct tap_mixer *mixer;
  struct mixer_tap *place;
  pa_stream *stream;
  uint32_t monitor_index;
  uint32_t input;
  uint32_t rate_hz;
  uint32_t frame_bytes;
  pa_operation *question;
  int64_t asked_us;
};

static void on_samples(pa_stream *stream, size_t bytes, void *user) {
  struct pulse_tap *tap = user;
  int64_t now_us = clock_now_us();
  (void)bytes;
  while (pulse.stream_readable_size(stream) > 0) {
    const void *samples = NULL;
    size_t count = 0;
    if (pulse.stream_peek(stream, &samples, &count) < 0 || count == 0) {
      return;
    }
    /* NULL is a hole of that size. */
    mixer_tap_samples(tap->mixer, tap->place, samples, (uint32_t)(count / tap->frame_bytes),
                      now_us);
    pulse.stream_drop(stream);
  }
}

static int64_t age_us(const pa_timing_info *timing) {
  struct timeval now;
  gettimeofday(&now, NULL);
  int64_t age = ((int64_t)now.tv_sec - timing->timestamp.tv_sec) * 1000000 + now.tv_usec -
                timing->timestamp.tv_usec;
  return age >= 0 && age < AGE_MAX_US ? age : (int64_t)timing->transport_usec;
}

static void on_timing(pa_stream *stream, int success, void *user) {
  struct pulse_tap *tap = user;
  const pa_timing_info *timing = pulse.stream_get_timing_info(stream);
  pulse.operation_unref(tap->question);
  tap->question = NULL;
  if (success == 0 || timing == NULL || timing->write_index_corrupt != 0) {
    return;
  }
  double ahead_us = (double)timing->source_usec - (double)timing->sink_usec;
  double frame = (double)timing->write_index / tap->frame_bytes + ahead_us * tap->rate_hz / 1e6;
  mixer_tap_time(tap->mixer, tap->place, frame, clock_now_us() - age_us(timing), tap->asked_us);
}

static int connect(struct pulse_tap *tap, const struct pulse_sink *sink) {
  uint32_t fragment = tap->frame_bytes * (tap->rate_hz * FRAGMENT_MS / 1000u);
  const pa_buffer_attr buffer = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, fragment};
  const unsigned flags =
      PA_STREAM_DONT_MOVE | PA_STREAM_ADJUST_LATENCY | PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND;
  if (tap->input != PA_INVALID_INDEX &&
      pulse.stream_set_monitor_stream(tap->stream, tap->input) < 0) {
    return -1;
  }
  pulse.stream_set_read_callback(tap->stream, on_samples, tap);
  return pulse.stream_connect_record(tap->stream, sink->monitor, &buffer, (pa_stream_flags_t)flags);
}

struct pulse_tap *pulse_tap_create(struct pulse_client *client, struct tap_mixer *mixer,
                                   uint32_t rate_hz, const pa_channel_map *map,
                                   const struct pulse_sink *sink, uint32_t input) {
  const pa_sample_spec format = {PA_SAMPLE_FLOAT32NE, rate_hz, map->channels};
  struct pulse_tap *tap = calloc(1, sizeof *tap);
  if (tap == NULL) {
    return NULL;
  }
  tap->mixer = mixer;
  tap->rate_hz = rate_hz;
  tap->frame_bytes = map->channels * (uint32_t)sizeof(float);
  tap->monitor_index = sink->monitor_index;
  tap->input = input;
  tap->place = mixer_tap_add(mixer);
  tap->stream = pulse.stream_new(client->context, "MiniAV loopback", &format, map);
  if (tap->place == NULL || tap->stream == NULL || connect(tap, sink) < 0) {
    pulse_tap_destroy(tap);
    return NULL;
  }
  return tap;
}

void pulse_tap_destroy(struct pulse_tap *tap) {
  if (tap->question != NULL) {
    pulse.operation_cancel(tap->question);
    pulse.operation_unref(tap->question);
  }
  if (tap->stream != NULL) {
    pulse.stream_set_read_callback(tap->stream, NULL, NULL);
    pulse.stream_disconnect(tap->stream);
    pulse.stream_unref(tap->stream);
  }
  if (tap->place != NULL) {
    mixer_tap_remove(tap->mixer, tap->place);
  }
  free(tap);
}

bool pulse_tap_is(const struct pulse_tap *tap, const struct pulse_sink *sink, uint32_t input) {
  return tap->monitor_index == sink->monitor_index && tap->input == input;
}

enum pulse_tap_state pulse_tap_turn(struct pulse_tap *tap) {
  pa_stream_state_t state = pulse.stream_get_state(tap->stream);
  if (!PA_STREAM_IS_GOOD(state)) {
    return PULSE_TAP_ENDED;
  }
  if (state != PA_STREAM_READY) {
    return PULSE_TAP_OPENING;
  }
  if (pulse.stream_get_device_index(tap->stream) != tap->monitor_index) {
    return PULSE_TAP_ENDED; /* not what was asked for */
  }
  int64_t now_us = clock_now_us();
  bool due = mixer_tap_is_held(tap->place) || now_us - tap->asked_us >= ASK_US;
  if (due && tap->question == NULL) {
    tap->asked_us = now_us;
    tap->question = pulse.stream_update_timing_info(tap->stream, on_timing, tap);
  }
  return PULSE_TAP_RUNS;
}

#endif
