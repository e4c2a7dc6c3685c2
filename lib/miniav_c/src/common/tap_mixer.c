#include "common/tap_mixer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_US 3000000 /* how far ahead of what went out samples may lie */
#define HOLD_US     1000000 /* of samples whose time nobody tells the oldest are dropped */
/* Beyond this the source skipped or repeated something: it is placed anew. */
#define JUMP_US     25000.0
#define JUMP_TIMES  3u /* so many times must agree */
#define SLEW        500e-6
#define SHIFT_MAX   1e14 /* in which a double still counts single frames */
#define SLIP_FRAMES 128u /* over which a frame more or less is cross-faded */

struct mixer_tap {
  struct mixer_tap *next;
  uint64_t frames; /* that came */
  bool placed;     /* shift is known */
  double shift;    /* frame n of the tap is frame n + shift of the timeline; a whole number */
  double end;      /* in frames of the timeline: where the next frame goes */
  bool held;       /* from held_from on, until a time asked for after held_since_us */
  bool is_first;   /* the next piece is the first after it was placed */
  uint64_t held_from;
  int64_t held_since_us;
  uint32_t held_frames;
  float *hold;
  int64_t arrival_us;               /* of the last samples */
  double errors[TAP_MIXER_HISTORY]; /* of the last times, in microseconds, newest last */
  uint32_t error_count;
  int slip; /* frames to leave out (1) or to repeat (-1) */
};

struct tap_mixer {
  uint32_t rate_hz;
  uint32_t channels;
  uint32_t capacity_frames; /* a power of two */
  uint32_t hold_frames;
  double anchor_us; /* when frame 0 is */
  uint64_t next;    /* frame to go out */
  float *sum;
  float *piece; /* one output, and room for a slip */
  int64_t steered_us;
  uint64_t late;
  struct mixer_tap *taps; /* in the order in which they were added */
};

struct tap_mixer *tap_mixer_create(uint32_t rate_hz, uint32_t channels, int64_t begin_us) {
  struct tap_mixer *mixer = calloc(1, sizeof *mixer);
  if (mixer == NULL) {
    return NULL;
  }
  uint64_t wanted = (uint64_t)rate_hz * CAPACITY_US / 1000000u;
  mixer->capacity_frames = 1;
  while (mixer->capacity_frames < wanted) {
    mixer->capacity_frames *= 2;
  }
  mixer->rate_hz = rate_hz;
  mixer->channels = channels;
  mixer->hold_frames = (uint32_t)((uint64_t)rate_hz * HOLD_US / 1000000u);
  mixer->anchor_us = (double)begin_us;
  mixer->steered_us = begin_us;
  mixer->sum = calloc((size_t)mixer->capacity_frames * channels, sizeof(float));
  mixer->piece = calloc((size_t)TAP_MIXER_PIECE_FRAMES * channels, sizeof(float));
  if (mixer->sum == NULL || mixer->piece == NULL) {
    tap_mixer_destroy(mixer);
    return NULL;
  }
  return mixer;
}

static void tap_free(struct mixer_tap *tap) {
  free(tap->hold);
  free(tap);
}

void tap_mixer_destroy(struct tap_mixer *mixer) {
  if (mixer == NULL) {
    return;
  }
  while (mixer->taps != NULL) {
    mixer_tap_remove(mixer, mixer->taps);
  }
  free(mixer->sum);
  free(mixer->piece);
  free(mixer);
}

struct mixer_tap *mixer_tap_add(struct tap_mixer *mixer) {
  struct mixer_tap *tap = calloc(1, sizeof *tap);
  if (tap == NULL) {
    return NULL;
  }
  tap->hold = calloc((size_t)mixer->hold_frames * mixer->channels, sizeof(float));
  if (tap->hold == NULL) {
    free(tap);
    return NULL;
  }
  tap->arrival_us = INT64_MIN / 2;
  struct mixer_tap **at = &mixer->taps;
  while (*at != NULL) {
    at = &(*at)->next;
  }
  *at = tap;
  return tap;
}

