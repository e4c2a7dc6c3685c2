#include "common/audio_feed.h"

#include <math.h>
#include <stdlib.h>

#include "common/audio_format.h"

#define DEFAULT_CHUNK_US 10000u
#define SILENCE_FRAMES   1024u
/* A cycle of a sound card that wakes late by this is still the next cycle. */
#define JOIN_US 3000.0

static MiniAVResultCode converter_make(struct audio_feed *feed, const MiniAVAudioInfo *in) {
  struct audio_converter *converter = NULL;
  MiniAVResultCode result = audio_convert_create(in, &feed->out, feed->meaning, &converter);
  void *silence = calloc(SILENCE_FRAMES, audio_format_frame_bytes(in));
  if (result != MINIAV_SUCCESS || silence == NULL) {
    audio_convert_destroy(converter);
    free(silence);
    return result != MINIAV_SUCCESS ? result : MINIAV_ERROR_OUT_OF_MEMORY;
  }
  if (in->format == MINIAV_AUDIO_FORMAT_U8) {
    for (uint32_t i = 0; i < SILENCE_FRAMES * in->channel_count; i++) {
      ((uint8_t *)silence)[i] = 128;
    }
  }
  audio_convert_destroy(feed->converter);
  free(feed->silence);
  feed->converter = converter;
  feed->silence = silence;
  feed->in = *in;
  return MINIAV_SUCCESS;
}

MiniAVResultCode audio_feed_init(struct audio_feed *feed, struct capture *capture,
                                 const MiniAVAudioInfo *in, const MiniAVAudioInfo *out,
                                 enum audio_channels_meaning meaning, bool fills) {
  *feed = (struct audio_feed){.capture = capture, .out = *out, .meaning = meaning, .fills = fills};
  uint32_t chunk_us = capture_chunk_duration_us(capture);
  chunk_us = chunk_us == 0 ? DEFAULT_CHUNK_US : chunk_us;
  uint64_t frames = ((uint64_t)out->sample_rate * chunk_us + 500000u) / 1000000u;
  feed->chunk_frames = frames == 0 ? 1 : (uint32_t)frames;
  feed->out_frame_bytes = audio_format_frame_bytes(out);
  size_t chunk_bytes = (size_t)feed->chunk_frames * feed->out_frame_bytes;
  feed->pool = block_pool_create(capture_slot_count(capture) + 2, chunk_bytes);
  feed->spare = malloc(chunk_bytes);
  feed->last_time_us = INT64_MIN;
  MiniAVResultCode result = converter_make(feed, in);
  if (feed->pool == NULL || feed->spare == NULL) {
    result = MINIAV_ERROR_OUT_OF_MEMORY;
  }
  if (result != MINIAV_SUCCESS) {
    audio_feed_free(feed);
  }
  return result;
}

void audio_feed_free(struct audio_feed *feed) {
  audio_convert_destroy(feed->converter);
  block_release(feed->block);
  if (feed->pool != NULL) {
    block_pool_close(feed->pool);
  }
  free(feed->spare);
  free(feed->silence);
  *feed = (struct audio_feed){0};
}

void audio_feed_begin(struct audio_feed *feed, int64_t time_us) {
  feed->begun = true;
  feed->begun_us = time_us;
  feed->anchor_us = (double)time_us;
  feed->in_frames = 0;
}

static double end_us(const struct audio_feed *feed) {
  return feed->anchor_us + (double)feed->in_frames * 1e6 / feed->in.sample_rate;
}

/* From here on the next input frame is of that time. */
static void place(struct audio_feed *feed, double time_us) {
  feed->anchor_us = time_us - (double)feed->in_frames * 1e6 / feed->in.sample_rate;
}

/* -- chunks --------------------------------------------------------------------------------- */

static uint32_t chunk_flags(struct audio_feed *feed) {
  uint32_t flags = 0;
  if (!audio_convert_is_identity(feed->converter)) {
    flags |= MINIAV_BUFFER_FLAG_CONVERTED;
  }
  if (feed->discontinuity) {
    flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
    feed->discontinuity = false;
  }
  if (feed->chunk_is_silent) {
    flags |= MINIAV_BUFFER_FLAG_SILENT;
  }
  if (feed->chunk_is_estimated) {
    flags |= MINIAV_BUFFER_FLAG_ESTIMATED_TIME;
  }
  return flags;
}

