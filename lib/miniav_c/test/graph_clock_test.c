/* Where the samples of a graph's cycles lie in time: a steady clock, one that changes its quantum
 * and rate, pauses, lost cycles, another clock, and clocks that lie. Linux only. */
#include "support/check.h"

#if defined(__linux__)

#include "common/linux/graph_clock.h"

#define NOW_NS   INT64_C(100000000000)
#define CYCLE_NS 10000000

struct driver {
  struct graph_clock clock;
  struct graph_cycle_told told;
  uint32_t pauses;
};

static struct driver driver_make(void) {
  return (struct driver){.told = {.clock_id = 1,
                                  .rate_numerator = 1,
                                  .rate_denominator = 48000,
                                  .nsec = (uint64_t)NOW_NS,
                                  .position = 4800,
                                  .duration = 480}};
}

/* The cycle that the driver tells, at that time; then the driver goes on. */
static struct graph_cycle step(struct driver *driver, int64_t now_ns) {
  struct graph_cycle cycle;
  CHECK(graph_clock_cycle(&driver->clock, &driver->told, now_ns, driver->pauses, &cycle));
  driver->told.position += driver->told.duration;
  driver->told.nsec += driver->told.duration * UINT64_C(1000000000) / driver->told.rate_denominator;
  return cycle;
}

static struct graph_cycle step_in_time(struct driver *driver) {
  return step(driver, (int64_t)driver->told.nsec + 300000);
}

static int64_t end_of(const struct graph_cycle *cycle) {
  return cycle->start_ns + (int64_t)cycle->frames * 1000000000 / cycle->rate_hz;
}

static void test_steady(void) {
  struct driver driver = driver_make();
  for (int64_t i = 0; i < 100; i++) {
    struct graph_cycle cycle = step_in_time(&driver);
    CHECK_EQ(cycle.start_ns, NOW_NS + (i - 1) * CYCLE_NS); /* what it holds was captured before */
    CHECK_EQ(cycle.frames, 480);
    CHECK_EQ(cycle.rate_hz, 48000);
    CHECK_EQ(cycle.lost_frames, 0);
    CHECK_EQ(cycle.flags, i == 0 ? GRAPH_CYCLE_NEW : 0);
  }
}

static void test_output(void) {
  struct driver driver = driver_make();
  driver.clock.of_output = true;
  for (int64_t i = 0; i < 100; i++) {
    struct graph_cycle cycle = step_in_time(&driver);
    CHECK_EQ(cycle.start_ns, NOW_NS + i * CYCLE_NS); /* what it holds is played from its time on */
    CHECK_EQ(cycle.flags, i == 0 ? GRAPH_CYCLE_NEW : 0);
  }
  driver.told.nsec = 1; /* a clock that lies: by arrival */
  struct graph_cycle cycle = step(&driver, NOW_NS + 100 * CYCLE_NS);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_ESTIMATED | GRAPH_CYCLE_NEW);
  CHECK_EQ(cycle.start_ns, NOW_NS + 100 * CYCLE_NS);
}

static void test_changes_leave_no_gap(void) {
  static const struct {
    uint32_t rate_hz;
    uint32_t frames;
  } changes[] = {{48000, 480},  {48000, 64},  {44100, 441},
                 {44100, 4410}, {96000, 960}, {48000, 480}};
  struct driver driver = driver_make();
  struct graph_cycle last = step_in_time(&driver);
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    driver.told.rate_denominator = changes[i].rate_hz;
    driver.told.duration = changes[i].frames;
    struct graph_cycle cycle = step_in_time(&driver);
    CHECK_NEAR(cycle.start_ns, end_of(&last), 1);
    CHECK_EQ(cycle.rate_hz, changes[i].rate_hz);
    CHECK_EQ(cycle.flags, 0);
    last = cycle;
  }
}

static void test_lost(void) {
  struct driver driver = driver_make();
  step_in_time(&driver);
  driver.told.position += 3 * 480; /* three cycles ran without us */
  driver.told.nsec += 3 * CYCLE_NS;
  struct graph_cycle cycle = step_in_time(&driver);
  CHECK_EQ(cycle.lost_frames, 3 * 480);
  CHECK_EQ(cycle.flags, 0);
  CHECK_EQ(cycle.start_ns, NOW_NS + 3 * CYCLE_NS);
}

static void test_nothing_played(void) {
  struct driver driver = driver_make();
  step_in_time(&driver);
  driver.told.nsec += 30 * CYCLE_NS; /* the graph stood still, and its clock with it */
  struct graph_cycle cycle = step_in_time(&driver);
  CHECK_EQ(cycle.lost_frames, 0);
  CHECK_EQ(cycle.start_ns, NOW_NS + 30 * CYCLE_NS);
  driver.pauses++; /* it ran, but not for us */
  driver.told.position += 50 * 480;
  driver.told.nsec += 50 * CYCLE_NS;
  cycle = step_in_time(&driver);
  CHECK_EQ(cycle.lost_frames, 0);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_NEW);
  driver.told.clock_id = 2; /* another sink's */
  driver.told.position += 123456;
  cycle = step_in_time(&driver);
  CHECK_EQ(cycle.lost_frames, 0);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_NEW);
  CHECK_EQ(cycle.start_ns, (int64_t)driver.told.nsec - 2 * CYCLE_NS);
}

