#include "common/linux/pipewire_watch.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <string.h>

#include "common/clock.h"
#include "common/registry.h"

#define CONNECT_MS 3000u
#define RETRY_MS   500u

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

/* Makes the list and tells what is different from the last one. */
static void compare(struct pipewire_watch *watch, const struct pipewire_graph *graph) {
  struct device_list devices = {.prefix = watch->backend, .kind = watch->kind};
  if (graph != NULL) {
    watch->list(graph, &devices);
  }
  uint64_t hash = hash_devices(&devices);
  char default_id[MINIAV_TEXT_BYTES] = "";
  for (uint32_t i = 0; i < devices.count; i++) {
    if ((devices.items[i].flags & MINIAV_DEVICE_FLAG_DEFAULT) != 0) {
      memcpy(default_id, devices.items[i].device_id, sizeof default_id);
    }
  }
  void *items = devices.items;
  list_publish(&items, 0, sizeof *devices.items, false); /* frees it */
  bool list_changed = watch->known && hash != watch->list_hash;
  bool default_changed = watch->known && strcmp(default_id, watch->default_id) != 0;
  watch->known = true;
  watch->list_hash = hash;
  memcpy(watch->default_id, default_id, sizeof default_id);
  if (list_changed) {
    registry_devices_changed(watch->kind);
  }
  if (default_changed) {
    registry_default_changed(watch->kind, default_id);
  }
}

static void on_changed(void *user) {
  struct pipewire_watch *watch = user;
  mutex_lock(&watch->lock);
  struct pipewire_connection *connection = watch->connection;
  mutex_unlock(&watch->lock);
  if (connection != NULL) {
    compare(watch, pipewire_graph_of(connection));
  }
}

static void on_lost(void *user, const char *reason) {
  (void)reason;
  struct pipewire_watch *watch = user;
  mutex_lock(&watch->lock);
  watch->connection_lost = true;
  condition_broadcast(&watch->changed);
  mutex_unlock(&watch->lock);
}

static void hold_connection(struct pipewire_watch *watch, struct pipewire_connection *connection) {
  pipewire_lock(connection);
  mutex_lock(&watch->lock);
  watch->connection = connection;
  mutex_unlock(&watch->lock);
  compare(watch, pipewire_graph_of(connection));
  pipewire_unlock(connection);
  mutex_lock(&watch->lock);
  while (!watch->quit && !watch->connection_lost) {
    condition_wait(&watch->changed, &watch->lock);
  }
  watch->connection = NULL;
  bool gone = watch->connection_lost && !watch->quit;
  watch->connection_lost = false;
  mutex_unlock(&watch->lock);
  pipewire_disconnect(connection);
  if (gone) {
    compare(watch, NULL);
  }
}

static void watch_main(void *user) {
  struct pipewire_watch *watch = user;
  const struct pipewire_listener listener = {on_changed, on_lost, watch};
  mutex_lock(&watch->lock);
  while (!watch->quit) {
    mutex_unlock(&watch->lock);
    struct pipewire_connection *connection = NULL;
    if (pipewire_connect(&listener, CONNECT_MS, NULL, &connection) == MINIAV_SUCCESS) {
      hold_connection(watch, connection);
    } else if (!watch->known) {
      compare(watch, NULL);
    }
    mutex_lock(&watch->lock);
    if (!watch->quit) {
      condition_wait_until(&watch->changed, &watch->lock, clock_deadline_us(RETRY_MS));
    }
  }
  watch->running = false;
  condition_broadcast(&watch->changed);
  mutex_unlock(&watch->lock);
}

void pipewire_watch(struct pipewire_watch *watch, bool on) {
  mutex_lock(&watch->lock);
  if (on) {
    condition_init(&watch->changed);
    watch->quit = false;
    watch->known = false;
    watch->connection_lost = false;
    watch->running = thread_start("miniav-pw-watch", watch_main, watch);
  } else {
    watch->quit = true;
    condition_broadcast(&watch->changed);
    while (watch->running) {
      condition_wait(&watch->changed, &watch->lock);
    }
    condition_destroy(&watch->changed);
  }
  mutex_unlock(&watch->lock);
}

#endif
