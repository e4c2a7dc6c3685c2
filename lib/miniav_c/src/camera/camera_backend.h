/*
 * What a camera backend fills in: struct backend of common/backend.h, with these meanings.
 *
 * Video. request->target is REQUEST_DEVICE; request->video is what is wanted, format->video what
 * comes: exactly what was asked for where that is not zero, or FORMAT_NOT_SUPPORTED.
 */
#ifndef MINIAV_CAMERA_BACKEND_H
#define MINIAV_CAMERA_BACKEND_H

#include "common/capture.h"
#include "common/registry.h"

/* Ends with NULL; the first whose probe succeeds serves. The test backend comes last. */
extern const struct backend *const camera_backends[];

#if defined(MINIAV_HAVE_PIPEWIRE)
extern const struct backend camera_pipewire_backend;
#if defined(MINIAV_HAVE_DBUS)
extern const struct backend camera_portal_backend;
#endif
#endif
extern const struct backend camera_v4l2_backend;
extern const struct backend camera_test_backend;

#endif
