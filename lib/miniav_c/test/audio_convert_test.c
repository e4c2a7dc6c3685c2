/* The whole conversion: every format into every other, pieces, time stamps, gain and mute. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/audio_convert.h"
#include "common/audio_format.h"
#include "support/check.h"
#include "support/tone.h"

static struct audio_converter *create(MiniAVAudioInfo in, MiniAVAudioInfo out) {
  struct audio_converter *converter = NULL;
  CHECK_EQ(audio_convert_create(&in, &out, AUDIO_CHANNELS_SPEAKERS, &converter), MINIAV_SUCCESS);
  if (converter == NULL) {
    abort();
  }
  return converter;
}

static void *bytes_alloc(size_t bytes) {
  void *memory = calloc(bytes > 0 ? bytes : 1, 1);
  if (memory == NULL) {
    abort();
  }
  return memory;
}

static struct audio_convert_result process(struct audio_converter *converter, const void *in,
                                           size_t in_frames, void *out, size_t capacity) {
  struct audio_convert_result result = {0, 0};
  CHECK_EQ(audio_convert_process(converter, in, in_frames, out, capacity, &result), MINIAV_SUCCESS);
  return result;
}

/* What is held back, in steps of at most `step` frames. */
static size_t drain(struct audio_converter *converter, uint8_t *out, uint32_t frame_bytes,
                    size_t capacity, size_t step) {
  size_t written = 0;
  for (size_t count = 1; count > 0; written += count) {
    size_t room = capacity - written < step ? capacity - written : step;
    CHECK_EQ(audio_convert_drain(converter, out + written * frame_bytes, room, &count),
             MINIAV_SUCCESS);
  }
  return written;
}

static size_t convert_whole(struct audio_converter *converter, const MiniAVAudioInfo *out_info,
                            const void *in, size_t in_frames, uint8_t *out, size_t capacity) {
  uint32_t frame_bytes = audio_format_frame_bytes(out_info);
  struct audio_convert_result result = process(converter, in, in_frames, out, capacity);
  CHECK_EQ(result.consumed_frames, in_frames);
  size_t rest = capacity - result.written_frames;
  uint8_t *at = out + result.written_frames * frame_bytes;
  return result.written_frames + drain(converter, at, frame_bytes, rest, rest);
}

static const MiniAVAudioFormat formats[] = {
    MINIAV_AUDIO_FORMAT_U8,  MINIAV_AUDIO_FORMAT_S16, MINIAV_AUDIO_FORMAT_S24,
    MINIAV_AUDIO_FORMAT_S32, MINIAV_AUDIO_FORMAT_F32,
};

/* Bytes that are noise in any integer format; for F32, floats within ±1. */
static void noise_write(MiniAVAudioFormat format, uint8_t *out, size_t samples) {
  uint32_t state = 1;
  uint32_t size = audio_format_sample_bytes(format);
  for (size_t i = 0; i < samples; i++) {
    state = state * 1664525u + 1013904223u;
    float value = (float)(int32_t)state / 2147483648.0f;
    audio_format_from_float(format, &value, out + i * size, 1);
  }
}

/* Equal formats: the very bytes, those that a float cannot carry too. */
static void test_identity(void) {
  enum { FRAMES = 1000, CHANNELS = 3 };
  for (size_t f = 0; f < 5; f++) {
    MiniAVAudioInfo info = {48000, CHANNELS, formats[f]};
    struct audio_converter *converter = create(info, info);
    size_t bytes = (size_t)FRAMES * audio_format_frame_bytes(&info);
    uint8_t *in = bytes_alloc(bytes);
    uint8_t *out = bytes_alloc(bytes);
    for (size_t i = 0; i < bytes; i++) {
      in[i] = (uint8_t)(i * 151 + i / 256);
    }
    CHECK(audio_convert_is_identity(converter));
    CHECK_EQ(audio_convert_output_frames(converter, FRAMES), FRAMES);
    CHECK_EQ(audio_convert_output_frames_max(converter, FRAMES), FRAMES);
    struct audio_convert_result result = process(converter, in, FRAMES, out, 300);
    CHECK_EQ(result.consumed_frames, 300);
    CHECK_EQ(result.written_frames, 300);
    size_t done = 300u * audio_format_frame_bytes(&info);
    result = process(converter, in + done, FRAMES - 300, out + done, FRAMES);
    CHECK_EQ(result.written_frames, FRAMES - 300);
    CHECK(memcmp(in, out, bytes) == 0);
    CHECK_EQ(audio_convert_delay_us(converter), 0);
    CHECK_EQ(drain(converter, out, 1, 10, 10), 0);
    audio_convert_destroy(converter);
    free(in);
    free(out);
  }
}

