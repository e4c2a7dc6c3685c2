#include "test_device/test_sound.h"

#include <stdlib.h>

#include "common/audio_format.h"

#define DEFAULT_CHUNK_US 10000u
#define SPARE_BLOCKS     2u
#define LAG_LIMIT_US     100000

bool test_sound_open(struct test_sound *sound, struct capture *capture, const MiniAVAudioInfo *info,
                     const struct test_tone_spec *spec, uint32_t chunk_us) {
  *sound = (struct test_sound){.capture = capture, .info = *info, .spec = *spec};
  sound->chunk_us = chunk_us == 0 ? DEFAULT_CHUNK_US : chunk_us;
  uint64_t frames = ((uint64_t)info->sample_rate * sound->chunk_us + 500000) / 1000000;
  sound->chunk_frames = frames == 0 ? 1 : (uint32_t)frames;
  sound->samples = malloc((size_t)sound->chunk_frames * info->channel_count * sizeof(float));
  sound->pool = block_pool_create(capture_slot_count(capture) + SPARE_BLOCKS,
                                  (size_t)sound->chunk_frames * audio_format_frame_bytes(info));
  if (sound->samples == NULL || sound->pool == NULL ||
      !test_tone_init(&sound->tone, spec, info->sample_rate, info->channel_count)) {
    test_sound_close(sound);
    return false;
  }
  capture_frame_init(&sound->frame, MINIAV_BUFFER_TYPE_AUDIO);
  MiniAVBuffer *buffer = &sound->frame.buffer;
  buffer->sample_rate = info->sample_rate;
  buffer->data.audio.frame_count = sound->chunk_frames;
  buffer->data.audio.channel_count = info->channel_count;
  buffer->data.audio.format = info->format;
  buffer->data_size_bytes = (size_t)sound->chunk_frames * audio_format_frame_bytes(info);
  return true;
}

void test_sound_close(struct test_sound *sound) {
  block_pool_close(sound->pool);
  test_tone_destroy(&sound->tone);
  free(sound->samples);
  sound->pool = NULL;
  sound->samples = NULL;
}

void test_sound_start_clock(struct test_sound *sound, int64_t start_us) {
  pacer_init(&sound->pacer, start_us, sound->info.sample_rate, sound->chunk_frames);
}

bool test_sound_reopen(struct test_sound *sound, const MiniAVAudioInfo *info,
                       const struct test_tone_spec *spec) {
  struct test_sound next;
  if (!test_sound_open(&next, sound->capture, info, spec, sound->chunk_us)) {
    return false;
  }
  test_sound_start_clock(&next, sound->pacer.tick_us);
  test_sound_close(sound);
  *sound = next;
  return true;
}

static void leave_out(struct test_sound *sound, uint64_t chunks) {
  pacer_advance(&sound->pacer, chunks);
  sound->next_sample += chunks * sound->chunk_frames;
  sound->gap = sound->gap || chunks > 0;
}

void test_sound_skip_to(struct test_sound *sound, int64_t now_us) {
  leave_out(sound, pacer_ticks_before(&sound->pacer, now_us));
}

int64_t test_sound_due_us(const struct test_sound *sound) {
  return pacer_following_us(&sound->pacer);
}

/* A device does not wait for a thread that was not run: what it missed is lost, all but the last
 * chunk that is due. */
static void drop_missed(struct test_sound *sound, int64_t now_us) {
  int64_t due_us = test_sound_due_us(sound);
  int64_t chunk_us = due_us - sound->pacer.tick_us;
  if (now_us - due_us > LAG_LIMIT_US && now_us - due_us > 2 * chunk_us) {
    uint64_t missed = pacer_ticks_before(&sound->pacer, now_us - chunk_us) - 1;
    leave_out(sound, missed);
    capture_count_drop(sound->capture, DROP_LATE, missed);
  }
}

static void deliver(struct test_sound *sound, struct test_device *device, struct block *block) {
  size_t samples = (size_t)sound->chunk_frames * sound->info.channel_count;
  test_tone_write(&sound->tone, sound->next_sample, sound->chunk_frames,
                  capture_audio_gain(sound->capture), sound->samples);
  audio_format_from_float(sound->info.format, sound->samples, block->data, samples);
  struct capture_frame *frame = &sound->frame;
  frame->block = block;
  frame->buffer.data.audio.data = block->data;
  frame->buffer.timestamp_us = sound->pacer.tick_us;
  frame->buffer.duration_us = test_sound_due_us(sound) - sound->pacer.tick_us;
  frame->buffer.flags = sound->spec.count == 0 ? (uint32_t)MINIAV_BUFFER_FLAG_SILENT : 0;
  if (sound->gap) {
    frame->buffer.flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
  }
  if (test_device_consume(&device->corrupted)) {
    frame->buffer.flags |= MINIAV_BUFFER_FLAG_CORRUPTED;
  }
  leave_out(sound, 1);
  sound->gap = false;
  capture_deliver(sound->capture, frame);
}

void test_sound_emit(struct test_sound *sound, struct test_device *device, int64_t now_us,
                     int64_t late_us) {
  drop_missed(sound, now_us - late_us);
  if (test_device_consume(&device->skips)) {
    leave_out(sound, 1);
    capture_count_drop(sound->capture, DROP_LATE, 1);
    return;
  }
  struct block *block = block_pool_take(sound->pool);
  if (block == NULL) {
    leave_out(sound, 1);
    capture_count_drop(sound->capture, DROP_BUFFERS_HELD, 1);
    return;
  }
  deliver(sound, device, block);
}
