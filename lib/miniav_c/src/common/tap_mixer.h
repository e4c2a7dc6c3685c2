/*
 * Several sources of samples on one timeline: each sample is added where its time is.
 *
 * A tap is one source: a stream of frames without gaps of its own count, whose times become known
 * now and then ("frame n was captured at t"). What comes before the first such time is held back,
 * and so is what comes after a pause (nothing for PAUSE_US): a source that paused goes on with the
 * next frame number at a later time. Then the samples are added to the sum at their place; where no
 * tap has any is silence.
 *
 * The timeline runs at the nominal rate. Times that differ from it by less than TOLERANCE_US are
 * jitter and change nothing, so that one source that is alone passes bit for bit. Beyond it the
 * first tap's clock moves the timeline, by at most 500 ppm, and the others keep up with it by a
 * frame more or less at a time, cross-faded. A median of times counts, not a single one.
 *
 * The sum goes out up to where every tap has samples, never later than now, and at the latest
 * BEHIND_US after its time: a tap that has given nothing for so long is waited for no more. (While
 * a tap is asked whether it paused, nothing goes out: if it was we who slept, its samples go on
 * where the last ones ended.)
 *
 * Memory is made by tap_mixer_create and mixer_tap_add only. One thread at a time.
 */
#ifndef MINIAV_COMMON_TAP_MIXER_H
#define MINIAV_COMMON_TAP_MIXER_H

#include <stdbool.h>
#include <stdint.h>

#define TAP_MIXER_PAUSE_US     60000
#define TAP_MIXER_TOLERANCE_US 3000
#define TAP_MIXER_BEHIND_US    250000
#define TAP_MIXER_HISTORY      9u

struct tap_mixer;
struct mixer_tap;

/* Frames of the sum from `frame` on, the time of the first; frames <= TAP_MIXER_PIECE_FRAMES. */
#define TAP_MIXER_PIECE_FRAMES 480u
typedef void (*tap_mixer_output)(void *user, const float *samples, uint32_t frames, int64_t time_us,
                                 bool is_silent);

/* The timeline begins at that time. NULL: out of memory. */
struct tap_mixer *tap_mixer_create(uint32_t rate_hz, uint32_t channels, int64_t begin_us);
void tap_mixer_destroy(struct tap_mixer *mixer); /* with its taps; NULL is fine */

/* NULL: out of memory. */
struct mixer_tap *mixer_tap_add(struct tap_mixer *mixer);
/* What it has given stays in the sum; what is held back is lost. */
void mixer_tap_remove(struct tap_mixer *mixer, struct mixer_tap *tap);

/* The next frames of a tap, interleaved floats, NULL for silence; they came at arrival_us. */
void mixer_tap_samples(struct tap_mixer *mixer, struct mixer_tap *tap, const float *samples,
                       uint32_t frames, int64_t arrival_us);

/* Whether samples are held back until a time is told that was asked for after they came. */
bool mixer_tap_is_held(const struct mixer_tap *tap);

/* The tap's frame `frame` (counted over all that it gave, a fraction is fine) was captured at
 * time_us, as the source said when it was asked at asked_us. */
void mixer_tap_time(struct tap_mixer *mixer, struct mixer_tap *tap, double frame, int64_t time_us,
                    int64_t asked_us);

/* Hands out at most max_frames of what is due; true when there is more. */
bool tap_mixer_run(struct tap_mixer *mixer, int64_t now_us, uint32_t max_frames,
                   tap_mixer_output output, void *user);

/* Frames that had no place since the last call: it had gone out, or is seconds away. */
uint64_t tap_mixer_take_late(struct tap_mixer *mixer);

#endif
