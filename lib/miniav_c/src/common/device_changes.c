#include "common/device_changes.h"

#include <string.h>

#include "common/registry.h"

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < count; i++) {
    hash = (hash ^ at[i]) * UINT64_C(1099511628211); /* FNV-1a */
  }
  return hash;
}

static uint64_t hash_devices(const struct device_list *devices) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (uint32_t i = 0; i < devices->count; i++) {
    const MiniAVDeviceInfo *device = &devices->items[i];
    uint32_t flags = device->flags & ~(uint32_t)MINIAV_DEVICE_FLAG_DEFAULT;
    hash = hash_bytes(hash, device->device_id, strlen(device->device_id) + 1);
    hash = hash_bytes(hash, device->name, strlen(device->name) + 1);
    hash = hash_bytes(hash, &flags, sizeof flags);
  }
  return hash;
}

void device_changes_tell(struct device_changes *changes, struct device_list *devices) {
  MiniAVKind kind = devices->kind;
  uint64_t hash = hash_devices(devices);
  char default_id[MINIAV_TEXT_BYTES] = "";
  for (uint32_t i = 0; i < devices->count; i++) {
    if ((devices->items[i].flags & MINIAV_DEVICE_FLAG_DEFAULT) != 0) {
      memcpy(default_id, devices->items[i].device_id, sizeof default_id);
    }
  }
  void *items = devices->items;
  list_publish(&items, 0, sizeof *devices->items, false); /* frees it */
  bool list_changed = changes->known && hash != changes->list_hash;
  bool default_changed = changes->known && strcmp(default_id, changes->default_id) != 0;
  changes->known = true;
  changes->list_hash = hash;
  memcpy(changes->default_id, default_id, sizeof default_id);
  if (list_changed) {
    registry_devices_changed(kind);
  }
  if (default_changed) {
    registry_default_changed(kind, default_id);
  }
}
