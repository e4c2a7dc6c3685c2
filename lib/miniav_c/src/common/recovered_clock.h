/*
 * The capture time of samples whose source gives none: recovered from when the chunks arrive.
 *
 * What is known. A chunk that ends with frame n cannot arrive before n was captured; it arrives
 * later by a constant (the source's latency, told by the caller) and by a wait that varies (periods
 * that are cut differently on their way, scheduling). The earliest arrivals therefore lie on the
 * line "capture time of frame n", and all others above it: this clock follows that lower edge, not
 * the mean, which every busy moment would shift.
 *
 * How. Of each half second the arrival that is earliest against the line counts. Its distance from
 * the line steers the line's slope through a critically damped second-order loop (a delay-locked
 * loop, as in F. Adriaensen, "Using a DLL to filter time", 2005) with a natural frequency of 0.015
 * rad/s, so that the sound card's true rate is learned in some minutes, and an error of the
 * beginning goes away at about 3 % of it per second, and by no more than 80 ppm while it is less
 * than 8 ms.
 *
 * Bounds. The slope stays within 1000 ppm of the nominal rate, so times rise with frame numbers. A
 * jump happens only when every arrival of at least 120 ms is more than 20 ms late: samples are
 * missing, or the source paused. Of a source whose rate is right, times match the count of samples
 * to 1 ms in 10 s if among the first arrivals one had waited for less than 8 ms.
 *
 * One thread at a time. Nothing here allocates, waits or reads a clock.
 */
#ifndef MINIAV_COMMON_RECOVERED_CLOCK_H
#define MINIAV_COMMON_RECOVERED_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct recovered_clock {
  double nominal_us;   /* per frame */
  double slope_us;     /* per frame, what is used now */
  double rate;         /* learned deviation of the slope from nominal, as a fraction */
  double anchor_frame; /* the line: time(anchor_frame) = anchor_us, with slope_us */
  double anchor_us;    /* against origin_us */
  int64_t origin_us;
  int64_t latency_us;
  bool primed;
  double window_error_us; /* of this window: the earliest arrival's distance from the line */
  double window_start_us;
  bool window_open;
  uint32_t late_count; /* arrivals in a row that are late beyond all jitter */
  double late_since_us;
  double late_error_us;
};

/* Starts anew for a stream whose frame 0 comes next. latency_us: from the capture of a chunk's last
 * sample to the chunk's arrival at the earliest. */
void recovered_clock_start(struct recovered_clock *clock, uint32_t rate_hz, int64_t latency_us);

/* Before the first time is asked for: tell each of the first arrivals (50 ms of them are good),
 * then go on with recovered_clock_arrive from the first one again. end_frame: frames that have come
 * in all, with this chunk. */
void recovered_clock_prime(struct recovered_clock *clock, uint64_t end_frame, int64_t arrival_us);

/* A chunk has arrived. Returns 0, or by how many microseconds the line had to jump forward: so much
 * is missing before this chunk. */
int64_t recovered_clock_arrive(struct recovered_clock *clock, uint64_t end_frame,
                               int64_t arrival_us);

/* When that frame was captured; may be a fraction, or one that has not come yet. */
int64_t recovered_clock_time_us(const struct recovered_clock *clock, double frame);

#endif
