/*
 * A program that plays a sine through libpipewire, tells the graph's own time, and can lie.
 *
 *   graph_player HZ AMPLITUDE [PROPERTY=VALUE...] [many]
 *
 * Reads lines. "cork" and "uncork" answer {"done":"cork","nsec":N}: when the last cycle that it
 * played in began, or the first one, on the graph's clock. "lie WHAT" writes nonsense into that
 * clock in every cycle from then on, before whoever hears the player runs: WHAT is past, future,
 * rate, zero, length, position, jump or none. many: 800 properties more, and an icon that is no
 * UTF-8. The end of the input ends the program.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>

#include "common/clock.h"
#include "common/dynlib.h"
#include "common/linux/pipewire_library.h"

#define RATE_HZ 48000
#define TURN    6.283185307179586

static struct functions {
  __typeof__(&pw_stream_new_simple) stream_new_simple;
  __typeof__(&pw_stream_connect) stream_connect;
  __typeof__(&pw_stream_dequeue_buffer) stream_dequeue_buffer;
  __typeof__(&pw_stream_queue_buffer) stream_queue_buffer;
  __typeof__(&pw_stream_set_active) stream_set_active;
  __typeof__(&pw_properties_set) properties_set;
} stream;

#define SYMBOL(name)                                                                               \
  { "pw_" #name, offsetof(struct functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol symbols[] = {
    SYMBOL(stream_new_simple),   SYMBOL(stream_connect),    SYMBOL(stream_dequeue_buffer),
    SYMBOL(stream_queue_buffer), SYMBOL(stream_set_active), SYMBOL(properties_set)};

static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &stream);

struct player {
  struct pw_thread_loop *loop;
  struct pw_stream *stream;
  _Atomic(struct spa_io_position *) position;
  double hertz;
  double amplitude;
  uint64_t frame;
  _Atomic uint64_t cycles;
  _Atomic uint64_t nsec;       /* when the last cycle began */
  _Atomic uint64_t first_nsec; /* and the first one since this was 0 */
  atomic_int lie;              /* index of lies[] */
};

static const char *const lies[] = {"none", "past",   "future",   "rate",
                                   "zero", "length", "position", "jump"};

static void on_io(void *user, uint32_t id, void *area, uint32_t size) {
  struct player *player = user;
  if (id == SPA_IO_Position && (area == NULL || size >= sizeof(struct spa_io_position))) {
    atomic_store(&player->position, area);
  }
}

static void write_lie(struct spa_io_clock *clock, int lie, uint64_t cycle) {
  switch (lie) {
  case 1:
    clock->nsec = 1;
    break;
  case 2:
    clock->nsec += UINT64_C(3600000000000) * (cycle % 7 + 1);
    break;
  case 3:
    clock->rate = SPA_FRACTION(1, (uint32_t)(cycle % 2 == 0 ? 1 : UINT32_MAX));
    break;
  case 4:
    clock->rate = SPA_FRACTION(0, 0);
    break;
  case 5:
    clock->duration = cycle % 2 == 0 ? UINT64_MAX : 0;
    break;
  case 6:
    clock->position = cycle % 2 == 0 ? UINT64_MAX : cycle * 1000000;
    break;
  case 7: /* within a second, so that it can be true, but not twice */
    clock->nsec += cycle % 2 == 0 ? 40000000 : (uint64_t)-900000000;
    break;
  default:
    break;
  }
}

static void on_process(void *user) {
  struct player *player = user;
  struct spa_io_position *position = atomic_load(&player->position);
  struct pw_buffer *buffer = stream.stream_dequeue_buffer(player->stream);
  if (buffer == NULL) {
    return;
  }
  struct spa_data *data = &buffer->buffer->datas[0];
  uint32_t frames = position != NULL ? (uint32_t)position->clock.duration : 1024;
  uint32_t room = data->maxsize / (2 * (uint32_t)sizeof(float));
  frames = frames < room && frames > 0 ? frames : room < 1024 ? room : 1024;
  float *samples = data->data;
  for (uint32_t i = 0; samples != NULL && i < frames; i++) {
    double turns = fmod((double)player->frame++ * player->hertz / RATE_HZ, 1);
    samples[2 * i] = samples[2 * i + 1] = (float)(player->amplitude * sin(TURN * turns));
  }
  data->chunk->offset = 0;
  data->chunk->stride = 2 * sizeof(float);
  data->chunk->size = frames * 2 * (uint32_t)sizeof(float);
  stream.stream_queue_buffer(player->stream, buffer);
  if (position != NULL) {
    uint64_t none = 0;
    atomic_store(&player->nsec, position->clock.nsec);
    atomic_compare_exchange_strong(&player->first_nsec, &none, position->clock.nsec);
    write_lie(&position->clock, atomic_load(&player->lie), atomic_load(&player->cycles));
  }
  atomic_fetch_add(&player->cycles, 1);
}

