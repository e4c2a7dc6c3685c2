#include "common/recovered_clock.h"

#include <math.h>

#define WINDOW_US        500e3
#define NATURAL_RAD_S    0.015
#define DEVIATION_MAX    1000e-6
#define GENTLE           80e-6
#define GENTLE_S         8e-3
#define LATE_US          20e3
#define LATE_DURATION_US 120e3
#define LATE_ARRIVALS    4u
/* So far ahead of the line no rate of a sound card explains a chunk: the source made frames up. */
#define EARLY_US 200e3

static double clamp(double value, double limit) {
  return value > limit ? limit : value < -limit ? -limit : value;
}

static double line_us(const struct recovered_clock *clock, double frame) {
  return clock->anchor_us + (frame - clock->anchor_frame) * clock->slope_us;
}

static double arrival_on_line_us(const struct recovered_clock *clock, int64_t arrival_us) {
  return (double)(arrival_us - clock->origin_us - clock->latency_us);
}

void recovered_clock_start(struct recovered_clock *clock, uint32_t rate_hz, int64_t latency_us) {
  *clock = (struct recovered_clock){0};
  clock->nominal_us = 1e6 / rate_hz;
  clock->slope_us = clock->nominal_us;
  clock->latency_us = latency_us;
}

void recovered_clock_prime(struct recovered_clock *clock, uint64_t end_frame, int64_t arrival_us) {
  if (!clock->primed) {
    clock->primed = true;
    clock->origin_us = arrival_us;
    clock->anchor_frame = (double)end_frame;
    clock->anchor_us = arrival_on_line_us(clock, arrival_us);
    return;
  }
  double error = arrival_on_line_us(clock, arrival_us) - line_us(clock, (double)end_frame);
  if (error < 0) {
    clock->anchor_us += error;
  }
}

/* The line goes through (frame, line + jump) from here on. */
static void anchor_move(struct recovered_clock *clock, double frame, double jump_us) {
  clock->anchor_us = line_us(clock, frame) + jump_us;
  clock->anchor_frame = frame;
}

static void window_begin(struct recovered_clock *clock, double now_us, double error_us) {
  clock->window_open = true;
  clock->window_start_us = now_us;
  clock->window_error_us = error_us;
}

/* How fast an error is made good: in proportion, but gently while it is small. */
static double correction(double error_s) {
  double proportional = 2 * NATURAL_RAD_S * error_s;
  double beyond = 2 * NATURAL_RAD_S * fmax(0, fabs(error_s) - GENTLE_S);
  return clamp(proportional, GENTLE + beyond);
}

/* The loop: `error` is what the line lags behind the earliest arrival of a window. */
static void window_end(struct recovered_clock *clock, double frame, double now_us) {
  double seconds = (now_us - clock->window_start_us) * 1e-6;
  double error_s = clock->window_error_us * 1e-6;
  if (seconds > 2) {
    seconds = 2; /* after a pause one window must not count for all of it */
  }
  clock->rate =
      clamp(clock->rate + NATURAL_RAD_S * NATURAL_RAD_S * error_s * seconds, DEVIATION_MAX);
  anchor_move(clock, frame, 0);
  double deviation = clamp(clock->rate + correction(error_s), DEVIATION_MAX);
  clock->slope_us = clock->nominal_us * (1 + deviation);
}

/* Counts arrivals that are late beyond jitter; the jump that is due, or 0. */
static double late_jump_us(struct recovered_clock *clock, double now_us, double error_us) {
  if (error_us <= LATE_US) {
    clock->late_count = 0;
    return 0;
  }
  if (clock->late_count == 0) {
    clock->late_since_us = now_us;
    clock->late_error_us = error_us;
  }
  clock->late_count++;
  clock->late_error_us = fmin(clock->late_error_us, error_us);
  if (clock->late_count < LATE_ARRIVALS || now_us - clock->late_since_us < LATE_DURATION_US) {
    return 0;
  }
  return clock->late_error_us;
}

int64_t recovered_clock_arrive(struct recovered_clock *clock, uint64_t end_frame,
                               int64_t arrival_us) {
  if (!clock->primed) {
    recovered_clock_prime(clock, end_frame, arrival_us);
  }
  double frame = (double)end_frame;
  double now_us = arrival_on_line_us(clock, arrival_us);
  double error_us = now_us - line_us(clock, frame);
  double jump_us = error_us < -EARLY_US ? error_us : late_jump_us(clock, now_us, error_us);
  if (jump_us != 0) {
    anchor_move(clock, frame, jump_us);
    clock->late_count = 0;
    window_begin(clock, now_us, error_us - jump_us);
    return jump_us > 0 ? (int64_t)jump_us : 0;
  }
  if (!clock->window_open) {
    window_begin(clock, now_us, error_us);
    return 0;
  }
  clock->window_error_us = fmin(clock->window_error_us, error_us);
  if (now_us - clock->window_start_us >= WINDOW_US) {
    window_end(clock, frame, now_us);
    window_begin(clock, now_us, now_us - line_us(clock, frame));
  }
  return 0;
}

int64_t recovered_clock_time_us(const struct recovered_clock *clock, double frame) {
  return clock->origin_us + (int64_t)llround(line_us(clock, frame));
}