/* Every format into every other, at equal rates: as the definition in audio_format.h says. */
static void test_formats(void) {
  enum { FRAMES = 700, CHANNELS = 2, SAMPLES = FRAMES * CHANNELS };
  static float floats[SAMPLES];
  static uint8_t in[SAMPLES * 4];
  static uint8_t expected[SAMPLES * 4];
  static uint8_t out[SAMPLES * 4];
  for (size_t i = 0; i < 5; i++) {
    noise_write(formats[i], in, SAMPLES);
    audio_format_to_float(formats[i], in, floats, SAMPLES);
    for (size_t o = 0; o < 5; o++) {
      MiniAVAudioInfo in_info = {44100, CHANNELS, formats[i]};
      MiniAVAudioInfo out_info = {44100, CHANNELS, formats[o]};
      struct audio_converter *converter = create(in_info, out_info);
      CHECK_EQ(audio_convert_is_identity(converter), i == o);
      CHECK_EQ(process(converter, in, FRAMES, out, FRAMES).written_frames, FRAMES);
      audio_format_from_float(formats[o], floats, expected, SAMPLES);
      const uint8_t *right = i == o ? in : expected;
      CHECK(memcmp(out, right, SAMPLES * audio_format_sample_bytes(formats[o])) == 0);
      audio_convert_destroy(converter);
    }
  }
}

/* One input in uneven pieces into uneven room, against the same in one call. */
static void check_pieces(MiniAVAudioInfo in_info, MiniAVAudioInfo out_info) {
  size_t in_frames = 4000;
  size_t capacity = (size_t)((uint64_t)in_frames * out_info.sample_rate / in_info.sample_rate) + 9;
  uint32_t in_bytes = audio_format_frame_bytes(&in_info);
  uint32_t out_bytes = audio_format_frame_bytes(&out_info);
  uint8_t *in = bytes_alloc(in_frames * in_bytes);
  uint8_t *whole = bytes_alloc(capacity * out_bytes);
  uint8_t *pieces = bytes_alloc(capacity * out_bytes);
  noise_write(in_info.format, in, in_frames * in_info.channel_count);
  struct audio_converter *converter = create(in_info, out_info);
  size_t expected = convert_whole(converter, &out_info, in, in_frames, whole, capacity);
  CHECK_EQ(expected, ((uint64_t)in_frames * out_info.sample_rate + in_info.sample_rate - 1) /
                         in_info.sample_rate);
  size_t consumed = 0;
  size_t written = 0;
  bool foretold = true;
  for (uint32_t step = 1; consumed < in_frames && step < 100000; step++) {
    size_t give = step * 7919 % 611;
    size_t room = step % 5 == 0 ? step * 104729 % 97 : capacity - written;
    give = give < in_frames - consumed ? give : in_frames - consumed;
    room = room < capacity - written ? room : capacity - written;
    size_t due = audio_convert_output_frames(converter, give);
    struct audio_convert_result result =
        process(converter, in + consumed * in_bytes, give, pieces + written * out_bytes, room);
    if (in_info.sample_rate != out_info.sample_rate && due <= room) {
      foretold = foretold && result.consumed_frames == give && result.written_frames == due;
    }
    foretold = foretold && result.written_frames <= room && result.consumed_frames <= give;
    consumed += result.consumed_frames;
    written += result.written_frames;
  }
  CHECK(foretold);
  /* What was due for want of room comes before the drain. */
  uint8_t *at = pieces + written * out_bytes;
  written += process(converter, NULL, 0, at, capacity - written).written_frames;
  at = pieces + written * out_bytes;
  written += drain(converter, at, out_bytes, capacity - written, 11);
  CHECK_EQ(written, expected);
  CHECK(memcmp(whole, pieces, expected * out_bytes) == 0);
  audio_convert_destroy(converter);
  free(in);
  free(whole);
  free(pieces);
}

