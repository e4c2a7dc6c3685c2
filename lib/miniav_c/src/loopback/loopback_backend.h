/*
 * What a loopback backend fills in: struct backend of common/backend.h, with these meanings.
 *
 * Sound that programs play. request->target is REQUEST_DEVICE (an id of enumerate, "" the system's
 * mix) or REQUEST_TARGETS. Conversion as for microphones. What cannot be had exactly is
 * NOT_SUPPORTED: never the system's mix instead of a process, never an input.
 */
#ifndef MINIAV_LOOPBACK_BACKEND_H
#define MINIAV_LOOPBACK_BACKEND_H

#include "common/capture.h"
#include "common/registry.h"

/* Ends with NULL; the first whose probe succeeds serves. The test backend comes last. */
extern const struct backend *const loopback_backends[];

extern const struct backend loopback_test_backend;
extern const struct backend loopback_pipewire_backend; /* with MINIAV_HAVE_PIPEWIRE */
extern const struct backend loopback_pulse_backend;    /* with MINIAV_HAVE_PULSE */

#endif
