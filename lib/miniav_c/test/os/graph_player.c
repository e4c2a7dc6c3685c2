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

#include "common/clock.h"
#include "common/dynlib.h"
#include "support/pipewire_playback.h"

#define TURN 6.283185307179586

static struct functions { __typeof__(&pw_properties_set) properties_set; } more;

static const struct dynlib_symbol symbols[] = {
    {"pw_properties_set", offsetof(struct functions, properties_set), DYNLIB_REQUIRED}};

static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &more);

struct player {
  struct playback playback;
  double hertz;
  double amplitude;
  uint64_t frame;
  _Atomic uint64_t nsec;       /* when the last cycle began */
  _Atomic uint64_t first_nsec; /* and the first one since this was 0 */
  atomic_int lie;              /* index of lies[] */
};

static const char *const lies[] = {"none", "past",   "future",   "rate",
                                   "zero", "length", "position", "jump"};

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

static void fill(void *user, float *samples, uint32_t frames, struct spa_io_clock *clock) {
  struct player *player = user;
  for (uint32_t i = 0; i < frames; i++) {
    double turns = fmod((double)player->frame++ * player->hertz / PLAYBACK_RATE_HZ, 1);
    samples[2 * i] = samples[2 * i + 1] = (float)(player->amplitude * sin(TURN * turns));
  }
  if (clock != NULL) {
    uint64_t none = 0;
    atomic_store(&player->nsec, clock->nsec);
    atomic_compare_exchange_strong(&player->first_nsec, &none, clock->nsec);
    write_lie(clock, atomic_load(&player->lie), atomic_load(&player->playback.cycles));
  }
}

static void add_properties(struct pw_properties *properties, int count, char **values) {
  for (int i = 0; i < count; i++) {
    char *equals = strchr(values[i], '=');
    if (equals != NULL) {
      *equals = 0;
      more.properties_set(properties, values[i], equals + 1);
    } else if (strcmp(values[i], "many") == 0) {
      for (int n = 0; n < 800; n++) {
        char key[32];
        snprintf(key, sizeof key, "key.%d", n); /* libpipewire takes 1024 */
        more.properties_set(properties, key, "a value of some length, as hostile as it can be");
      }
      more.properties_set(properties, PW_KEY_APP_ICON_NAME, "\xff\xc3(\x80");
    }
  }
}

static bool player_start(struct player *player, int count, char **values) {
  struct pw_properties *properties =
      pipewire.properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback",
                              PW_KEY_MEDIA_ROLE, "Music", PW_KEY_NODE_NAME, "graph-player", NULL);
  add_properties(properties, count, values);
  player->playback.fill = fill;
  player->playback.user = player;
  return playback_start(&player->playback, "graph player", properties);
}

/* Until the cycles run (from `cycles` on), or have stood still for a fifth of a second. */
static void wait_for(struct player *player, bool active, uint64_t cycles) {
  int64_t still_since_us = clock_now_us();
  while (active ? atomic_load(&player->playback.cycles) == cycles
                : clock_now_us() - still_since_us < 200000) {
    uint64_t now = atomic_load(&player->playback.cycles);
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
    uint64_t before = atomic_load(&player->playback.cycles);
    wait_for(player, true, before);
  } else {
    bool active = strcmp(line, "uncork") == 0;
    uint64_t before = atomic_load(&player->playback.cycles);
    playback_set_active(&player->playback, active);
    wait_for(player, active, before);
  }
  printf("{\"done\":\"%s\",\"nsec\":%llu}\n", line, (unsigned long long)atomic_load(&player->nsec));
  fflush(stdout);
}

int main(int count, char **values) {
  static struct player player;
  char line[64];
  if (count < 3 || !playback_load() || !dynlib_load(&library, NULL, 0)) {
    return 2;
  }
  player.hertz = atof(values[1]);
  player.amplitude = atof(values[2]);
  if (!player_start(&player, count - 3, values + 3)) {
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
