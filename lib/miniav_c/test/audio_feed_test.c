/* The feed of samples whose time is known, into a capture: one timeline through gaps, losses,
 * overlaps, clocks that change and rates that change. */
#include "common/audio_feed.h"

#include <math.h>

#include "common/capture_internal.h"
#include "support/check.h"

#define PIECE_FRAMES 480u
#define PIECE_US     10000
#define START_US     INT64_C(5000000000)
#define RATE_HZ      48000u

static const MiniAVAudioInfo mono_float = {RATE_HZ, 1, MINIAV_AUDIO_FORMAT_F32};

/* A capture that accepts, without a backend, and what has come out of it. */
struct bench {
  uint64_t handle;
  struct capture *capture;
  struct audio_feed feed;
  uint64_t frames;
  uint64_t silent_frames;
  uint64_t loud_frames; /* not 0 */
  uint32_t discontinuities;
  uint32_t estimated;
  int64_t first_us;
  int64_t end_us;
  double worst_step_us;
};

static bool bench_open(struct bench *bench, const MiniAVAudioInfo *out, bool fills) {
  *bench = (struct bench){0};
  if (!CHECK_EQ(capture_create(MINIAV_KIND_LOOPBACK, &bench->handle), MINIAV_SUCCESS)) {
    return false;
  }
  bench->capture = capture_acquire(bench->handle, MINIAV_KIND_LOOPBACK);
  mutex_lock(&bench->capture->lock);
  bench->capture->state = CAPTURE_RUNNING;
  bench->capture->accepting = true;
  struct lane *lane = &bench->capture->lanes[LANE_MAIN];
  lane->limit = lane->table->count;
  mutex_unlock(&bench->capture->lock);
  MiniAVResultCode result = audio_feed_init(&bench->feed, bench->capture, &mono_float, out,
                                            AUDIO_CHANNELS_SPEAKERS, fills);
  audio_feed_begin(&bench->feed, START_US);
  return CHECK_EQ(result, MINIAV_SUCCESS);
}

static void bench_close(struct bench *bench) {
  mutex_lock(&bench->capture->lock);
  bench->capture->state = CAPTURE_CONFIGURED;
  bench->capture->accepting = false;
  mutex_unlock(&bench->capture->lock);
  capture_drop_all(bench->capture, DROP_STOPPED);
  audio_feed_free(&bench->feed);
  capture_release_reference(bench->capture);
  CHECK_EQ(capture_destroy(bench->handle, MINIAV_KIND_LOOPBACK), MINIAV_SUCCESS);
}