static void test_position_that_lies(void) {
  struct driver driver = driver_make();
  step_in_time(&driver);
  driver.told.position += UINT64_C(1) << 60;
  CHECK_EQ(step_in_time(&driver).lost_frames, 0);
  driver.told.position += 4800; /* but no time has passed: another clock with the same id */
  struct graph_cycle cycle = step_in_time(&driver);
  CHECK_EQ(cycle.lost_frames, 0);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_NEW);
  driver.told.position = 0;
  cycle = step_in_time(&driver);
  CHECK_EQ(cycle.lost_frames, 0);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_NEW);
  driver.told.position = UINT64_MAX;
  step_in_time(&driver);
  step_in_time(&driver);
}

/* Whatever the time told, what comes lies beside our own, and follows itself. */
static void test_time_that_lies(void) {
  static const uint64_t lies[] = {0,
                                  1,
                                  UINT64_MAX,
                                  (uint64_t)INT64_MAX,
                                  (uint64_t)INT64_MAX + 1,
                                  (uint64_t)NOW_NS + UINT64_C(60000000000),
                                  (uint64_t)NOW_NS - UINT64_C(60000000000)};
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    struct driver driver = driver_make();
    struct graph_cycle last = {0};
    for (int64_t n = 0; n < 20; n++) {
      int64_t now_ns = NOW_NS + n * CYCLE_NS + (n % 3) * 4000000; /* some come late */
      driver.told.nsec = lies[i];
      struct graph_cycle cycle = step(&driver, now_ns);
      CHECK((cycle.flags & GRAPH_CYCLE_ESTIMATED) != 0);
      CHECK_NEAR(cycle.start_ns, now_ns - CYCLE_NS, 10e6);
      if (n > 0) {
        CHECK_EQ(cycle.start_ns, end_of(&last));
      }
      last = cycle;
    }
    struct graph_cycle cycle = step(&driver, NOW_NS + INT64_C(5000000000));
    CHECK_EQ(cycle.flags, GRAPH_CYCLE_ESTIMATED); /* a pause of a clock that cannot tell it */
    CHECK_EQ(cycle.start_ns, NOW_NS + INT64_C(5000000000) - CYCLE_NS);
  }
}

static void test_true_times_after_lies(void) {
  struct driver driver = driver_make();
  step_in_time(&driver);
  driver.told.nsec += UINT64_C(5000000000);
  struct graph_cycle cycle = step(&driver, NOW_NS + CYCLE_NS);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_NEW | GRAPH_CYCLE_ESTIMATED);
  driver.told.nsec = (uint64_t)NOW_NS + 2 * CYCLE_NS;
  cycle = step_in_time(&driver);
  CHECK_EQ(cycle.flags, GRAPH_CYCLE_NEW);
  CHECK_EQ(cycle.start_ns, NOW_NS + CYCLE_NS);
}

static void test_cycles_that_cannot_be(void) {
  static const struct graph_cycle_told wrong[] = {
      {.rate_numerator = 1, .rate_denominator = 0, .duration = 480},
      {.rate_numerator = 1, .rate_denominator = 1, .duration = 480},
      {.rate_numerator = 1, .rate_denominator = UINT32_MAX, .duration = 480},
      {.rate_numerator = 0, .rate_denominator = 48000, .duration = 480},
      {.rate_numerator = 48000, .rate_denominator = 48000, .duration = 480},
      {.rate_numerator = 1, .rate_denominator = 48000, .duration = 0},
      {.rate_numerator = 1, .rate_denominator = 48000, .duration = 8193},
      {.rate_numerator = 1, .rate_denominator = 48000, .duration = UINT64_MAX},
  };
  struct driver driver = driver_make();
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct graph_cycle cycle;
    CHECK(!graph_clock_cycle(&driver.clock, &wrong[i], NOW_NS, 0, &cycle));
    CHECK(cycle.frames <= GRAPH_CYCLE_FRAMES_MAX);
    CHECK_EQ(step_in_time(&driver).flags, GRAPH_CYCLE_NEW);
  }
}

int main(void) {
  test_steady();
  test_output();
  test_changes_leave_no_gap();
  test_lost();
  test_nothing_played();
  test_position_that_lies();
  test_time_that_lies();
  test_true_times_after_lies();
  test_cycles_that_cannot_be();
  return check_report("graph_clock");
}

#else

int main(void) {
  return 0; /* there is no such module elsewhere */
}

#endif