static void test_pieces(void) {
  static const uint32_t rates[][2] = {{48000, 16000}, {44100, 48000}, {8000, 192000},
                                      {44100, 47999}, {32000, 32000}, {192000, 11025}};
  static const uint32_t channels[][2] = {{1, 1}, {2, 1}, {1, 2}, {8, 8}, {6, 2}, {2, 6}, {3, 5}};
  for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
    for (size_t c = 0; c < sizeof channels / sizeof channels[0]; c++) {
      size_t in_format = (r + c) % 5;
      size_t out_format = (r * 2 + c * 3 + 1) % 5;
      check_pieces((MiniAVAudioInfo){rates[r][0], channels[c][0], formats[in_format]},
                   (MiniAVAudioInfo){rates[r][1], channels[c][1], formats[out_format]});
    }
  }
}

/* A stereo tone at 48 kHz to 16 kHz mono, as a recogniser wants it. */
static void test_speech(double frequency_hz, MiniAVAudioFormat format, double *level_db,
                        double *rest_db) {
  enum { IN_FRAMES = 48000, OUT_FRAMES = 16000 };
  static float in[IN_FRAMES * 2];
  static uint8_t out[OUT_FRAMES * 4];
  static float floats[OUT_FRAMES];
  MiniAVAudioInfo out_info = {16000, 1, format};
  tone_write(in, 2, IN_FRAMES, frequency_hz, 48000, 0.5);
  tone_write(in + 1, 2, IN_FRAMES, frequency_hz, 48000, 0.5);
  struct audio_converter *converter =
      create((MiniAVAudioInfo){48000, 2, MINIAV_AUDIO_FORMAT_F32}, out_info);
  CHECK(!audio_convert_is_identity(converter));
  CHECK_EQ(convert_whole(converter, &out_info, in, IN_FRAMES, out, OUT_FRAMES), OUT_FRAMES);
  audio_format_to_float(format, out, floats, OUT_FRAMES);
  struct tone_fit fit = tone_measure(floats, 1, 200, OUT_FRAMES - 400, frequency_hz, 16000);
  *level_db = tone_decibel(fit.amplitude / 0.5);
  *rest_db = tone_decibel(fit.residual / 0.5);
  audio_convert_destroy(converter);
}

static void test_tones(void) {
  double level_db;
  double rest_db;
  test_speech(1000.0, MINIAV_AUDIO_FORMAT_S16, &level_db, &rest_db);
  CHECK_NEAR(level_db, 0.0, 0.01);
  CHECK(rest_db < -88.0); /* 16 bits below a tone at half scale: -92 dB */
  test_speech(7200.0, MINIAV_AUDIO_FORMAT_F32, &level_db, &rest_db);
  CHECK_NEAR(level_db, 0.0, 0.5);
  CHECK(rest_db < -80.0);
  test_speech(8800.0, MINIAV_AUDIO_FORMAT_F32, &level_db, &rest_db);
  CHECK(rest_db < -80.0);
  test_speech(15500.0, MINIAV_AUDIO_FORMAT_F32, &level_db, &rest_db);
  CHECK(rest_db < -80.0);
}

