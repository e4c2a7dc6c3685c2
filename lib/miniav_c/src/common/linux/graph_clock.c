#include "common/linux/graph_clock.h"

#include "common/audio_format.h"

#define SECOND_NS   INT64_C(1000000000)
#define OLDEST_NS   SECOND_NS
#define LATEST_NS   50000000 /* a cycle has begun: its time is not to come */
#define REPHASE_NS  500000   /* one driver took over from another, or the graph stood still */
#define LOSS_MAX_S  10u
#define ESTIMATE_NS 100000000 /* cycles that come this late or early still follow each other */

static int64_t frames_ns(uint64_t frames, uint32_t rate_hz) {
  return (int64_t)(frames * (uint64_t)SECOND_NS / rate_hz);
}

static bool is_true_time(uint64_t nsec, int64_t now_ns) {
  return nsec <= INT64_MAX && (int64_t)nsec > now_ns - OLDEST_NS &&
         (int64_t)nsec <= now_ns + LATEST_NS;
}

/* How long before the time of a cycle its first sample was captured. */
static int64_t age_ns(const struct graph_clock *clock, const struct graph_cycle *cycle) {
  return clock->of_output ? 0 : frames_ns(cycle->frames, cycle->rate_hz);
}

/* Of a clock that tells the time. Not every clock has an id of its own: one whose count does not
 * fit the time that has passed is another one. */
static void place_told(struct graph_clock *clock, const struct graph_cycle_told *told,
                       bool continues, struct graph_cycle *cycle) {
  int64_t nsec = (int64_t)told->nsec;
  int64_t gap_ns = nsec - clock->behind_ns - clock->end_ns;
  if (continues && told->position == clock->next_position) {
    continues = gap_ns < REPHASE_NS && gap_ns > -REPHASE_NS;
  } else if (continues) {
    uint64_t skipped = told->position - clock->next_position;
    bool can_be = skipped <= (uint64_t)cycle->rate_hz * LOSS_MAX_S &&
                  gap_ns >= frames_ns(skipped, cycle->rate_hz) / 2;
    cycle->lost_frames = can_be ? skipped : 0;
    continues = can_be;
  }
  if (!continues) {
    clock->behind_ns = age_ns(clock, cycle);
    cycle->flags |= GRAPH_CYCLE_NEW;
  }
  cycle->start_ns = nsec - clock->behind_ns;
}

/* Of one that does not. */
static void place_estimated(const struct graph_clock *clock, int64_t now_ns, bool continues,
                            struct graph_cycle *cycle) {
  int64_t start_ns = now_ns - age_ns(clock, cycle);
  int64_t off_ns = clock->end_ns - start_ns;
  bool follows = continues && off_ns < ESTIMATE_NS && off_ns > -ESTIMATE_NS;
  cycle->start_ns = follows ? clock->end_ns : start_ns;
  cycle->flags |= GRAPH_CYCLE_ESTIMATED | (continues ? 0u : (uint32_t)GRAPH_CYCLE_NEW);
}

bool graph_clock_cycle(struct graph_clock *clock, const struct graph_cycle_told *told,
                       int64_t now_ns, uint32_t pauses, struct graph_cycle *cycle) {
  *cycle = (struct graph_cycle){.rate_hz = told->rate_denominator};
  cycle->frames =
      told->duration <= GRAPH_CYCLE_FRAMES_MAX ? (uint32_t)told->duration : GRAPH_CYCLE_FRAMES_MAX;
  if (told->rate_numerator != 1 || told->rate_denominator < AUDIO_RATE_MIN_HZ ||
      told->rate_denominator > AUDIO_RATE_MAX_HZ || told->duration == 0 ||
      told->duration > GRAPH_CYCLE_FRAMES_MAX) {
    clock->known = false;
    return false;
  }
  bool is_told = is_true_time(told->nsec, now_ns);
  bool continues = clock->known && clock->clock_id == told->clock_id && clock->pauses == pauses &&
                   clock->estimated == !is_told &&
                   (!is_told || told->position >= clock->next_position);
  if (is_told) {
    place_told(clock, told, continues, cycle);
  } else {
    place_estimated(clock, now_ns, continues, cycle);
  }
  clock->known = true;
  clock->estimated = !is_told;
  clock->clock_id = told->clock_id;
  clock->pauses = pauses;
  clock->next_position = told->position + told->duration;
  clock->end_ns = cycle->start_ns + frames_ns(cycle->frames, cycle->rate_hz);
  return true;
}