void mixer_tap_remove(struct tap_mixer *mixer, struct mixer_tap *tap) {
  struct mixer_tap **at = &mixer->taps;
  while (*at != NULL && *at != tap) {
    at = &(*at)->next;
  }
  if (*at != NULL) {
    *at = tap->next;
    tap_free(tap);
  }
}

bool mixer_tap_is_held(const struct mixer_tap *tap) {
  return tap->held;
}

uint64_t tap_mixer_take_late(struct tap_mixer *mixer) {
  uint64_t late = mixer->late;
  mixer->late = 0;
  return late;
}

static double frames_of(const struct tap_mixer *mixer, double us) {
  return us * mixer->rate_hz / 1e6;
}

static double us_of(const struct tap_mixer *mixer, double frames) {
  return frames * 1e6 / mixer->rate_hz;
}

/* -- samples in ------------------------------------------------------------------------------- */

/* Adds frames to the sum from `at` on, as far as it reaches. samples may be NULL. */
static void sum_up(struct tap_mixer *mixer, double at, const float *samples, uint32_t frames,
                   bool counts_late) {
  uint64_t skip = 0;
  if (at < (double)mixer->next) {
    double late = (double)mixer->next - at;
    skip = late >= frames ? frames : (uint64_t)late;
    mixer->late += counts_late ? skip : 0;
  }
  if (samples == NULL) {
    return;
  }
  uint64_t last = mixer->next + mixer->capacity_frames;
  uint32_t mask = mixer->capacity_frames - 1;
  for (uint64_t i = skip; i < frames; i++) {
    uint64_t to = (uint64_t)(at + (double)i);
    if (to >= last) {
      mixer->late += counts_late ? frames - i : 0;
      return;
    }
    float *sum = mixer->sum + (size_t)(to & mask) * mixer->channels;
    const float *from = samples + (size_t)i * mixer->channels;
    for (uint32_t channel = 0; channel < mixer->channels; channel++) {
      sum[channel] += from[channel];
    }
  }
}

/* The first SLIP_FRAMES of a piece, faded from what they are to what comes a frame later; `piece`
 * gets one frame less. */
static void fade_ahead(const struct tap_mixer *mixer, const float *samples) {
  for (uint32_t i = 0; i < SLIP_FRAMES; i++) {
    float weight = (float)(i + 1) / SLIP_FRAMES;
    for (uint32_t channel = 0; channel < mixer->channels; channel++) {
      float now = samples[i * mixer->channels + channel];
      float next = samples[(i + 1) * mixer->channels + channel];
      mixer->piece[i * mixer->channels + channel] = now + weight * (next - now);
    }
  }
}

/* The same to what came a frame before; `piece` gets one frame more. */
static void fade_back(const struct tap_mixer *mixer, const float *samples) {
  for (uint32_t i = 0; i <= SLIP_FRAMES; i++) {
    float weight = (float)i / SLIP_FRAMES;
    for (uint32_t channel = 0; channel < mixer->channels; channel++) {
      float now = i < SLIP_FRAMES ? samples[i * mixer->channels + channel] : 0;
      float before = i > 0 ? samples[(i - 1) * mixer->channels + channel] : now;
      mixer->piece[i * mixer->channels + channel] = now + weight * (before - now);
    }
  }
}

static void place(struct tap_mixer *mixer, struct mixer_tap *tap, const float *samples,
                  uint32_t frames) {
  bool counts_late = !tap->is_first;
  tap->is_first = false;
  if (tap->slip != 0 && samples != NULL && frames > SLIP_FRAMES) {
    uint32_t faded = tap->slip > 0 ? SLIP_FRAMES : SLIP_FRAMES + 1;
    uint32_t used = tap->slip > 0 ? SLIP_FRAMES + 1 : SLIP_FRAMES;
    if (tap->slip > 0) {
      fade_ahead(mixer, samples);
    } else {
      fade_back(mixer, samples);
    }
    sum_up(mixer, tap->end, mixer->piece, faded, counts_late);
    tap->end += faded;
    tap->shift -= tap->slip;
    tap->slip = 0;
    samples += (size_t)used * mixer->channels;
    frames -= used;
  }
  sum_up(mixer, tap->end, samples, frames, counts_late);
  tap->end += frames;
}

