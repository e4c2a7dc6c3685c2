/*
 * What a screen backend fills in: struct backend of common/backend.h, with these meanings.
 *
 * Video; sound comes from the library beside it (common/screen_sound.h), unless the backend has
 * BACKEND_BRINGS_SOUND: then when request->with_audio. window_handle tells whose sound a window's
 * is. request->target is REQUEST_DISPLAY,
 * REQUEST_WINDOW or REQUEST_REGION (region validated by the backend: it knows the display).
 * Frames come only when something changes: BACKEND_SILENT_WHEN_IDLE. frame_rate_* is a limit.
 */
#ifndef MINIAV_SCREEN_BACKEND_H
#define MINIAV_SCREEN_BACKEND_H

#include "common/capture.h"
#include "common/registry.h"

/* Ends with NULL; the first whose probe succeeds serves. The test backend comes last. */
extern const struct backend *const screen_backends[];

extern const struct backend screen_portal_backend; /* MINIAV_HAVE_PIPEWIRE, MINIAV_HAVE_DBUS */
extern const struct backend screen_x11_backend;    /* MINIAV_HAVE_XCB */
extern const struct backend screen_test_backend;

#endif
