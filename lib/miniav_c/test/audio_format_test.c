/* Sample formats: exact values, rounding, clipping, round trips. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/audio_format.h"
#include "support/check.h"

static float to_float(MiniAVAudioFormat format, const void *sample) {
  float value = -9.0f;
  audio_format_to_float(format, sample, &value, 1);
  return value;
}

/* Any integer format, to the number that it stands for. */
static int64_t to_integer(MiniAVAudioFormat format, float value) {
  uint8_t bytes[4] = {0};
  int32_t s32 = 0;
  int16_t s16 = 0;
  audio_format_from_float(format, &value, bytes, 1);
  switch (format) {
  case MINIAV_AUDIO_FORMAT_U8:
    return bytes[0];
  case MINIAV_AUDIO_FORMAT_S16:
    memcpy(&s16, bytes, sizeof s16);
    return s16;
  case MINIAV_AUDIO_FORMAT_S24:
    s32 = bytes[0] | bytes[1] << 8 | bytes[2] << 16;
    return s32 >= 0x800000 ? s32 - 0x1000000 : s32;
  case MINIAV_AUDIO_FORMAT_S32:
    memcpy(&s32, bytes, sizeof s32);
    return s32;
  case MINIAV_AUDIO_FORMAT_F32:
  case MINIAV_AUDIO_FORMAT_UNKNOWN:
    break;
  }
  return INT64_MIN;
}

static void test_sizes(void) {
  static const uint32_t bytes[] = {0, 1, 2, 3, 4, 4};
  for (int format = MINIAV_AUDIO_FORMAT_UNKNOWN; format <= MINIAV_AUDIO_FORMAT_F32; format++) {
    MiniAVAudioInfo info = {48000, 6, (MiniAVAudioFormat)format};
    CHECK_EQ(audio_format_sample_bytes(info.format), bytes[format]);
    CHECK_EQ(audio_format_frame_bytes(&info), 6 * bytes[format]);
  }
  CHECK_EQ(audio_format_sample_bytes((MiniAVAudioFormat)6), 0);
}

static void test_valid(void) {
  static const struct {
    MiniAVAudioInfo info;
    bool valid;
  } cases[] = {
      {{8000, 1, MINIAV_AUDIO_FORMAT_U8}, true},
      {{192000, 8, MINIAV_AUDIO_FORMAT_F32}, true},
      {{7999, 1, MINIAV_AUDIO_FORMAT_U8}, false},
      {{192001, 1, MINIAV_AUDIO_FORMAT_U8}, false},
      {{48000, 0, MINIAV_AUDIO_FORMAT_U8}, false},
      {{48000, 9, MINIAV_AUDIO_FORMAT_U8}, false},
      {{48000, 2, MINIAV_AUDIO_FORMAT_UNKNOWN}, false},
      {{48000, 2, (MiniAVAudioFormat)6}, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CHECK_EQ(audio_format_valid(&cases[i].info), cases[i].valid);
  }
  CHECK(!audio_format_valid(NULL));
  MiniAVAudioInfo info = {48000, 2, MINIAV_AUDIO_FORMAT_S16};
  MiniAVAudioInfo other = info;
  CHECK(audio_format_equal(&info, &other));
  other.format = MINIAV_AUDIO_FORMAT_S24;
  CHECK(!audio_format_equal(&info, &other));
}

static void test_known_values(void) {
  static const uint8_t u8[] = {0, 127, 128, 129, 255};
  CHECK(to_float(MINIAV_AUDIO_FORMAT_U8, &u8[0]) == -1.0f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_U8, &u8[1]) == -1.0f / 128);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_U8, &u8[2]) == 0.0f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_U8, &u8[3]) == 1.0f / 128);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_U8, &u8[4]) == 127.0f / 128);
  static const uint8_t s24[][3] = {{0, 0, 0x80}, {0xff, 0xff, 0xff}, {1, 0, 0}, {0xff, 0xff, 0x7f}};
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S24, s24[0]) == -1.0f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S24, s24[1]) == -1.0f / 8388608);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S24, s24[2]) == 1.0f / 8388608);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S24, s24[3]) == 8388607.0f / 8388608);
  int16_t s16 = INT16_MIN;
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S16, &s16) == -1.0f);
  int32_t s32 = INT32_MIN;
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S32, &s32) == -1.0f);
  s32 = 1 << 30;
  CHECK(to_float(MINIAV_AUDIO_FORMAT_S32, &s32) == 0.5f);
  float odd[] = {3.5f, NAN, INFINITY, -INFINITY};
  CHECK(to_float(MINIAV_AUDIO_FORMAT_F32, &odd[0]) == 3.5f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_F32, &odd[1]) == 0.0f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_F32, &odd[2]) == 0.0f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_F32, &odd[3]) == 0.0f);
  CHECK(to_float(MINIAV_AUDIO_FORMAT_UNKNOWN, &odd[0]) == 0.0f);
}

struct integer_format {
  MiniAVAudioFormat format;
  int bits;
  int64_t offset; /* of silence */
};

static const struct integer_format integer_formats[] = {
    {MINIAV_AUDIO_FORMAT_U8, 8, 128},
    {MINIAV_AUDIO_FORMAT_S16, 16, 0},
    {MINIAV_AUDIO_FORMAT_S24, 24, 0},
    {MINIAV_AUDIO_FORMAT_S32, 32, 0},
};
#define INTEGER_FORMAT_COUNT (sizeof integer_formats / sizeof integer_formats[0])

