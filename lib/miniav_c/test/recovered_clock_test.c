/* recovered_clock: simulated sources whose true capture times are known. */
#include "common/recovered_clock.h"

#include <math.h>

#include "support/check.h"

#define START_US 1000000000LL

/* A source: its true rate, how it cuts chunks, and how late each arrives. */
struct source {
  double true_rate_hz;
  uint32_t nominal_rate_hz;
  uint32_t chunk_frames;
  double jitter_us; /* up to this much later, at random */
  int64_t latency_us;
  uint64_t frames; /* sent */
  uint32_t random;
};

static double random_unit(struct source *source) {
  source->random = source->random * 1664525u + 1013904223u;
  return (double)(source->random >> 8) / (double)(1u << 24);
}

static double true_time_us(const struct source *source, double frame) {
  return (double)START_US + frame * 1e6 / source->true_rate_hz;
}

/* Sends the next chunk; its arrival. Most chunks wait little, a tenth of them up to jitter_us. */
static int64_t source_next(struct source *source) {
  source->frames += source->chunk_frames;
  double wait = random_unit(source) * 300;
  if (random_unit(source) < 0.1) {
    wait = random_unit(source) * source->jitter_us;
  }
  return (int64_t)(true_time_us(source, (double)source->frames) + wait) + source->latency_us;
}

static void prime(struct recovered_clock *clock, struct source source) {
  recovered_clock_start(clock, source.nominal_rate_hz, source.latency_us);
  int64_t first = 0;
  for (;;) { /* a copy of the source: the caller sends the same chunks again */
    int64_t arrival = source_next(&source);
    first = first == 0 ? arrival : first;
    recovered_clock_prime(clock, source.frames, arrival);
    if (arrival - first >= 50000) {
      return;
    }
  }
}

static void test_exact_source(void) {
  struct source source = {48000, 48000, 480, 8000, 5000, 0, 1};
  struct recovered_clock clock;
  prime(&clock, source);
  int64_t first = recovered_clock_time_us(&clock, 0);
  CHECK_NEAR(first, START_US, 500);
  int64_t last = first - 1;
  double worst = 0;
  for (int i = 0; i < 1000; i++) { /* 10 s */
    uint64_t frame = source.frames;
    int64_t arrival = source_next(&source);
    CHECK_EQ(recovered_clock_arrive(&clock, source.frames, arrival), 0);
    int64_t time = recovered_clock_time_us(&clock, (double)frame);
    CHECK(time > last);
    last = time;
    worst = fmax(worst, fabs((double)(time - first) - (double)frame / 0.048));
  }
  CHECK_NEAR(worst, 0, 1000); /* 1 ms over ten seconds */
}

/* Two periods that do not divide each other: the chunk waits for the graph's next period. */
static void test_uneven_periods(void) {
  struct recovered_clock clock;
  recovered_clock_start(&clock, 48000, 0);
  const uint64_t quantum = 1024;
  uint64_t made = 0;
  uint64_t sent = 0;
  int64_t first = 0;
  for (int pass = 0; pass < 2; pass++) { /* prime with three quanta, then all again */
    made = sent = 0;
    for (int i = 0; i < (pass == 0 ? 3 : 500); i++) {
      made += quantum;
      int64_t now = START_US + (int64_t)((double)made / 0.048);
      while (sent + 480 <= made) {
        sent += 480;
        if (pass == 0) {
          recovered_clock_prime(&clock, sent, now);
        } else {
          CHECK_EQ(recovered_clock_arrive(&clock, sent, now), 0);
        }
      }
    }
    if (pass == 0) {
      first = recovered_clock_time_us(&clock, 0);
    }
  }
  CHECK_NEAR(first, START_US, 5000);
  double end = (double)recovered_clock_time_us(&clock, 480000) - (double)first;
  CHECK_NEAR(end, 10e6, 1000);
}

