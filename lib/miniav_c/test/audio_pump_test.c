/* The microphone's pump: samples that arrived when the test says, and what a capture makes of them:
 * times, order, gaps, pauses, a device that is replaced, a consumer that holds everything. */
#include "audio/miniaudio/pump.h"

#include "common/capture_internal.h"
#include "common/clock.h"
#include "support/check.h"

#define PERIOD_FRAMES 480u
#define PERIOD_US     10000
#define START_US      5000000000LL

static const MiniAVAudioInfo mono_float = {48000, 1, MINIAV_AUDIO_FORMAT_F32};

/* A capture that accepts, without a backend: what the pump sees of one that runs. */
struct bench {
  uint64_t handle;
  struct capture *capture;
  struct sample_ring *ring;
  struct pump pump;
  uint64_t pushed; /* frames, which count on over gaps: a sample's value is its number */
};

static bool bench_open(struct bench *bench, const MiniAVAudioInfo *out) {
  *bench = (struct bench){0};
  if (!CHECK_EQ(capture_create(MINIAV_KIND_AUDIO, &bench->handle), MINIAV_SUCCESS)) {
    return false;
  }
  bench->capture = capture_acquire(bench->handle, MINIAV_KIND_AUDIO);
  bench->ring = sample_ring_create(4, 24000);
  mutex_lock(&bench->capture->lock);
  bench->capture->state = CAPTURE_RUNNING;
  bench->capture->accepting = true;
  bench->capture->lanes[LANE_MAIN].limit = bench->capture->lanes[LANE_MAIN].table->count;
  mutex_unlock(&bench->capture->lock);
  return CHECK(bench->ring != NULL) &&
         CHECK_EQ(pump_init(&bench->pump, bench->capture, out), MINIAV_SUCCESS) &&
         CHECK_EQ(pump_attach(&bench->pump, bench->ring, &mono_float), MINIAV_SUCCESS);
}

static void bench_close(struct bench *bench) {
  mutex_lock(&bench->capture->lock);
  bench->capture->state = CAPTURE_CONFIGURED;
  bench->capture->accepting = false;
  mutex_unlock(&bench->capture->lock);
  capture_drop_all(bench->capture, DROP_STOPPED);
  pump_free(&bench->pump);
  sample_ring_destroy(bench->ring);
  capture_release_reference(bench->capture);
  CHECK_EQ(capture_destroy(bench->handle, MINIAV_KIND_AUDIO), MINIAV_SUCCESS);
}

/* A period whose last frame arrived at that time after the start. */
static void push(struct bench *bench, int64_t time_us) {
  float samples[PERIOD_FRAMES];
  for (uint32_t i = 0; i < PERIOD_FRAMES; i++) {
    samples[i] = (float)(bench->pushed + i) / 16777216.0f;
  }
  sample_ring_push(bench->ring, samples, PERIOD_FRAMES, START_US + time_us, 0);
  bench->pushed += PERIOD_FRAMES;
}

static bool take(struct bench *bench, MiniAVBuffer *buffer) {
  return capture_take(bench->capture, buffer) == MINIAV_SUCCESS;
}

/* The number that the first sample of a buffer carries. */
static long long first_number(const MiniAVBuffer *buffer) {
  const float *samples = buffer->data.audio.data;
  return (long long)(samples[0] * 16777216.0f);
}

static MiniAVCaptureStats stats_of(struct bench *bench) {
  MiniAVCaptureStats stats = {0};
  CHECK_EQ(capture_stats(bench->handle, MINIAV_KIND_AUDIO, &stats), MINIAV_SUCCESS);
  CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
  return stats;
}

