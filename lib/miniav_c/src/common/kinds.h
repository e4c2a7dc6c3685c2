/*
 * From a kind and a device id to the backend that serves it: the ordered tables, ids' prefixes,
 * MINIAV_<KIND>_BACKEND, and the one place where a missing function becomes NOT_SUPPORTED.
 */
#ifndef MINIAV_COMMON_KINDS_H
#define MINIAV_COMMON_KINDS_H

#include "common/backend.h"

const char *kind_name(MiniAVKind kind);

/* The backend for an id as users give it, and the id without prefix. "" is the default device: the
 * first backend that serves; the test devices' only when no real one has a device. A window's id of
 * a screen backend is for loopback one of the default backend. */
MiniAVResultCode kind_select(MiniAVKind kind, const char *device_id, const struct backend **backend,
                             char bare_id[MINIAV_TEXT_BYTES], struct cancel *cancel);

/* Every function below gives a published list (lists.h). */
MiniAVResultCode kind_enumerate(MiniAVKind kind, uint32_t filter, void **list, uint32_t *count,
                                struct cancel *cancel);
MiniAVResultCode kind_formats(MiniAVKind kind, const char *device_id, void **list, uint32_t *count,
                              struct cancel *cancel);
MiniAVResultCode kind_default_format(MiniAVKind kind, const char *device_id,
                                     struct capture_format *format, struct cancel *cancel);
MiniAVResultCode kind_permission(MiniAVKind kind, bool request, MiniAVPermission *permission,
                                 struct cancel *cancel);

/* Tells the backends of a kind to begin or end watching; one thread at a time. */
void kind_watch(MiniAVKind kind, bool on);

/* The switch of miniav_test.h; its first reading also looks at MINIAV_TEST_DEVICES. */
bool test_devices_enabled(void);
void test_devices_enable(bool enabled);

#endif
