/*
 * What stands between a ring of native samples and capture_deliver: capture times, conversion,
 * chunks, gain. Works on one thread, never the audio thread.
 *
 * A pump belongs to one start of one capture; when the device is replaced under it (the default
 * moved), pump_attach gives it the new one's ring and the format that comes stays the same.
 */
#ifndef MINIAV_AUDIO_PUMP_H
#define MINIAV_AUDIO_PUMP_H

#include "common/sample_ring.h"
#include "common/audio_convert.h"
#include "common/capture.h"
#include "common/recovered_clock.h"

struct pump {
  struct capture *capture;
  MiniAVAudioInfo out;
  uint32_t out_frame_bytes;
  uint32_t chunk_frames;
  struct block_pool *pool;
  uint8_t *spare; /* where a chunk goes for which no block is free */

  struct sample_ring *ring; /* the device's */
  MiniAVAudioInfo in;
  struct audio_converter *converter;
  struct recovered_clock clock;
  bool clock_ready;
  int64_t last_arrival_us;
  uint64_t arrived_frames; /* told to the clock */
  uint64_t consumed_frames;

  struct block *block; /* being filled; NULL while the spare is */
  uint32_t filled_frames;
  int64_t block_time_us;
  int64_t last_time_us;
  bool discontinuity;
};

/* out: what is delivered. chunk_us: CHUNK_DURATION, 0 for 10 ms. OUT_OF_MEMORY. */
MiniAVResultCode pump_init(struct pump *pump, struct capture *capture, const MiniAVAudioInfo *out);
void pump_free(struct pump *pump);

/* Samples come from this ring from now on. What was left of an
 * earlier ring is dropped; the next buffer is a DISCONTINUITY if there was one. The ring must live
 * until the next attach, pump_detach or pump_free. */
MiniAVResultCode pump_attach(struct pump *pump, struct sample_ring *ring,
                             const MiniAVAudioInfo *in);
void pump_detach(struct pump *pump);

/* Converts and delivers what lies in the ring. */
void pump_run(struct pump *pump);

#endif
