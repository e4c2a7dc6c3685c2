/* Measures the sample-rate converter: pass band, stop band, images, time, and its book-keeping. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/audio_format.h"
#include "common/resample.h"
#include "support/check.h"
#include "support/tone.h"

struct ratio {
  uint32_t in_hz;
  uint32_t out_hz;
};

/* What one direction of one ratio does, the worst of several tones. */
struct quality {
  double ripple_db;   /* largest deviation from 0 dB up to 0.9 of the lower Nyquist frequency */
  double unwanted_db; /* largest sum of images, aliases and noise beside such a tone */
  double stop_db;     /* largest remainder of a tone from 1.1 of the new Nyquist frequency on */
  double time_us;     /* largest distance of a tone from where the time stamps say it is */
};

static struct resampler *create(uint32_t in_hz, uint32_t out_hz, uint32_t channels) {
  struct resampler *resampler = NULL;
  CHECK_EQ(resample_create(in_hz, out_hz, channels, &resampler), MINIAV_SUCCESS);
  return resampler;
}

static float *frames_alloc(size_t samples) {
  float *frames = calloc(samples > 0 ? samples : 1, sizeof *frames);
  if (frames == NULL) {
    abort();
  }
  return frames;
}

/* Everything in one call and a drain. Returns the frames written, at most capacity. */
static size_t convert_whole(struct resampler *resampler, uint32_t channels, const float *in,
                            size_t in_frames, float *out, size_t capacity) {
  struct resample_result result = resample_process(resampler, in, in_frames, out, capacity);
  CHECK_EQ(result.consumed_frames, in_frames);
  size_t written = result.written_frames;
  for (;;) {
    size_t count = resample_drain(resampler, out + written * channels, capacity - written);
    written += count;
    if (count == 0 || !CHECK(written <= capacity)) {
      return written;
    }
  }
}

static void measure_tone(struct resampler *resampler, struct ratio ratio, double frequency_hz,
                         struct quality *worst) {
  size_t latency = resample_latency_frames(resampler);
  size_t in_frames = 2 * latency + ratio.in_hz / 8;
  size_t capacity = (size_t)((uint64_t)in_frames * ratio.out_hz / ratio.in_hz) + 2;
  float *in = frames_alloc(in_frames);
  float *out = frames_alloc(capacity);
  tone_write(in, 1, in_frames, frequency_hz, ratio.in_hz, 0.5);
  size_t written = convert_whole(resampler, 1, in, in_frames, out, capacity);
  size_t edge = (size_t)((uint64_t)latency * ratio.out_hz / ratio.in_hz) + 1;
  double low_nyquist = (ratio.in_hz < ratio.out_hz ? ratio.in_hz : ratio.out_hz) / 2.0;
  bool wanted = frequency_hz < low_nyquist;
  struct tone_fit fit =
      tone_measure(out, 1, edge, written - 2 * edge, wanted ? frequency_hz : 0.0, ratio.out_hz);
  if (wanted) {
    double time_us = fit.phase / (2.0 * TONE_PI * frequency_hz) * 1e6;
    worst->ripple_db = fmax(worst->ripple_db, fabs(tone_decibel(fit.amplitude / 0.5)));
    worst->unwanted_db = fmax(worst->unwanted_db, tone_decibel(fit.residual / 0.5));
    worst->time_us = fmax(worst->time_us, fabs(time_us));
  } else {
    worst->stop_db = fmax(worst->stop_db, tone_decibel(fit.residual / 0.5));
  }
  free(in);
  free(out);
}

