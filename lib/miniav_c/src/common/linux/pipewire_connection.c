#include "common/linux/pipewire_connection.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/pipewire_socket.h"
#include "common/log.h"
#include "miniav_capture.h"

#define PROBE_LIMIT_MS       200u
#define DATA_THREAD_MS       2000u
#define DATA_THREAD_GUESS_US 20000
#define REFRESH_MS           250

struct pipewire_connection {
  struct pw_thread_loop *loop;
  struct pw_context *context;
  struct pw_core *core;
  struct spa_hook core_hook;
  struct spa_source *refresh; /* a timer; NULL without */
  uint32_t clients_come;      /* of the graph, when it was set */
  struct pipewire_graph graph;
  struct pipewire_listener listener;
  bool sync_pending; /* a question is on its way to the daemon */
  int sync_sequence;
  bool dirty; /* something came after it was asked */
  bool roundtrip_pending;
  int roundtrip_sequence;

  struct mutex mutex; /* guards the rest */
  struct condition told;
  bool ready;
  bool lost;
  bool roundtrip_done;
  char reason[128];
};

/* -- loop thread ---------------------------------------------------------------------------- */

static void ask(struct pipewire_connection *connection) {
  connection->dirty = false;
  connection->sync_pending = true;
  connection->sync_sequence = pw_core_sync(connection->core, PW_ID_CORE, 0);
}

/* Some time after a client has come: it has bound what it wants then. */
static void refresh_later(struct pipewire_connection *connection) {
  struct timespec when = {.tv_nsec = REFRESH_MS * 1000000};
  if (connection->refresh != NULL && connection->clients_come != connection->graph.clients_come) {
    connection->clients_come = connection->graph.clients_come;
    pw_loop_update_timer(pipewire.thread_loop_get_loop(connection->loop), connection->refresh,
                         &when, NULL, false);
  }
}

static void on_refresh(void *user, uint64_t expirations) {
  (void)expirations;
  struct pipewire_connection *connection = user;
  pipewire_graph_refresh(&connection->graph);
}

/* What comes in a batch is told once, after the daemon's answer behind it. */
static void on_touched(void *user) {
  struct pipewire_connection *connection = user;
  connection->dirty = true;
  refresh_later(connection);
  if (!connection->sync_pending) {
    ask(connection);
  }
}

static void on_removed(void *user, const struct pipewire_object *object) {
  const struct pipewire_listener *listener = &((struct pipewire_connection *)user)->listener;
  if (listener->removed != NULL) {
    listener->removed(listener->user, object);
  }
}

static const struct pipewire_graph_events graph_events = {.touched = on_touched,
                                                          .removed = on_removed};

static void on_done(void *user, uint32_t id, int sequence) {
  struct pipewire_connection *connection = user;
  if (id == PW_ID_CORE && connection->roundtrip_pending &&
      sequence == connection->roundtrip_sequence) {
    connection->roundtrip_pending = false;
    mutex_lock(&connection->mutex);
    connection->roundtrip_done = true;
    condition_broadcast(&connection->told);
    mutex_unlock(&connection->mutex);
    return;
  }
  if (id != PW_ID_CORE || !connection->sync_pending || sequence != connection->sync_sequence) {
    return;
  }
  connection->sync_pending = false;
  bool was_dirty = connection->dirty;
  if (was_dirty) {
    ask(connection); /* what was bound meanwhile has its properties then */
  }
  mutex_lock(&connection->mutex);
  bool first = !connection->ready && !was_dirty;
  connection->ready = connection->ready || first;
  bool ready = connection->ready;
  condition_broadcast(&connection->told);
  mutex_unlock(&connection->mutex);
  if (ready && !first && connection->listener.changed != NULL) {
    connection->listener.changed(connection->listener.user);
  }
}

static void on_error(void *user, uint32_t id, int sequence, int result, const char *message) {
  (void)sequence;
  struct pipewire_connection *connection = user;
  /* -ENOENT for id 0 only says that an object of ours was gone before we spoke of it. */
  if (id != PW_ID_CORE || result != -EPIPE) {
    log_write(MINIAV_LOG_LEVEL_DEBUG, "pipewire", "object %u: %s (%d)", id, message, result);
    return;
  }
  mutex_lock(&connection->mutex);
  bool tell = !connection->lost && connection->ready;
  connection->lost = true;
  snprintf(connection->reason, sizeof connection->reason, "PipeWire ended the connection: %s",
           message != NULL ? message : strerror(-result));
  condition_broadcast(&connection->told);
  mutex_unlock(&connection->mutex);
  if (tell && connection->listener.lost != NULL) {
    connection->listener.lost(connection->listener.user, connection->reason);
  }
}

static const struct pw_core_events core_events = {
    .version = PW_VERSION_CORE_EVENTS, .done = on_done, .error = on_error};

