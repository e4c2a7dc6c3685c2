/* sample_ring: what is pushed is read in order, or counted as lost; with two threads. */
#include "common/sample_ring.h"

#include "audio/miniaudio/wake.h"
#include "common/thread.h"
#include "support/check.h"

#define TOTAL_FRAMES 2000000u

static struct sample_ring *ring;
static struct wake wake;
static atomic_bool pushed_all;

/* Frames of 6 bytes that carry their number. */
static void frame_write(uint8_t *frame, uint64_t number) {
  for (int i = 0; i < 6; i++) {
    frame[i] = (uint8_t)(number >> (8 * i));
  }
}

static uint64_t frame_number(const uint8_t *frame) {
  uint64_t number = 0;
  for (int i = 0; i < 6; i++) {
    number |= (uint64_t)frame[i] << (8 * i);
  }
  return number;
}

static void push_all(void *argument) {
  (void)argument;
  static uint8_t chunk[700 * 6];
  uint64_t number = 0;
  uint32_t random = 1;
  while (number < TOTAL_FRAMES) {
    random = random * 1664525u + 1013904223u;
    uint32_t frames = 1 + (random >> 8) % 700;
    for (uint32_t i = 0; i < frames; i++) {
      frame_write(chunk + i * 6, number + i);
    }
    sample_ring_push(ring, chunk, frames, (int64_t)number, 0);
    number += frames;
    wake_give(&wake);
  }
  atomic_store(&pushed_all, true);
  wake_give(&wake);
}

/* Reads one record; false when a frame is not the one that is due. */
static bool record_read(uint64_t *due) {
  struct sample_arrival arrival = sample_ring_peek(ring, 0);
  *due += arrival.lost_frames;
  if (!CHECK_EQ(arrival.arrival_us, *due)) {
    return false;
  }
  for (uint32_t left = arrival.frames; left > 0;) {
    uint32_t piece = 0;
    const uint8_t *frames = sample_ring_read(ring, left, &piece);
    for (uint32_t i = 0; i < piece; i++, (*due)++) {
      if (frame_number(frames + i * 6) != *due) {
        return CHECK_EQ(frame_number(frames + i * 6), *due);
      }
    }
    sample_ring_consume(ring, piece);
    left -= piece;
  }
  sample_ring_take(ring);
  return true;
}

static void test_two_threads(void) {
  ring = sample_ring_create(6, 5000);
  if (!CHECK(ring != NULL && wake_init(&wake)) ||
      !CHECK(thread_start("ring-test", push_all, NULL))) {
    return;
  }
  uint64_t due = 0;
  bool good = true;
  while (good && (!atomic_load(&pushed_all) || sample_ring_records(ring) > 0)) {
    wake_wait(&wake, 100);
    while (good && sample_ring_records(ring) > 0) {
      good = record_read(&due);
    }
  }
  /* What was dropped after the last record that went in has no record yet. */
  CHECK(good && due <= TOTAL_FRAMES + 700);
  CHECK(due + ring->pending_lost >= TOTAL_FRAMES);
  sample_ring_destroy(ring);
}

static void test_overflow(void) {
  static const uint8_t chunk[1024 * 2] = {0};
  ring = sample_ring_create(2, 1024);
  if (!CHECK(ring != NULL)) {
    return;
  }
  sample_ring_push(ring, chunk, 1000, 1, 0);
  sample_ring_push(ring, chunk, 100, 2, 0); /* does not fit: dropped whole */
  sample_ring_push(ring, chunk, 24, 3, 0);  /* fills it to the last frame */
  CHECK_EQ(sample_ring_records(ring), 2);
  CHECK_EQ(sample_ring_peek(ring, 0).lost_frames, 0);
  CHECK_EQ(sample_ring_peek(ring, 1).lost_frames, 100);
  CHECK_EQ(sample_ring_peek(ring, 1).frames, 24);
  sample_ring_clear(ring);
  CHECK_EQ(sample_ring_records(ring), 0);
  sample_ring_push(ring, chunk, 1024, 4, 0);
  CHECK_EQ(sample_ring_records(ring), 1);
  sample_ring_clear(ring);
  for (uint32_t i = 0; i < SAMPLE_RING_RECORDS; i++) {
    sample_ring_push(ring, chunk, 0, 5, 0);
  }
  sample_ring_push(ring, chunk, 7, 6, 0); /* no record is free */
  CHECK_EQ(sample_ring_records(ring), SAMPLE_RING_RECORDS);
  CHECK_EQ(ring->pending_lost, 7);
  sample_ring_destroy(ring);
}

static void test_wake(void) {
  struct wake local;
  if (!CHECK(wake_init(&local))) {
    return;
  }
  CHECK(!wake_wait(&local, 1));
  wake_give(&local);
  wake_give(&local); /* one is outstanding, not two */
  CHECK(wake_wait(&local, 1000));
  CHECK(!wake_wait(&local, 1));
  wake_destroy(&local);
}

int main(void) {
  test_two_threads();
  test_overflow();
  test_wake();
  return check_report("sample_ring");
}
