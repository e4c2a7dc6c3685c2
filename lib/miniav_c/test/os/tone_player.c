/*
 * A program that plays a sine through libpulse and pauses when told, as a browser does.
 *
 *   tone_player HZ AMPLITUDE
 *
 * Reads lines: "cork" and "uncork" stop and continue the stream and answer {"done":"cork",
 * "time":MICROSECONDS} when the server has done it; the end of the input ends the program.
 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(MINIAV_HAVE_PULSE)

#include <pulse/pulseaudio.h>

#include "common/dynlib.h"
#include "miniav.h"

#define RATE_HZ 48000
#define TURN    6.283185307179586

static struct functions {
  __typeof__(&pa_threaded_mainloop_new) threaded_mainloop_new;
  __typeof__(&pa_threaded_mainloop_start) threaded_mainloop_start;
  __typeof__(&pa_threaded_mainloop_get_api) threaded_mainloop_get_api;
  __typeof__(&pa_threaded_mainloop_lock) threaded_mainloop_lock;
  __typeof__(&pa_threaded_mainloop_unlock) threaded_mainloop_unlock;
  __typeof__(&pa_threaded_mainloop_wait) threaded_mainloop_wait;
  __typeof__(&pa_threaded_mainloop_signal) threaded_mainloop_signal;
  __typeof__(&pa_context_new) context_new;
  __typeof__(&pa_context_connect) context_connect;
  __typeof__(&pa_context_get_state) context_get_state;
  __typeof__(&pa_context_set_state_callback) context_set_state_callback;
  __typeof__(&pa_stream_new) stream_new;
  __typeof__(&pa_stream_set_write_callback) stream_set_write_callback;
  __typeof__(&pa_stream_connect_playback) stream_connect_playback;
  __typeof__(&pa_stream_write) stream_write;
  __typeof__(&pa_stream_cork) stream_cork;
  __typeof__(&pa_operation_get_state) operation_get_state;
} pulse;

#define SYMBOL(name)                                                                               \
  { "pa_" #name, offsetof(struct functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol symbols[] = {
    SYMBOL(threaded_mainloop_new),
    SYMBOL(threaded_mainloop_start),
    SYMBOL(threaded_mainloop_get_api),
    SYMBOL(threaded_mainloop_lock),
    SYMBOL(threaded_mainloop_unlock),
    SYMBOL(threaded_mainloop_wait),
    SYMBOL(threaded_mainloop_signal),
    SYMBOL(context_new),
    SYMBOL(context_connect),
    SYMBOL(context_get_state),
    SYMBOL(context_set_state_callback),
    SYMBOL(stream_new),
    SYMBOL(stream_set_write_callback),
    SYMBOL(stream_connect_playback),
    SYMBOL(stream_write),
    SYMBOL(stream_cork),
    SYMBOL(operation_get_state),
};

static const char *const files[] = {"libpulse.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &pulse);

struct player {
  pa_threaded_mainloop *loop;
  pa_context *context;
  pa_stream *stream;
  double hertz;
  double amplitude;
  uint64_t frame;
};

static void on_state(pa_context *context, void *user) {
  (void)context;
  pulse.threaded_mainloop_signal(((struct player *)user)->loop, 0);
}

static void on_write(pa_stream *stream, size_t bytes, void *user) {
  struct player *player = user;
  float samples[2 * 480];
  while (bytes >= sizeof samples) {
    for (int i = 0; i < 480; i++) {
      double turns = fmod((double)player->frame++ * player->hertz / RATE_HZ, 1);
      samples[2 * i] = samples[2 * i + 1] = (float)(player->amplitude * sin(TURN * turns));
    }
    pulse.stream_write(stream, samples, sizeof samples, NULL, 0, PA_SEEK_RELATIVE);
    bytes -= sizeof samples;
  }
}

/* Locked. */
static bool player_connect(struct player *player) {
  player->context = pulse.context_new(pulse.threaded_mainloop_get_api(player->loop), "tone player");
  pulse.context_set_state_callback(player->context, on_state, player);
  if (pulse.context_connect(player->context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0) {
    return false;
  }
  while (pulse.context_get_state(player->context) != PA_CONTEXT_READY) {
    if (!PA_CONTEXT_IS_GOOD(pulse.context_get_state(player->context))) {
      return false;
    }
    pulse.threaded_mainloop_wait(player->loop);
  }
  const pa_sample_spec format = {PA_SAMPLE_FLOAT32LE, RATE_HZ, 2};
  const pa_buffer_attr buffer = {UINT32_MAX, RATE_HZ * 8 / 10, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  player->stream = pulse.stream_new(player->context, "tone", &format, NULL);
  pulse.stream_set_write_callback(player->stream, on_write, player);
  return pulse.stream_connect_playback(player->stream, NULL, &buffer, PA_STREAM_ADJUST_LATENCY,
                                       NULL, NULL) == 0;
}

static void on_done(pa_stream *stream, int success, void *user) {
  (void)stream;
  (void)success;
  pulse.threaded_mainloop_signal(((struct player *)user)->loop, 0);
}

static void cork(struct player *player, const char *what) {
  int64_t now_us = 0;
  pulse.threaded_mainloop_lock(player->loop);
  pa_operation *operation = pulse.stream_cork(player->stream, what[0] == 'c', on_done, player);
  while (operation != NULL && pulse.operation_get_state(operation) == PA_OPERATION_RUNNING) {
    pulse.threaded_mainloop_wait(player->loop);
  }
  pulse.threaded_mainloop_unlock(player->loop);
  MiniAV_GetTime(&now_us);
  printf("{\"done\":\"%s\",\"time\":%lld}\n", what, (long long)now_us);
  fflush(stdout);
}

int main(int count, char **values) {
  struct player player = {.frame = 0};
  char line[64];
  if (count != 3 || !dynlib_load(&library, NULL, 0)) {
    return 2;
  }
  player.hertz = atof(values[1]);
  player.amplitude = atof(values[2]);
  player.loop = pulse.threaded_mainloop_new();
  pulse.threaded_mainloop_start(player.loop);
  pulse.threaded_mainloop_lock(player.loop);
  bool connected = player_connect(&player);
  pulse.threaded_mainloop_unlock(player.loop);
  if (!connected) {
    return 1;
  }
  printf("{\"playing\":true}\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    cork(&player, line);
  }
  return 0;
}

#else

int main(void) {
  return 2;
}

#endif