/* Hands the chunk over, full or (before a gap) not. */
static void chunk_finish(struct audio_feed *feed) {
  uint32_t frames = feed->filled_frames;
  struct block *block = feed->block;
  feed->filled_frames = 0;
  feed->block = NULL;
  if (frames == 0 || block == NULL) {
    block_release(block);
    if (frames > 0) {
      capture_count_drop(feed->capture, DROP_BUFFERS_HELD, 1);
    }
    return;
  }
  struct capture_frame frame;
  capture_frame_init(&frame, MINIAV_BUFFER_TYPE_AUDIO);
  MiniAVBuffer *buffer = &frame.buffer;
  buffer->timestamp_us = feed->block_time_us;
  buffer->data.audio.frame_count = frames;
  buffer->data.audio.channel_count = feed->out.channel_count;
  buffer->data.audio.format = feed->out.format;
  buffer->data.audio.data = block->data;
  buffer->data_size_bytes = (size_t)frames * feed->out_frame_bytes;
  buffer->duration_us =
      ((int64_t)frames * 1000000 + feed->out.sample_rate / 2) / feed->out.sample_rate;
  buffer->sample_rate = feed->out.sample_rate;
  buffer->flags = chunk_flags(feed);
  frame.block = block;
  capture_deliver(feed->capture, &frame);
}

/* When the frame that comes next out of the converter was captured. */
static double next_out_us(const struct audio_feed *feed) {
  return end_us(feed) - audio_convert_delay_frames(feed->converter) * 1e6 / feed->in.sample_rate;
}

static void chunk_begin(struct audio_feed *feed, double first_us) {
  if (feed->block == NULL) {
    feed->block = block_pool_take(feed->pool);
  }
  int64_t time_us = (int64_t)llround(first_us);
  feed->block_time_us = time_us > feed->last_time_us ? time_us : feed->last_time_us + 1;
  feed->chunk_is_silent = true;
  feed->chunk_is_estimated = false;
}

static uint8_t *chunk_end(const struct audio_feed *feed) {
  uint8_t *out = feed->block != NULL ? feed->block->data : feed->spare;
  return out + (size_t)feed->filled_frames * feed->out_frame_bytes;
}

static void chunk_add(struct audio_feed *feed, size_t frames) {
  if (feed->filled_frames == 0 && frames > 0) {
    feed->last_time_us = feed->block_time_us;
  }
  feed->filled_frames += (uint32_t)frames;
  if (feed->filled_frames == feed->chunk_frames) {
    chunk_finish(feed);
  }
}

enum content { SOUND, SOUND_ESTIMATED, NOTHING_PLAYED, LOST };

static void convert(struct audio_feed *feed, const uint8_t *samples, uint32_t frames,
                    enum content content) {
  size_t in_frame_bytes = audio_format_frame_bytes(&feed->in);
  while (frames > 0) {
    if (feed->filled_frames == 0) {
      chunk_begin(feed, next_out_us(feed));
    }
    struct audio_convert_result done = {0, 0};
    audio_convert_process(feed->converter, samples, frames, chunk_end(feed),
                          feed->chunk_frames - feed->filled_frames, &done);
    feed->chunk_is_silent = feed->chunk_is_silent && content == NOTHING_PLAYED;
    feed->chunk_is_estimated = feed->chunk_is_estimated || content == SOUND_ESTIMATED;
    samples += done.consumed_frames * in_frame_bytes;
    frames -= (uint32_t)done.consumed_frames;
    feed->in_frames += done.consumed_frames;
    chunk_add(feed, done.written_frames);
  }
}

/* Writes what the converter holds back, so that nothing is missing at the end of its input. */
static void drain(struct audio_feed *feed) {
  double first_us = next_out_us(feed);
  for (size_t written = 1; written > 0;) {
    if (feed->filled_frames == 0) {
      chunk_begin(feed, first_us);
      feed->chunk_is_silent = false;
    }
    written = 0;
    audio_convert_drain(feed->converter, chunk_end(feed), feed->chunk_frames - feed->filled_frames,
                        &written);
    first_us += (double)written * 1e6 / feed->out.sample_rate;
    chunk_add(feed, written);
  }
}

MiniAVResultCode audio_feed_reformat(struct audio_feed *feed, const MiniAVAudioInfo *in) {
  double end = end_us(feed);
  if (feed->begun) {
    drain(feed);
  }
  MiniAVResultCode result = converter_make(feed, in);
  if (result == MINIAV_SUCCESS) {
    feed->in_frames = 0;
    feed->anchor_us = end;
  }
  return result;
}

/* -- the timeline --------------------------------------------------------------------------- */