/* The caller's recipe: time of the first frame out = time of the first frame in - delay. */
static void test_time_stamps(void) {
  static const uint32_t rates[][2] = {
      {48000, 16000}, {44100, 48000}, {48000, 44100}, {16000, 192000}, {44100, 47999}};
  enum { IN_MAX = 480, OUT_MAX = 6000 };
  static uint8_t in[IN_MAX * 2];
  static uint8_t out[OUT_MAX * 2];
  const int64_t start_us = 1000000;
  for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
    struct audio_converter *converter =
        create((MiniAVAudioInfo){rates[r][0], 1, MINIAV_AUDIO_FORMAT_S16},
               (MiniAVAudioInfo){rates[r][1], 1, MINIAV_AUDIO_FORMAT_S16});
    uint64_t given = 0;
    uint64_t written = 0;
    double worst_us = 0.0;
    bool delays_equal = true;
    for (uint32_t step = 0; step < 2000; step++) {
      size_t give = 1 + step * 7919 % IN_MAX;
      double in_us = (double)start_us + (double)given * 1e6 / rates[r][0];
      double delay_frames = audio_convert_delay_frames(converter);
      int64_t delay_us = audio_convert_delay_us(converter);
      size_t count = process(converter, in, give, out, OUT_MAX).written_frames;
      double right_us = (double)start_us + (double)written * 1e6 / rates[r][1];
      worst_us = fmax(worst_us, fabs(in_us - (double)delay_us - right_us));
      delays_equal =
          delays_equal && fabs(delay_frames * 1e6 / rates[r][0] - (double)delay_us) <= 0.5001;
      given += give;
      written += count;
    }
    CHECK(worst_us <= 0.51);
    CHECK(delays_equal);
    audio_convert_reset(converter);
    CHECK_EQ(audio_convert_delay_us(converter), 0);
    audio_convert_destroy(converter);
  }
}

static const MiniAVAudioInfo mono_f32 = {48000, 1, MINIAV_AUDIO_FORMAT_F32};

/* A new gain is reached in a straight line of 10 ms, whatever the pieces. */
static void test_gain_ramp(size_t piece) {
  enum { FRAMES = 4800, RAMP = 480 };
  static float in[FRAMES];
  static float out[FRAMES];
  for (size_t i = 0; i < FRAMES; i++) {
    in[i] = 1.0f;
  }
  struct audio_converter *converter = create(mono_f32, mono_f32);
  CHECK_EQ(audio_convert_set_gain(converter, 0.5f), MINIAV_SUCCESS);
  process(converter, in, 1, out, 1);
  CHECK(out[0] == 0.5f); /* at once before the first frame */
  CHECK_EQ(audio_convert_set_gain(converter, 2.0f), MINIAV_SUCCESS);
  for (size_t done = 0; done < FRAMES; done += piece) {
    size_t count = piece < FRAMES - done ? piece : FRAMES - done;
    process(converter, in + done, count, out + done, count);
  }
  size_t wrong = 0;
  for (size_t i = 0; i < FRAMES; i++) {
    double right = i + 1 >= RAMP ? 2.0 : 0.5 + 1.5 * (double)(i + 1) / (double)RAMP;
    wrong += fabs((double)out[i] - right) > 1e-6;
  }
  CHECK_EQ(wrong, 0);
  CHECK(out[FRAMES - 1] == 2.0f); /* float is not clipped */

  /* Turned back half-way: no step larger than the ramp's. */
  audio_convert_set_mute(converter, true);
  process(converter, in, RAMP / 2, out, RAMP / 2);
  audio_convert_set_mute(converter, false);
  process(converter, in, RAMP * 2, out + RAMP / 2, RAMP * 2);
  float largest = 0.0f;
  for (size_t i = 1; i < RAMP * 2 + RAMP / 2; i++) {
    largest = fmaxf(largest, fabsf(out[i] - out[i - 1]));
  }
  CHECK(largest <= 2.0f / (float)RAMP * 1.001f);
  CHECK(out[RAMP * 2] == 2.0f);

  /* After a gap there is nothing to click against. */
  CHECK_EQ(audio_convert_set_gain(converter, 0.25f), MINIAV_SUCCESS);
  audio_convert_reset(converter);
  process(converter, in, 10, out, 10);
  CHECK(out[0] == 0.25f && out[9] == 0.25f);
  audio_convert_destroy(converter);
}

