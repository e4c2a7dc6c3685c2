#include "common/audio_convert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/audio_format.h"
#include "common/resample.h"

#define BLOCK_FRAMES   256u        /* through all steps at a time: stays in the first cache */
#define FRAMES_MAX     0x80000000u /* of one call; keeps every product of counts within 64 bits */
#define RAMPS_A_SECOND 100u

/* A gain that moves in straight ramps. */
struct gain_ramp {
  float from;
  float target;
  uint32_t position; /* frames into the ramp; `length` when it is over */
  uint32_t length;
};

struct audio_converter {
  MiniAVAudioInfo in;
  MiniAVAudioInfo out;
  bool identity;
  struct audio_channels_matrix matrix;
  struct resampler *resampler; /* NULL: equal rates */

  _Atomic float gain; /* as set, by any thread */
  _Atomic bool mute;
  struct gain_ramp ramp;
  bool started; /* a frame has been converted since create or reset */

  /* One block at each step, interleaved. */
  float read[BLOCK_FRAMES * AUDIO_CHANNELS_MAX];
  float mixed[BLOCK_FRAMES * AUDIO_CHANNELS_MAX]; /* down before, or up after the rate */
  float resampled[BLOCK_FRAMES * AUDIO_CHANNELS_MAX];
};

MiniAVResultCode audio_convert_create(const MiniAVAudioInfo *in, const MiniAVAudioInfo *out,
                                      enum audio_channels_meaning meaning,
                                      struct audio_converter **converter) {
  if (converter == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  *converter = NULL;
  if (!audio_format_valid(in) || !audio_format_valid(out)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  struct audio_converter *c = calloc(1, sizeof *c);
  if (c == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  c->in = *in;
  c->out = *out;
  c->identity = audio_format_equal(in, out);
  audio_channels_build(in->channel_count, out->channel_count, meaning, &c->matrix);
  atomic_init(&c->gain, 1.0f);
  atomic_init(&c->mute, false);
  c->ramp.length = out->sample_rate / RAMPS_A_SECOND;
  if (in->sample_rate != out->sample_rate) {
    uint32_t channels =
        in->channel_count < out->channel_count ? in->channel_count : out->channel_count;
    MiniAVResultCode code =
        resample_create(in->sample_rate, out->sample_rate, channels, &c->resampler);
    if (code != MINIAV_SUCCESS) {
      free(c);
      return code;
    }
  }
  *converter = c;
  return MINIAV_SUCCESS;
}

void audio_convert_destroy(struct audio_converter *converter) {
  if (converter == NULL) {
    return;
  }
  resample_destroy(converter->resampler);
  free(converter);
}

void audio_convert_reset(struct audio_converter *c) {
  if (c->resampler != NULL) {
    resample_reset(c->resampler);
  }
  c->started = false;
}

static float gain_at_present(const struct gain_ramp *ramp) {
  if (ramp->position >= ramp->length) {
    return ramp->target;
  }
  return ramp->from + (ramp->target - ramp->from) * ((float)ramp->position / (float)ramp->length);
}

/* Takes over what other threads have set since the last call. */
static void gain_update(struct audio_converter *c) {
  bool mute = atomic_load_explicit(&c->mute, memory_order_relaxed);
  float wanted = mute ? 0.0f : atomic_load_explicit(&c->gain, memory_order_relaxed);
  struct gain_ramp *ramp = &c->ramp;
  if (!c->started) {
    ramp->target = wanted;
    ramp->position = ramp->length;
  } else if (wanted != ramp->target) {
    ramp->from = gain_at_present(ramp);
    ramp->target = wanted;
    ramp->position = 0;
  }
}

static bool gain_is_one(const struct gain_ramp *ramp) {
  return ramp->position >= ramp->length && ramp->target == 1.0f;
}

static void gain_apply(struct gain_ramp *ramp, float *samples, size_t frames, uint32_t channels) {
  if (gain_is_one(ramp)) {
    return;
  }
  size_t frame = 0;
  for (; frame < frames && ramp->position < ramp->length; frame++) {
    ramp->position++;
    float gain = gain_at_present(ramp);
    for (uint32_t channel = 0; channel < channels; channel++) {
      samples[frame * channels + channel] *= gain;
    }
  }
  float gain = ramp->target;
  for (size_t i = frame * channels; i < frames * channels; i++) {
    samples[i] *= gain;
  }
}

/* Bytes to at most one block of float frames with the channels of the smaller side. */
static float *block_read(struct audio_converter *c, const uint8_t *in, size_t frames) {
  audio_format_to_float(c->in.format, in, c->read, frames * c->in.channel_count);
  if (c->in.channel_count <= c->out.channel_count) {
    return c->read;
  }
  audio_channels_mix(&c->matrix, c->read, c->mixed, frames);
  return c->mixed;
}

/* At most one block of such frames, at the output's rate, to bytes. */
static void block_write(struct audio_converter *c, float *samples, uint8_t *out, size_t frames) {
  if (c->in.channel_count < c->out.channel_count) {
    audio_channels_mix(&c->matrix, samples, c->mixed, frames);
    samples = c->mixed;
  }
  gain_apply(&c->ramp, samples, frames, c->out.channel_count);
  audio_format_from_float(c->out.format, samples, out, frames * c->out.channel_count);
  c->started = c->started || frames > 0;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Equal formats and nothing to multiply by. */
static struct audio_convert_result process_copy(struct audio_converter *c, const void *in,
                                                size_t in_frames, void *out, size_t room) {
  size_t frames = smaller(in_frames, room);
  if (frames > 0) {
    memcpy(out, in, frames * audio_format_frame_bytes(&c->in));
    c->started = true;
  }
  return (struct audio_convert_result){frames, frames};
}

static struct audio_convert_result process_same_rate(struct audio_converter *c, const uint8_t *in,
                                                     size_t in_frames, uint8_t *out, size_t room) {
  uint32_t in_bytes = audio_format_frame_bytes(&c->in);
  uint32_t out_bytes = audio_format_frame_bytes(&c->out);
  size_t frames = smaller(in_frames, room);
  size_t count = 0;
  for (size_t done = 0; done < frames; done += count) {
    count = smaller(frames - done, BLOCK_FRAMES);
    float *samples = block_read(c, in + done * in_bytes, count);
    block_write(c, samples, out + done * out_bytes, count);
  }
  return (struct audio_convert_result){frames, frames};
}

static struct audio_convert_result process_rates(struct audio_converter *c, const uint8_t *in,
                                                 size_t in_frames, uint8_t *out, size_t room) {
  uint32_t in_bytes = audio_format_frame_bytes(&c->in);
  uint32_t out_bytes = audio_format_frame_bytes(&c->out);
  struct audio_convert_result result = {0, 0};
  for (;;) {
    bool due = resample_output_due(c->resampler);
    if (due ? result.written_frames == room : result.consumed_frames == in_frames) {
      return result;
    }
    const float *samples = NULL;
    size_t given = 0;
    if (!due) {
      given = smaller(in_frames - result.consumed_frames, BLOCK_FRAMES);
      samples = block_read(c, in + result.consumed_frames * in_bytes, given);
    }
    size_t wanted = smaller(room - result.written_frames, BLOCK_FRAMES);
    struct resample_result step =
        resample_process(c->resampler, samples, given, c->resampled, wanted);
    result.consumed_frames += step.consumed_frames;
    if (step.written_frames > 0) {
      uint8_t *at = out + result.written_frames * out_bytes;
      block_write(c, c->resampled, at, step.written_frames);
      result.written_frames += step.written_frames;
    }
  }
}

MiniAVResultCode audio_convert_process(struct audio_converter *c, const void *in, size_t in_frames,
                                       void *out, size_t out_capacity_frames,
                                       struct audio_convert_result *result) {
  if (c == NULL || result == NULL || (in == NULL && in_frames > 0) || in_frames > FRAMES_MAX ||
      (out == NULL && out_capacity_frames > 0)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  gain_update(c);
  if (c->resampler != NULL) {
    *result = process_rates(c, in, in_frames, out, out_capacity_frames);
  } else if (c->identity && gain_is_one(&c->ramp)) {
    *result = process_copy(c, in, in_frames, out, out_capacity_frames);
  } else {
    *result = process_same_rate(c, in, in_frames, out, out_capacity_frames);
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode audio_convert_drain(struct audio_converter *c, void *out,
                                     size_t out_capacity_frames, size_t *written_frames) {
  if (c == NULL || written_frames == NULL || (out == NULL && out_capacity_frames > 0)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  uint32_t out_bytes = audio_format_frame_bytes(&c->out);
  size_t written = 0;
  gain_update(c);
  while (c->resampler != NULL && written < out_capacity_frames) {
    size_t wanted = smaller(out_capacity_frames - written, BLOCK_FRAMES);
    size_t count = resample_drain(c->resampler, c->resampled, wanted);
    if (count == 0) {
      break;
    }
    block_write(c, c->resampled, (uint8_t *)out + written * out_bytes, count);
    written += count;
  }
  if (written == 0 && out_capacity_frames > 0) {
    audio_convert_reset(c);
  }
  *written_frames = written;
  return MINIAV_SUCCESS;
}

size_t audio_convert_output_frames(const struct audio_converter *c, size_t in_frames) {
  return c->resampler == NULL ? in_frames : resample_output_frames(c->resampler, in_frames);
}

size_t audio_convert_output_frames_max(const struct audio_converter *c, size_t in_frames) {
  return c->resampler == NULL ? in_frames : resample_output_frames_max(c->resampler, in_frames);
}

int64_t audio_convert_delay_us(const struct audio_converter *c) {
  return c->resampler == NULL ? 0 : resample_delay_us(c->resampler);
}

double audio_convert_delay_frames(const struct audio_converter *c) {
  return c->resampler == NULL ? 0.0 : resample_delay_frames(c->resampler);
}

bool audio_convert_is_identity(const struct audio_converter *c) {
  return c->identity;
}

MiniAVResultCode audio_convert_set_gain(struct audio_converter *c, float gain) {
  if (c == NULL || !(gain >= 0.0f && gain <= AUDIO_CONVERT_GAIN_MAX)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  atomic_store_explicit(&c->gain, gain, memory_order_relaxed);
  return MINIAV_SUCCESS;
}

void audio_convert_set_mute(struct audio_converter *c, bool mute) {
  atomic_store_explicit(&c->mute, mute, memory_order_relaxed);
}