static void test_clipping(void) {
  static const float loud[] = {1.0f, 1.0000001f, 1.5f, 3e9f, 3e38f, INFINITY};
  for (size_t f = 0; f < INTEGER_FORMAT_COUNT; f++) {
    struct integer_format format = integer_formats[f];
    int64_t limit = (int64_t)1 << (format.bits - 1);
    for (size_t i = 0; i < sizeof loud / sizeof loud[0]; i++) {
      CHECK_EQ(to_integer(format.format, loud[i]), limit - 1 + format.offset);
      CHECK_EQ(to_integer(format.format, -loud[i]), -limit + format.offset);
    }
    CHECK_EQ(to_integer(format.format, NAN), format.offset);
    CHECK_EQ(to_integer(format.format, 0.0f), format.offset);
    CHECK_EQ(to_integer(format.format, -0.0f), format.offset);
    CHECK_EQ(to_integer(format.format, 1e-30f), format.offset);
  }
}

/* Against the definition, computed another way: floor of twice the value, halves to even. */
static int64_t round_by_definition(double value) {
  double below = floor(value);
  double rest = value - below;
  int64_t whole = (int64_t)below;
  if (rest > 0.5 || (rest == 0.5 && whole % 2 != 0)) {
    whole++;
  }
  return whole;
}

static void test_rounding(void) {
  for (size_t f = 0; f < INTEGER_FORMAT_COUNT; f++) {
    struct integer_format format = integer_formats[f];
    double limit = ldexp(1.0, format.bits - 1);
    size_t wrong = 0;
    for (int i = -40000; i <= 40000; i++) {
      /* Quarters and neighbours of halves around 0, then across the whole range. */
      float near_zero = (float)(i / 4.0 / limit);
      float across = (float)(i / 40001.0);
      float below_half = nextafterf((float)((i + 0.5) / limit), 0.0f);
      float values[] = {near_zero, across, below_half};
      for (size_t v = 0; v < 3; v++) {
        double exact = (double)values[v] * limit;
        exact = exact < -limit ? -limit : exact > limit - 1.0 ? limit - 1.0 : exact;
        wrong += to_integer(format.format, values[v]) != round_by_definition(exact) + format.offset;
      }
    }
    CHECK_EQ(wrong, 0);
  }
}

/* Every value of a format of at most 24 bits, to float and back. */
static void test_round_trips(void) {
  enum { BLOCK = 4096 };
  static uint8_t bytes[BLOCK * 3];
  static uint8_t back[BLOCK * 3];
  static float floats[BLOCK];
  for (size_t f = 0; f < 3; f++) {
    struct integer_format format = integer_formats[f];
    uint32_t size = audio_format_sample_bytes(format.format);
    uint32_t count = 1u << format.bits;
    uint32_t block = count < BLOCK ? count : BLOCK;
    size_t wrong = 0;
    for (uint32_t start = 0; start < count; start += block) {
      for (uint32_t i = 0; i < block; i++) {
        for (uint32_t b = 0; b < size; b++) {
          bytes[i * size + b] = (uint8_t)((start + i) >> (8 * b));
        }
      }
      audio_format_to_float(format.format, bytes, floats, block);
      audio_format_from_float(format.format, floats, back, block);
      wrong += memcmp(bytes, back, block * size) != 0;
    }
    CHECK_EQ(wrong, 0);
  }
}

/* A narrow integer in a wider format is the same number, shifted; and comes back. */
static void test_widening(void) {
  for (int value = INT16_MIN; value <= INT16_MAX; value += 37) {
    int16_t s16 = (int16_t)value;
    float middle = to_float(MINIAV_AUDIO_FORMAT_S16, &s16);
    if (to_integer(MINIAV_AUDIO_FORMAT_S24, middle) != value * 256 ||
        to_integer(MINIAV_AUDIO_FORMAT_S32, middle) != value * 65536) {
      CHECK_EQ(to_integer(MINIAV_AUDIO_FORMAT_S24, middle), value * 256);
      CHECK_EQ(to_integer(MINIAV_AUDIO_FORMAT_S32, middle), value * 65536);
      return;
    }
  }
  for (int value = -(1 << 23); value < 1 << 23; value += 1001) {
    float middle = (float)value / 8388608.0f;
    if (to_integer(MINIAV_AUDIO_FORMAT_S32, middle) != value * 256) {
      CHECK_EQ(to_integer(MINIAV_AUDIO_FORMAT_S32, middle), value * 256);
      return;
    }
  }
  CHECK(1);
}

/* Odd addresses, and not a byte beyond the end. */
static void test_alignment_and_bounds(void) {
  for (size_t f = 0; f < 5; f++) {
    MiniAVAudioFormat format = (MiniAVAudioFormat)(f + 1);
    uint32_t size = audio_format_sample_bytes(format);
    for (size_t samples = 0; samples < 20; samples++) {
      uint8_t *bytes = malloc(samples * size + 2); /* exact, so that a sanitizer sees the end */
      float floats[20];
      if (bytes == NULL) {
        abort();
      }
      for (size_t i = 0; i < 20; i++) {
        floats[i] = (float)i / 32.0f;
      }
      bytes[0] = 0xa5;
      bytes[samples * size + 1] = 0x5a;
      audio_format_from_float(format, floats, bytes + 1, samples);
      memset(floats, 0xff, sizeof floats);
      audio_format_to_float(format, bytes + 1, floats, samples);
      bool good = bytes[0] == 0xa5 && bytes[samples * size + 1] == 0x5a;
      for (size_t i = 0; i < samples; i++) {
        good = good && floats[i] == (float)i / 32.0f;
      }
      CHECK(good);
      free(bytes);
    }
  }
}

int main(void) {
  test_sizes();
  test_valid();
  test_known_values();
  test_clipping();
  test_rounding();
  test_round_trips();
  test_widening();
  test_alignment_and_bounds();
  return check_report("audio_format");
}
