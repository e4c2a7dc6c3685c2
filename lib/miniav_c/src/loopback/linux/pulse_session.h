/*
 * A configured capture of sound from a PulseAudio server: the state behind open, start, stop and
 * close of its loopback.
 *
 * Threads: open and start connect and look on the caller's thread. From the end of start to stop
 * the worker has the connection for itself: it runs libpulse's loop, follows what plays, sums the
 * taps, and is the only one that enters the capture. Its turns are at most TURN_MS apart, so that
 * silence goes out in time while the server says nothing or hangs.
 *
 * Invariants
 * - `lock` guards what is marked so, for copies only.
 * - When stop returns the worker has ended and the connection is closed.
 */
#ifndef MINIAV_LOOPBACK_PULSE_SESSION_H
#define MINIAV_LOOPBACK_PULSE_SESSION_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PULSE)

#include "common/capture.h"
#include "loopback/linux/loopback_targets.h"

struct pulse_session;

/* As the functions of struct backend. Takes over what *targets owns, whatever it answers. capture
 * may be NULL: only looks. */
MiniAVResultCode pulse_session_open(struct loopback_targets *targets, struct capture *capture,
                                    const MiniAVAudioInfo *wanted, MiniAVAudioInfo *format,
                                    struct pulse_session **session, struct cancel *cancel);
MiniAVResultCode pulse_session_start(struct pulse_session *session, struct cancel *cancel);
void pulse_session_stop(struct pulse_session *session);
void pulse_session_close(struct pulse_session *session);

/* Whether nothing but programs is heard. */
bool pulse_session_is_per_process(const struct pulse_session *session);

/* The volume of what is heard: the mean of the streams that tell theirs, and whether all of them
 * are muted. NOT_SUPPORTED when none tells. */
MiniAVResultCode pulse_session_volume(struct pulse_session *session, double *volume, bool *mute);

#endif
#endif
