/*
 * The sound of one running capture of a test device: tone, pool, clock.
 *
 * The time of sample n is start + n / rate, in integers. One thread at a time; only open and reopen
 * allocate.
 */
#ifndef MINIAV_TEST_DEVICE_TEST_SOUND_H
#define MINIAV_TEST_DEVICE_TEST_SOUND_H

#include "common/capture.h"
#include "test_device/faults.h"
#include "test_device/pacer.h"
#include "test_device/tone.h"

struct test_sound {
  struct capture *capture;
  MiniAVAudioInfo info;
  struct test_tone_spec spec;
  struct test_tone tone;
  struct block_pool *pool;
  struct pacer pacer; /* ticks are chunks */
  uint32_t chunk_us;
  uint32_t chunk_frames;
  uint64_t next_sample; /* number of the first sample of the next chunk */
  float *samples;       /* of one chunk, before they get their format */
  bool gap;             /* something before the next chunk is missing */
  struct capture_frame frame;
};

/* chunk_us 0: 10 ms. False when memory is exhausted; nothing is open then. */
bool test_sound_open(struct test_sound *sound, struct capture *capture, const MiniAVAudioInfo *info,
                     const struct test_tone_spec *spec, uint32_t chunk_us);
/* Blocks that are leased live on. Also after a failed open. */
void test_sound_close(struct test_sound *sound);

/* Another sound from the next chunk on, which begins when it would have begun. False: as it was. */
bool test_sound_reopen(struct test_sound *sound, const MiniAVAudioInfo *info,
                       const struct test_tone_spec *spec);

void test_sound_start_clock(struct test_sound *sound, int64_t start_us);
/* After a time without chunks: goes on with the first one that is not before now_us. */
void test_sound_skip_to(struct test_sound *sound, int64_t now_us);

/* When the last sample of the next chunk has been captured. */
int64_t test_sound_due_us(const struct test_sound *sound);

/* Makes the chunk that is due and delivers it, or counts it as dropped. */
void test_sound_emit(struct test_sound *sound, struct test_device *device, int64_t now_us,
                     int64_t late_us);

#endif
