#include "common/linux/pipewire_video_query.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/clock.h"

struct query {
  struct pipewire_connection *connection;
  struct video_offers *offers;
  /* under the loop lock */
  struct pw_proxy *proxy;
  struct spa_hook proxy_hook;
  struct spa_hook core_hook;
  int sequence;

  struct mutex mutex; /* guards the rest */
  struct condition changed;
  bool answered;
};

static void on_param(void *data, int sequence, uint32_t id, uint32_t index, uint32_t next,
                     const struct spa_pod *param) {
  (void)sequence;
  (void)index;
  (void)next;
  struct query *query = data;
  if (id == SPA_PARAM_EnumFormat && param != NULL) {
    video_offers_add(query->offers, param);
  }
}

static void on_done(void *data, uint32_t id, int sequence) {
  struct query *query = data;
  if (id == PW_ID_CORE && sequence == query->sequence) {
    mutex_lock(&query->mutex);
    query->answered = true;
    condition_broadcast(&query->changed);
    mutex_unlock(&query->mutex);
  }
}

static const struct pw_node_events node_events = {.version = PW_VERSION_NODE_EVENTS,
                                                  .param = on_param};
static const struct pw_port_events port_events = {.version = PW_VERSION_PORT_EVENTS,
                                                  .param = on_param};
static const struct pw_core_events core_events = {.version = PW_VERSION_CORE_EVENTS,
                                                  .done = on_done};

static bool ask_node(struct query *query, struct pw_registry *registry, uint32_t id) {
  query->proxy = pw_registry_bind(registry, id, PW_TYPE_INTERFACE_Node, PW_VERSION_NODE, 0);
  if (query->proxy == NULL) {
    return false;
  }
  struct pw_node *node = (struct pw_node *)query->proxy;
  pw_node_add_listener(node, &query->proxy_hook, &node_events, query);
  pw_node_enum_params(node, 0, SPA_PARAM_EnumFormat, 0, UINT32_MAX, NULL);
  return true;
}

static bool ask_port(struct query *query, struct pw_registry *registry, uint32_t id) {
  query->proxy = pw_registry_bind(registry, id, PW_TYPE_INTERFACE_Port, PW_VERSION_PORT, 0);
  if (query->proxy == NULL) {
    return false;
  }
  struct pw_port *port = (struct pw_port *)query->proxy;
  pw_port_add_listener(port, &query->proxy_hook, &port_events, query);
  pw_port_enum_params(port, 0, SPA_PARAM_EnumFormat, 0, UINT32_MAX, NULL);
  return true;
}

static MiniAVResultCode wait_answer(struct query *query, int64_t deadline_us,
                                    struct cancel *cancel) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&query->mutex);
  while (!query->answered && result == MINIAV_SUCCESS) {
    result = cancel_wait_step(cancel, &query->changed, &query->mutex, deadline_us);
    if (result == MINIAV_SUCCESS) {
      mutex_unlock(&query->mutex);
      bool lost = pipewire_is_lost(query->connection);
      mutex_lock(&query->mutex);
      result = lost && !query->answered ? MINIAV_ERROR_DEVICE_LOST : result;
    }
  }
  mutex_unlock(&query->mutex);
  return result;
}

/* Asks one object and waits; the node's own port where on_port. */
static MiniAVResultCode ask(struct query *query, uint32_t node_id, bool on_port,
                            int64_t deadline_us, struct cancel *cancel) {
  query->answered = false;
  pipewire_lock(query->connection);
  const struct pipewire_graph *graph = pipewire_graph_of(query->connection);
  struct pw_core *core = pipewire_core_of(query->connection);
  const struct pipewire_object *port;
  bool asked = !on_port ? ask_node(query, graph->registry, node_id)
               : pipewire_graph_outputs(graph, node_id, &port, 1) == 1
                   ? ask_port(query, graph->registry, port->id)
                   : false;
  if (asked) {
    pw_core_add_listener(core, &query->core_hook, &core_events, query);
    query->sequence = pw_core_sync(core, PW_ID_CORE, 0);
  }
  pipewire_unlock(query->connection);
  if (!asked) {
    return MINIAV_SUCCESS; /* it has gone, and offers nothing */
  }
  MiniAVResultCode result = wait_answer(query, deadline_us, cancel);
  pipewire_lock(query->connection);
  spa_hook_remove(&query->core_hook);
  spa_hook_remove(&query->proxy_hook);
  pipewire.proxy_destroy(query->proxy);
  pipewire_unlock(query->connection);
  return result;
}

MiniAVResultCode pipewire_video_query(struct pipewire_connection *connection, uint32_t node_id,
                                      struct video_offers *offers, uint32_t timeout_ms,
                                      struct cancel *cancel) {
  struct query query = {.connection = connection, .offers = offers};
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_init(&query.mutex);
  condition_init(&query.changed);
  MiniAVResultCode result = ask(&query, node_id, false, deadline_us, cancel);
  if (result == MINIAV_SUCCESS && offers->count == 0) {
    result = ask(&query, node_id, true, deadline_us, cancel);
  }
  if (result == MINIAV_ERROR_TIMEOUT && cancel != NULL) {
    cancel_explain(cancel, "the camera did not say its formats in %u ms", timeout_ms);
  }
  condition_destroy(&query.changed);
  mutex_destroy(&query.mutex);
  return result == MINIAV_SUCCESS && offers->failed ? MINIAV_ERROR_OUT_OF_MEMORY : result;
}

#endif
