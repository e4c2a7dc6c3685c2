/* The channel matrices: exact cases, nothing lost or clipped, power of what is folded. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/audio_channels.h"
#include "support/check.h"

static struct audio_channels_matrix build(uint32_t in, uint32_t out,
                                          enum audio_channels_meaning meaning) {
  struct audio_channels_matrix matrix;
  audio_channels_build(in, out, meaning, &matrix);
  return matrix;
}

static void test_identity(void) {
  for (uint32_t n = 1; n <= AUDIO_CHANNELS_MAX; n++) {
    for (int meaning = AUDIO_CHANNELS_SPEAKERS; meaning <= AUDIO_CHANNELS_DISCRETE; meaning++) {
      struct audio_channels_matrix matrix = build(n, n, (enum audio_channels_meaning)meaning);
      int wrong = matrix.in_channels != n || matrix.out_channels != n;
      for (uint32_t out = 0; out < n; out++) {
        for (uint32_t in = 0; in < n; in++) {
          wrong += matrix.gain[out][in] != (out == in ? 1.0f : 0.0f);
        }
      }
      CHECK_EQ(wrong, 0);
    }
  }
}

static void test_mono(void) {
  for (uint32_t n = 2; n <= AUDIO_CHANNELS_MAX; n++) {
    struct audio_channels_matrix speakers = build(1, n, AUDIO_CHANNELS_SPEAKERS);
    struct audio_channels_matrix discrete = build(1, n, AUDIO_CHANNELS_DISCRETE);
    struct audio_channels_matrix average = build(n, 1, AUDIO_CHANNELS_DISCRETE);
    for (uint32_t i = 0; i < n; i++) {
      CHECK(speakers.gain[i][0] == 1.0f && discrete.gain[i][0] == 1.0f);
      CHECK(average.gain[0][i] == (float)(1.0 / n));
    }
  }
  struct audio_channels_matrix stereo = build(2, 1, AUDIO_CHANNELS_SPEAKERS);
  CHECK(stereo.gain[0][0] == 0.5f && stereo.gain[0][1] == 0.5f);
}

/* No input within ±1 leaves ±1, and a matrix that folds uses the whole range. */
static void test_no_clipping(void) {
  for (uint32_t in = 1; in <= AUDIO_CHANNELS_MAX; in++) {
    for (uint32_t out = 1; out <= AUDIO_CHANNELS_MAX; out++) {
      for (int meaning = AUDIO_CHANNELS_SPEAKERS; meaning <= AUDIO_CHANNELS_DISCRETE; meaning++) {
        struct audio_channels_matrix matrix = build(in, out, (enum audio_channels_meaning)meaning);
        double largest = 0.0;
        int negative = 0;
        for (uint32_t o = 0; o < out; o++) {
          double sum = 0.0;
          for (uint32_t i = 0; i < in; i++) {
            sum += (double)matrix.gain[o][i];
            negative += matrix.gain[o][i] < 0.0f;
          }
          largest = fmax(largest, sum);
        }
        CHECK_EQ(negative, 0);
        CHECK_NEAR(largest, 1.0, 1e-6);
      }
    }
  }
}

/* The factors of BS.775 are -3 dB a step: relative to a front speaker, whose power is 1, FC and a
 * back centre keep their power, a lone surround loses half of it, LFE all. Measured relative to FL
 * of the same matrix, because the whole is scaled. */
static void check_power(uint32_t in, uint32_t out, const double *expected) {
  struct audio_channels_matrix matrix = build(in, out, AUDIO_CHANNELS_SPEAKERS);
  double front = 0.0;
  for (uint32_t i = 0; i < in; i++) {
    double power = 0.0;
    for (uint32_t o = 0; o < out; o++) {
      power += (double)matrix.gain[o][i] * (double)matrix.gain[o][i];
    }
    front = i == 0 ? power : front;
    CHECK_NEAR(power / front, expected[i], 1e-6);
  }
}

static void test_power(void) {
  /* 2.1, quad, 5.0, 5.1, 6.1, 7.1 to stereo */
  check_power(3, 2, (const double[]){1, 1, 0});
  check_power(4, 2, (const double[]){1, 1, 0.5, 0.5});
  check_power(5, 2, (const double[]){1, 1, 1, 0.5, 0.5});
  check_power(6, 2, (const double[]){1, 1, 1, 0, 0.5, 0.5});
  check_power(7, 2, (const double[]){1, 1, 1, 0, 0.5, 0.5, 0.5});
  check_power(8, 2, (const double[]){1, 1, 1, 0, 0.5, 0.5, 0.5, 0.5});
  /* to mono: FC has twice the power of FL, as it has in both stereo channels */
  check_power(6, 1, (const double[]){1, 1, 2, 0, 0.5, 0.5});
  check_power(8, 1, (const double[]){1, 1, 2, 0, 0.5, 0.5, 0.5, 0.5});
  /* 7.1 to 5.1: the sides share the backs at -3 dB; 6.1 to 5.1: the sides become the backs */
  check_power(8, 6, (const double[]){1, 1, 1, 1, 1, 1, 0.5, 0.5});
  check_power(7, 6, (const double[]){1, 1, 1, 1, 1, 1, 1});
  check_power(6, 7, (const double[]){1, 1, 1, 1, 1, 1});
  /* upwards nothing is lost */
  check_power(2, 8, (const double[]){1, 1});
  check_power(4, 6, (const double[]){1, 1, 1, 1});
}

