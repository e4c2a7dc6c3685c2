#include "screen/frame_pace.h"

#define IDLE_US   1000000
#define SECOND_US INT64_C(1000000)

int64_t frame_pace_millirate(const MiniAVVideoInfo *rate, double limit) {
  int64_t agreed = rate->frame_rate_denominator > 0
                       ? (int64_t)rate->frame_rate_numerator * 1000 / rate->frame_rate_denominator
                       : 0;
  int64_t most = (int64_t)(limit * 1000);
  int64_t millirate = most > 0 && (most < agreed || agreed <= 0) ? most : agreed;
  return millirate > 0 ? millirate : 1;
}

static int64_t tick(const struct frame_pace *pace, int64_t number, int64_t millirate) {
  return pace->base_us + (number * 1000 * SECOND_US + millirate - 1) / millirate;
}

void frame_pace_shown(struct frame_pace *pace, int64_t now_us, int64_t millirate) {
  if (pace->due_us == 0 || now_us - pace->due_us > IDLE_US) {
    pace->base_us = now_us;
  }
  int64_t ticks = (now_us - pace->base_us) * millirate / (1000 * SECOND_US) + 1;
  pace->due_us = tick(pace, ticks, millirate);
  pace->then_us = tick(pace, ticks + 1, millirate);
}

int64_t frame_pace_interval_us(int64_t millirate) {
  return SECOND_US * 1000 / millirate;
}
