#include "test_device/pacer.h"

#define SECOND_US UINT64_C(1000000)

void pacer_init(struct pacer *pacer, int64_t start_us, uint64_t numerator, uint64_t denominator) {
  pacer->tick_us = start_us;
  pacer->numerator = numerator;
  pacer->whole_us = denominator * SECOND_US / numerator;
  pacer->rest = denominator * SECOND_US % numerator;
  pacer->accumulated = 0;
}

void pacer_advance(struct pacer *pacer, uint64_t ticks) {
  /* rest and accumulated are below 2^32, so this holds for 2^32 ticks at once. */
  pacer->accumulated += pacer->rest * ticks;
  pacer->tick_us += (int64_t)(pacer->whole_us * ticks + pacer->accumulated / pacer->numerator);
  pacer->accumulated %= pacer->numerator;
}

int64_t pacer_following_us(const struct pacer *pacer) {
  struct pacer next = *pacer;
  pacer_advance(&next, 1);
  return next.tick_us;
}

uint64_t pacer_ticks_before(const struct pacer *pacer, int64_t now_us) {
  if (now_us <= pacer->tick_us) {
    return 0;
  }
  uint64_t late_us = (uint64_t)(now_us - pacer->tick_us);
  /* An underestimate first, so that the rest is a step or two. */
  uint64_t ticks = late_us / (pacer->whole_us + 1);
  struct pacer probe = *pacer;
  pacer_advance(&probe, ticks);
  while (probe.tick_us < now_us) {
    pacer_advance(&probe, 1);
    ticks++;
  }
  return ticks;
}
