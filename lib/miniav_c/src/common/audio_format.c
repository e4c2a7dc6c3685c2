#include "common/audio_format.h"

#include <math.h>
#include <string.h>

bool audio_format_valid(const MiniAVAudioInfo *info) {
  return info != NULL && audio_format_sample_bytes(info->format) != 0 && info->channel_count >= 1 &&
         info->channel_count <= AUDIO_CHANNELS_MAX && info->sample_rate >= AUDIO_RATE_MIN_HZ &&
         info->sample_rate <= AUDIO_RATE_MAX_HZ;
}

bool audio_format_equal(const MiniAVAudioInfo *a, const MiniAVAudioInfo *b) {
  return a->sample_rate == b->sample_rate && a->channel_count == b->channel_count &&
         a->format == b->format;
}

uint32_t audio_format_sample_bytes(MiniAVAudioFormat format) {
  switch (format) {
  case MINIAV_AUDIO_FORMAT_U8:
    return 1;
  case MINIAV_AUDIO_FORMAT_S16:
    return 2;
  case MINIAV_AUDIO_FORMAT_S24:
    return 3;
  case MINIAV_AUDIO_FORMAT_S32:
  case MINIAV_AUDIO_FORMAT_F32:
    return 4;
  case MINIAV_AUDIO_FORMAT_UNKNOWN:
    break;
  }
  return 0;
}

uint32_t audio_format_frame_bytes(const MiniAVAudioInfo *info) {
  return audio_format_sample_bytes(info->format) * info->channel_count;
}

static void u8_to_float(const uint8_t *restrict in, float *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    out[i] = (float)(in[i] - 128) * (1.0f / 128.0f);
  }
}

static void s16_to_float(const uint8_t *restrict in, float *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    int16_t value;
    memcpy(&value, in + 2 * i, sizeof value);
    out[i] = (float)value * (1.0f / 32768.0f);
  }
}

static void s24_to_float(const uint8_t *restrict in, float *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    const uint8_t *bytes = in + 3 * i;
    uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    int32_t value = (int32_t)(bits ^ 0x800000u) - 0x800000; /* carries bit 23 to the sign */
    out[i] = (float)value * (1.0f / 8388608.0f);
  }
}

static void s32_to_float(const uint8_t *restrict in, float *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    int32_t value;
    memcpy(&value, in + 4 * i, sizeof value);
    out[i] = (float)value * (1.0f / 2147483648.0f);
  }
}

static void f32_to_float(const uint8_t *restrict in, float *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    float value;
    memcpy(&value, in + 4 * i, sizeof value);
    out[i] = isfinite(value) ? value : 0.0f;
  }
}

void audio_format_to_float(MiniAVAudioFormat format, const void *in, float *out, size_t samples) {
  switch (format) {
  case MINIAV_AUDIO_FORMAT_U8:
    u8_to_float(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_S16:
    s16_to_float(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_S24:
    s24_to_float(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_S32:
    s32_to_float(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_F32:
    f32_to_float(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_UNKNOWN:
    break;
  }
  memset(out, 0, samples * sizeof *out);
}

/* The sample as an integer in [-limit, limit - 1], limit being 2^(bits - 1). In double, float's
 * product is exact and a sum with 1.5 × 2^52 leaves no room for a fraction, so that it rounds to
 * the nearest integer, halves to even, in two additions that a compiler can vectorise; lrint() is
 * a call at -O2. Needs the default rounding mode and strict floating point. */
static inline int32_t float_to_integer(float sample, double limit) {
  const double round = 6755399441055744.0;
  double value = isnan(sample) ? 0.0 : (double)sample * limit;
  value = value < -limit ? -limit : value;
  value = value > limit - 1.0 ? limit - 1.0 : value;
  return (int32_t)((value + round) - round);
}

static void float_to_u8(const float *restrict in, uint8_t *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    out[i] = (uint8_t)(float_to_integer(in[i], 128.0) + 128);
  }
}

static void float_to_s16(const float *restrict in, uint8_t *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    int16_t value = (int16_t)float_to_integer(in[i], 32768.0);
    memcpy(out + 2 * i, &value, sizeof value);
  }
}

static void float_to_s24(const float *restrict in, uint8_t *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    uint32_t bits = (uint32_t)float_to_integer(in[i], 8388608.0);
    out[3 * i] = (uint8_t)bits;
    out[3 * i + 1] = (uint8_t)(bits >> 8);
    out[3 * i + 2] = (uint8_t)(bits >> 16);
  }
}

static void float_to_s32(const float *restrict in, uint8_t *restrict out, size_t samples) {
  for (size_t i = 0; i < samples; i++) {
    int32_t value = float_to_integer(in[i], 2147483648.0);
    memcpy(out + 4 * i, &value, sizeof value);
  }
}

void audio_format_from_float(MiniAVAudioFormat format, const float *in, void *out, size_t samples) {
  switch (format) {
  case MINIAV_AUDIO_FORMAT_U8:
    float_to_u8(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_S16:
    float_to_s16(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_S24:
    float_to_s24(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_S32:
    float_to_s32(in, out, samples);
    return;
  case MINIAV_AUDIO_FORMAT_F32:
    memcpy(out, in, samples * sizeof *in);
    return;
  case MINIAV_AUDIO_FORMAT_UNKNOWN:
    break;
  }
}
