/*
 * One recording stream of a PulseAudio server: an output's monitor, or one stream that plays into
 * an output. Its samples go into a mixer, at the times that the server tells.
 *
 * The server is never left to choose: the source is named, and a stream that would be moved to
 * another one ends instead (DONT_MOVE).
 *
 * When a sample is heard. A timing answer holds, for one moment: how many bytes the server has
 * written into the stream, how much it has captured beyond, and for a monitor how much of that its
 * output has yet to play (pa_timing_info in pulse/def.h). From the three follows which frame is
 * heard in that moment. libpulse's own interpolation is not used: it takes seconds to learn that an
 * output which mixed two seconds ahead does so no more.
 *
 * One thread: the one that runs the client's loop.
 */
#ifndef MINIAV_LOOPBACK_PULSE_TAP_H
#define MINIAV_LOOPBACK_PULSE_TAP_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PULSE)

#include "common/tap_mixer.h"
#include "loopback/linux/pulse_survey.h"

struct pulse_tap;

enum pulse_tap_state { PULSE_TAP_OPENING, PULSE_TAP_RUNS, PULSE_TAP_ENDED };

/* input: the index of a sink input that plays into that sink, PA_INVALID_INDEX for all that the
 * sink plays. map has the mixer's channels. NULL: it cannot be. */
struct pulse_tap *pulse_tap_create(struct pulse_client *client, struct tap_mixer *mixer,
                                   uint32_t rate_hz, const pa_channel_map *map,
                                   const struct pulse_sink *sink, uint32_t input);
void pulse_tap_destroy(struct pulse_tap *tap);

/* Whether it is the one for these. */
bool pulse_tap_is(const struct pulse_tap *tap, const struct pulse_sink *sink, uint32_t input);

/* Asks for the time when that is due. */
enum pulse_tap_state pulse_tap_turn(struct pulse_tap *tap);

#endif
#endif