/* pass_tones and stop_tones are spread evenly, both ends included. */
static struct quality measure_ratio(struct ratio ratio, int pass_tones, int stop_tones) {
  struct quality worst = {0.0, -300.0, -300.0, 0.0};
  struct resampler *resampler = create(ratio.in_hz, ratio.out_hz, 1);
  if (resampler == NULL) {
    return worst;
  }
  double in_nyquist = ratio.in_hz / 2.0;
  double out_nyquist = ratio.out_hz / 2.0;
  double pass_end = 0.9 * (in_nyquist < out_nyquist ? in_nyquist : out_nyquist);
  for (int i = 0; i < pass_tones; i++) {
    double across = pass_tones > 1 ? (double)i / (pass_tones - 1) : 1.0;
    measure_tone(resampler, ratio, pass_end * (0.01 + 0.99 * across), &worst);
  }
  double stop_start = 1.1 * out_nyquist;
  double stop_end = 0.999 * in_nyquist;
  if (stop_start > stop_end && 1.06 * out_nyquist < stop_end) {
    stop_start =
        stop_end; /* 48000 to 44100: nothing at 1.1 exists, the last tone there is at 1.08 */
  }
  for (int i = 0; i < stop_tones && stop_start <= stop_end; i++) {
    double across = stop_tones > 1 ? (double)i / (stop_tones - 1) : 0.0;
    measure_tone(resampler, ratio, stop_start + (stop_end - stop_start) * across, &worst);
  }
  resample_destroy(resampler);
  return worst;
}

static void check_quality(struct ratio ratio, struct quality quality) {
  bool good = quality.ripple_db <= 0.05 && quality.unwanted_db <= -90.0 &&
              quality.stop_db <= -90.0 && quality.time_us <= 0.1;
  if (!CHECK(good)) {
    fprintf(stderr, "  at %u to %u: ripple %.4f dB, unwanted %.1f dB, stop %.1f dB, %.4f us\n",
            (unsigned)ratio.in_hz, (unsigned)ratio.out_hz, quality.ripple_db, quality.unwanted_db,
            quality.stop_db, quality.time_us);
  }
}

/* The yardstick itself: a tone with an image 80 dB below it and 3 samples late is seen as such. */
static void test_measure(void) {
  enum { FRAMES = 4800, RATE = 48000 };
  float *tone = frames_alloc(FRAMES);
  float *image = frames_alloc(FRAMES);
  tone_write(tone, 1, FRAMES, 1000.0, RATE, 0.5);
  tone_write(image, 1, FRAMES, 15000.0, RATE, 0.5e-4);
  for (int i = FRAMES - 1; i >= 0; i--) {
    tone[i] = (i >= 3 ? tone[i - 3] : 0.0f) + image[i];
  }
  struct tone_fit fit = tone_measure(tone, 1, 300, FRAMES - 600, 1000.0, RATE);
  CHECK_NEAR(fit.amplitude, 0.5, 1e-5);
  CHECK_NEAR(tone_decibel(fit.residual / 0.5), -80.0, 0.2);
  CHECK_NEAR(fit.phase / (2.0 * TONE_PI * 1000.0) * (double)RATE, -3.0, 1e-3);
  free(tone);
  free(image);
}

/* The ratios that matter, closely; the last ones have too many phases for a row each. */
static const struct ratio ratios[] = {
    {48000, 16000}, {44100, 48000},   {48000, 44100}, {96000, 48000},   {192000, 8000},
    {8000, 48000},  {11025, 48000},   {48000, 22050}, {44100, 16000},   {48000, 8000},
    {48000, 96000}, {16000, 48000},   {8000, 192000}, {192000, 176400}, {22050, 44100},
    {44100, 47999}, {47999, 44100},   {8000, 191999}, {191999, 8000},   {12345, 67891},
    {67891, 12345}, {191999, 191998}, {8001, 8000},
};
#define RATIO_COUNT (sizeof ratios / sizeof ratios[0])

static void test_quality_closely(void) {
  printf("  rates             pass band   images+noise   stop band   time\n");
  for (size_t i = 0; i < RATIO_COUNT; i++) {
    struct quality quality = measure_ratio(ratios[i], 12, 8);
    printf("  %6u -> %6u  %7.4f dB  %9.1f dB  ", (unsigned)ratios[i].in_hz,
           (unsigned)ratios[i].out_hz, quality.ripple_db, quality.unwanted_db);
    if (quality.stop_db > -300.0) {
      printf("%8.1f dB  %.4f us\n", quality.stop_db, quality.time_us);
    } else {
      printf("       none  %.4f us\n", quality.time_us); /* no such tone exists in the input */
    }
    check_quality(ratios[i], quality);
  }
}

