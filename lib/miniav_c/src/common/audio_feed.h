/*
 * From samples with a true capture time to capture_deliver: one timeline, conversion, chunks, gain.
 *
 * The samples come in pieces, each with the time of its first frame on clock_now_us. Pieces that
 * join within JOIN_US are one stream: the difference is the source's clock against ours, and times
 * follow the source. A piece that aligns, because its clock is another one, is placed to the frame.
 * What overlaps is cut off; a whole piece that comes after its place was filled is lost, and told.
 *
 * What is missing between two pieces, when the feed fills (sound that programs play), becomes zeros
 * of exactly that length, so that the number of samples stays the time that passed: silence when
 * nothing played; a DISCONTINUITY that counts as late when it was lost. When it does not fill (a
 * microphone) everything missing was lost, and times jump. They also jump where more than
 * AUDIO_FEED_FILL_MAX_US is missing: whoever stood still for so long cannot tell what was there.
 *
 * One thread at a time, never an audio thread: it converts and may be long.
 */
#ifndef MINIAV_COMMON_AUDIO_FEED_H
#define MINIAV_COMMON_AUDIO_FEED_H

#include "common/audio_convert.h"
#include "common/capture.h"

#define AUDIO_FEED_FILL_MAX_US 2000000

/* Of the samples that come next. */
enum audio_feed_flags {
  AUDIO_FEED_LOST = 1u << 0,     /* what is missing before them was lost */
  AUDIO_FEED_ALIGNED = 1u << 1,  /* their clock is another than before */
  AUDIO_FEED_ESTIMATED = 1u << 2 /* their time is recovered */
};

struct audio_feed {
  struct capture *capture;
  MiniAVAudioInfo in;
  MiniAVAudioInfo out;
  enum audio_channels_meaning meaning;
  bool fills; /* gaps are silence */
  uint32_t out_frame_bytes;
  uint32_t chunk_frames;
  struct block_pool *pool;
  struct audio_converter *converter;
  uint8_t *spare;     /* where a chunk goes for which no block is free */
  void *silence;      /* SILENCE_FRAMES frames of the input */
  bool begun;         /* anchor_us is known */
  int64_t begun_us;   /* where the timeline begins */
  double anchor_us;   /* when input frame 0 was captured */
  uint64_t in_frames; /* converted, silence included */

  struct block *block; /* being filled; NULL while the spare is */
  uint32_t filled_frames;
  bool chunk_is_silent;
  bool chunk_is_estimated;
  int64_t block_time_us;
  int64_t last_time_us;
  bool discontinuity;
  uint32_t next_flags; /* audio_feed_next */
  double owed_us;      /* less than a frame: what placing to the frame has rounded away so far */
};

/* in: the samples' format; out: what is delivered. OUT_OF_MEMORY. */
MiniAVResultCode audio_feed_init(struct audio_feed *feed, struct capture *capture,
                                 const MiniAVAudioInfo *in, const MiniAVAudioInfo *out,
                                 enum audio_channels_meaning meaning, bool fills);
void audio_feed_free(struct audio_feed *feed);

/* The timeline begins at that time; without this with the first samples. */
void audio_feed_begin(struct audio_feed *feed, int64_t time_us);

/* The samples come in another format from now on, without a gap; what is delivered stays.
 * OUT_OF_MEMORY. */
MiniAVResultCode audio_feed_reformat(struct audio_feed *feed, const MiniAVAudioInfo *in);

/* Says so of the samples of the next audio_feed_samples; adds to what is said already. */
void audio_feed_next(struct audio_feed *feed, uint32_t flags);

void audio_feed_samples(struct audio_feed *feed, const void *samples, uint32_t frames,
                        int64_t time_us);

/* So many frames of silence that begin then, where the samples before ended. */
void audio_feed_silence(struct audio_feed *feed, uint32_t frames, int64_t time_us);

/* Nothing was captured until that time and nothing earlier will come: silence up to there. */
void audio_feed_silence_until(struct audio_feed *feed, int64_t time_us);

/* The same where something was: it is lost. */
void audio_feed_lost_until(struct audio_feed *feed, int64_t time_us);

/* Up to when the timeline is filled. */
int64_t audio_feed_end_us(const struct audio_feed *feed);

/* Another source comes next, with its own times: the next buffer is a DISCONTINUITY. */
void audio_feed_restart(struct audio_feed *feed);

#endif
