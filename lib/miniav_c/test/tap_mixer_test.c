/* Several sources on one timeline: places, pauses, drift, silence, lateness. */
#include "common/tap_mixer.h"

#include <math.h>
#include <stdlib.h>

#include "support/check.h"

#define RATE     48000u
#define PIECE    480u /* 10 ms */
#define PIECE_US 10000
#define TURN     6.283185307179586

/* What came out. */
struct heard {
  float *samples; /* of the first of two channels */
  uint32_t frames;
  uint32_t capacity;
  uint32_t silent_frames;
  int64_t first_us;
  double worst_step_us;
  double end_us;
};

static void take(void *user, const float *samples, uint32_t frames, int64_t time_us,
                 bool is_silent) {
  struct heard *heard = user;
  if (heard->frames == 0) {
    heard->first_us = time_us;
  } else {
    heard->worst_step_us = fmax(heard->worst_step_us, fabs((double)time_us - heard->end_us));
  }
  heard->end_us = (double)time_us + frames * 1e6 / RATE;
  heard->silent_frames += is_silent ? frames : 0;
  for (uint32_t i = 0; i < frames && heard->frames < heard->capacity; i++) {
    heard->samples[heard->frames++] = samples[2 * (size_t)i];
  }
}

static void heard_init(struct heard *heard, uint32_t seconds) {
  *heard = (struct heard){.capacity = seconds * RATE};
  heard->samples = calloc(heard->capacity, sizeof(float));
}

/* A source whose frame 0 is of begin_us and whose rate is rate_hz really; its samples are its own
 * frame numbers' sine, or ones. */
struct source {
  struct mixer_tap *tap;
  double begin_us;
  double rate_hz;
  double hertz; /* 0: a constant */
  float level;
  uint64_t frames;
};

/* All that it has captured by then, in pieces; they arrive at once. */
static void give(struct tap_mixer *mixer, struct source *source, int64_t now_us) {
  float samples[2 * PIECE];
  double due = ((double)now_us - source->begin_us) * source->rate_hz / 1e6;
  while ((double)(source->frames + PIECE) <= due) {
    for (uint32_t i = 0; i < PIECE; i++) {
      double turns = fmod((double)(source->frames + i) * source->hertz / RATE, 1);
      float value = source->hertz == 0 ? source->level : source->level * (float)sin(TURN * turns);
      samples[2 * i] = samples[2 * i + 1] = value;
    }
    mixer_tap_samples(mixer, source->tap, samples, PIECE, now_us);
    source->frames += PIECE;
  }
}

/* The source says exactly which frame is of now, with that error. */
static void tell(struct tap_mixer *mixer, struct source *source, int64_t now_us, double error_us) {
  double frame = ((double)now_us - source->begin_us - error_us) * source->rate_hz / 1e6;
  mixer_tap_time(mixer, source->tap, frame, now_us, now_us);
}

static float at(const struct heard *heard, int64_t time_us) {
  int64_t frame = (time_us - heard->first_us) * (int64_t)RATE / 1000000;
  return frame >= 0 && frame < heard->frames ? heard->samples[frame] : NAN;
}

static void test_nothing_is_silence(void) {
  struct heard heard;
  heard_init(&heard, 2);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 5000000);
  for (int64_t now_us = 5000000; now_us <= 6000000; now_us += 20000) {
    while (tap_mixer_run(mixer, now_us, PIECE, take, &heard)) {
    }
  }
  CHECK(heard.first_us == 5000000);
  CHECK(heard.silent_frames == heard.frames);
  CHECK(llabs((int64_t)heard.frames - (int64_t)RATE * (1000000 - TAP_MIXER_BEHIND_US) / 1000000) <=
        1);
  CHECK(heard.worst_step_us < 2);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* Two sources, each where its time is, and their sum where both are. */
