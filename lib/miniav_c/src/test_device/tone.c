#include "test_device/tone.h"

#include <math.h>
#include <stdlib.h>

#include "common/divisor.h"

#define TONE_AMPLITUDE 0.25118864315095801 /* 10^(-12/20) */
#define TONE_TWO_PI    6.28318530717958647693

bool test_tone_init(struct test_tone *tone, const struct test_tone_spec *spec, uint32_t rate,
                    uint32_t channels) {
  *tone = (struct test_tone){.channels = channels};
  uint32_t divisor = rate;
  uint32_t highest_hz = 0;
  for (uint32_t i = 0; i < spec->count; i++) {
    divisor = common_divisor(divisor, spec->frequencies_hz[i]);
    highest_hz = spec->frequencies_hz[i] > highest_hz ? spec->frequencies_hz[i] : highest_hz;
  }
  tone->period = rate / divisor;
  tone->samples = malloc(tone->period * sizeof *tone->samples);
  if (tone->samples == NULL) {
    return false;
  }
  for (uint32_t n = 0; n < tone->period; n++) {
    double sample = 0.0;
    for (uint32_t i = 0; i < spec->count; i++) {
      uint64_t turns = (uint64_t)spec->frequencies_hz[i] * n % rate;
      sample += TONE_AMPLITUDE * sin(TONE_TWO_PI * (double)turns / rate);
    }
    tone->samples[n] = (float)sample;
  }
  for (uint32_t c = 0; c < channels; c++) {
    uint32_t multiple = spec->by_channel ? c + 1 : 1;
    tone->steps[c] = (uint64_t)highest_hz * multiple * 2 < rate ? multiple % tone->period : 0;
  }
  return true;
}

void test_tone_destroy(struct test_tone *tone) {
  free(tone->samples);
  tone->samples = NULL;
}

void test_tone_write(const struct test_tone *tone, uint64_t first, size_t frames, float gain,
                     float *out) {
  for (uint32_t c = 0; c < tone->channels; c++) {
    uint32_t step = tone->steps[c];
    /* samples[0] is 0: a step of 0 stays there. */
    uint32_t at = (uint32_t)(first % tone->period * step % tone->period);
    float *sample = out + c;
    for (size_t i = 0; i < frames; i++) {
      *sample = gain * tone->samples[at];
      sample += tone->channels;
      at += step;
      at = at >= tone->period ? at - tone->period : at;
    }
  }
}