static void hold_back(struct tap_mixer *mixer, struct mixer_tap *tap, const float *samples,
                      uint32_t frames) {
  size_t channels = mixer->channels;
  if (frames > mixer->hold_frames) {
    uint32_t beyond = frames - mixer->hold_frames;
    samples = samples != NULL ? samples + beyond * channels : NULL;
    frames = mixer->hold_frames;
    tap->held_from += beyond;
  }
  if (tap->held_frames + frames > mixer->hold_frames) {
    uint32_t drop = tap->held_frames + frames - mixer->hold_frames;
    memmove(tap->hold, tap->hold + drop * channels,
            (tap->held_frames - drop) * channels * sizeof(float));
    tap->held_frames -= drop;
    tap->held_from += drop;
  }
  float *to = tap->hold + tap->held_frames * channels;
  if (samples != NULL) {
    memcpy(to, samples, frames * channels * sizeof(float));
  } else {
    memset(to, 0, frames * channels * sizeof(float));
  }
  tap->held_frames += frames;
}

void mixer_tap_samples(struct tap_mixer *mixer, struct mixer_tap *tap, const float *samples,
                       uint32_t frames, int64_t arrival_us) {
  bool paused = arrival_us - tap->arrival_us > TAP_MIXER_PAUSE_US;
  if (!tap->held && (!tap->placed || paused)) {
    tap->held = true;
    tap->held_from = tap->frames;
    tap->held_since_us = arrival_us;
    tap->held_frames = 0;
  }
  tap->arrival_us = arrival_us;
  tap->frames += frames;
  if (tap->held) {
    hold_back(mixer, tap, samples, frames);
  } else {
    place(mixer, tap, samples, frames);
  }
}

/* -- times ------------------------------------------------------------------------------------ */

static void place_anew(struct mixer_tap *tap, double shift, uint64_t from_frame) {
  tap->shift = round(shift);
  tap->end = (double)from_frame + tap->shift;
  tap->placed = true;
  tap->is_first = true;
  tap->error_count = 0;
  tap->slip = 0;
}

static void release(struct tap_mixer *mixer, struct mixer_tap *tap, double shift) {
  double error_us = us_of(mixer, shift - tap->shift);
  if (!tap->placed || fabs(error_us) > JUMP_US) {
    place_anew(tap, shift, tap->held_from);
  }
  tap->held = false;
  place(mixer, tap, tap->hold, tap->held_frames);
  tap->held_frames = 0;
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
}

/* The median of the last times' errors; 0 while there are too few. */
static double median_error(const struct mixer_tap *tap) {
  double sorted[TAP_MIXER_HISTORY];
  if (tap->error_count < TAP_MIXER_HISTORY) {
    return 0;
  }
  memcpy(sorted, tap->errors, sizeof sorted);
  qsort(sorted, TAP_MIXER_HISTORY, sizeof *sorted, compare);
  return sorted[TAP_MIXER_HISTORY / 2];
}

/* What the last times agree that the source skipped; 0 while they do not. */
static double agreed_jump(const struct mixer_tap *tap) {
  double least = 0;
  if (tap->error_count < JUMP_TIMES) {
    return 0;
  }
  for (uint32_t i = tap->error_count - JUMP_TIMES; i < tap->error_count; i++) {
    double error = tap->errors[i];
    if (fabs(error) <= JUMP_US || error * least < 0) {
      return 0;
    }
    least = least == 0 || fabs(error) < fabs(least) ? error : least;
  }
  return least;
}

static void remember_error(struct mixer_tap *tap, double error_us) {
  if (tap->error_count == TAP_MIXER_HISTORY) {
    memmove(tap->errors, tap->errors + 1, (TAP_MIXER_HISTORY - 1) * sizeof *tap->errors);
    tap->error_count--;
  }
  tap->errors[tap->error_count++] = error_us;
}

/* The timeline's own time goes towards that of its first tap. */
static void steer(struct tap_mixer *mixer, double error_us, int64_t now_us) {
  double step_us = SLEW * fmin(1e6, fmax(0, (double)(now_us - mixer->steered_us)));
  double delta_us = error_us > 0 ? fmin(step_us, error_us) : -fmin(step_us, -error_us);
  mixer->anchor_us += delta_us;
  for (struct mixer_tap *tap = mixer->taps; tap != NULL; tap = tap->next) {
    for (uint32_t i = 0; i < tap->error_count; i++) {
      tap->errors[i] -= delta_us;
    }
  }
}

