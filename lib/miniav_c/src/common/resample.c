#include "common/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/audio_format.h"
#include "common/divisor.h"

/* The filter, in samples of the lower rate. Kaiser's estimate of the transition's width,
 * (attenuation - 7.95) / (14.36 × taps), is 0.077 sample rates here: from 0.903 to 1.057 of the
 * Nyquist frequency around the cut-off. (A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal
 * Processing", section 7.6.) */
#define FILTER_TAPS        80
#define FILTER_ATTENUATION 96.0
#define FILTER_CUTOFF      0.98 /* of the Nyquist frequency */

/* The largest table with one row of taps for each phase that a ratio has (1 MiB). Beyond it the
 * table is a grid of phases and rows are interpolated linearly, at an error of (π / phases)² / 8
 * of full scale, which is -106 dB for this grid in samples of the lower rate. */
#define TABLE_COEFFICIENTS_MAX (256u * 1024u)
#define GRID_PHASES            512u

#define TAPS_MULTIPLE 16u  /* what dot_product() takes at a time */
#define BLOCK_FRAMES  512u /* of input at a time */

struct resampler {
  uint32_t channels;
  uint32_t in_rate_hz;
  uint32_t in_step;  /* in_rate / out_rate in lowest terms: an output frame advances the */
  uint32_t out_step; /* position by in_step / out_step input frames */
  uint32_t whole_advance;
  uint32_t phase_advance;

  uint32_t taps;   /* of one phase, a multiple of TAPS_MULTIPLE */
  uint32_t phases; /* rows of the table; out_step when every phase has its row */
  bool interpolated;
  float *table;         /* [phases (+ 1 when interpolated)][taps] */
  float *interpolation; /* [taps], the row of the present phase */

  size_t capacity; /* frames of history for each channel */
  float *history;  /* [channels][capacity] */
  size_t fill;     /* frames in it */
  size_t start;    /* where the window of the next output frame starts */
  uint32_t phase;  /* how far past the window's centre that frame lies, in 1 / out_step */
  bool draining;
  size_t drain_end; /* where the real input ended */
};

/* Modified Bessel function of the first kind, order 0, by its power series. */
static double bessel_i0(double x) {
  double term = 1.0;
  double sum = 1.0;
  for (int k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2.0 * k)) * (x / (2.0 * k));
    sum += term;
  }
  return sum;
}

static double kaiser_beta(double attenuation_db) {
  return 0.1102 * (attenuation_db - 8.7);
}

/* The row for output frames that lie `fraction` of an input frame past the centre tap. Each row is
 * scaled to a sum of 1, so that a constant stays one. */
static void table_fill_row(float *row, uint32_t taps, double cutoff, double fraction) {
  const double pi = 3.14159265358979323846;
  const double half = taps / 2.0;
  const double beta = kaiser_beta(FILTER_ATTENUATION);
  double sum = 0.0;
  for (uint32_t i = 0; i < taps; i++) {
    double time = fraction + half - 1.0 - i;
    double across = time / half;
    double angle = pi * cutoff * time;
    double sinc = fabs(angle) < 1e-9 ? 1.0 : sin(angle) / angle;
    row[i] = (float)(sinc * bessel_i0(beta * sqrt(fmax(0.0, 1.0 - across * across))));
    sum += row[i];
  }
  for (uint32_t i = 0; i < taps; i++) {
    row[i] = (float)(row[i] / sum);
  }
}

/* Settles the ratio and the sizes that follow from it. */
static void resampler_plan(struct resampler *r, uint32_t in_rate_hz, uint32_t out_rate_hz,
                           uint32_t channels) {
  uint32_t divisor = common_divisor(in_rate_hz, out_rate_hz);
  double stretch = in_rate_hz > out_rate_hz ? (double)in_rate_hz / out_rate_hz : 1.0;
  r->channels = channels;
  r->in_rate_hz = in_rate_hz;
  r->in_step = in_rate_hz / divisor;
  r->out_step = out_rate_hz / divisor;
  r->whole_advance = r->in_step / r->out_step;
  r->phase_advance = r->in_step % r->out_step;
  r->taps = (uint32_t)ceil(FILTER_TAPS * stretch / TAPS_MULTIPLE) * TAPS_MULTIPLE;
  r->interpolated = (uint64_t)r->out_step * r->taps > TABLE_COEFFICIENTS_MAX;
  r->phases = r->interpolated ? (uint32_t)ceil(GRID_PHASES / stretch) : r->out_step;
  r->capacity = 2 * (size_t)r->taps + BLOCK_FRAMES;
}

