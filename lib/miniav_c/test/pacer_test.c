/* Pacing without drift, and tones without seams. */
#include <math.h>
#include <stdlib.h>

#include "support/check.h"
#include "test_device/pacer.h"
#include "test_device/tone.h"

static void check_rate(uint64_t numerator, uint64_t denominator) {
  struct pacer pacer;
  int64_t start_us = INT64_C(1234567890123);
  pacer_init(&pacer, start_us, numerator, denominator);
  for (uint64_t tick = 0; tick < 100000; tick++) {
    int64_t expected_us = start_us + (int64_t)(tick * denominator * 1000000 / numerator);
    if (pacer.tick_us != expected_us) {
      CHECK_EQ(pacer.tick_us, expected_us);
      return;
    }
    int64_t following_us = pacer_following_us(&pacer);
    pacer_advance(&pacer, 1);
    CHECK_EQ(pacer.tick_us, following_us);
  }
}

/* Steps of any length end where single ones do. */
static void test_pacer(void) {
  check_rate(30, 1);
  check_rate(30000, 1001);
  check_rate(10000000, 333333);
  check_rate(192000, 1920);
  check_rate(44101, 7);
  check_rate(1, 10);
  struct pacer single, jump;
  pacer_init(&single, 5, 60000, 1001);
  jump = single;
  for (uint32_t i = 0; i < 12345; i++) {
    pacer_advance(&single, 1);
  }
  pacer_advance(&jump, 12345);
  CHECK_EQ(jump.tick_us, single.tick_us);
  CHECK_EQ(jump.accumulated, single.accumulated);
  /* A year at the largest numerator. */
  pacer_init(&jump, 0, UINT32_MAX, 1000000);
  pacer_advance(&jump, UINT32_MAX);
  CHECK_EQ(jump.tick_us, INT64_C(1000000000000));
}

static void test_ticks_before(void) {
  struct pacer pacer;
  pacer_init(&pacer, 1000, 60, 1);
  CHECK_EQ(pacer_ticks_before(&pacer, 0), 0);
  CHECK_EQ(pacer_ticks_before(&pacer, 1000), 0);
  CHECK_EQ(pacer_ticks_before(&pacer, 1001), 1);
  CHECK_EQ(pacer_ticks_before(&pacer, 1000 + 16666), 1);
  CHECK_EQ(pacer_ticks_before(&pacer, 1000 + 16667), 2);
  CHECK_EQ(pacer_ticks_before(&pacer, 1000 + 3600000000), 216000);
}

/* Any two stretches fit together, whatever their lengths and however far into the stream. */
static void test_seams(void) {
  static const uint32_t rates[] = {48000, 44100, 8000, 44101, 192000};
  struct test_tone_spec spec = {.count = 2, .frequencies_hz = {440, 880}};
  for (uint32_t r = 0; r < sizeof rates / sizeof *rates; r++) {
    struct test_tone tone;
    float whole[2 * 1000], piece[2 * 1000];
    uint64_t first = (uint64_t)rates[r] * 86400 * 365 + 17; /* a year later */
    CHECK(test_tone_init(&tone, &spec, rates[r], 2));
    test_tone_write(&tone, first, 1000, 1.0f, whole);
    for (size_t at = 0, length = 1; at < 1000; at += length, length = length % 97 + 3) {
      length = at + length > 1000 ? 1000 - at : length;
      test_tone_write(&tone, first + at, length, 1.0f, piece + 2 * at);
    }
    CHECK(memcmp(whole, piece, sizeof whole) == 0);
    double phase = 6.283185307179586 * 440.0 * 17 / rates[r];
    double expected = 0.25118864315095801 * (sin(phase) + sin(2 * phase));
    CHECK_NEAR((double)whole[0], expected, 1e-6);
    CHECK_NEAR((double)whole[1], expected, 1e-6);
    test_tone_destroy(&tone);
  }
}

/* What would alias is silent; so is no tone at all. */
static void test_silence(void) {
  struct test_tone_spec spec = {.count = 1, .frequencies_hz = {1000}, .by_channel = true};
  struct test_tone tone;
  float samples[8 * 100];
  CHECK(test_tone_init(&tone, &spec, 8000, 8));
  test_tone_write(&tone, 0, 100, 1.0f, samples);
  for (uint32_t channel = 0; channel < 8; channel++) {
    double power = 0.0;
    for (uint32_t i = 0; i < 100; i++) {
      power += (double)samples[i * 8 + channel] * (double)samples[i * 8 + channel];
    }
    CHECK((power > 1.0) == (channel < 3));
    CHECK(channel < 3 || power == 0.0);
  }
  test_tone_destroy(&tone);
  spec.count = 0;
  CHECK(test_tone_init(&tone, &spec, 48000, 1));
  test_tone_write(&tone, 12345, 100, 1.0f, samples);
  for (uint32_t i = 0; i < 100; i++) {
    CHECK(samples[i] == 0.0f);
  }
  test_tone_destroy(&tone);
}

int main(void) {
  test_pacer();
  test_ticks_before();
  test_seams();
  test_silence();
  return check_report("pacer");
}
