/*
 * A configured microphone: the state behind open, start, stop and close of the backends.
 *
 * Everything that may wait for a sound system happens on the session's own thread, the worker. The
 * caller waits for it with a limit and an eye on the cancel token; when it gives up, the worker is
 * left to finish alone, and the session is freed when both have let go of it. While it runs, the
 * worker also converts and delivers.
 *
 * Invariants
 * - `lock` guards what is marked so; it is held for copies only.
 * - The worker touches the capture only between session_enter and session_leave. session_stop
 *   forbids entering and waits until it is outside: after that nothing is delivered.
 * - The device belongs to the worker alone.
 */
#ifndef MINIAV_AUDIO_MIC_SESSION_H
#define MINIAV_AUDIO_MIC_SESSION_H

#include "audio/miniaudio/mic_system.h"
#include "common/capture.h"

struct mic_session;

/* As the functions of struct backend, which say what they return. */
MiniAVResultCode mic_session_open(enum mic_system system, struct capture *capture,
                                  const struct capture_request *request,
                                  struct capture_format *format, struct mic_session **session,
                                  struct cancel *cancel);
MiniAVResultCode mic_session_start(struct mic_session *session, struct cancel *cancel);
void mic_session_stop(struct mic_session *session);
void mic_session_close(struct mic_session *session);

/* The format in which a microphone ("" the default) is opened. */
MiniAVResultCode mic_session_format(enum mic_system system, const char *id, MiniAVAudioInfo *format,
                                    struct cancel *cancel);

#endif
