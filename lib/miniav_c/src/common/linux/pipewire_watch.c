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
  } else if (watch->list_without != NULL) {
    watch->list_without(&devices);
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

static bool connect(struct pipewire_watch *watch, struct pipewire_connection **connection) {
  const struct pipewire_listener listener = {on_changed, on_lost, watch, NULL};
  *connection = NULL;
  return (watch->connect != NULL ? watch->connect(&listener, &watch->cancel, connection)
                                 : pipewire_connect(&listener, CONNECT_MS, &watch->cancel,
                                                    connection)) == MINIAV_SUCCESS;
}

static void watch_main(void *user) {
  struct pipewire_watch *watch = user;
  uint32_t retry_ms = watch->retry_ms != 0 ? watch->retry_ms : RETRY_MS;
  mutex_lock(&watch->lock);
  while (!watch->quit) {
    mutex_unlock(&watch->lock);
    struct pipewire_connection *connection;
    if (connect(watch, &connection)) {
      hold_connection(watch, connection);
    } else if (!watch->changes.known) {
      compare(watch, NULL);
    }
    mutex_lock(&watch->lock);
    if (!watch->quit) {
      condition_wait_until(&watch->changed, &watch->lock, clock_deadline_us(retry_ms));
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
    cancel_init(&watch->cancel);
    watch->running = thread_start("miniav-pw-watch", watch_main, watch);
  } else {
    watch->quit = true;
    cancel_request(&watch->cancel);
    condition_broadcast(&watch->changed);
    while (watch->running) {
      condition_wait(&watch->changed, &watch->lock);
    }
    condition_destroy(&watch->changed);
    cancel_destroy(&watch->cancel);
  }
  mutex_unlock(&watch->lock);
}

#endif