/* Muted samples are silence in every format; back at 1 the bytes are the device's again. */
static void test_mute(void) {
  enum { FRAMES = 2000 };
  static uint8_t in[FRAMES * 4];
  static uint8_t out[FRAMES * 4];
  for (size_t f = 0; f < 5; f++) {
    MiniAVAudioInfo info = {48000, 1, formats[f]};
    uint32_t size = audio_format_sample_bytes(formats[f]);
    struct audio_converter *converter = create(info, info);
    noise_write(formats[f], in, FRAMES);
    audio_convert_set_mute(converter, true);
    process(converter, in, FRAMES, out, FRAMES);
    size_t loud = 0;
    for (size_t i = 0; i < FRAMES * size; i++) {
      /* -0.0 is silence too: its sign bit */
      uint8_t silence = formats[f] == MINIAV_AUDIO_FORMAT_U8 ? 128 : 0;
      bool sign_only = formats[f] == MINIAV_AUDIO_FORMAT_F32 && i % 4 == 3 && out[i] == 0x80;
      loud += out[i] != silence && !sign_only;
    }
    CHECK_EQ(loud, 0);
    audio_convert_set_mute(converter, false);
    process(converter, in, FRAMES, out, FRAMES);
    CHECK(memcmp(in, out, FRAMES * size) != 0); /* the ramp up */
    process(converter, in, FRAMES, out, FRAMES);
    CHECK(memcmp(in, out, FRAMES * size) == 0);
    audio_convert_destroy(converter);
  }
}

/* Gain acts once, after the rate, in the output's format, which clips. */
static void test_gain_with_conversion(void) {
  enum { FRAMES = 4800 };
  static float in[FRAMES];
  static uint8_t out[FRAMES * 4];
  MiniAVAudioInfo out_info = {16000, 2, MINIAV_AUDIO_FORMAT_S16};
  int16_t sample;
  for (size_t i = 0; i < FRAMES; i++) {
    in[i] = 0.25f;
  }
  struct audio_converter *converter = create(mono_f32, out_info);
  CHECK_EQ(audio_convert_set_gain(converter, 2.0f), MINIAV_SUCCESS);
  size_t written = convert_whole(converter, &out_info, in, FRAMES, out, FRAMES);
  CHECK_EQ(written, FRAMES / 3);
  memcpy(&sample, out + 4 * (written / 2), sizeof sample);
  CHECK_NEAR(sample, 16384, 1);
  memcpy(&sample, out + 4 * (written / 2) + 2, sizeof sample);
  CHECK_NEAR(sample, 16384, 1);
  CHECK_EQ(audio_convert_set_gain(converter, 100.0f), MINIAV_SUCCESS);
  written = convert_whole(converter, &out_info, in, FRAMES, out, FRAMES);
  memcpy(&sample, out + 4 * (written / 2), sizeof sample);
  CHECK_EQ(sample, 32767);
  audio_convert_destroy(converter);
}

struct setter {
  struct audio_converter *converter;
  _Atomic bool stop;
};

static void *setter_run(void *argument) {
  struct setter *setter = argument;
  for (uint32_t i = 0; !atomic_load(&setter->stop); i++) {
    audio_convert_set_gain(setter->converter, (float)(i % 3));
    audio_convert_set_mute(setter->converter, i % 5 == 0);
  }
  return NULL;
}