void mixer_tap_time(struct tap_mixer *mixer, struct mixer_tap *tap, double frame, int64_t time_us,
                    int64_t asked_us) {
  double shift = frames_of(mixer, (double)time_us - mixer->anchor_us) - frame;
  if (!(fabs(shift) < SHIFT_MAX)) {
    return; /* no time at all, or not a number */
  }
  if (tap->held) {
    if (asked_us >= tap->held_since_us) {
      release(mixer, tap, shift);
    }
    return;
  }
  if (!tap->placed) {
    return;
  }
  remember_error(tap, us_of(mixer, shift - tap->shift));
  double error_us = median_error(tap);
  bool is_first = true;
  for (const struct mixer_tap *at = mixer->taps; at != tap; at = at->next) {
    is_first = is_first && !at->placed;
  }
  double jump_us = agreed_jump(tap);
  if (jump_us != 0) {
    place_anew(tap, tap->shift + frames_of(mixer, jump_us), tap->frames);
  } else if (fabs(error_us) > TAP_MIXER_TOLERANCE_US && is_first) {
    steer(mixer, error_us, asked_us);
  } else if (fabs(error_us) > TAP_MIXER_TOLERANCE_US) {
    tap->slip = error_us > 0 ? -1 : 1;
  }
  if (is_first) {
    mixer->steered_us = asked_us;
  }
}

/* -- samples out ------------------------------------------------------------------------------ */

/* Up to which frame the sum is complete. */
static double complete_until(const struct tap_mixer *mixer, int64_t now_us) {
  double now = frames_of(mixer, (double)now_us - mixer->anchor_us);
  double latest = now - frames_of(mixer, TAP_MIXER_BEHIND_US);
  double until = now;
  bool is_live = false;
  bool waits = false;
  for (const struct mixer_tap *tap = mixer->taps; tap != NULL; tap = tap->next) {
    if (now_us - tap->arrival_us > TAP_MIXER_BEHIND_US) {
      continue;
    }
    is_live = true;
    /* What is held back may go on right where the last samples ended, if it was we who slept. */
    bool is_asking = tap->held && now_us - tap->held_since_us <= TAP_MIXER_BEHIND_US;
    waits = waits || (is_asking && tap->placed);
    until = fmin(until, tap->held && !(is_asking && tap->placed) ? latest : tap->end);
  }
  if (!is_live) {
    return latest;
  }
  return waits ? until : fmax(until, latest);
}

static bool is_zero(const float *samples, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (samples[i] != 0) {
      return false;
    }
  }
  return true;
}

static void put_out(struct tap_mixer *mixer, uint32_t frames, tap_mixer_output output, void *user) {
  size_t at = (size_t)(mixer->next & (mixer->capacity_frames - 1));
  size_t count = (size_t)frames * mixer->channels;
  float *sum = mixer->sum + at * mixer->channels;
  int64_t time_us = llround(mixer->anchor_us + us_of(mixer, (double)mixer->next));
  output(user, sum, frames, time_us, is_zero(sum, count));
  memset(sum, 0, count * sizeof *sum);
  mixer->next += frames;
}

bool tap_mixer_run(struct tap_mixer *mixer, int64_t now_us, uint32_t max_frames,
                   tap_mixer_output output, void *user) {
  double until = complete_until(mixer, now_us);
  uint32_t done = 0;
  while ((double)mixer->next + 1 <= until && done < max_frames) {
    uint64_t due = (uint64_t)(until - (double)mixer->next);
    uint32_t frames = due < TAP_MIXER_PIECE_FRAMES ? (uint32_t)due : TAP_MIXER_PIECE_FRAMES;
    uint32_t to_edge =
        mixer->capacity_frames - (uint32_t)(mixer->next & (mixer->capacity_frames - 1));
    frames = frames < to_edge ? frames : to_edge;
    put_out(mixer, frames, output, user);
    done += frames;
  }
  return (double)mixer->next + 1 <= until;
}
