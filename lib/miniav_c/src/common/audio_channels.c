#include "common/audio_channels.h"

#include <string.h>

#define HALF_POWER 0.70710678118654752440 /* √½ */

enum speaker { FL, FR, FC, LFE, BL, BR, BC, SL, SR };

/* layouts[n - 1]: the positions of n channels, in order. */
static const uint8_t layouts[AUDIO_CHANNELS_MAX][AUDIO_CHANNELS_MAX] = {
    {FC},
    {FL, FR},
    {FL, FR, LFE},
    {FL, FR, BL, BR},
    {FL, FR, FC, BL, BR},
    {FL, FR, FC, LFE, BL, BR},
    {FL, FR, FC, LFE, BC, SL, SR},
    {FL, FR, FC, LFE, BL, BR, SL, SR},
};

/* The matrix while it is built. */
struct fold {
  uint32_t in_channels;
  uint32_t out_channels;
  double gain[AUDIO_CHANNELS_MAX][AUDIO_CHANNELS_MAX];
};

/* The channel at that position, or -1. */
static int layout_find(uint32_t channels, enum speaker position) {
  for (uint32_t i = 0; i < channels; i++) {
    if (layouts[channels - 1][i] == position) {
      return (int)i;
    }
  }
  return -1;
}

/* Adds input channel `in` to the output's position at that gain. False: there is no such position.
 */
static bool fold_add(struct fold *fold, uint32_t in, enum speaker position, double gain) {
  int out = layout_find(fold->out_channels, position);
  if (out < 0) {
    return false;
  }
  fold->gain[out][in] += gain;
  return true;
}

static bool fold_add_pair(struct fold *fold, uint32_t in, enum speaker left, enum speaker right,
                          double gain) {
  return fold_add(fold, in, left, gain) && fold_add(fold, in, right, gain);
}

/* A back or side speaker that the output lacks goes to its neighbour, or to the front. */
static void fold_surround(struct fold *fold, uint32_t in, enum speaker neighbour,
                          enum speaker front) {
  bool shared = layout_find(fold->in_channels, neighbour) >= 0;
  if (!fold_add(fold, in, neighbour, shared ? HALF_POWER : 1.0)) {
    fold_add(fold, in, front, HALF_POWER);
  }
}

/* Places one input channel. Every output layout here has FL and FR. */
static void fold_channel(struct fold *fold, uint32_t in) {
  enum speaker position = (enum speaker)layouts[fold->in_channels - 1][in];
  if (fold_add(fold, in, position, 1.0)) {
    return;
  }
  switch (position) {
  case FC:
    fold_add_pair(fold, in, FL, FR, HALF_POWER);
    break;
  case BL:
    fold_surround(fold, in, SL, FL);
    break;
  case BR:
    fold_surround(fold, in, SR, FR);
    break;
  case SL:
    fold_surround(fold, in, BL, FL);
    break;
  case SR:
    fold_surround(fold, in, BR, FR);
    break;
  case BC:
    if (!fold_add_pair(fold, in, BL, BR, HALF_POWER) &&
        !fold_add_pair(fold, in, SL, SR, HALF_POWER)) {
      fold_add_pair(fold, in, FL, FR, 0.5);
    }
    break;
  case FL:
  case FR:
  case LFE:
    break;
  }
}

static void fold_speakers(struct fold *fold) {
  bool to_mono = fold->out_channels == 1;
  if (fold->in_channels == 1) {
    for (uint32_t out = 0; out < fold->out_channels; out++) {
      fold->gain[out][0] = 1.0;
    }
    return;
  }
  fold->out_channels = to_mono ? 2 : fold->out_channels;
  for (uint32_t in = 0; in < fold->in_channels; in++) {
    fold_channel(fold, in);
  }
  if (to_mono) {
    fold->out_channels = 1;
    for (uint32_t in = 0; in < fold->in_channels; in++) {
      fold->gain[0][in] = HALF_POWER * (fold->gain[0][in] + fold->gain[1][in]);
    }
  }
}

static void fold_discrete(struct fold *fold) {
  uint32_t in_channels = fold->in_channels;
  uint32_t out_channels = fold->out_channels;
  for (uint32_t out = 0; out < out_channels; out++) {
    if (out >= in_channels) {
      fold->gain[out][out % in_channels] = 1.0;
      continue;
    }
    uint32_t sharing = (in_channels - out + out_channels - 1) / out_channels;
    for (uint32_t in = out; in < in_channels; in += out_channels) {
      fold->gain[out][in] = 1.0 / sharing;
    }
  }
}

/* What the largest row sum must be divided by. */
static double fold_divisor(const struct fold *fold) {
  double largest = 1.0;
  for (uint32_t out = 0; out < fold->out_channels; out++) {
    double sum = 0.0;
    for (uint32_t in = 0; in < fold->in_channels; in++) {
      sum += fold->gain[out][in];
    }
    largest = sum > largest ? sum : largest;
  }
  return largest;
}

void audio_channels_build(uint32_t in_channels, uint32_t out_channels,
                          enum audio_channels_meaning meaning,
                          struct audio_channels_matrix *matrix) {
  struct fold fold = {.in_channels = in_channels, .out_channels = out_channels};
  if (meaning == AUDIO_CHANNELS_DISCRETE) {
    fold_discrete(&fold);
  } else {
    fold_speakers(&fold);
  }
  double divisor = fold_divisor(&fold);
  memset(matrix, 0, sizeof *matrix);
  matrix->in_channels = in_channels;
  matrix->out_channels = out_channels;
  for (uint32_t out = 0; out < out_channels; out++) {
    for (uint32_t in = 0; in < in_channels; in++) {
      matrix->gain[out][in] = (float)(fold.gain[out][in] / divisor);
    }
  }
}

static void mix_stereo_to_mono(const float *restrict gain, const float *restrict in,
                               float *restrict out, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    out[i] = gain[0] * in[2 * i] + gain[1] * in[2 * i + 1];
  }
}

void audio_channels_mix(const struct audio_channels_matrix *matrix, const float *restrict in,
                        float *restrict out, size_t frames) {
  uint32_t in_channels = matrix->in_channels;
  uint32_t out_channels = matrix->out_channels;
  if (in_channels == 2 && out_channels == 1) {
    mix_stereo_to_mono(matrix->gain[0], in, out, frames);
    return;
  }
  for (size_t i = 0; i < frames; i++) {
    const float *frame = in + i * in_channels;
    for (uint32_t o = 0; o < out_channels; o++) {
      float sum = 0.0f;
      for (uint32_t c = 0; c < in_channels; c++) {
        sum += matrix->gain[o][c] * frame[c];
      }
      *out++ = sum;
    }
  }
}
