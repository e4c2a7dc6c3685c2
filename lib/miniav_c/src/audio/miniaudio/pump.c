#include "audio/miniaudio/pump.h"

#include <math.h>
#include <stdlib.h>

#include "common/audio_format.h"

#define DEFAULT_CHUNK_US 10000u
/* Arrivals to look at before the first time is told; start-up waits for nothing else. */
#define PRIME_US 50000
/* No source has a buffer this long: what comes after such a silence did not wait for us. */
#define PAUSE_US 1000000
/* A jump of the recovered clock beyond this is a source that paused, not one that lost samples. */
#define LOSS_MAX_US 1000000

MiniAVResultCode pump_init(struct pump *pump, struct capture *capture, const MiniAVAudioInfo *out) {
  *pump = (struct pump){.capture = capture, .out = *out};
  uint32_t chunk_us = capture_chunk_duration_us(capture);
  chunk_us = chunk_us == 0 ? DEFAULT_CHUNK_US : chunk_us;
  uint64_t frames = ((uint64_t)out->sample_rate * chunk_us + 500000u) / 1000000u;
  pump->chunk_frames = frames == 0 ? 1 : (uint32_t)frames;
  pump->out_frame_bytes = audio_format_frame_bytes(out);
  size_t chunk_bytes = (size_t)pump->chunk_frames * pump->out_frame_bytes;
  pump->pool = block_pool_create(capture_slot_count(capture) + 2, chunk_bytes);
  pump->spare = malloc(chunk_bytes);
  pump->last_time_us = INT64_MIN;
  if (pump->pool == NULL || pump->spare == NULL) {
    pump_free(pump);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return MINIAV_SUCCESS;
}

void pump_free(struct pump *pump) {
  pump_detach(pump);
  block_release(pump->block);
  if (pump->pool != NULL) {
    block_pool_close(pump->pool);
  }
  free(pump->spare);
  *pump = (struct pump){0};
}

void pump_detach(struct pump *pump) {
  if (pump->ring != NULL) {
    pump->discontinuity = true; /* for whatever is attached next */
  }
  pump->ring = NULL;
  audio_convert_destroy(pump->converter);
  pump->converter = NULL;
  pump->filled_frames = 0;
}

MiniAVResultCode pump_attach(struct pump *pump, struct sample_ring *ring,
                             const MiniAVAudioInfo *in) {
  pump_detach(pump);
  MiniAVResultCode result =
      audio_convert_create(in, &pump->out, AUDIO_CHANNELS_DISCRETE, &pump->converter);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  pump->ring = ring;
  pump->in = *in;
  pump->clock_ready = false;
  pump->arrived_frames = 0;
  pump->consumed_frames = 0;
  return MINIAV_SUCCESS;
}

/* Hands the chunk over, full or (before a gap) not. */
static void chunk_finish(struct pump *pump) {
  uint32_t frames = pump->filled_frames;
  struct block *block = pump->block;
  pump->filled_frames = 0;
  pump->block = NULL;
  if (frames == 0) {
    block_release(block);
    return;
  }
  if (block == NULL) {
    capture_count_drop(pump->capture, DROP_BUFFERS_HELD, 1);
    return;
  }
  struct capture_frame frame;
  capture_frame_init(&frame, MINIAV_BUFFER_TYPE_AUDIO);
  MiniAVBuffer *buffer = &frame.buffer;
  buffer->content_type = MINIAV_BUFFER_CONTENT_TYPE_CPU;
  buffer->timestamp_us = pump->block_time_us;
  buffer->data.audio.frame_count = frames;
  buffer->data.audio.channel_count = pump->out.channel_count;
  buffer->data.audio.format = pump->out.format;
  buffer->data.audio.data = block->data;
  buffer->data_size_bytes = (size_t)frames * pump->out_frame_bytes;
  buffer->duration_us =
      ((int64_t)frames * 1000000 + pump->out.sample_rate / 2) / pump->out.sample_rate;
  buffer->sample_rate = pump->out.sample_rate;
  buffer->flags = MINIAV_BUFFER_FLAG_ESTIMATED_TIME;
  if (!audio_convert_is_identity(pump->converter)) {
    buffer->flags |= MINIAV_BUFFER_FLAG_CONVERTED;
  }
  if (pump->discontinuity) {
    buffer->flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
    pump->discontinuity = false;
  }
  frame.block = block;
  capture_deliver(pump->capture, &frame);
}

/* An empty chunk's time is that of the frame that comes next out of the converter. */
static void chunk_begin(struct pump *pump) {
  if (pump->block == NULL) {
    pump->block = block_pool_take(pump->pool);
  }
  double next = (double)pump->consumed_frames - audio_convert_delay_frames(pump->converter);
  int64_t time_us = recovered_clock_time_us(&pump->clock, next);
  /* The line may have been moved back by a source that made frames up; times are not. */
  pump->block_time_us = time_us > pump->last_time_us ? time_us : pump->last_time_us + 1;
}

/* Converts `frames` frames of the ring. */
static void convert(struct pump *pump, uint32_t frames) {
  while (frames > 0) {
    if (pump->filled_frames == 0) {
      chunk_begin(pump);
    }
    uint32_t piece = 0;
    const void *in = sample_ring_read(pump->ring, frames, &piece);
    uint8_t *out = pump->block != NULL ? pump->block->data : pump->spare;
    struct audio_convert_result done = {0, 0};
    audio_convert_process(pump->converter, in, piece,
                          out + (size_t)pump->filled_frames * pump->out_frame_bytes,
                          pump->chunk_frames - pump->filled_frames, &done);
    if (pump->filled_frames == 0 && done.written_frames > 0) {
      pump->last_time_us = pump->block_time_us;
    }
    sample_ring_consume(pump->ring, (uint32_t)done.consumed_frames);
    pump->consumed_frames += done.consumed_frames;
    pump->filled_frames += (uint32_t)done.written_frames;
    frames -= (uint32_t)done.consumed_frames;
    if (pump->filled_frames == pump->chunk_frames) {
      chunk_finish(pump);
    }
  }
}

/* What was is over; what comes next is as from a new stream. */
static void begin_anew(struct pump *pump) {
  chunk_finish(pump);
  audio_convert_reset(pump->converter);
  pump->discontinuity = true;
  pump->clock_ready = false;
  pump->arrived_frames = 0;
  pump->consumed_frames = 0;
}

/* Samples are missing between what was converted and what comes next. */
static void gap(struct pump *pump, int64_t missing_us) {
  chunk_finish(pump);
  audio_convert_reset(pump->converter);
  pump->discontinuity = true;
  if (missing_us <= LOSS_MAX_US) {
    double chunks = (double)missing_us * pump->out.sample_rate / 1e6 / pump->chunk_frames;
    capture_count_drop(pump->capture, DROP_LATE, (uint64_t)fmax(1, round(chunks)));
  }
}

/* Tells the clock of the first arrivals; true once they are enough. */
static bool clock_prime(struct pump *pump) {
  uint32_t records = sample_ring_records(pump->ring);
  if (records == 0) {
    return false;
  }
  int64_t first_us = sample_ring_peek(pump->ring, 0).arrival_us;
  int64_t last_us = sample_ring_peek(pump->ring, records - 1).arrival_us;
  bool filling = records >= SAMPLE_RING_RECORDS / 2 ||
                 sample_ring_frames(pump->ring) >= pump->ring->capacity_frames / 2;
  if (last_us - first_us < PRIME_US && !filling) {
    return false;
  }
  /* What the source says of its latency is taken once, and the least: it varies by what the clock
   * filters out better, and a step in it would be a step in time. */
  uint32_t latency_us = UINT32_MAX;
  for (uint32_t i = 0; i < records; i++) {
    uint32_t here_us = sample_ring_peek(pump->ring, i).latency_us;
    latency_us = here_us < latency_us ? here_us : latency_us;
  }
  recovered_clock_start(&pump->clock, pump->in.sample_rate, latency_us);
  uint64_t end_frame = 0;
  for (uint32_t i = 0; i < records; i++) {
    struct sample_arrival arrival = sample_ring_peek(pump->ring, i);
    end_frame += arrival.lost_frames + arrival.frames;
    recovered_clock_prime(&pump->clock, end_frame, arrival.arrival_us);
  }
  return true;
}

void pump_run(struct pump *pump) {
  if (pump->ring == NULL) {
    return;
  }
  audio_convert_set_gain(pump->converter, capture_audio_gain(pump->capture));
  uint32_t records = sample_ring_records(pump->ring);
  for (uint32_t i = 0; i < records; i++) {
    struct sample_arrival arrival = sample_ring_peek(pump->ring, 0);
    if (pump->clock_ready && arrival.arrival_us - pump->last_arrival_us > PAUSE_US) {
      begin_anew(pump);
    }
    pump->clock_ready = pump->clock_ready || clock_prime(pump);
    if (!pump->clock_ready) {
      return;
    }
    pump->last_arrival_us = arrival.arrival_us;
    if (arrival.lost_frames > 0) {
      gap(pump, (int64_t)(arrival.lost_frames * 1000000u / pump->in.sample_rate));
      pump->consumed_frames += arrival.lost_frames;
      pump->arrived_frames += arrival.lost_frames;
    }
    pump->arrived_frames += arrival.frames;
    int64_t jump_us =
        recovered_clock_arrive(&pump->clock, pump->arrived_frames, arrival.arrival_us);
    if (jump_us > 0) {
      gap(pump, jump_us);
    }
    convert(pump, arrival.frames);
    sample_ring_take(pump->ring);
  }
}
