/* Channel counts: the matrix that turns n channels into m.
 *
 * A count stands for the loudspeaker layout of that size, channels in the order of WAVE files
 * (Microsoft, "WAVEFORMATEXTENSIBLE", dwChannelMask):
 *
 *   1 FC                  5 FL FR FC BL BR             (5.0)
 *   2 FL FR               6 FL FR FC LFE BL BR         (5.1)
 *   3 FL FR LFE   (2.1)   7 FL FR FC LFE BC SL SR      (6.1)
 *   4 FL FR BL BR (quad)  8 FL FR FC LFE BL BR SL SR   (7.1)
 *
 * With AUDIO_CHANNELS_SPEAKERS a position that both layouts have is passed on at 1. One that the
 * output lacks is folded with the coefficients of ITU-R BS.775-3, annex 4 (√½ = 0.7071 = −3 dB):
 *
 *   FC     to FL and FR at √½
 *   BL BR  to SL SR at 1, or at √½ when the input has SL SR itself; without those to FL FR at √½
 *   SL SR  to BL BR likewise; without those to FL FR at √½
 *   BC     to BL and BR (or SL and SR) at √½; without those to FL and FR at ½
 *   LFE    to nothing
 *   mono   is √½ × (FL + FR) of the stereo fold
 *
 * A position that only the output has is silent, except that mono goes to every channel at 1. Then
 * the whole matrix is divided by its largest row sum if that is above 1, so that no input within
 * ±1 clips and the balance stays: stereo to mono is ½ FL + ½ FR, 5.1 to stereo
 * 0.414 FL + 0.293 FC + 0.293 BL.
 *
 * With AUDIO_CHANNELS_DISCRETE channels have no position (the inputs of an audio interface, the
 * capsules of an array): going down, output o is the average of the inputs i with i mod m = o, so
 * that no input is lost; going up, output o repeats input o mod n.
 *
 * No allocation, no state: any thread. */
#ifndef MINIAV_AUDIO_CHANNELS_H
#define MINIAV_AUDIO_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

#include "common/audio_format.h"

enum audio_channels_meaning {
  AUDIO_CHANNELS_SPEAKERS,
  AUDIO_CHANNELS_DISCRETE,
};

struct audio_channels_matrix {
  uint32_t in_channels;
  uint32_t out_channels;
  float gain[AUDIO_CHANNELS_MAX][AUDIO_CHANNELS_MAX]; /* [out][in] */
};

/* Fills in *matrix. Both counts are 1 … AUDIO_CHANNELS_MAX; equal ones give the identity. */
void audio_channels_build(uint32_t in_channels, uint32_t out_channels,
                          enum audio_channels_meaning meaning,
                          struct audio_channels_matrix *matrix);

/* Interleaved in and out, which must not overlap. */
void audio_channels_mix(const struct audio_channels_matrix *matrix, const float *in, float *out,
                        size_t frames);

#endif