/* Every pair of the usual rates at the edges of its bands. */
static void test_quality_all_pairs(void) {
  static const uint32_t rates[] = {8000,  11025, 12000, 16000, 22050, 24000,
                                   32000, 44100, 48000, 88200, 96000, 192000};
  const size_t count = sizeof rates / sizeof rates[0];
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < count; j++) {
      struct ratio ratio = {rates[i], rates[j]};
      if (i != j) {
        check_quality(ratio, measure_ratio(ratio, 1, 1));
      }
    }
  }
}

/* White noise without a generator's state: reproducible at any index. */
static float noise_at(uint32_t index) {
  uint32_t x = index * 2654435761u + 12345u;
  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  x *= 3266489917u;
  x ^= x >> 16;
  return (float)(x >> 8) / 8388608.0f - 1.0f;
}

/* Cuts input and output in uneven pieces; 0 frames of either now and then. */
static size_t convert_pieces(struct resampler *resampler, uint32_t channels, const float *in,
                             size_t in_frames, float *out, size_t capacity, uint32_t seed) {
  size_t consumed = 0;
  size_t written = 0;
  for (uint32_t step = 0; (consumed < in_frames || resample_output_due(resampler)) && step < 100000;
       step++) {
    size_t give = (size_t)((noise_at(seed + 2 * step) + 1.0f) * 400.0f);
    size_t take = (size_t)((noise_at(seed + 2 * step + 1) + 1.0f) * 300.0f);
    give = step % 7 == 0 ? step % 2 : give;
    give = give < in_frames - consumed ? give : in_frames - consumed;
    take = take < capacity - written ? take : capacity - written;
    struct resample_result result =
        resample_process(resampler, in + consumed * channels, give, out + written * channels, take);
    if (!CHECK(result.consumed_frames <= give && result.written_frames <= take)) {
      break;
    }
    consumed += result.consumed_frames;
    written += result.written_frames;
  }
  for (size_t count = 1; count > 0; written += count) {
    size_t take = capacity - written < 7 ? capacity - written : 7;
    count = resample_drain(resampler, out + written * channels, take);
  }
  return written;
}

static void test_pieces_equal_whole(struct ratio ratio, uint32_t channels) {
  size_t in_frames = 9000;
  size_t capacity = (size_t)((uint64_t)in_frames * ratio.out_hz / ratio.in_hz) + 16;
  float *in = frames_alloc(in_frames * channels);
  float *whole = frames_alloc(capacity * channels);
  float *pieces = frames_alloc(capacity * channels);
  for (size_t i = 0; i < in_frames * channels; i++) {
    in[i] = noise_at((uint32_t)i);
  }
  struct resampler *resampler = create(ratio.in_hz, ratio.out_hz, channels);
  size_t expected = convert_whole(resampler, channels, in, in_frames, whole, capacity);
  size_t bytes = expected * channels * sizeof *whole;
  CHECK_EQ(expected, ((uint64_t)in_frames * ratio.out_hz + ratio.in_hz - 1) / ratio.in_hz);
  for (uint32_t seed = 0; seed < 3; seed++) { /* the drain before has reset it */
    size_t written =
        convert_pieces(resampler, channels, in, in_frames, pieces, capacity, seed * 1000);
    CHECK_EQ(written, expected);
    CHECK(memcmp(whole, pieces, bytes) == 0);
    memset(pieces, 0, bytes);
  }
  /* A reset in the middle forgets everything. */
  resample_process(resampler, in + 100 * channels, 777, pieces, capacity);
  resample_reset(resampler);
  CHECK_EQ(resample_delay_us(resampler), 0);
  CHECK_EQ(convert_whole(resampler, channels, in, in_frames, pieces, capacity), expected);
  CHECK(memcmp(whole, pieces, bytes) == 0);
  resample_destroy(resampler);
  free(in);
  free(whole);
  free(pieces);
}

