/*
 * The sound of the test devices: sines of -12 dBFS each (amplitude 10^(-12/20)), a pure function of
 * the sample's number, so that any two stretches of a stream fit together.
 *
 * Sample n of channel c is the sum over the frequencies f of
 *     amplitude × sin(2π × f × (c + 1 when by_channel, else 1) × n / rate)
 * One period is computed once; frequencies at or above half the rate are left out, so nothing
 * aliases: such a channel is silent.
 */
#ifndef MINIAV_TEST_DEVICE_TONE_H
#define MINIAV_TEST_DEVICE_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TONE_MAX_FREQUENCIES 2u

struct test_tone_spec {
  uint32_t count; /* 0: silence */
  uint32_t frequencies_hz[TONE_MAX_FREQUENCIES];
  bool by_channel;
};

struct test_tone {
  uint32_t period; /* samples; divides the rate */
  uint32_t channels;
  uint32_t steps[8]; /* by channel; 0 is silent */
  float *samples;
};

/* False when memory is exhausted. */
bool test_tone_init(struct test_tone *tone, const struct test_tone_spec *spec, uint32_t rate,
                    uint32_t channels);
void test_tone_destroy(struct test_tone *tone);

/* Writes interleaved samples from number `first` on. */
void test_tone_write(const struct test_tone *tone, uint64_t first, size_t frames, float gain,
                     float *out);

#endif