static const struct pw_stream_events events = {
    .version = PW_VERSION_STREAM_EVENTS, .io_changed = on_io, .process = on_process};

static void add_properties(struct pw_properties *properties, int count, char **values) {
  for (int i = 0; i < count; i++) {
    char *equals = strchr(values[i], '=');
    if (equals != NULL) {
      *equals = 0;
      stream.properties_set(properties, values[i], equals + 1);
    } else if (strcmp(values[i], "many") == 0) {
      for (int n = 0; n < 800; n++) {
        char key[32];
        snprintf(key, sizeof key, "key.%d", n); /* libpipewire takes 1024 */
        stream.properties_set(properties, key, "a value of some length, as hostile as it can be");
      }
      stream.properties_set(properties, PW_KEY_APP_ICON_NAME, "\xff\xc3(\x80");
    }
  }
}

/* Locked. */
static bool player_connect(struct player *player, int count, char **values) {
  struct pw_properties *properties =
      pipewire.properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback",
                              PW_KEY_MEDIA_ROLE, "Music", PW_KEY_NODE_NAME, "graph-player", NULL);
  add_properties(properties, count, values);
  player->stream = stream.stream_new_simple(pipewire.thread_loop_get_loop(player->loop),
                                            "graph player", properties, &events, player);
  uint8_t memory[1024];
  struct spa_pod_builder builder = {.data = memory, .size = sizeof memory};
  struct spa_audio_info_raw format = {.format = SPA_AUDIO_FORMAT_F32,
                                      .rate = RATE_HZ,
                                      .channels = 2,
                                      .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}};
  const struct spa_pod *formats[] = {
      spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &format)};
  return player->stream != NULL &&
         stream.stream_connect(player->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                               PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
                                   PW_STREAM_FLAG_RT_PROCESS,
                               formats, 1) >= 0;
}

static void set_active(struct player *player, bool active) {
  pipewire.thread_loop_lock(player->loop);
  stream.stream_set_active(player->stream, active);
  pipewire.thread_loop_unlock(player->loop);
}

/* Until the cycles run (from `cycles` on), or have stood still for a fifth of a second. */
static void wait_for(struct player *player, bool active, uint64_t cycles) {
  int64_t still_since_us = clock_now_us();
  while (active ? atomic_load(&player->cycles) == cycles
                : clock_now_us() - still_since_us < 200000) {
    uint64_t now = atomic_load(&player->cycles);
    still_since_us = now != cycles ? clock_now_us() : still_since_us;
    cycles = active ? cycles : now;
    clock_sleep_until_us(clock_now_us() + 100);
  }
}

static void obey(struct player *player, const char *line) {
  if (strncmp(line, "lie ", 4) == 0) {
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
      if (strcmp(line + 4, lies[i]) == 0) {
        atomic_store(&player->lie, (int)i);
      }
    }
    uint64_t before = atomic_load(&player->cycles);
    wait_for(player, true, before);
  } else {
    bool active = strcmp(line, "uncork") == 0;
    uint64_t before = atomic_load(&player->cycles);
    set_active(player, active);
    wait_for(player, active, before);
  }
  printf("{\"done\":\"%s\",\"nsec\":%llu}\n", line, (unsigned long long)atomic_load(&player->nsec));
  fflush(stdout);
}

int main(int count, char **values) {
  static struct player player;
  char line[64];
  if (count < 3 || pipewire_load() != MINIAV_SUCCESS || !dynlib_load(&library, NULL, 0)) {
    return 2;
  }
  player.hertz = atof(values[1]);
  player.amplitude = atof(values[2]);
  player.loop = pipewire.thread_loop_new("player", NULL);
  pipewire.thread_loop_start(player.loop);
  pipewire.thread_loop_lock(player.loop);
  bool connected = player_connect(&player, count - 3, values + 3);
  pipewire.thread_loop_unlock(player.loop);
  if (!connected) {
    return 1;
  }
  wait_for(&player, true, 0);
  printf("{\"playing\":true}\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    obey(&player, line);
  }
  return 0;
}

#else

int main(void) {
  return 2;
}

#endif