MiniAVResultCode resample_create(uint32_t in_rate_hz, uint32_t out_rate_hz, uint32_t channels,
                                 struct resampler **resampler) {
  if (resampler == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  *resampler = NULL;
  if (in_rate_hz < AUDIO_RATE_MIN_HZ || in_rate_hz > AUDIO_RATE_MAX_HZ ||
      out_rate_hz < AUDIO_RATE_MIN_HZ || out_rate_hz > AUDIO_RATE_MAX_HZ || channels < 1 ||
      channels > AUDIO_CHANNELS_MAX) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct resampler *r = calloc(1, sizeof *r);
  if (r == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  resampler_plan(r, in_rate_hz, out_rate_hz, channels);
  uint32_t rows = r->phases + (r->interpolated ? 1 : 0);
  r->table = malloc((size_t)rows * r->taps * sizeof *r->table);
  r->interpolation = malloc(r->taps * sizeof *r->interpolation);
  r->history = malloc(channels * r->capacity * sizeof *r->history);
  if (r->table == NULL || r->interpolation == NULL || r->history == NULL) {
    resample_destroy(r);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  double cutoff = FILTER_CUTOFF * fmin(1.0, (double)out_rate_hz / in_rate_hz);
  for (uint32_t row = 0; row < rows; row++) {
    table_fill_row(r->table + (size_t)row * r->taps, r->taps, cutoff, (double)row / r->phases);
  }
  resample_reset(r);
  *resampler = r;
  return MINIAV_SUCCESS;
}

void resample_destroy(struct resampler *resampler) {
  if (resampler == NULL) {
    return;
  }
  free(resampler->table);
  free(resampler->interpolation);
  free(resampler->history);
  free(resampler);
}

void resample_reset(struct resampler *r) {
  r->fill = r->taps / 2 - 1; /* silence before the first frame, which is the first centre tap */
  r->start = 0;
  r->phase = 0;
  r->draining = false;
  for (uint32_t channel = 0; channel < r->channels; channel++) {
    memset(r->history + channel * r->capacity, 0, r->fill * sizeof *r->history);
  }
}

/* Where the frame that lies at the next output frame, or just before it, is in the history. */
static size_t centre_of(const struct resampler *r) {
  return r->start + r->taps / 2 - 1;
}

bool resample_output_due(const struct resampler *r) {
  return r->start + r->taps <= r->fill;
}

/* Four floats at a time in every compiler and at every optimisation level (gcc and clang share
 * these types); a plain loop of lanes runs at a sixth of the speed in gcc 12 at -O2. */
typedef float float_lanes __attribute__((vector_size(16)));

static inline float_lanes lanes_load(const float *from) {
  float_lanes lanes;
  memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

/* The order of the additions is fixed: the sum is the same wherever the window lies in memory. */
static float dot_product(const float *restrict window, const float *restrict row, uint32_t taps) {
  float_lanes a = {0};
  float_lanes b = {0};
  float_lanes c = {0};
  float_lanes d = {0};
  for (uint32_t i = 0; i < taps; i += TAPS_MULTIPLE) {
    a += lanes_load(window + i) * lanes_load(row + i);
    b += lanes_load(window + i + 4) * lanes_load(row + i + 4);
    c += lanes_load(window + i + 8) * lanes_load(row + i + 8);
    d += lanes_load(window + i + 12) * lanes_load(row + i + 12);
  }
  a = (a + b) + (c + d);
  return (a[0] + a[2]) + (a[1] + a[3]);
}

/* out = row + weight × (the next row - row) */
static void row_blend(float *restrict out, const float *restrict row, uint32_t taps, float weight) {
  for (uint32_t i = 0; i < taps; i += 4) {
    float_lanes low = lanes_load(row + i);
    float_lanes high = lanes_load(row + taps + i);
    low += weight * (high - low);
    memcpy(out + i, &low, sizeof low);
  }
}

/* The taps of the present phase. */
static const float *row_of_phase(const struct resampler *r) {
  if (!r->interpolated) {
    return r->table + (size_t)r->phase * r->taps;
  }
  uint64_t position = (uint64_t)r->phase * r->phases;
  const float *row = r->table + (size_t)(position / r->out_step) * r->taps;
  float weight = (float)((double)(position % r->out_step) / r->out_step);
  row_blend(r->interpolation, row, r->taps, weight);
  return r->interpolation;
}

/* Writes frames that are due and whose centre lies before `end`, as far as there is room. */
static size_t write_due(struct resampler *r, size_t end, float *out, size_t capacity_frames) {
  size_t written = 0;
  while (written < capacity_frames && resample_output_due(r) && centre_of(r) < end) {
    const float *row = row_of_phase(r);
    for (uint32_t channel = 0; channel < r->channels; channel++) {
      *out++ = dot_product(r->history + channel * r->capacity + r->start, row, r->taps);
    }
    written++;
    r->start += r->whole_advance;
    r->phase += r->phase_advance;
    if (r->phase >= r->out_step) {
      r->phase -= r->out_step;
      r->start++;
    }
  }
  return written;
}

/* Room in the history for at least one block. Only called when no output is due, so that less than
 * `taps` frames are still needed. */
static size_t make_room(struct resampler *r) {
  if (r->capacity - r->fill < BLOCK_FRAMES) {
    for (uint32_t channel = 0; channel < r->channels; channel++) {
      float *history = r->history + channel * r->capacity;
      memmove(history, history + r->start, (r->fill - r->start) * sizeof *history);
    }
    r->fill -= r->start;
    r->drain_end -= r->draining ? r->start : 0;
    r->start = 0;
  }
  return BLOCK_FRAMES;
}

/* Appends one block of interleaved frames, or of silence when in is NULL. */
static size_t append_block(struct resampler *r, const float *in, size_t frames) {
  size_t room = make_room(r);
  frames = frames < room ? frames : room;
  for (uint32_t channel = 0; channel < r->channels; channel++) {
    float *history = r->history + channel * r->capacity + r->fill;
    for (size_t i = 0; i < frames; i++) {
      history[i] = in == NULL ? 0.0f : in[i * r->channels + channel];
    }
  }
  r->fill += frames;
  return frames;
}

struct resample_result resample_process(struct resampler *r, const float *in, size_t in_frames,
                                        float *out, size_t out_capacity_frames) {
  struct resample_result result = {0, 0};
  if (r->draining) {
    resample_reset(r);
  }
  for (;;) {
    size_t room = out_capacity_frames - result.written_frames;
    if (room > 0) {
      float *at = out + result.written_frames * r->channels;
      result.written_frames += write_due(r, SIZE_MAX, at, room);
    }
    if (result.consumed_frames == in_frames || resample_output_due(r)) {
      return result;
    }
    const float *rest = in + result.consumed_frames * r->channels;
    result.consumed_frames += append_block(r, rest, in_frames - result.consumed_frames);
  }
}

size_t resample_drain(struct resampler *r, float *out, size_t out_capacity_frames) {
  size_t written = 0;
  if (!r->draining) {
    r->draining = true;
    r->drain_end = r->fill;
  }
  while (written < out_capacity_frames && centre_of(r) < r->drain_end) {
    if (!resample_output_due(r)) {
      append_block(r, NULL, BLOCK_FRAMES);
    }
    float *at = out + written * r->channels;
    written += write_due(r, r->drain_end, at, out_capacity_frames - written);
  }
  if (centre_of(r) >= r->drain_end) {
    resample_reset(r);
  }
  return written;
}

size_t resample_output_frames(const struct resampler *r, size_t in_frames) {
  uint64_t available = (uint64_t)r->fill + in_frames;
  uint64_t needed = (uint64_t)r->start + r->taps;
  if (available < needed) {
    return 0;
  }
  uint64_t reach = (available - needed) * r->out_step + (r->out_step - 1 - r->phase);
  return (size_t)(reach / r->in_step) + 1;
}

size_t resample_output_frames_max(const struct resampler *r, size_t in_frames) {
  uint64_t steps = (uint64_t)in_frames * r->out_step;
  return (size_t)((steps + r->in_step - 1) / r->in_step);
}

/* In 1 / out_step input frames. */
static int64_t delay_steps(const struct resampler *r) {
  int64_t frames = (int64_t)r->fill - (int64_t)centre_of(r);
  return frames * (int64_t)r->out_step - (int64_t)r->phase;
}

double resample_delay_frames(const struct resampler *r) {
  return (double)delay_steps(r) / r->out_step;
}

int64_t resample_delay_us(const struct resampler *r) {
  int64_t scale = (int64_t)r->out_step * r->in_rate_hz;
  int64_t scaled = delay_steps(r) * 1000000;
  return (scaled + (scaled < 0 ? -scale / 2 : scale / 2)) / scale;
}

uint32_t resample_latency_frames(const struct resampler *r) {
  return r->taps / 2;
}