/* Where things go: the matrix that people know best, and the positions of the others. */
static void test_places(void) {
  struct audio_channels_matrix m = build(6, 2, AUDIO_CHANNELS_SPEAKERS);
  const double scale = 1.0 / (1.0 + 2.0 * sqrt(0.5));
  const double left[] = {scale, 0, scale * sqrt(0.5), 0, scale * sqrt(0.5), 0};
  const double right[] = {0, scale, scale * sqrt(0.5), 0, 0, scale * sqrt(0.5)};
  for (uint32_t i = 0; i < 6; i++) {
    CHECK_NEAR(m.gain[0][i], left[i], 1e-7);
    CHECK_NEAR(m.gain[1][i], right[i], 1e-7);
  }
  m = build(4, 6, AUDIO_CHANNELS_SPEAKERS); /* the backs of quad are the backs of 5.1 */
  CHECK(m.gain[4][2] == 1.0f && m.gain[5][3] == 1.0f && m.gain[2][2] == 0.0f);
  m = build(3, 8, AUDIO_CHANNELS_SPEAKERS); /* LFE stays LFE */
  CHECK(m.gain[3][2] == 1.0f && m.gain[2][2] == 0.0f);
  m = build(6, 3, AUDIO_CHANNELS_SPEAKERS);
  CHECK(m.gain[2][3] > 0.0f && m.gain[2][0] == 0.0f && m.gain[0][3] == 0.0f);
  m = build(8, 4, AUDIO_CHANNELS_SPEAKERS); /* sides into the backs of their side */
  CHECK(m.gain[2][6] > 0.0f && m.gain[3][6] == 0.0f && m.gain[3][7] > 0.0f);
  m = build(7, 6, AUDIO_CHANNELS_SPEAKERS); /* the back centre into both backs */
  CHECK(m.gain[4][4] > 0.0f && m.gain[4][4] == m.gain[5][4] && m.gain[0][4] == 0.0f);
  m = build(5, 2, AUDIO_CHANNELS_DISCRETE);
  CHECK(m.gain[0][0] == (float)(1.0 / 3) && m.gain[0][2] == m.gain[0][0] &&
        m.gain[0][4] == m.gain[0][0] && m.gain[1][1] == 0.5f && m.gain[1][3] == 0.5f);
  m = build(2, 5, AUDIO_CHANNELS_DISCRETE);
  CHECK(m.gain[4][0] == 1.0f && m.gain[3][1] == 1.0f && m.gain[3][0] == 0.0f);
}

/* The mixing itself against the matrix, for all counts. */
static void test_mix(void) {
  enum { FRAMES = 9 };
  float in[FRAMES * AUDIO_CHANNELS_MAX];
  float out[FRAMES * AUDIO_CHANNELS_MAX + 1];
  for (uint32_t i = 0; i < FRAMES * AUDIO_CHANNELS_MAX; i++) {
    in[i] = (float)(i * 37 % 101) / 101.0f - 0.5f;
  }
  for (uint32_t from = 1; from <= AUDIO_CHANNELS_MAX; from++) {
    for (uint32_t to = 1; to <= AUDIO_CHANNELS_MAX; to++) {
      struct audio_channels_matrix matrix = build(from, to, AUDIO_CHANNELS_SPEAKERS);
      int wrong = 0;
      out[FRAMES * to] = 77.0f;
      audio_channels_mix(&matrix, in, out, FRAMES);
      for (uint32_t frame = 0; frame < FRAMES; frame++) {
        for (uint32_t o = 0; o < to; o++) {
          double sum = 0.0;
          for (uint32_t i = 0; i < from; i++) {
            sum += (double)matrix.gain[o][i] * (double)in[frame * from + i];
          }
          wrong += fabs((double)out[frame * to + o] - sum) > 1e-6;
        }
      }
      CHECK_EQ(wrong, 0);
      CHECK(out[FRAMES * to] == 77.0f);
    }
  }
}

int main(void) {
  test_identity();
  test_mono();
  test_no_clipping();
  test_power();
  test_places();
  test_mix();
  return check_report("audio_channels");
}
