#include "common/sample_ring.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((SAMPLE_RING_RECORDS & (SAMPLE_RING_RECORDS - 1)) == 0, "a power of two");

struct sample_ring *sample_ring_create(uint32_t frame_bytes, uint32_t frames) {
  uint32_t capacity = 1024;
  while (capacity < frames) {
    capacity *= 2;
  }
  struct sample_ring *ring = calloc(1, sizeof(*ring));
  uint8_t *data = malloc((size_t)capacity * frame_bytes);
  if (ring == NULL || data == NULL) {
    free(ring);
    free(data);
    return NULL;
  }
  /* Touched now: the audio thread must not be the one that faults the pages in. */
  memset(data, 0, (size_t)capacity * frame_bytes);
  ring->data = data;
  ring->frame_bytes = frame_bytes;
  ring->capacity_frames = capacity;
  return ring;
}

void sample_ring_destroy(struct sample_ring *ring) {
  if (ring != NULL) {
    free(ring->data);
    free(ring);
  }
}

void sample_ring_push(struct sample_ring *ring, const void *samples, uint32_t frames,
                      int64_t arrival_us, uint32_t latency_us) {
  uint64_t write = atomic_load_explicit(&ring->write_frame, memory_order_relaxed);
  uint64_t read = atomic_load_explicit(&ring->read_frame, memory_order_acquire);
  uint32_t record = atomic_load_explicit(&ring->write_record, memory_order_relaxed);
  uint32_t oldest = atomic_load_explicit(&ring->read_record, memory_order_acquire);
  if (frames > ring->capacity_frames - (uint32_t)(write - read) ||
      record - oldest == SAMPLE_RING_RECORDS) {
    ring->pending_lost += frames;
    return;
  }
  uint32_t start = (uint32_t)(write & (ring->capacity_frames - 1));
  uint32_t first = ring->capacity_frames - start;
  first = first < frames ? first : frames;
  memcpy(ring->data + (size_t)start * ring->frame_bytes, samples,
         (size_t)first * ring->frame_bytes);
  memcpy(ring->data, (const uint8_t *)samples + (size_t)first * ring->frame_bytes,
         (size_t)(frames - first) * ring->frame_bytes);
  ring->records[record & (SAMPLE_RING_RECORDS - 1)] = (struct sample_arrival){
      arrival_us, ring->pending_lost, frames, latency_us, ring->rate_hz, ring->pending_flags};
  ring->pending_lost = 0;
  ring->pending_flags = 0;
  atomic_store_explicit(&ring->write_frame, write + frames, memory_order_relaxed);
  atomic_store_explicit(&ring->write_record, record + 1, memory_order_release);
}

void sample_ring_note(struct sample_ring *ring, uint32_t rate_hz, uint32_t flags,
                      uint64_t lost_frames) {
  ring->rate_hz = rate_hz;
  ring->pending_flags |= flags;
  ring->pending_lost += lost_frames;
}

uint32_t sample_ring_records(const struct sample_ring *ring) {
  return atomic_load_explicit(&ring->write_record, memory_order_acquire) -
         atomic_load_explicit(&ring->read_record, memory_order_relaxed);
}

uint32_t sample_ring_frames(const struct sample_ring *ring) {
  return (uint32_t)(atomic_load_explicit(&ring->write_frame, memory_order_acquire) -
                    atomic_load_explicit(&ring->read_frame, memory_order_relaxed));
}

struct sample_arrival sample_ring_peek(const struct sample_ring *ring, uint32_t index) {
  uint32_t oldest = atomic_load_explicit(&ring->read_record, memory_order_relaxed);
  return ring->records[(oldest + index) & (SAMPLE_RING_RECORDS - 1)];
}

const void *sample_ring_read(const struct sample_ring *ring, uint32_t frames, uint32_t *available) {
  uint64_t read = atomic_load_explicit(&ring->read_frame, memory_order_relaxed);
  uint32_t start = (uint32_t)(read & (ring->capacity_frames - 1));
  uint32_t piece = ring->capacity_frames - start;
  *available = piece < frames ? piece : frames;
  return ring->data + (size_t)start * ring->frame_bytes;
}

void sample_ring_consume(struct sample_ring *ring, uint32_t frames) {
  uint64_t read = atomic_load_explicit(&ring->read_frame, memory_order_relaxed);
  atomic_store_explicit(&ring->read_frame, read + frames, memory_order_release);
}

void sample_ring_take(struct sample_ring *ring) {
  uint32_t oldest = atomic_load_explicit(&ring->read_record, memory_order_relaxed);
  atomic_store_explicit(&ring->read_record, oldest + 1, memory_order_release);
}

void sample_ring_clear(struct sample_ring *ring) {
  ring->pending_lost = 0;
  ring->pending_flags = 0;
  atomic_store_explicit(&ring->read_frame,
                        atomic_load_explicit(&ring->write_frame, memory_order_relaxed),
                        memory_order_relaxed);
  atomic_store_explicit(&ring->read_record,
                        atomic_load_explicit(&ring->write_record, memory_order_relaxed),
                        memory_order_release);
}
