/*
 * What an audio backend fills in: struct backend of common/backend.h, with these meanings.
 *
 * Microphones. request->target is REQUEST_DEVICE; request->audio is what is wanted: every format in
 * range must work, by conversion (common/audio_convert.h) off the audio thread, flagged CONVERTED.
 * Device "" follows the default, with capture_default_moved; an explicit id never moves: it is
 * lost.
 */
#ifndef MINIAV_AUDIO_BACKEND_H
#define MINIAV_AUDIO_BACKEND_H

#include "common/capture.h"
#include "common/registry.h"

/* Ends with NULL; the first whose probe succeeds serves. The test backend comes last. */
extern const struct backend *const audio_backends[];

extern const struct backend audio_test_backend;
extern const struct backend audio_pipewire_backend; /* with MINIAV_HAVE_PIPEWIRE */
/* One implementation (audio/miniaudio/), a prefix each. */
extern const struct backend audio_pulse_backend;
extern const struct backend audio_alsa_backend;
extern const struct backend audio_jack_backend;
extern const struct backend audio_wasapi_backend;

#endif