/* Every arrival of the beginning was late, as on a busy machine: the error goes away, gently. */
static void test_late_beginning(void) {
  struct source source = {48000, 48000, 480, 300, 0, 0, 11};
  struct recovered_clock clock;
  recovered_clock_start(&clock, 48000, 0);
  struct source first = source;
  for (int i = 0; i < 5; i++) {
    int64_t arrival = source_next(&first);
    recovered_clock_prime(&clock, first.frames, arrival + 7500);
  }
  int64_t start = recovered_clock_time_us(&clock, 0);
  CHECK_NEAR(start, START_US + 7500, 500);
  for (int i = 0; i < 100 * 300; i++) {
    int64_t arrival = source_next(&source);
    CHECK_EQ(recovered_clock_arrive(&clock, source.frames, arrival), 0);
    double expected = (double)start + (double)source.frames / 0.048;
    double time = (double)recovered_clock_time_us(&clock, (double)source.frames);
    if (i < 1000) {
      CHECK_NEAR(time, expected, 1000);
    }
  }
  CHECK_NEAR(recovered_clock_time_us(&clock, (double)source.frames),
             true_time_us(&source, (double)source.frames), 500);
}

static void test_drift_is_learned(void) {
  struct source source = {48000 * (1 + 200e-6), 48000, 960, 4000, 0, 0, 7};
  struct recovered_clock clock;
  prime(&clock, source);
  double worst = 0;
  for (int i = 0; i < 50 * 600; i++) { /* ten minutes */
    int64_t arrival = source_next(&source);
    CHECK_EQ(recovered_clock_arrive(&clock, source.frames, arrival), 0);
    double error = (double)recovered_clock_time_us(&clock, (double)source.frames) -
                   true_time_us(&source, (double)source.frames);
    worst = fmax(worst, fabs(error));
    if (i > 50 * 540) {
      CHECK_NEAR(error, 0, 500);
    }
  }
  CHECK_NEAR(worst, 0, 9000);
  CHECK_NEAR(clock.rate, -200e-6, 20e-6);
}

static void test_gap_jumps_once(void) {
  struct source source = {48000, 48000, 480, 5000, 0, 0, 3};
  struct recovered_clock clock;
  prime(&clock, source);
  int64_t jumped = 0;
  int jumps = 0;
  uint64_t lost_frames = 0;
  for (int i = 0; i < 600; i++) {
    if (i == 300) {
      lost_frames = 48000; /* one second is never sent */
      source.frames += lost_frames;
    }
    int64_t arrival = source_next(&source);
    int64_t jump = recovered_clock_arrive(&clock, source.frames - lost_frames, arrival);
    jumps += jump != 0;
    jumped += jump;
  }
  CHECK_EQ(jumps, 1);
  CHECK_NEAR(jumped, 1000000, 1000);
  CHECK_NEAR(recovered_clock_time_us(&clock, (double)(source.frames - lost_frames)),
             true_time_us(&source, (double)source.frames), 1500);
}

/* The thread that receives stands still for 300 ms and then catches up: nothing is missing. */
static void test_stall_does_not_jump(void) {
  struct source source = {44100, 44100, 441, 1000, 0, 0, 5};
  struct recovered_clock clock;
  prime(&clock, source);
  int64_t held_until = 0;
  for (int i = 0; i < 600; i++) {
    int64_t arrival = source_next(&source);
    if (i == 300) {
      held_until = arrival + 300000;
    }
    arrival = arrival < held_until ? held_until : arrival;
    CHECK_EQ(recovered_clock_arrive(&clock, source.frames, arrival), 0);
  }
  CHECK_NEAR(recovered_clock_time_us(&clock, (double)source.frames),
             true_time_us(&source, (double)source.frames), 1000);
}

/* A source that makes frames up, faster than time: bounded, and never backwards within the line. */
static void test_runaway(void) {
  struct recovered_clock clock;
  recovered_clock_start(&clock, 8000, 0);
  for (uint64_t i = 1; i <= 1000; i++) {
    CHECK_EQ(recovered_clock_arrive(&clock, i * 800, START_US + (int64_t)i * 1000), 0);
    double error =
        (double)(recovered_clock_time_us(&clock, (double)(i * 800)) - START_US) - (double)i * 1000;
    CHECK(error < 301e3);
  }
  CHECK(recovered_clock_time_us(&clock, 100) < recovered_clock_time_us(&clock, 101));
}

int main(void) {
  test_exact_source();
  test_uneven_periods();
  test_late_beginning();
  test_drift_is_learned();
  test_gap_jumps_once();
  test_stall_does_not_jump();
  test_runaway();
  return check_report("recovered_clock");
}