/* -- connecting ----------------------------------------------------------------------------- */

/* fd is the core's from here on; -1: to the daemon's own socket. */
static struct pw_core *open_core(struct pw_context *context, int fd) {
  return fd < 0 ? pipewire.context_connect(context, NULL, 0)
                : pipewire.context_connect_fd(context, fd, NULL, 0);
}

/* *fd is -1 once it is the core's. */
static MiniAVResultCode reach(struct pipewire_connection *connection, int *fd) {
  connection->loop = pipewire.thread_loop_new("miniav-pipewire", NULL);
  if (connection->loop == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  connection->refresh =
      pw_loop_add_timer(pipewire.thread_loop_get_loop(connection->loop), on_refresh, connection);
  connection->context = pipewire_context_new(pipewire.thread_loop_get_loop(connection->loop));
  if (connection->context == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  connection->core = open_core(connection->context, *fd);
  *fd = -1;
  if (connection->core == NULL) {
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  pw_core_add_listener(connection->core, &connection->core_hook, &core_events, connection);
  if (!pipewire_graph_begin(&connection->graph, connection->core, &graph_events, connection)) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  ask(connection);
  return pipewire.thread_loop_start(connection->loop) == 0 ? MINIAV_SUCCESS
                                                           : MINIAV_ERROR_OUT_OF_MEMORY;
}

static MiniAVResultCode wait_ready(struct pipewire_connection *connection, uint32_t timeout_ms,
                                   struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&connection->mutex);
  while (!connection->ready && result == MINIAV_SUCCESS) {
    result = connection->lost
                 ? MINIAV_ERROR_SYSTEM_CALL_FAILED
                 : cancel_wait_step(cancel, &connection->told, &connection->mutex, deadline_us);
  }
  mutex_unlock(&connection->mutex);
  return result;
}

static MiniAVResultCode establish(int *fd, const struct pipewire_listener *listener,
                                  uint32_t timeout_ms, struct cancel *cancel,
                                  struct pipewire_connection **out) {
  *out = NULL;
  MiniAVResultCode result = pipewire_load();
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct pipewire_connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_init(&connection->mutex);
  condition_init(&connection->told);
  if (listener != NULL) {
    connection->listener = *listener;
  }
  result = reach(connection, fd);
  if (result == MINIAV_SUCCESS) {
    result = wait_ready(connection, timeout_ms, cancel);
  }
  if (result == MINIAV_ERROR_TIMEOUT && cancel != NULL) {
    cancel_explain(cancel, "no answer from PipeWire in %u ms", timeout_ms);
  }
  if (result != MINIAV_SUCCESS) {
    pipewire_disconnect(connection);
    return result;
  }
  *out = connection;
  return MINIAV_SUCCESS;
}

MiniAVResultCode pipewire_connect(const struct pipewire_listener *listener, uint32_t timeout_ms,
                                  struct cancel *cancel, struct pipewire_connection **out) {
  int fd = -1;
  return establish(&fd, listener, timeout_ms, cancel, out);
}

MiniAVResultCode pipewire_connect_fd(int fd, const struct pipewire_listener *listener,
                                     uint32_t timeout_ms, struct cancel *cancel,
                                     struct pipewire_connection **out) {
  MiniAVResultCode result = establish(&fd, listener, timeout_ms, cancel, out);
  if (fd >= 0) {
    close(fd); /* nobody got that far */
  }
  return result;
}

static int note_thread(struct spa_loop *loop, bool async, uint32_t sequence, const void *data,
                       size_t size, void *user) {
  (void)loop;
  (void)async;
  (void)sequence;
  (void)data;
  (void)size;
  *(pthread_t *)user = pthread_self();
  return 0;
}

/* A context whose data thread has not begun when it is told to end waits for it for ever
 * (pw_data_loop_stop of 0.3.65): until then what is invoked runs on the caller's thread. */
static void wait_for_data_thread(struct pw_context *context) {
  if (pipewire.context_get_data_loop == NULL) {
    clock_sleep_until_us(clock_now_us() + DATA_THREAD_GUESS_US);
    return;
  }
  struct pw_data_loop *loop = pipewire.context_get_data_loop(context);
  int64_t deadline_us = clock_deadline_us(DATA_THREAD_MS);
  while (loop != NULL && clock_now_us() < deadline_us) {
    pthread_t thread = pthread_self();
    pipewire.data_loop_invoke(loop, note_thread, 0, NULL, 0, true, &thread);
    if (!pthread_equal(thread, pthread_self())) {
      return;
    }
    clock_sleep_until_us(clock_now_us() + 500);
  }
}

void pipewire_disconnect(struct pipewire_connection *connection) {
  if (connection == NULL) {
    return;
  }
  if (connection->loop != NULL) {
    pipewire.thread_loop_stop(connection->loop);
  }
  pipewire_graph_end(&connection->graph);
  if (connection->core != NULL) {
    spa_hook_remove(&connection->core_hook);
    pipewire.core_disconnect(connection->core);
  }
  if (connection->context != NULL) {
    wait_for_data_thread(connection->context);
    pipewire.context_destroy(connection->context);
  }
  if (connection->refresh != NULL) {
    pw_loop_destroy_source(pipewire.thread_loop_get_loop(connection->loop), connection->refresh);
  }
  if (connection->loop != NULL) {
    pipewire.thread_loop_destroy(connection->loop);
  }
  condition_destroy(&connection->told);
  mutex_destroy(&connection->mutex);
  free(connection);
}

/* -- what others ask ------------------------------------------------------------------------ */

void pipewire_lock(struct pipewire_connection *connection) {
  pipewire.thread_loop_lock(connection->loop);
}

void pipewire_unlock(struct pipewire_connection *connection) {
  pipewire.thread_loop_unlock(connection->loop);
}

const struct pipewire_graph *pipewire_graph_of(const struct pipewire_connection *connection) {
  return &connection->graph;
}

struct pw_core *pipewire_core_of(const struct pipewire_connection *connection) {
  return connection->core;
}

struct pw_loop *pipewire_loop_of(const struct pipewire_connection *connection) {
  return pipewire.thread_loop_get_loop(connection->loop);
}

bool pipewire_is_lost(struct pipewire_connection *connection) {
  mutex_lock(&connection->mutex);
  bool lost = connection->lost;
  mutex_unlock(&connection->mutex);
  return lost;
}

bool pipewire_roundtrip(struct pipewire_connection *connection, uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  pipewire_lock(connection);
  mutex_lock(&connection->mutex);
  connection->roundtrip_done = false;
  mutex_unlock(&connection->mutex);
  connection->roundtrip_pending = true;
  connection->roundtrip_sequence = pw_core_sync(connection->core, PW_ID_CORE, 0);
  pipewire_unlock(connection);
  mutex_lock(&connection->mutex);
  while (!connection->roundtrip_done && !connection->lost &&
         condition_wait_until(&connection->told, &connection->mutex, deadline_us)) {
  }
  bool done = connection->roundtrip_done;
  mutex_unlock(&connection->mutex);
  return done;
}

/* SUCCESS without a connection: it is there and hangs: whoever opens is told so, and may cancel. */
static MiniAVResultCode probe_connection(struct pipewire_connection **connection,
                                         char why[MINIAV_TEXT_BYTES]) {
  MiniAVResultCode result = pipewire_connect(NULL, PROBE_LIMIT_MS, NULL, connection);
  if (result == MINIAV_SUCCESS || result == MINIAV_ERROR_TIMEOUT) {
    return MINIAV_SUCCESS;
  }
  if (result == MINIAV_ERROR_NOT_SUPPORTED) {
    snprintf(why, MINIAV_TEXT_BYTES, "PipeWire's library is missing");
    return result;
  }
  MiniAVResultCode socket = pipewire_socket_look(why, MINIAV_TEXT_BYTES);
  if (why[0] == 0) {
    snprintf(why, MINIAV_TEXT_BYTES, "no daemon answers: %s", MiniAV_GetErrorString(result));
  }
  return socket == MINIAV_ERROR_PERMISSION_DENIED ? socket : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

MiniAVResultCode pipewire_probe(char why[MINIAV_TEXT_BYTES]) {
  struct pipewire_connection *connection;
  MiniAVResultCode result = probe_connection(&connection, why);
  pipewire_disconnect(connection);
  return result;
}

/* Locked. */
static bool has_sound(const struct pipewire_graph *graph) {
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == PIPEWIRE_NODE &&
        (at->node_class == PIPEWIRE_CLASS_SINK || at->node_class == PIPEWIRE_CLASS_SOURCE)) {
      return true;
    }
  }
  return false;
}

/* A PipeWire that only serves video, beside a PulseAudio that serves sound, is common: Ubuntu 22.04
 * has it. It has no node for sound. */
MiniAVResultCode pipewire_audio_probe(char why[MINIAV_TEXT_BYTES]) {
  struct pipewire_connection *connection;
  MiniAVResultCode result = probe_connection(&connection, why);
  if (connection == NULL) {
    return result;
  }
  pipewire_lock(connection);
  bool found = has_sound(&connection->graph);
  pipewire_unlock(connection);
  pipewire_disconnect(connection);
  if (!found) {
    snprintf(why, MINIAV_TEXT_BYTES, "this PipeWire serves no sound");
  }
  return found ? MINIAV_SUCCESS : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

#endif