static void test_sum(void) {
  struct heard heard;
  heard_init(&heard, 2);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source one = {mixer_tap_add(mixer), 100000, RATE, 0, 1, 0};
  struct source two = {mixer_tap_add(mixer), 300000, RATE, 0, 2, 0};
  for (int64_t now_us = 0; now_us <= 1500000; now_us += PIECE_US) {
    give(mixer, &one, now_us);
    if (now_us < 800000) {
      give(mixer, &two, now_us);
    }
    tell(mixer, &one, now_us, 0);
    tell(mixer, &two, now_us, 0);
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  CHECK(at(&heard, 50000) == 0);
  CHECK(at(&heard, 99900) == 0 && at(&heard, 100100) == 1);
  CHECK(at(&heard, 299900) == 1 && at(&heard, 300100) == 3);
  CHECK(at(&heard, 780000) == 3);
  CHECK(at(&heard, 810000) == 1); /* the other gives nothing any more */
  CHECK(at(&heard, 1200000) == 1);
  CHECK(tap_mixer_take_late(mixer) == 0);
  mixer_tap_remove(mixer, two.tap);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* A source that stands still counts on where it was: its pause is silence of its length. */
static void test_pause(void) {
  struct heard heard;
  heard_init(&heard, 4);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source source = {mixer_tap_add(mixer), 0, RATE, 0, 1, 0};
  for (int64_t now_us = 0; now_us <= 3000000; now_us += PIECE_US) {
    if (now_us == 2000000) {
      source.begin_us += 1000000;
    }
    if (now_us <= 1000000 || now_us > 2000000) {
      give(mixer, &source, now_us);
      CHECK(mixer_tap_is_held(source.tap) == (now_us == PIECE_US || now_us == 2000000 + PIECE_US));
      tell(mixer, &source, now_us, 0);
    }
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  CHECK(at(&heard, 990000) == 1);
  CHECK(at(&heard, 1000100) == 0 && at(&heard, 1999900) == 0);
  CHECK(at(&heard, 2000100) == 1 && at(&heard, 2900000) == 1);
  CHECK(tap_mixer_take_late(mixer) == 0);
  CHECK(heard.silent_frames >= RATE - PIECE);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* A machine that stood still is no pause of the source: nothing is lost, nothing is moved. */
static void test_late_arrival(int64_t until_us) {
  struct heard heard;
  heard_init(&heard, 2);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source source = {mixer_tap_add(mixer), 0, RATE, 997, 1, 0};
  for (int64_t now_us = 0; now_us <= 1000000; now_us += PIECE_US) {
    if (now_us > 400000 && now_us < until_us) {
      continue;
    }
    give(mixer, &source, now_us);
    tap_mixer_run(mixer, now_us, RATE, take, &heard); /* the answer comes a turn later */
    tell(mixer, &source, now_us, 0);
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < heard.frames; i++) {
    wrong += heard.samples[i] != (float)sin(TURN * fmod(i * 997.0 / RATE, 1));
  }
  CHECK(heard.frames >= RATE * 9 / 10);
  CHECK(wrong == 0);
  CHECK(tap_mixer_take_late(mixer) == 0);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* Times that jitter change no sample and no time. */
static void test_jitter(void) {
  struct heard heard;
  heard_init(&heard, 20);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source source = {mixer_tap_add(mixer), 0, RATE, 997, 0.5f, 0};
  uint32_t random = 1;
  for (int64_t now_us = 0; now_us <= 18000000; now_us += PIECE_US) {
    give(mixer, &source, now_us);
    random = random * 1664525u + 1013904223u;
    double error_us = now_us < 200000 ? 0 : (double)(random >> 8) / (1 << 24) * 5800 - 2900;
    error_us += now_us % (5 * PIECE_US) == 0 && now_us > 200000 ? 40000 : 0;
    tell(mixer, &source, now_us, error_us);
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < heard.frames; i++) {
    wrong += heard.samples[i] != 0.5f * (float)sin(TURN * fmod(i * 997.0 / RATE, 1));
  }
  CHECK(wrong == 0);
  CHECK(heard.worst_step_us < 2);
  CHECK(heard.frames > 17 * RATE);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* A source whose crystal is 200 ppm fast is alone: every sample passes, and the times are its. */
static void test_drift_alone(void) {
  struct heard heard;
  heard_init(&heard, 62);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source source = {mixer_tap_add(mixer), 0, RATE * 1.0002, 997, 0.5f, 0};
  for (int64_t now_us = 0; now_us <= 60000000; now_us += PIECE_US) {
    give(mixer, &source, now_us);
    tell(mixer, &source, now_us, 0);
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < heard.frames; i++) {
    wrong += heard.samples[i] != 0.5f * (float)sin(TURN * fmod(i * 997.0 / RATE, 1));
  }
  CHECK(wrong == 0);
  double real_end_us = heard.frames / (RATE * 1.0002) * 1e6;
  CHECK(fabs(heard.end_us - real_end_us) < TAP_MIXER_TOLERANCE_US + 500);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* The second of two drifts against the first: it is kept in place without a step that is heard. */
static void test_drift_of_the_second(double ppm) {
  struct heard heard;
  heard_init(&heard, 62);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source one = {mixer_tap_add(mixer), 0, RATE, 0, 0, 0};
  struct source two = {mixer_tap_add(mixer), 0, RATE * (1 + ppm * 1e-6), 50, 0.5f, 0};
  for (int64_t now_us = 0; now_us <= 60000000; now_us += PIECE_US) {
    give(mixer, &one, now_us);
    give(mixer, &two, now_us);
    tell(mixer, &one, now_us, 0);
    tell(mixer, &two, now_us, 0);
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  CHECK(heard.frames > 59 * RATE);
  float worst = 0;
  for (uint32_t i = RATE; i < heard.frames; i++) {
    worst = fmaxf(worst, fabsf(heard.samples[i] - heard.samples[i - 1]));
  }
  CHECK(worst < 0.5f * (float)(TURN * 50 / RATE) * 1.05f); /* no steeper than the sine is */
  CHECK(tap_mixer_take_late(mixer) == 0);
  /* The sample that is heard now is the one that was captured now, to the tolerance. */
  double end_us = (double)heard.frames * 1e6 / RATE;
  double frame = end_us * 1e-6 * RATE * (1 + ppm * 1e-6);
  double least = 1;
  for (double shift_us = -TAP_MIXER_TOLERANCE_US - 500.0; shift_us <= TAP_MIXER_TOLERANCE_US + 500;
       shift_us += 20) {
    double error = 0;
    for (uint32_t back = 1; back <= RATE / 100; back++) {
      double turns = fmod((frame - back + shift_us * RATE / 1e6) * 50 / RATE, 1);
      error = fmax(error, fabs(heard.samples[heard.frames - back] - 0.5 * sin(TURN * turns)));
    }
    least = fmin(least, error);
  }
  CHECK(least < 0.01);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* What comes after its place has gone out is counted, and the rest is where it belongs. */
static void test_late(void) {
  struct heard heard;
  heard_init(&heard, 3);
  float ones[2 * PIECE];
  for (uint32_t i = 0; i < 2 * PIECE; i++) {
    ones[i] = 1;
  }
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct mixer_tap *tap = mixer_tap_add(mixer);
  mixer_tap_samples(mixer, tap, ones, PIECE, 10000);
  CHECK(mixer_tap_is_held(tap));
  mixer_tap_time(mixer, tap, 0, 0, 5000); /* asked before they came: says nothing */
  CHECK(mixer_tap_is_held(tap));
  mixer_tap_time(mixer, tap, PIECE, 10000, 10000);
  CHECK(!mixer_tap_is_held(tap));
  tap_mixer_run(mixer, 1000000, RATE, take, &heard); /* 750 ms are out */
  mixer_tap_samples(mixer, tap, NULL, PIECE, 1000000);
  mixer_tap_time(mixer, tap, 2 * PIECE, 20000, 1000000);
  mixer_tap_samples(mixer, tap, ones, PIECE, 1000000);
  CHECK(tap_mixer_take_late(mixer) == 2 * PIECE);
  CHECK(tap_mixer_take_late(mixer) == 0);
  tap_mixer_run(mixer, 2000000, RATE, take, &heard);
  CHECK(at(&heard, 5000) == 1 && at(&heard, 15000) == 0 && at(&heard, 1200000) == 0);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* A source that never says its time is never heard, and holds nobody up for ever. */
static void test_untold(void) {
  struct heard heard;
  heard_init(&heard, 4);
  struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
  struct source one = {mixer_tap_add(mixer), 0, RATE, 0, 1, 0};
  struct source dumb = {mixer_tap_add(mixer), 0, RATE, 0, 5, 0};
  for (int64_t now_us = 0; now_us <= 3000000; now_us += PIECE_US) {
    give(mixer, &one, now_us);
    give(mixer, &dumb, now_us);
    tell(mixer, &one, now_us, 0);
    tap_mixer_run(mixer, now_us, RATE, take, &heard);
  }
  CHECK(at(&heard, 500000) == 1 && at(&heard, 2500000) == 1);
  CHECK(heard.frames >= (3000000 - TAP_MIXER_BEHIND_US) / 1000 * (RATE / 1000) - PIECE);
  /* The last second of it is kept for the time that is told at last. */
  tell(mixer, &dumb, 3000000, 0);
  tap_mixer_run(mixer, 3000000, RATE, take, &heard);
  CHECK(at(&heard, 2900000) == 6);
  tap_mixer_destroy(mixer);
  free(heard.samples);
}

/* Nothing that a source says of its time harms anything. */
static void test_absurd(void) {
  static const double frames[] = {0, -1e15, 1e15, 1e300, -1e300, NAN, INFINITY};
  static const int64_t times[] = {0, 1000000, -1000000000000, INT64_MAX / 4, INT64_MIN / 4};
  for (uint32_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    for (uint32_t j = 0; j < sizeof times / sizeof *times; j++) {
      struct heard heard;
      heard_init(&heard, 2);
      struct tap_mixer *mixer = tap_mixer_create(RATE, 2, 0);
      struct source source = {mixer_tap_add(mixer), 0, RATE, 0, 1, 0};
      for (int64_t now_us = 0; now_us <= 1000000; now_us += 50000) {
        give(mixer, &source, now_us);
        mixer_tap_time(mixer, source.tap, frames[i], times[j], now_us);
        tap_mixer_run(mixer, now_us, RATE, take, &heard);
      }
      CHECK(heard.frames >= RATE * 7 / 10 && heard.frames <= RATE);
      CHECK(heard.worst_step_us < 1000);
      tap_mixer_destroy(mixer);
      free(heard.samples);
    }
  }
}

int main(void) {
  test_nothing_is_silence();
  test_sum();
  test_pause();
  test_late_arrival(600000);
  test_late_arrival(900000);
  test_jitter();
  test_drift_alone();
  test_drift_of_the_second(300);
  test_drift_of_the_second(-300);
  test_late();
  test_untold();
  test_absurd();
  return check_report("tap_mixer");
}