/* Gain and mute from another thread: always on a straight line between what was set. */
static void test_gain_from_another_thread(void) {
  enum { FRAMES = 480 };
  float in[FRAMES];
  float out[FRAMES];
  struct setter setter = {create(mono_f32, mono_f32), false};
  pthread_t thread;
  for (size_t i = 0; i < FRAMES; i++) {
    in[i] = 1.0f;
  }
  if (!CHECK(pthread_create(&thread, NULL, setter_run, &setter) == 0)) {
    return;
  }
  float last = -1.0f;
  size_t wrong = 0;
  for (int round = 0; round < 2000; round++) {
    process(setter.converter, in, FRAMES, out, FRAMES);
    for (size_t i = 0; i < FRAMES; i++) {
      wrong += out[i] < 0.0f || out[i] > 2.0f;
      wrong += last >= 0.0f && fabsf(out[i] - last) > 2.0f / (float)FRAMES * 1.01f;
      last = out[i];
    }
  }
  CHECK_EQ(wrong, 0);
  atomic_store(&setter.stop, true);
  pthread_join(thread, NULL);
  audio_convert_destroy(setter.converter);
}

/* Odd addresses are fine, and a NaN from a device does not spoil its neighbours. */
static void test_robustness(void) {
  enum { FRAMES = 3000 };
  static uint8_t in[FRAMES * 4 + 1];
  static uint8_t out[FRAMES * 4 + 1];
  static float floats[FRAMES];
  struct audio_converter *converter =
      create(mono_f32, (MiniAVAudioInfo){44100, 1, MINIAV_AUDIO_FORMAT_F32});
  tone_write(floats, 1, FRAMES, 440.0, 48000, 0.5);
  floats[700] = NAN;
  floats[701] = INFINITY;
  memcpy(in + 1, floats, sizeof floats);
  size_t written = process(converter, in + 1, FRAMES, out + 1, FRAMES).written_frames;
  memcpy(floats, out + 1, written * sizeof *floats);
  size_t wrong = 0;
  for (size_t i = 0; i < written; i++) {
    wrong += !(fabsf(floats[i]) < 1.0f);
  }
  CHECK(written > 2000);
  CHECK_EQ(wrong, 0);
  audio_convert_destroy(converter);
}

static void test_arguments(void) {
  MiniAVAudioInfo good = mono_f32;
  MiniAVAudioInfo bad = {48000, 9, MINIAV_AUDIO_FORMAT_F32};
  struct audio_converter *converter = NULL;
  struct audio_convert_result result;
  float sample = 0.0f;
  size_t written = 0;
  CHECK_EQ(audio_convert_create(&good, &good, AUDIO_CHANNELS_SPEAKERS, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_create(NULL, &good, AUDIO_CHANNELS_SPEAKERS, &converter),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_create(&good, &bad, AUDIO_CHANNELS_SPEAKERS, &converter),
           MINIAV_ERROR_INVALID_ARG);
  CHECK(converter == NULL);
  audio_convert_destroy(NULL);
  converter = create(good, (MiniAVAudioInfo){8000, 1, MINIAV_AUDIO_FORMAT_F32});
  CHECK_EQ(audio_convert_process(NULL, &sample, 1, &sample, 1, &result), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_process(converter, NULL, 1, &sample, 1, &result),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_process(converter, &sample, 1, NULL, 1, &result),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_process(converter, &sample, 1, &sample, 1, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_process(converter, &sample, 0x80000001u, &sample, 1, &result),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_process(converter, NULL, 0, NULL, 0, &result), MINIAV_SUCCESS);
  CHECK_EQ(result.consumed_frames + result.written_frames, 0);
  CHECK_EQ(audio_convert_drain(NULL, &sample, 1, &written), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_drain(converter, NULL, 1, &written), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_drain(converter, &sample, 1, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_set_gain(converter, -0.1f), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_set_gain(converter, NAN), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_set_gain(converter, INFINITY), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_set_gain(NULL, 1.0f), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(audio_convert_set_gain(converter, AUDIO_CONVERT_GAIN_MAX), MINIAV_SUCCESS);
  audio_convert_destroy(converter);
}

int main(void) {
  test_identity();
  test_formats();
  test_pieces();
  test_tones();
  test_time_stamps();
  test_gain_ramp(4800);
  test_gain_ramp(333);
  test_gain_ramp(1);
  test_mute();
  test_gain_with_conversion();
  test_gain_from_another_thread();
  test_robustness();
  test_arguments();
  return check_report("audio_convert");
}
