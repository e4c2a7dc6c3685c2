/*
 * Absolute pacing: tick n belongs to start + n × denominator / numerator seconds, rounded down to a
 * microsecond. Integers only, so that nothing drifts, and nothing overflows in years.
 */
#ifndef MINIAV_TEST_DEVICE_PACER_H
#define MINIAV_TEST_DEVICE_PACER_H

#include <stdint.h>

struct pacer {
  int64_t tick_us;      /* of the next tick */
  uint64_t numerator;   /* ticks … */
  uint64_t whole_us;    /* from one tick to the next, and … */
  uint64_t rest;        /* … this many numerator-ths of a microsecond besides */
  uint64_t accumulated; /* of those, at tick_us */
};

/* numerator ticks in denominator seconds; neither is 0, both are below 2^32. */
void pacer_init(struct pacer *pacer, int64_t start_us, uint64_t numerator, uint64_t denominator);

/* Goes on by `ticks`. */
void pacer_advance(struct pacer *pacer, uint64_t ticks);

/* When the tick after the next one is due. */
int64_t pacer_following_us(const struct pacer *pacer);

/* How many ticks to leave out so that the next one is not before now_us. */
uint64_t pacer_ticks_before(const struct pacer *pacer, int64_t now_us);

#endif
