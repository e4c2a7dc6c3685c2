/*
 * Who wants to know of changes of devices, and who tells. Backends call the registry_* functions
 * from a thread of their own, between watch(true) and watch(false); the test devices always.
 */
#ifndef MINIAV_COMMON_REGISTRY_H
#define MINIAV_COMMON_REGISTRY_H

#include "common/backend.h"

/* The list of this kind's devices is another one now. */
void registry_devices_changed(MiniAVKind kind);

/* The default of this kind is another one now; device_id with the backend's prefix, or "". */
void registry_default_changed(MiniAVKind kind, const char *device_id);

void registry_permission_changed(MiniAVKind kind, MiniAVPermission permission);

#endif