static void break_off(struct audio_feed *feed) {
  if (feed->begun) {
    drain(feed);
  }
  chunk_finish(feed);
  audio_convert_reset(feed->converter);
  feed->discontinuity = true;
}

void audio_feed_restart(struct audio_feed *feed) {
  break_off(feed);
  feed->begun = false;
}

static void fill(struct audio_feed *feed, uint64_t frames, enum content content) {
  while (frames > 0) {
    uint32_t piece = frames < SILENCE_FRAMES ? (uint32_t)frames : SILENCE_FRAMES;
    convert(feed, feed->silence, piece, content);
    frames -= piece;
  }
}

static void count_lost(struct audio_feed *feed, double missing_us) {
  double chunks = missing_us * feed->out.sample_rate / 1e6 / feed->chunk_frames;
  feed->discontinuity = true;
  capture_count_drop(feed->capture, DROP_LATE, (uint64_t)fmax(1, round(chunks)));
}

/* Content: NOTHING_PLAYED or LOST. The timeline goes on after so much. */
static void gap(struct audio_feed *feed, double missing_us, enum content content) {
  bool jumps = !feed->fills || missing_us > AUDIO_FEED_FILL_MAX_US;
  if (jumps) {
    break_off(feed);
    place(feed, end_us(feed) + missing_us);
  }
  if (jumps || content == LOST) {
    count_lost(feed, missing_us);
  }
  if (!jumps) {
    fill(feed, (uint64_t)llround(missing_us * feed->in.sample_rate / 1e6), content);
  }
}

void audio_feed_next(struct audio_feed *feed, uint32_t flags) {
  feed->next_flags |= flags;
}

void audio_feed_samples(struct audio_feed *feed, const void *samples, uint32_t frames,
                        int64_t time_us) {
  const uint8_t *bytes = samples;
  double start_us = (double)time_us;
  uint32_t flags = feed->next_flags;
  feed->next_flags = 0;
  if (!feed->begun) {
    audio_feed_begin(feed, time_us);
  }
  audio_convert_set_gain(feed->converter, capture_audio_gain(feed->capture));
  bool to_the_frame = (flags & (AUDIO_FEED_LOST | AUDIO_FEED_ALIGNED)) != 0;
  double join_us = to_the_frame ? 5e5 / feed->in.sample_rate : JOIN_US;
  double ahead_us = start_us - end_us(feed) + feed->owed_us;
  bool joins = fabs(ahead_us) <= join_us && !to_the_frame;
  if (ahead_us > join_us) {
    gap(feed, ahead_us, (flags & AUDIO_FEED_LOST) != 0 ? LOST : NOTHING_PLAYED);
  } else if ((flags & AUDIO_FEED_LOST) != 0) {
    count_lost(feed, 0);
  }
  if (ahead_us < -join_us) {
    double overlap = round(-ahead_us * feed->in.sample_rate / 1e6);
    if (overlap >= frames) {
      if (time_us >= feed->begun_us) {
        count_lost(feed, (double)frames * 1e6 / feed->in.sample_rate); /* silence has its place */
      }
      audio_feed_next(feed, flags & AUDIO_FEED_ALIGNED);
      return;
    }
    bytes += (size_t)overlap * audio_format_frame_bytes(&feed->in);
    frames -= (uint32_t)overlap;
    start_us += overlap * 1e6 / feed->in.sample_rate;
  }
  feed->owed_us = joins ? feed->owed_us : feed->owed_us + start_us - end_us(feed);
  place(feed, start_us);
  convert(feed, bytes, frames, (flags & AUDIO_FEED_ESTIMATED) != 0 ? SOUND_ESTIMATED : SOUND);
}

void audio_feed_silence(struct audio_feed *feed, uint32_t frames, int64_t time_us) {
  if (!feed->begun) {
    audio_feed_begin(feed, time_us);
  }
  place(feed, (double)time_us);
  fill(feed, frames, NOTHING_PLAYED);
}

void audio_feed_silence_until(struct audio_feed *feed, int64_t time_us) {
  double missing_us = (double)time_us - end_us(feed);
  if (feed->begun && missing_us > 0) {
    gap(feed, missing_us, NOTHING_PLAYED);
  }
}

void audio_feed_lost_until(struct audio_feed *feed, int64_t time_us) {
  double missing_us = (double)time_us - end_us(feed);
  if (feed->begun && missing_us > 0) {
    gap(feed, missing_us, LOST);
  }
}

int64_t audio_feed_end_us(const struct audio_feed *feed) {
  return (int64_t)end_us(feed);
}
