/*
 * Samples on their way from the audio thread to the worker: a ring of bytes and beside it one of
 * arrivals. One thread pushes, one reads; nothing here locks, waits, allocates (but create) or
 * calls the system.
 *
 * Invariants
 * - read_frame <= end of the record that is read <= write_frame <= read_frame + capacity_frames.
 * - A chunk lies in the ring before its record is published; a record is taken before its frames
 *   are given back.
 * - A chunk that does not fit is dropped whole and counted in the next record that does:
 *   sum(frames) + sum(lost_frames) over the records is what was pushed.
 */
#ifndef MINIAV_COMMON_SAMPLE_RING_H
#define MINIAV_COMMON_SAMPLE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_RING_RECORDS 1024u

struct sample_arrival {
  int64_t arrival_us;
  uint64_t lost_frames; /* dropped just before this chunk */
  uint32_t frames;
  uint32_t latency_us; /* how long before that the last frame was captured, as the source says */
  uint32_t rate_hz;    /* the next two: what sample_ring_note said; 0 without it */
  uint32_t flags;
};

struct sample_ring {
  uint8_t *data;
  uint32_t frame_bytes;
  uint32_t capacity_frames; /* a power of two */
  uint64_t pending_lost;    /* the pushing thread's, as are the next two */
  uint32_t pending_flags;
  uint32_t rate_hz;
  _Alignas(64) _Atomic uint64_t write_frame; /* counted since create */
  _Atomic uint32_t write_record;             /* likewise, modulo 2^32 */
  _Alignas(64) _Atomic uint64_t read_frame;
  _Atomic uint32_t read_record;
  struct sample_arrival records[SAMPLE_RING_RECORDS];
};

/* Room for at least that many frames; NULL when memory is exhausted. */
struct sample_ring *sample_ring_create(uint32_t frame_bytes, uint32_t frames);
void sample_ring_destroy(struct sample_ring *ring); /* NULL is fine */

/* The pushing thread. One copy. */
void sample_ring_push(struct sample_ring *ring, const void *samples, uint32_t frames,
                      int64_t arrival_us, uint32_t latency_us);

/* The pushing thread: what the next record that fits says beside its samples. flags (the user's
 * own) and lost_frames add to what waits already; rate_hz is that of all samples from here on. */
void sample_ring_note(struct sample_ring *ring, uint32_t rate_hz, uint32_t flags,
                      uint64_t lost_frames);

/* The reading thread, all below. How many records lie in the ring. */
uint32_t sample_ring_records(const struct sample_ring *ring);
/* How many frames lie in the ring. */
uint32_t sample_ring_frames(const struct sample_ring *ring);
/* The record at `index`, 0 the oldest; index < sample_ring_records(). */
struct sample_arrival sample_ring_peek(const struct sample_ring *ring, uint32_t index);
/* Up to `frames` frames that follow the last ones consumed, as far as they lie in one piece. */
const void *sample_ring_read(const struct sample_ring *ring, uint32_t frames, uint32_t *available);
/* Gives that many frames back. */
void sample_ring_consume(struct sample_ring *ring, uint32_t frames);
/* Takes the oldest record, all of whose frames have been consumed. */
void sample_ring_take(struct sample_ring *ring);
/* Forgets everything; also for a ring nobody pushes to now. */
void sample_ring_clear(struct sample_ring *ring);

#endif