/* Each of eight channels comes out as it would alone. */
static void test_channels_are_separate(void) {
  enum { FRAMES = 3000, CHANNELS = 8 };
  float *all = frames_alloc(FRAMES * CHANNELS);
  float *one = frames_alloc(FRAMES);
  float *all_out = frames_alloc(FRAMES * CHANNELS);
  float *one_out = frames_alloc(FRAMES);
  for (uint32_t i = 0; i < FRAMES * CHANNELS; i++) {
    all[i] = noise_at(i);
  }
  struct resampler *eight = create(48000, 44100, CHANNELS);
  size_t expected = convert_whole(eight, CHANNELS, all, FRAMES, all_out, FRAMES);
  for (uint32_t channel = 0; channel < CHANNELS; channel++) {
    struct resampler *mono = create(48000, 44100, 1);
    for (uint32_t i = 0; i < FRAMES; i++) {
      one[i] = all[i * CHANNELS + channel];
    }
    CHECK_EQ(convert_whole(mono, 1, one, FRAMES, one_out, FRAMES), expected);
    size_t different = 0;
    for (size_t i = 0; i < expected; i++) {
      different += one_out[i] != all_out[i * CHANNELS + channel];
    }
    CHECK_EQ(different, 0);
    resample_destroy(mono);
  }
  resample_destroy(eight);
  free(all);
  free(one);
  free(all_out);
  free(one_out);
}

/* Counts and delay are exact after every call, and a whole number of periods (in_step frames in,
 * out_step out) brings back the very same state: what holds over some of them holds for ever. */
static void test_counts(struct ratio ratio) {
  struct resampler *resampler = create(ratio.in_hz, ratio.out_hz, 1);
  size_t longest = ratio.in_hz / 50;
  size_t capacity = resample_output_frames_max(resampler, longest);
  float *in = frames_alloc(longest);
  float *out = frames_alloc(capacity);
  uint64_t consumed = 0;
  uint64_t written = 0;
  bool counts_right = true;
  bool delays_right = true;
  for (uint32_t step = 0; consumed < 2 * (uint64_t)ratio.in_hz; step++) {
    size_t give = 1 + (size_t)((noise_at(step) + 1.0f) * 0.5f * (float)(longest - 1));
    give = consumed + give > 2 * (uint64_t)ratio.in_hz ? 2 * ratio.in_hz - (size_t)consumed : give;
    double held =
        (double)(consumed * ratio.out_hz) - (double)(written * ratio.in_hz); /* 1 / out_hz frames */
    delays_right =
        delays_right && fabs(resample_delay_frames(resampler) - held / ratio.out_hz) < 1e-9 &&
        fabs((double)resample_delay_us(resampler) - held / ratio.out_hz / ratio.in_hz * 1e6) <
            0.501;
    size_t expected = resample_output_frames(resampler, give);
    struct resample_result result = resample_process(resampler, in, give, out, capacity);
    counts_right = counts_right && result.consumed_frames == give &&
                   result.written_frames == expected &&
                   expected <= resample_output_frames_max(resampler, give);
    consumed += result.consumed_frames;
    written += result.written_frames;
    /* All n with n × in / out + latency ≤ consumed - (1 when past a frame). */
    uint64_t latency = resample_latency_frames(resampler);
    uint64_t due = consumed <= latency
                       ? 0
                       : ((consumed - latency) * ratio.out_hz + ratio.in_hz - 1) / ratio.in_hz;
    counts_right = counts_right && written == due;
  }
  CHECK(counts_right);
  CHECK(delays_right);
  for (size_t count = 1; count > 0 && written <= 2 * (uint64_t)ratio.out_hz; written += count) {
    count = resample_drain(resampler, out, capacity);
  }
  CHECK_EQ(written, 2 * (uint64_t)ratio.out_hz);
  resample_destroy(resampler);
  free(in);
  free(out);
}

