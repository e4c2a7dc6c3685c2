#include "common/linux/pipewire_watch.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/clock.h"

#define CONNECT_MS 3000u
#define RETRY_MS   500u

/* Makes the list and tells what is different from the last one. */
static void compare(struct pipewire_watch *watch, const struct pipewire_graph *graph) {
  struct device_list devices = {.prefix = watch->backend, .kind = watch->kind};
  if (graph != NULL) {
    watch->list(graph, &devices);
  }
  device_changes_tell(&watch->changes, &devices);
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
  const struct pipewire_listener listener = {on_changed, on_lost, watch, NULL};
  mutex_lock(&watch->lock);
  while (!watch->quit) {
    mutex_unlock(&watch->lock);
    struct pipewire_connection *connection = NULL;
    if (pipewire_connect(&listener, CONNECT_MS, NULL, &connection) == MINIAV_SUCCESS) {
      hold_connection(watch, connection);
    } else if (!watch->changes.known) {
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
    watch->changes.known = false;
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
