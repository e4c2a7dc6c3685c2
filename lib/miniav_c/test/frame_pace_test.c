/* Pictures of a screen come at start + n intervals: however late each one is, nothing adds up. */
#include "screen/frame_pace.h"

#include "support/check.h"

#define START_US INT64_C(1234567890123)

/* The nth tick, rounded up: before it no picture is due. */
static int64_t tick_us(int64_t n, int64_t millirate) {
  return START_US + (n * INT64_C(1000000000) + millirate - 1) / millirate;
}

/* Each picture is shown late, by anything less than an interval. */
static void check_rate(int64_t millirate) {
  struct frame_pace pace = {0};
  int64_t interval_us = frame_pace_interval_us(millirate);
  uint32_t random = 1;
  int64_t now_us = START_US;
  for (int64_t n = 1; n <= 100000; n++) {
    frame_pace_shown(&pace, now_us, millirate);
    if (!CHECK_EQ(pace.due_us, tick_us(n, millirate)) ||
        !CHECK_EQ(pace.then_us, tick_us(n + 1, millirate))) {
      return;
    }
    random = random * 1664525u + 1013904223u;
    now_us = pace.due_us + (int64_t)(random >> 8) % interval_us;
  }
}

/* A thread that was not run misses ticks, and goes on at one of them. */
static void missed_ticks_are_no_drift(void) {
  struct frame_pace pace = {0};
  frame_pace_shown(&pace, START_US, 30000);
  CHECK_EQ(pace.due_us, tick_us(1, 30000));
  frame_pace_shown(&pace, tick_us(7, 30000) + 5, 30000);
  CHECK_EQ(pace.due_us, tick_us(8, 30000));
}

/* After a pause the next picture is due at once, and the others from there on. */
static void a_pause_counts_anew(void) {
  struct frame_pace pace = {0};
  frame_pace_shown(&pace, START_US, 30000);
  int64_t later_us = START_US + 60000017;
  CHECK(pace.due_us < later_us);
  frame_pace_shown(&pace, later_us, 30000);
  CHECK_EQ(pace.due_us, later_us + 33334);
}

static void the_lower_rate_counts(void) {
  MiniAVVideoInfo rate = {.frame_rate_numerator = 60000, .frame_rate_denominator = 1001};
  CHECK_EQ(frame_pace_millirate(&rate, 0), 59940);
  CHECK_EQ(frame_pace_millirate(&rate, 12.5), 12500);
  CHECK_EQ(frame_pace_millirate(&rate, 100), 59940);
  CHECK_EQ(frame_pace_millirate(&(MiniAVVideoInfo){0}, 24), 24000);
  CHECK_EQ(frame_pace_millirate(&(MiniAVVideoInfo){0}, 0), 1);
}

int main(void) {
  check_rate(30000);
  check_rate(59940);
  check_rate(7001);
  check_rate(240000);
  missed_ticks_are_no_drift();
  a_pause_counts_anew();
  the_lower_rate_counts();
  return check_report("frame_pace_test");
}
