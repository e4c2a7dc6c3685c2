/* Sample-rate conversion, any whole rate to any other in 8–192 kHz: a polyphase FIR filter under a
 * Kaiser window, driven by integer phase arithmetic.
 *
 * In units of the lower rate's Nyquist frequency: flat within 0.01 dB to 0.9; at least 90 dB down
 * from 1.06, which is what could alias when the rate goes down, and what is an
 * image of the signal when it goes up. Gain at 0 Hz is 1.
 *
 * Time: the filter is symmetric and aligned, so that output frame n is the signal at exactly
 * n × in_rate / out_rate input frames after the first input frame, and n whole seconds of input
 * give n × out_rate frames, for ever. It looks half its length ahead, so a frame comes
 * out late by that; resample_delay_us() says by how much at any moment. Before the first frame and
 * after a drain there is silence.
 *
 * The output does not depend on how the input is cut into calls, to the bit.
 *
 * Ownership and threads: create allocates everything, no other function allocates, waits or locks.
 * One thread at a time on one resampler. Frames are interleaved float; one frame is one sample of
 * every channel. In and out must not overlap. */
#ifndef MINIAV_RESAMPLE_H
#define MINIAV_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "miniav_types.h"

struct resampler;

struct resample_result {
  size_t consumed_frames; /* of in; they need not be kept */
  size_t written_frames;  /* to out */
};

/* INVALID_ARG: a rate outside AUDIO_RATE_MIN_HZ … AUDIO_RATE_MAX_HZ, no or more than
 * AUDIO_CHANNELS_MAX channels, or NULL. OUT_OF_MEMORY. Takes up to 50 ms for awkward ratios: not
 * for an audio thread. On failure *resampler is NULL. */
MiniAVResultCode resample_create(uint32_t in_rate_hz, uint32_t out_rate_hz, uint32_t channels,
                                 struct resampler **resampler);

/* NULL is fine. */
void resample_destroy(struct resampler *resampler);

/* Forgets all input, as after a gap: the next input frame is frame 0 again. */
void resample_reset(struct resampler *resampler);

/* Takes input and writes what is due, until the input is used up or an output frame is due for
 * which there is no room. in may be NULL when in_frames is 0 (writes what is due). */
struct resample_result resample_process(struct resampler *resampler, const float *in,
                                        size_t in_frames, float *out, size_t out_capacity_frames);

/* At the end of a stream: writes the frames that still wait for the input to go on, as if silence
 * followed: all n with n × in_rate / out_rate before the end of the input. Call it until it
 * returns 0; the resampler is then as after a reset. Input given before that starts a new stream
 * and the rest is lost. */
size_t resample_drain(struct resampler *resampler, float *out, size_t out_capacity_frames);

/* Whether an output frame waits for nothing but room. */
bool resample_output_due(const struct resampler *resampler);

/* Exactly what resample_process() would write now for that much input (at most 2^32 frames), given
 * the room. */
size_t resample_output_frames(const struct resampler *resampler, size_t in_frames);

/* The most that it can be when no output frame waits for room: in_frames × out_rate / in_rate,
 * rounded up. */
size_t resample_output_frames_max(const struct resampler *resampler, size_t in_frames);

/* How much earlier than the next input frame the next output frame is, in input frames and in
 * microseconds (rounded). With the time stamp of the next input frame, taken before a call of
 * resample_process(): time of the first frame written = that time stamp − delay. 0 at the start
 * of a stream. */
double resample_delay_frames(const struct resampler *resampler);
int64_t resample_delay_us(const struct resampler *resampler);

/* The constant part of it: half the filter's length in input frames, by which input is ahead of
 * the output that it completes. */
uint32_t resample_latency_frames(const struct resampler *resampler);

#endif