static void see(struct bench *bench, const MiniAVBuffer *buffer) {
  const float *samples = buffer->data.audio.data;
  uint32_t frames = buffer->data.audio.frame_count;
  if (bench->frames == 0) {
    bench->first_us = buffer->timestamp_us;
  } else {
    double step_us = fabs((double)(buffer->timestamp_us - bench->end_us));
    bench->worst_step_us = fmax(bench->worst_step_us, step_us);
  }
  bench->end_us = buffer->timestamp_us + buffer->duration_us;
  bench->frames += frames;
  bench->silent_frames += (buffer->flags & MINIAV_BUFFER_FLAG_SILENT) != 0 ? frames : 0;
  bench->discontinuities += (buffer->flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0;
  bench->estimated += (buffer->flags & MINIAV_BUFFER_FLAG_ESTIMATED_TIME) != 0;
  for (uint32_t i = 0; i < frames; i++) {
    bench->loud_frames += samples[i] != 0.0f;
  }
}

static void take_all(struct bench *bench) {
  MiniAVBuffer buffer;
  while (capture_take(bench->capture, &buffer) == MINIAV_SUCCESS) {
    see(bench, &buffer);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
}

static void feed_piece(struct bench *bench, uint32_t frames, int64_t time_us, uint32_t flags) {
  static float samples[8192];
  for (uint32_t i = 0; i < frames; i++) {
    samples[i] = 0.25f;
  }
  audio_feed_next(&bench->feed, flags);
  audio_feed_samples(&bench->feed, samples, frames, START_US + time_us);
  take_all(bench);
}

static MiniAVCaptureStats stats_of(const struct bench *bench) {
  MiniAVCaptureStats stats = {0};
  CHECK_EQ(capture_stats(bench->handle, MINIAV_KIND_LOOPBACK, &stats), MINIAV_SUCCESS);
  return stats;
}

/* The number of frames is the time that passed, and one buffer follows the other. */
static void check_total(const struct bench *bench, uint32_t rate_hz, int64_t until_us) {
  CHECK_EQ(bench->first_us, START_US);
  CHECK_NEAR(bench->end_us, START_US + until_us, 11000); /* a part of a chunk may be held back */
  CHECK_NEAR((double)bench->frames * 1e6 / rate_hz, bench->end_us - bench->first_us, 100);
  CHECK(bench->worst_step_us <= 50);
}

static void test_silence_between(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  feed_piece(&bench, PIECE_FRAMES, 0, 0);
  audio_feed_silence_until(&bench.feed, START_US + 73000);
  take_all(&bench);
  feed_piece(&bench, PIECE_FRAMES, 115001, AUDIO_FEED_ALIGNED);
  for (int i = 1; i < 20; i++) {
    feed_piece(&bench, PIECE_FRAMES, 115001 + i * PIECE_US, 0);
  }
  check_total(&bench, RATE_HZ, 115001 + 20 * PIECE_US);
  CHECK_NEAR(bench.loud_frames, 21 * PIECE_FRAMES, PIECE_FRAMES);
  CHECK_NEAR(bench.silent_frames, 105 * 48, 960);
  CHECK_EQ(bench.discontinuities, 0);
  CHECK_EQ(stats_of(&bench).dropped, 0);
  bench_close(&bench);
}

/* What was captured before the timeline begins is nobody's; what comes when silence has its place
 * is lost, and told. */
static void test_too_late(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  feed_piece(&bench, PIECE_FRAMES, -4 * PIECE_US, 0);
  CHECK_EQ(stats_of(&bench).dropped, 0);
  feed_piece(&bench, PIECE_FRAMES, 0, 0);
  for (int i = 1; i <= 4; i++) { /* as much at once as a queue holds */
    audio_feed_silence_until(&bench.feed, START_US + i * 5 * PIECE_US);
    take_all(&bench);
  }
  feed_piece(&bench, PIECE_FRAMES, 5 * PIECE_US, 0);
  CHECK(stats_of(&bench).dropped_late > 0);
  feed_piece(&bench, PIECE_FRAMES, 20 * PIECE_US, 0);
  check_total(&bench, RATE_HZ, 21 * PIECE_US);
  CHECK_NEAR(bench.loud_frames, 2 * PIECE_FRAMES, PIECE_FRAMES / 2);
  CHECK_EQ(bench.discontinuities, 1);
  bench_close(&bench);
}

/* Lost sound keeps the clock, but is neither called silence nor kept secret. */
static void test_lost_is_no_silence(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  feed_piece(&bench, PIECE_FRAMES, 0, 0);
  feed_piece(&bench, PIECE_FRAMES, 4 * PIECE_US, AUDIO_FEED_LOST);
  feed_piece(&bench, PIECE_FRAMES, 5 * PIECE_US, 0);
  CHECK_EQ(bench.silent_frames, 0);
  CHECK_EQ(bench.discontinuities, 1);
  CHECK_EQ(stats_of(&bench).dropped_late, 3);
  check_total(&bench, RATE_HZ, 6 * PIECE_US);
  feed_piece(&bench, PIECE_FRAMES, 6 * PIECE_US + 1000,
             AUDIO_FEED_LOST); /* a short one counts too */
  CHECK_EQ(stats_of(&bench).dropped_late, 4);
  audio_feed_lost_until(&bench.feed, START_US + 20 * PIECE_US);
  take_all(&bench);
  CHECK_EQ(bench.silent_frames, 0);
  CHECK(stats_of(&bench).dropped_late > 10);
  check_total(&bench, RATE_HZ, 20 * PIECE_US);
  bench_close(&bench);
}

/* Whoever stood still cannot tell: times jump, and nothing is made up. */
static void test_standing_still_is_bounded(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  feed_piece(&bench, PIECE_FRAMES, 0, 0);
  audio_feed_silence_until(&bench.feed, START_US + INT64_C(3600000000));
  feed_piece(&bench, PIECE_FRAMES, INT64_C(3600000000), 0);
  feed_piece(&bench, PIECE_FRAMES, INT64_C(7200000000), 0);
  CHECK_EQ(bench.frames, 3 * PIECE_FRAMES);
  CHECK_EQ(bench.end_us, START_US + INT64_C(7200000000) + PIECE_US);
  CHECK_EQ(bench.discontinuities, 2);
  CHECK_EQ(stats_of(&bench).dropped_late, 2 * 360000 - 2);
  bench_close(&bench);
}

/* Clocks that differ by less than what joins: the total stays, however often they take turns. */
static void test_clocks_take_turns(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  int64_t time_us = 0;
  for (int turn = 0; turn < 200; turn++) {
    int64_t shift_us = (turn * 1237) % 5800 - 2900;
    feed_piece(&bench, PIECE_FRAMES, time_us + (turn == 0 ? 0 : shift_us), AUDIO_FEED_ALIGNED);
    time_us += PIECE_US;
    feed_piece(&bench, PIECE_FRAMES, time_us + (turn == 0 ? 0 : shift_us), 0);
    time_us += PIECE_US;
  }
  check_total(&bench, RATE_HZ, time_us);
  CHECK_EQ(bench.discontinuities, 0);
  bench_close(&bench);
}

/* More samples than time passes: what overlaps is cut off. */
static void test_too_many(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  for (int i = 0; i < 100; i++) {
    feed_piece(&bench, 4096, i * PIECE_US, AUDIO_FEED_ESTIMATED);
  }
  CHECK_NEAR(bench.end_us, START_US + 99 * PIECE_US + 85333, 11000);
  CHECK_NEAR((double)bench.frames / 48, (double)(bench.end_us - START_US) / 1000, 0.1);
  CHECK_EQ(bench.estimated * PIECE_FRAMES, bench.frames);
  bench_close(&bench);
}

static void test_rate_changes(uint32_t out_hz, uint32_t channels) {
  static const uint32_t rates[] = {48000, 44100, 96000, 8000, 44100, 48000};
  const MiniAVAudioInfo out = {out_hz, channels, MINIAV_AUDIO_FORMAT_F32};
  struct bench bench;
  if (!bench_open(&bench, &out, true)) {
    return;
  }
  int64_t time_us = 0;
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    const MiniAVAudioInfo in = {rates[i], 1, MINIAV_AUDIO_FORMAT_F32};
    CHECK_EQ(audio_feed_reformat(&bench.feed, &in), MINIAV_SUCCESS);
    take_all(&bench);
    for (int n = 0; n < 7; n++) {
      feed_piece(&bench, rates[i] / 100, time_us, 0);
      time_us += PIECE_US;
    }
  }
  check_total(&bench, out_hz, time_us);
  CHECK_EQ(bench.discontinuities, 0);
  CHECK_EQ(bench.silent_frames, 0);
  bench_close(&bench);
}

/* A microphone: everything that is missing was lost. */
static void test_without_filling(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float, false)) {
    return;
  }
  feed_piece(&bench, PIECE_FRAMES, 0, 0);
  feed_piece(&bench, PIECE_FRAMES, PIECE_US + 2000, 0); /* late, but the next */
  feed_piece(&bench, PIECE_FRAMES, 10 * PIECE_US, 0);
  CHECK_EQ(bench.frames, 3 * PIECE_FRAMES);
  CHECK_EQ(bench.silent_frames, 0);
  CHECK_EQ(bench.discontinuities, 1);
  CHECK_EQ(stats_of(&bench).dropped_late, 8);
  bench_close(&bench);
}

/* A program's own numbers, unless they are converted. */
static void test_not_finite(void) {
  struct bench bench;
  MiniAVBuffer buffer;
  float samples[PIECE_FRAMES] = {NAN, INFINITY, -INFINITY, 0.5f};
  if (!bench_open(&bench, &mono_float, true)) {
    return;
  }
  audio_feed_samples(&bench.feed, samples, PIECE_FRAMES, START_US);
  if (CHECK_EQ(capture_take(bench.capture, &buffer), MINIAV_SUCCESS)) {
    const float *out = buffer.data.audio.data;
    CHECK(isnan(out[0]) && isinf(out[1]) && isinf(out[2]) && out[3] == 0.5f);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  bench_close(&bench);
}

int main(void) {
  test_silence_between();
  test_too_late();
  test_lost_is_no_silence();
  test_standing_still_is_bounded();
  test_clocks_take_turns();
  test_too_many();
  test_rate_changes(48000, 1);
  test_rate_changes(44100, 2);
  test_rate_changes(16000, 1);
  test_without_filling();
  test_not_finite();
  return check_report("audio_feed");
}
