/*
 * When the next picture of a screen may come: ticks at start + n intervals, so that nothing drifts.
 * Pure but for the numbers kept here; one thread at a time.
 */
#ifndef MINIAV_SCREEN_FRAME_PACE_H
#define MINIAV_SCREEN_FRAME_PACE_H

#include <stdint.h>

#include "miniav_buffer.h"

struct frame_pace {
  int64_t base_us; /* where ticks are counted from */
  int64_t due_us;  /* before it no picture is due; 0: at once */
  int64_t then_us; /* the tick after that; 0 with it */
};

/* Pictures a second × 1000: the rate, or the limit (pictures a second; 0: none) where that is
 * lower; at least 1. */
int64_t frame_pace_millirate(const MiniAVVideoInfo *rate, double limit);

/* A picture was shown: due_us becomes the first tick after now. Ticks are counted anew after a
 * pause, so that what comes after one comes at once and numbers stay small. */
void frame_pace_shown(struct frame_pace *pace, int64_t now_us, int64_t millirate);

/* Microseconds from one tick to the next. */
int64_t frame_pace_interval_us(int64_t millirate);

#endif
