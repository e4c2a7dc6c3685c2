/* Conversion of captured audio: any sample format, channel count and rate in range to any other,
 * with gain and mute, in one pass. What the microphone and the loopback share.
 *
 * Order: samples to float, channels down, rate, channels up, gain, float to samples. Steps that
 * have nothing to do are left out; with equal formats and a gain of 1 the bytes are copied.
 *
 * Time stamps: a rate conversion holds frames back. Ask audio_convert_delay_us() before each
 * audio_convert_process(): the first frame that the call writes was captured at (time stamp of the
 * first frame given to it) - delay. Exact to half a microsecond and free of jitter; without a rate
 * conversion 0.
 *
 * Ownership and threads: create allocates everything, nothing else allocates, waits or locks. One
 * thread at a time on one converter, except for audio_convert_set_gain() and _set_mute(), which
 * any thread may call at any time before destroy. Frames are interleaved; sizes and counts are
 * frames, one sample of every channel. Data pointers need no alignment. */
#ifndef MINIAV_AUDIO_CONVERT_H
#define MINIAV_AUDIO_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/audio_channels.h"
#include "miniav_buffer.h"

#define AUDIO_CONVERT_GAIN_MAX 1000.0f /* 60 dB */

struct audio_converter;

struct audio_convert_result {
  size_t consumed_frames; /* of in; they need not be kept */
  size_t written_frames;  /* to out */
};

/* meaning: what channels beyond two stand for, see audio_channels.h. Gain 1, not muted.
 * INVALID_ARG: a NULL pointer, or a format that is not audio_format_valid(). OUT_OF_MEMORY. Not
 * for an audio thread. On failure *converter is NULL. */
MiniAVResultCode audio_convert_create(const MiniAVAudioInfo *in, const MiniAVAudioInfo *out,
                                      enum audio_channels_meaning meaning,
                                      struct audio_converter **converter);

/* NULL is fine. */
void audio_convert_destroy(struct audio_converter *converter);

/* After a gap in the input: forgets what is held back, and goes to the gain that is set without a
 * ramp. */
void audio_convert_reset(struct audio_converter *converter);

/* Converts until the input is used up or out is full; with room for
 * audio_convert_output_frames(converter, in_frames) all of the input is taken. *result tells how
 * far it came; call again with the rest of in and room in out. in and out must not overlap; either
 * may be NULL when its count is 0. INVALID_ARG, with nothing done: a NULL pointer otherwise, or
 * more than 2^31 frames. */
MiniAVResultCode audio_convert_process(struct audio_converter *converter, const void *in,
                                       size_t in_frames, void *out, size_t out_capacity_frames,
                                       struct audio_convert_result *result);

/* At the end of a stream: writes what is held back, as if silence followed. Call it until
 * *written_frames is 0; the converter is then as after a reset. Errors as above. */
MiniAVResultCode audio_convert_drain(struct audio_converter *converter, void *out,
                                     size_t out_capacity_frames, size_t *written_frames);

/* Exactly how many frames audio_convert_process() would write now for that much input (at most
 * 2^31 frames), given the room. */
size_t audio_convert_output_frames(const struct audio_converter *converter, size_t in_frames);

/* The most that it can say for in_frames at any time, when every call had the room it asked for:
 * what an output block for inputs of up to in_frames has to hold. */
size_t audio_convert_output_frames_max(const struct audio_converter *converter, size_t in_frames);

/* How much earlier than the next input frame the next output frame is: in microseconds (rounded),
 * and in frames of the input's rate. */
int64_t audio_convert_delay_us(const struct audio_converter *converter);
double audio_convert_delay_frames(const struct audio_converter *converter);

/* Whether both formats are equal: what comes out is in the device's own format
 * (MINIAV_BUFFER_FLAG_CONVERTED is not due). Never changes. */
bool audio_convert_is_identity(const struct audio_converter *converter);

/* Linear factor from 0 to AUDIO_CONVERT_GAIN_MAX; mute is a gain of 0 that leaves it as set. The
 * next process() reaches a new value in a straight ramp of 10 ms, so that no click is heard; before
 * the first frame at once. Integer formats clip. INVALID_ARG: a value out of range, or NaN. */
MiniAVResultCode audio_convert_set_gain(struct audio_converter *converter, float gain);
void audio_convert_set_mute(struct audio_converter *converter, bool mute);

#endif
