/* Sample formats: their sizes, and the way to float and back.
 *
 * Samples are interleaved and little-endian, as every supported target is; S24 is three packed
 * bytes. Pointers to integer samples need no alignment. Nothing here allocates, locks or keeps
 * state: any thread. Counts are samples (frames × channels). In and out must not overlap. */
#ifndef MINIAV_AUDIO_FORMAT_H
#define MINIAV_AUDIO_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "miniav_buffer.h"

#define AUDIO_RATE_MIN_HZ  8000u
#define AUDIO_RATE_MAX_HZ  192000u
#define AUDIO_CHANNELS_MAX 8u

/* Whether all three members are in range: a known format, 1–8 channels, 8–192 kHz. */
bool audio_format_valid(const MiniAVAudioInfo *info);

/* Whether samples of both mean the same bytes. */
bool audio_format_equal(const MiniAVAudioInfo *a, const MiniAVAudioInfo *b);

/* 1, 2, 3, 4, 4; 0 for a format that is none. */
uint32_t audio_format_sample_bytes(MiniAVAudioFormat format);

/* Bytes of one sample of every channel; 0 for a format that is none. */
uint32_t audio_format_frame_bytes(const MiniAVAudioInfo *info);

/* Integers of n bits become multiples of 1 / 2^(n-1), U8 after taking away 128: exact up to S24,
 * S32 is rounded to float's 24 bits. F32 is passed on, beyond ±1 too, but NaN and the infinities,
 * of which one would spoil every sample that a filter mixes it with, become 0. A format that is
 * none writes zeros. */
void audio_format_to_float(MiniAVAudioFormat format, const void *in, float *out, size_t samples);

/* The inverse: times 2^(n-1), rounded to the nearest integer (halves to even), clipped to the
 * format's range; NaN becomes silence. F32 is passed on unclipped. Whatever came from an integer
 * format of at most 24 bits returns to it exactly. A format that is none writes nothing. */
void audio_format_from_float(MiniAVAudioFormat format, const float *in, void *out, size_t samples);

#endif