static void test_times_and_order(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float)) {
    return;
  }
  MiniAVBuffer buffer;
  for (int i = 1; i <= 5; i++) {
    push(&bench, i * PERIOD_US);
    pump_run(&bench.pump);
    CHECK(!take(&bench, &buffer)); /* the first 50 ms tell where the clock stands */
  }
  int taken = 0;
  for (int i = 6; i <= 200; i++) {
    push(&bench, i * PERIOD_US + (i % 7) * 500); /* some wait on their way */
    pump_run(&bench.pump);
    for (; take(&bench, &buffer); taken++) {
      CHECK_NEAR(buffer.timestamp_us, START_US + (int64_t)taken * PERIOD_US, 20);
      CHECK_EQ(buffer.data.audio.frame_count, PERIOD_FRAMES);
      CHECK_EQ(buffer.duration_us, PERIOD_US);
      CHECK_EQ(buffer.flags, MINIAV_BUFFER_FLAG_ESTIMATED_TIME);
      CHECK_EQ(first_number(&buffer), taken * (long long)PERIOD_FRAMES);
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
  }
  CHECK_EQ(taken, 200);
  bench_close(&bench);
}

static void test_conversion_keeps_time(void) {
  static const MiniAVAudioInfo out = {16000, 2, MINIAV_AUDIO_FORMAT_S16};
  struct bench bench;
  if (!bench_open(&bench, &out)) {
    return;
  }
  MiniAVBuffer buffer;
  int taken = 0;
  for (int i = 1; i <= 100; i++) {
    push(&bench, i * PERIOD_US);
    pump_run(&bench.pump);
    for (; take(&bench, &buffer); taken++) {
      CHECK_NEAR(buffer.timestamp_us, START_US + (int64_t)taken * PERIOD_US, 20);
      CHECK_EQ(buffer.data.audio.frame_count, 160);
      CHECK_EQ(buffer.data.audio.channel_count, 2);
      CHECK((buffer.flags & MINIAV_BUFFER_FLAG_CONVERTED) != 0);
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
  }
  CHECK(taken >= 98); /* the filter holds some frames back, no more */
  bench_close(&bench);
}

/* The worker did not run for a second: the ring is full, and what is missing is told. */
static void test_overrun(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float)) {
    return;
  }
  MiniAVBuffer buffer;
  int time = 0;
  for (; time < 10; time++) {
    push(&bench, (time + 1) * PERIOD_US);
  }
  pump_run(&bench.pump);
  while (take(&bench, &buffer)) {
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  uint32_t room = bench.ring->capacity_frames / PERIOD_FRAMES;
  for (uint32_t i = 0; i < room + 30; i++, time++) { /* 30 too many */
    push(&bench, (time + 1) * PERIOD_US);
  }
  pump_run(&bench.pump); /* more than the queue holds: the oldest are dropped */
  long long last = 0;
  while (take(&bench, &buffer)) {
    last = first_number(&buffer);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  push(&bench, (time + 1) * PERIOD_US);
  pump_run(&bench.pump);
  if (CHECK(take(&bench, &buffer))) {
    CHECK((buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0);
    CHECK_EQ(first_number(&buffer), last + 31 * (long long)PERIOD_FRAMES);
    CHECK_NEAR(buffer.timestamp_us, START_US + (int64_t)time * PERIOD_US, 20);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  CHECK_EQ(stats_of(&bench).dropped_late, 30);
  bench_close(&bench);
}

/* A source that is suspended for two seconds: time goes on without it, and at once. */
static void test_pause(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float)) {
    return;
  }
  MiniAVBuffer buffer;
  const int64_t pause_us = 2000000;
  int taken = 0;
  for (int i = 1; i <= 40; i++) {
    push(&bench, i * PERIOD_US + (i > 20 ? pause_us : 0));
    pump_run(&bench.pump);
    for (; take(&bench, &buffer); taken++) {
      int64_t due_us = START_US + taken * PERIOD_US + (taken >= 20 ? pause_us : 0);
      CHECK_NEAR(buffer.timestamp_us, due_us, 20);
      CHECK_EQ((buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0, taken == 20);
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
  }
  CHECK_EQ(taken, 40);
  CHECK_EQ(stats_of(&bench).dropped, 0); /* nothing was there to be lost */
  bench_close(&bench);
}

/* Samples that never came, of 300 ms: noticed after some periods, told as what they were. */
static void test_silent_loss(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float)) {
    return;
  }
  MiniAVBuffer buffer;
  int discontinuities = 0;
  int64_t last_us = 0;
  for (int i = 1; i <= 100; i++) {
    push(&bench, i * PERIOD_US + (i > 50 ? 300000 : 0));
    pump_run(&bench.pump);
    while (take(&bench, &buffer)) {
      CHECK(buffer.timestamp_us > last_us);
      last_us = buffer.timestamp_us;
      discontinuities += (buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0;
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
  }
  CHECK_EQ(discontinuities, 1);
  CHECK_NEAR(last_us, START_US + 99 * PERIOD_US + 300000, 100);
  CHECK_EQ(stats_of(&bench).dropped_late, 30);
  bench_close(&bench);
}

static void test_everything_held(void) {
  struct bench bench;
  if (!bench_open(&bench, &mono_float)) {
    return;
  }
  MiniAVBuffer held[SLOTS_PER_TABLE];
  uint32_t count = 0;
  int time = 0;
  for (; time < 100; time++) {
    push(&bench, (time + 1) * PERIOD_US);
    pump_run(&bench.pump);
    while (count < SLOTS_PER_TABLE && take(&bench, &held[count])) {
      count++;
    }
  }
  CHECK_EQ(count, capture_slot_count(bench.capture));
  for (uint32_t i = 0; i < count; i++) {
    CHECK_EQ(first_number(&held[i]), i * (long long)PERIOD_FRAMES); /* untouched while held */
    MiniAV_ReleaseBuffer(held[i].internal_handle);
  }
  push(&bench, (time + 1) * PERIOD_US);
  pump_run(&bench.pump);
  MiniAVBuffer buffer;
  if (CHECK(take(&bench, &buffer))) {
    CHECK((buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0);
    CHECK_EQ(first_number(&buffer), time * (long long)PERIOD_FRAMES);
    CHECK_NEAR(buffer.timestamp_us, START_US + (int64_t)time * PERIOD_US, 20);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  CHECK_EQ(stats_of(&bench).dropped_buffers_held, 100 - count);
  bench_close(&bench);
}

/* The default moved to a device with another format: what comes stays what was asked for. */
static void test_another_device(void) {
  static const MiniAVAudioInfo other = {16000, 2, MINIAV_AUDIO_FORMAT_S16};
  struct bench bench;
  if (!bench_open(&bench, &mono_float)) {
    return;
  }
  MiniAVBuffer buffer;
  for (int i = 1; i <= 10; i++) {
    push(&bench, i * PERIOD_US);
  }
  pump_run(&bench.pump);
  while (take(&bench, &buffer)) {
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  struct sample_ring *ring = sample_ring_create(4, 16000);
  static const int16_t samples[2 * 160] = {0};
  CHECK_EQ(pump_attach(&bench.pump, ring, &other), MINIAV_SUCCESS);
  for (int i = 1; i <= 10; i++) {
    sample_ring_push(ring, samples, 160, START_US + 500000 + i * PERIOD_US, 2000);
  }
  pump_run(&bench.pump);
  for (int i = 0; take(&bench, &buffer); i++) {
    /* 2 ms of latency, as the source says */
    CHECK_NEAR(buffer.timestamp_us, START_US + 498000 + i * PERIOD_US, 20);
    CHECK_EQ((buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0, i == 0);
    CHECK_EQ(buffer.data.audio.frame_count, PERIOD_FRAMES);
    CHECK_EQ(buffer.sample_rate, 48000);
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  pump_detach(&bench.pump);
  sample_ring_destroy(ring);
  bench_close(&bench);
}

int main(void) {
  test_times_and_order();
  test_conversion_keeps_time();
  test_overrun();
  test_pause();
  test_silent_loss();
  test_everything_held();
  test_another_device();
  return check_report("audio_pump");
}
