/* A program that plays two channels of float samples through libpipewire, into the default sink. */
#ifndef MINIAV_TEST_SUPPORT_PIPEWIRE_PLAYBACK_H
#define MINIAV_TEST_SUPPORT_PIPEWIRE_PLAYBACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/linux/pipewire_library.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#define PLAYBACK_RATE_HZ 48000

struct playback {
  struct pw_thread_loop *loop;
  struct pw_stream *stream;
  /* On the data thread, a cycle; clock is NULL until the graph has one. */
  void (*fill)(void *user, float *samples, uint32_t frames, struct spa_io_clock *clock);
  void *user;
  _Atomic(struct spa_io_position *) position;
  _Atomic uint64_t cycles;
};

bool playback_load(void);
/* Plays from then on; the properties are the stream's then. */
bool playback_start(struct playback *playback, const char *name, struct pw_properties *properties);
void playback_set_active(struct playback *playback, bool active);
/* On the data thread: how far the sound is from being heard. False: not known yet. */
bool playback_time(struct playback *playback, struct pw_time *time);

#endif
#endif