/* Ten minutes in blocks of 10 ms: exactly as many frames as the clock says, a steady delay. */
static void test_ten_minutes(void) {
  enum { IN_HZ = 8000, OUT_HZ = 11025, BLOCK = 80, SECONDS = 600 };
  struct resampler *resampler = create(IN_HZ, OUT_HZ, 1);
  float in[BLOCK];
  float out[BLOCK * 2];
  uint64_t written = 0;
  int64_t least_us = INT64_MAX;
  int64_t most_us = 0;
  for (int i = 0; i < BLOCK; i++) {
    in[i] = noise_at((uint32_t)i);
  }
  for (int block = 0; block < SECONDS * (IN_HZ / BLOCK); block++) {
    written += resample_process(resampler, in, BLOCK, out, BLOCK * 2).written_frames;
    int64_t delay_us = resample_delay_us(resampler);
    least_us = delay_us < least_us ? delay_us : least_us;
    most_us = delay_us > most_us ? delay_us : most_us;
  }
  CHECK(most_us - least_us <= 1000000 / OUT_HZ + 1);
  for (size_t count = 1; count > 0 && written <= (uint64_t)OUT_HZ * SECONDS; written += count) {
    count = resample_drain(resampler, out, BLOCK * 2);
  }
  CHECK_EQ(written, (uint64_t)OUT_HZ * SECONDS);
  resample_destroy(resampler);
}

/* A constant stays one to the last bits, an impulse comes out symmetric around its place. */
static void test_constant_and_impulse(void) {
  enum { FRAMES = 4800 };
  float *in = frames_alloc(FRAMES);
  float *out = frames_alloc(FRAMES * 2);
  for (size_t i = 0; i < RATIO_COUNT; i++) {
    if (ratios[i].out_hz > 2 * ratios[i].in_hz || ratios[i].in_hz > 4 * ratios[i].out_hz) {
      continue;
    }
    struct resampler *resampler = create(ratios[i].in_hz, ratios[i].out_hz, 1);
    for (size_t frame = 0; frame < FRAMES; frame++) {
      in[frame] = 0.75f;
    }
    size_t written = convert_whole(resampler, 1, in, FRAMES, out, FRAMES * 2);
    CHECK_NEAR(out[written / 2], 0.75, 1e-6);
    resample_destroy(resampler);
  }
  memset(in, 0, FRAMES * sizeof *in);
  in[2400] = 1.0f;
  struct resampler *third = create(48000, 16000, 1);
  convert_whole(third, 1, in, FRAMES, out, FRAMES * 2);
  for (int i = 1; i < 30; i++) {
    CHECK_NEAR(out[800 - i], out[800 + i], 1e-7);
    CHECK(fabsf(out[800 + i]) < out[800]);
  }
  resample_destroy(third);
  free(in);
  free(out);
}

static void test_arguments(void) {
  struct resampler *resampler = NULL;
  CHECK_EQ(resample_create(48000, 16000, 1, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(resample_create(7999, 16000, 1, &resampler), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(resample_create(48000, 192001, 1, &resampler), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(resample_create(48000, 0, 1, &resampler), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(resample_create(48000, 16000, 0, &resampler), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(resample_create(48000, 16000, 9, &resampler), MINIAV_ERROR_INVALID_ARG);
  CHECK(resampler == NULL);
  resample_destroy(NULL);

  resampler = create(48000, 16000, 2);
  float out[8];
  struct resample_result result = resample_process(resampler, NULL, 0, out, 4);
  CHECK_EQ(result.consumed_frames + result.written_frames, 0);
  CHECK_EQ(resample_drain(resampler, out, 4), 0);
  CHECK_EQ(resample_output_frames(resampler, 0), 0);
  CHECK_EQ(resample_output_frames_max(resampler, 0), 0);
  resample_destroy(resampler);
}

int main(void) {
  test_measure();
  test_quality_closely();
  test_quality_all_pairs();
  for (size_t i = 0; i < RATIO_COUNT; i++) {
    test_pieces_equal_whole(ratios[i], 1 + (uint32_t)i % 3);
    test_counts(ratios[i]);
  }
  test_channels_are_separate();
  test_ten_minutes();
  test_constant_and_impulse();
  test_arguments();
  return check_report("resample");
}
