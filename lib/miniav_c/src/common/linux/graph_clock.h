/*
 * From what a graph's driver says of a cycle to where the cycle's samples lie in time.
 *
 * The driver may be any client, and its clock lies in memory that it can write at any time: nothing
 * is believed that cannot be true. A time that is more than a second old, or to come, is recovered
 * from when the cycles come, and flagged; a rate or a length out of range makes the cycle unusable.
 *
 * A cycle that starts at t holds what was captured before t: from t - its length on; or, of
 * outputs, what is played from t on, as pw_stream_get_time_n tells the players. While one clock
 * goes on that distance stays what it was at first, so that a graph that changes its quantum or
 * rate leaves no gap. How long a device takes to play is not in it.
 *
 * What is missing between two cycles was lost when the clock counted on while we were to run; when
 * the clock stood still, or we were paused, nothing played.
 *
 * One thread. Nothing here waits, allocates or reads a clock.
 */
#ifndef MINIAV_COMMON_GRAPH_CLOCK_H
#define MINIAV_COMMON_GRAPH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_CYCLE_FRAMES_MAX 8192u /* PipeWire's own limit */

/* What the driver says: struct spa_io_clock, copied once. */
struct graph_cycle_told {
  uint32_t clock_id;
  uint32_t rate_numerator;
  uint32_t rate_denominator;
  uint64_t nsec;
  uint64_t position; /* frames since the clock began */
  uint64_t duration; /* frames */
};

enum graph_cycle_flags {
  GRAPH_CYCLE_NEW = 1u << 0,      /* its clock is not that of the last cycle */
  GRAPH_CYCLE_ESTIMATED = 1u << 1 /* its time is recovered */
};

struct graph_cycle {
  uint32_t frames;
  uint32_t rate_hz;
  uint32_t flags;
  uint64_t lost_frames; /* before it, that we were to get */
  int64_t start_ns;
};

/* Zeroed at the beginning, but for of_output. */
struct graph_clock {
  bool of_output;
  bool known; /* the rest is the last cycle's */
  bool estimated;
  uint32_t clock_id;
  uint32_t pauses;
  uint64_t next_position;
  int64_t end_ns;
  int64_t behind_ns; /* how long before nsec its first sample was captured */
};

/* now_ns: our own clock. pauses: how often we have been paused so far. False: there is no telling
 * what its samples are, and *cycle only has frames to count as lost. */
bool graph_clock_cycle(struct graph_clock *clock, const struct graph_cycle_told *told,
                       int64_t now_ns, uint32_t pauses, struct graph_cycle *cycle);

#endif
