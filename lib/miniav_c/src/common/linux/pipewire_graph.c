#include "common/linux/pipewire_graph.h"

#include "common/audio_format.h"
#include "common/lists.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <pipewire/extensions/metadata.h>
#include <spa/param/props.h>
#include <spa/pod/iter.h>
#include <spa/utils/json.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RATE_HZ 48000u

/* -- properties ----------------------------------------------------------------------------- */

static void copy_property(char *field, size_t capacity, const struct spa_dict *properties,
                          const char *key) {
  const char *value = spa_dict_lookup(properties, key);
  if (value != NULL) {
    text_copy(field, capacity, value);
  }
}

/* A decimal number and nothing else; 0 for anything that is none. */
static uint32_t number_property(const struct spa_dict *properties, const char *key) {
  const char *value = spa_dict_lookup(properties, key);
  if (value == NULL || *value == 0) {
    return 0;
  }
  uint64_t number = 0;
  for (const char *at = value; *at != 0; at++) {
    if (*at < '0' || *at > '9') {
      return 0;
    }
    number = number * 10 + (uint64_t)(*at - '0');
    if (number > UINT32_MAX) {
      return 0;
    }
  }
  return (uint32_t)number;
}

/* As number_property, of 64 bits. */
static uint64_t serial_property(const struct spa_dict *properties) {
  const char *value = spa_dict_lookup(properties, "object.serial");
  char *end = NULL;
  unsigned long long number =
      value != NULL && value[0] >= '0' && value[0] <= '9' ? strtoull(value, &end, 10) : 0;
  return end != NULL && *end == 0 ? number : 0;
}

static bool is_property(const struct spa_dict *properties, const char *key, const char *expected) {
  const char *value = spa_dict_lookup(properties, key);
  return value != NULL && strcmp(value, expected) == 0;
}

static enum pipewire_class class_of(const struct spa_dict *properties) {
  const char *value = spa_dict_lookup(properties, PW_KEY_MEDIA_CLASS);
  if (value == NULL) {
    return PIPEWIRE_CLASS_OTHER;
  }
  if (strcmp(value, "Audio/Sink") == 0 || strcmp(value, "Audio/Duplex") == 0) {
    return PIPEWIRE_CLASS_SINK;
  }
  if (strcmp(value, "Audio/Source") == 0 || strcmp(value, "Audio/Source/Virtual") == 0) {
    return PIPEWIRE_CLASS_SOURCE;
  }
  if (strcmp(value, "Video/Source") == 0 && is_property(properties, PW_KEY_MEDIA_ROLE, "Camera")) {
    return PIPEWIRE_CLASS_CAMERA;
  }
  return strcmp(value, "Stream/Output/Audio") == 0 ? PIPEWIRE_CLASS_STREAM : PIPEWIRE_CLASS_OTHER;
}

static void read_owner(struct pipewire_object *object, const struct spa_dict *properties) {
  copy_property(object->application, sizeof object->application, properties, PW_KEY_APP_NAME);
  copy_property(object->binary, sizeof object->binary, properties, PW_KEY_APP_PROCESS_BINARY);
  copy_property(object->icon, sizeof object->icon, properties, PW_KEY_APP_ICON_NAME);
  object->declared_pid = number_property(properties, PW_KEY_APP_PROCESS_ID);
  object->from_pulse = is_property(properties, PW_KEY_CLIENT_API, "pipewire-pulse");
}

/* Where libcamera says that a camera sits; spa/plugins/libcamera/libcamera-device.cpp. */
static MiniAVFacing facing_of(const struct spa_dict *properties) {
  const char *key = "api.libcamera.location";
  return is_property(properties, key, "front")      ? MINIAV_FACING_USER
         : is_property(properties, key, "back")     ? MINIAV_FACING_ENVIRONMENT
         : is_property(properties, key, "external") ? MINIAV_FACING_EXTERNAL
                                                    : MINIAV_FACING_UNKNOWN;
}

/* As the session manager names it (wireplumber, scripts/monitors/v4l2.lua). */
static void read_device_path(struct pipewire_object *node, const struct spa_dict *properties) {
  const char *path = spa_dict_lookup(properties, "api.v4l2.path");
  const char *object = spa_dict_lookup(properties, "object.path");
  if (path == NULL && object != NULL && strncmp(object, "v4l2:", 5) == 0) {
    path = object + 5;
  }
  if (path != NULL && strlen(path) < sizeof node->device_path) {
    text_copy(node->device_path, sizeof node->device_path, path);
  }
}

static void read_node(struct pipewire_object *node, const struct spa_dict *properties) {
  copy_property(node->name, sizeof node->name, properties, PW_KEY_NODE_NAME);
  copy_property(node->description, sizeof node->description, properties, PW_KEY_NODE_DESCRIPTION);
  read_owner(node, properties);
  node->has_link_group = spa_dict_lookup(properties, PW_KEY_NODE_LINK_GROUP) != NULL;
  node->facing = facing_of(properties);
  read_device_path(node, properties);
  node->is_virtual = spa_dict_lookup(properties, PW_KEY_DEVICE_ID) == NULL;
}

static void read_client(struct pipewire_object *client, const struct spa_dict *properties) {
  read_owner(client, properties);
  client->secure_pid = number_property(properties, PW_KEY_SEC_PID);
}

/* -- nodes and clients ---------------------------------------------------------------------- */

static void touch(struct pipewire_graph *graph) {
  graph->events.touched(graph->user);
}

static void on_node_info(void *data, const struct pw_node_info *info) {
  struct pipewire_object *node = data;
  if ((info->change_mask & PW_NODE_CHANGE_MASK_PROPS) != 0 && info->props != NULL) {
    read_node(node, info->props);
    node->complete = true;
  }
  node->running = info->state == PW_NODE_STATE_RUNNING;
  touch(node->graph);
}

static void read_volumes(struct pipewire_object *node, const struct spa_pod *pod) {
  float volumes[64];
  uint32_t count = spa_pod_copy_array(pod, SPA_TYPE_Float, volumes, SPA_N_ELEMENTS(volumes));
  float sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    sum += volumes[i];
  }
  if (count > 0) {
    node->volume = sum / (float)count;
    node->volume_known = true;
  }
}

static void on_node_param(void *data, int sequence, uint32_t id, uint32_t index, uint32_t next,
                          const struct spa_pod *param) {
  (void)sequence;
  (void)index;
  (void)next;
  struct pipewire_object *node = data;
  if (id != SPA_PARAM_Props || param == NULL || !spa_pod_is_object(param)) {
    return;
  }
  const struct spa_pod_object *object = (const struct spa_pod_object *)param;
  const struct spa_pod_prop *property;
  SPA_POD_OBJECT_FOREACH(object, property) {
    if (property->key == SPA_PROP_channelVolumes) {
      read_volumes(node, &property->value);
    } else if (property->key == SPA_PROP_mute) {
      bool mute = false;
      if (spa_pod_get_bool(&property->value, &mute) == 0) {
        node->mute = mute;
      }
    }
  }
  touch(node->graph);
}

static const struct pw_node_events node_events = {
    .version = PW_VERSION_NODE_EVENTS, .info = on_node_info, .param = on_node_param};

static void on_client_info(void *data, const struct pw_client_info *info) {
  struct pipewire_object *client = data;
  if (info->props != NULL) {
    read_client(client, info->props);
    client->complete = true;
  }
  touch(client->graph);
}

static const struct pw_client_events client_events = {.version = PW_VERSION_CLIENT_EVENTS,
                                                      .info = on_client_info};

static void bind_node(struct pipewire_object *node, const char *type) {
  node->proxy = pw_registry_bind(node->graph->registry, node->id, type, PW_VERSION_NODE, 0);
  if (node->proxy == NULL) {
    return;
  }
  pw_node_add_listener((struct pw_node *)node->proxy, &node->hook, &node_events, node);
  if (node->node_class == PIPEWIRE_CLASS_STREAM) {
    uint32_t ids[] = {SPA_PARAM_Props};
    pw_node_subscribe_params((struct pw_node *)node->proxy, ids, 1);
  }
}

static void bind_client(struct pipewire_object *client, const char *type) {
  client->proxy = pw_registry_bind(client->graph->registry, client->id, type, PW_VERSION_CLIENT, 0);
  if (client->proxy != NULL) {
    pw_client_add_listener((struct pw_client *)client->proxy, &client->hook, &client_events,
                           client);
  }
}

/* -- metadata ------------------------------------------------------------------------------- */

/* {"name":"node.name"}, or nothing. */
static void read_default(char name[MINIAV_TEXT_BYTES], const char *json) {
  struct spa_json outer;
  struct spa_json inner;
  char key[64];
  name[0] = 0;
  if (json == NULL) {
    return;
  }
  spa_json_init(&outer, json, strlen(json));
  if (spa_json_enter_object(&outer, &inner) <= 0) {
    return;
  }
  while (spa_json_get_string(&inner, key, sizeof key) > 0) {
    char value[MINIAV_TEXT_BYTES];
    if (spa_json_get_string(&inner, value, sizeof value) <= 0) {
      return;
    }
    if (strcmp(key, "name") == 0) {
      text_copy(name, MINIAV_TEXT_BYTES, value);
    }
  }
}

static int on_default(void *data, uint32_t subject, const char *key, const char *type,
                      const char *value) {
  (void)type;
  struct pipewire_graph *graph = data;
  if (subject != PW_ID_CORE) {
    return 0;
  }
  if (key == NULL || strcmp(key, "default.audio.sink") == 0) {
    read_default(graph->default_sink, key == NULL ? NULL : value);
  }
  if (key == NULL || strcmp(key, "default.audio.source") == 0) {
    read_default(graph->default_source, key == NULL ? NULL : value);
  }
  if (key == NULL || strcmp(key, "default.video.source") == 0) {
    read_default(graph->default_camera, key == NULL ? NULL : value);
  }
  touch(graph);
  return 0;
}

static const struct pw_metadata_events default_events = {.version = PW_VERSION_METADATA_EVENTS,
                                                         .property = on_default};

static int on_setting(void *data, uint32_t subject, const char *key, const char *type,
                      const char *value) {
  (void)type;
  struct pipewire_graph *graph = data;
  if (subject != PW_ID_CORE || key == NULL || value == NULL) {
    return 0;
  }
  unsigned long number = strtoul(value, NULL, 10);
  uint32_t rate = number >= AUDIO_RATE_MIN_HZ && number <= AUDIO_RATE_MAX_HZ ? (uint32_t)number : 0;
  if (strcmp(key, "clock.rate") == 0) {
    graph->rate_hz = rate;
  } else if (strcmp(key, "clock.force-rate") == 0) {
    graph->forced_rate_hz = rate;
  } else {
    return 0;
  }
  touch(graph);
  return 0;
}

static const struct pw_metadata_events settings_events = {.version = PW_VERSION_METADATA_EVENTS,
                                                          .property = on_setting};

static void bind_metadata(struct pipewire_graph *graph, uint32_t id, const char *type,
                          const struct spa_dict *properties) {
  bool is_default = is_property(properties, "metadata.name", "default");
  bool is_settings = is_property(properties, "metadata.name", "settings");
  struct pipewire_metadata *metadata = is_default ? &graph->defaults : &graph->settings;
  if ((!is_default && !is_settings) || metadata->proxy != NULL) {
    return;
  }
  metadata->id = id;
  metadata->proxy = pw_registry_bind(graph->registry, id, type, PW_VERSION_METADATA, 0);
  if (metadata->proxy != NULL) {
    pw_metadata_add_listener((struct pw_metadata *)metadata->proxy, &metadata->hook,
                             is_default ? &default_events : &settings_events, graph);
  }
}

static void bind_defaults(struct pipewire_graph *graph) {
  graph->defaults.proxy = pw_registry_bind(graph->registry, graph->defaults.id,
                                           PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA, 0);
  if (graph->defaults.proxy != NULL) {
    pw_metadata_add_listener((struct pw_metadata *)graph->defaults.proxy, &graph->defaults.hook,
                             &default_events, graph);
  }
}

static void metadata_end(struct pipewire_metadata *metadata) {
  if (metadata->proxy != NULL) {
    spa_hook_remove(&metadata->hook);
    pipewire.proxy_destroy(metadata->proxy);
    metadata->proxy = NULL;
  }
}

void pipewire_graph_refresh(struct pipewire_graph *graph) {
  if (graph->defaults.proxy != NULL) {
    metadata_end(&graph->defaults);
    bind_defaults(graph);
  }
}

/* What it said holds until its successor speaks. True when it was one. */
static bool metadata_removed(struct pipewire_graph *graph, uint32_t id) {
  struct pipewire_metadata *metadata = graph->defaults.id == id   ? &graph->defaults
                                       : graph->settings.id == id ? &graph->settings
                                                                  : NULL;
  if (metadata == NULL || metadata->proxy == NULL) {
    return false;
  }
  metadata_end(metadata);
  return true;
}

/* -- registry ------------------------------------------------------------------------------- */

static struct pipewire_object *add_object(struct pipewire_graph *graph, enum pipewire_kind kind,
                                          uint32_t id) {
  struct pipewire_object *object = calloc(1, sizeof *object);
  if (object == NULL) {
    return NULL;
  }
  object->graph = graph;
  object->kind = kind;
  object->id = id;
  object->serial = ++graph->next_serial;
  struct pipewire_object **end = &graph->objects;
  while (*end != NULL) {
    end = &(*end)->next;
  }
  *end = object;
  return object;
}

static void add_node(struct pipewire_graph *graph, uint32_t id, const char *type,
                     const struct spa_dict *properties) {
  struct pipewire_object *node = add_object(graph, PIPEWIRE_NODE, id);
  if (node == NULL) {
    return;
  }
  read_node(node, properties);
  /* Only here, where the daemon says them: later the client can say what it likes. */
  node->client_id = number_property(properties, PW_KEY_CLIENT_ID);
  node->object_serial = serial_property(properties);
  node->node_class = class_of(properties);
  if (node->node_class != PIPEWIRE_CLASS_OTHER) {
    bind_node(node, type);
  }
}

static void add_port(struct pipewire_graph *graph, uint32_t id, const struct spa_dict *properties) {
  struct pipewire_object *port = add_object(graph, PIPEWIRE_PORT, id);
  if (port != NULL) {
    copy_property(port->name, sizeof port->name, properties, PW_KEY_PORT_NAME);
    copy_property(port->channel, sizeof port->channel, properties, PW_KEY_AUDIO_CHANNEL);
    port->node_id = number_property(properties, PW_KEY_NODE_ID);
    port->is_output = is_property(properties, PW_KEY_PORT_DIRECTION, "out");
    port->is_monitor = is_property(properties, PW_KEY_PORT_MONITOR, "true");
    port->index = number_property(properties, PW_KEY_PORT_ID);
  }
}

static void add_link(struct pipewire_graph *graph, uint32_t id, const struct spa_dict *properties) {
  struct pipewire_object *link = add_object(graph, PIPEWIRE_LINK, id);
  if (link != NULL) {
    link->output_node = number_property(properties, PW_KEY_LINK_OUTPUT_NODE);
    link->input_node = number_property(properties, PW_KEY_LINK_INPUT_NODE);
  }
}

static void on_global(void *data, uint32_t id, uint32_t permissions, const char *type,
                      uint32_t version, const struct spa_dict *properties) {
  (void)permissions;
  (void)version;
  static const struct spa_dict nothing = {0};
  struct pipewire_graph *graph = data;
  properties = properties != NULL ? properties : &nothing;
  if (strcmp(type, PW_TYPE_INTERFACE_Node) == 0) {
    add_node(graph, id, type, properties);
  } else if (strcmp(type, PW_TYPE_INTERFACE_Port) == 0) {
    add_port(graph, id, properties);
  } else if (strcmp(type, PW_TYPE_INTERFACE_Link) == 0) {
    add_link(graph, id, properties);
  } else if (strcmp(type, PW_TYPE_INTERFACE_Client) == 0) {
    struct pipewire_object *client = add_object(graph, PIPEWIRE_CLIENT, id);
    graph->clients_come++;
    if (client != NULL) {
      bind_client(client, type);
    }
  } else if (strcmp(type, PW_TYPE_INTERFACE_Metadata) == 0) {
    bind_metadata(graph, id, type, properties);
  } else {
    return;
  }
  touch(graph);
}

static void object_free(struct pipewire_object *object) {
  if (object->proxy != NULL) {
    spa_hook_remove(&object->hook);
    pipewire.proxy_destroy(object->proxy);
  }
  free(object);
}

static void on_global_remove(void *data, uint32_t id) {
  struct pipewire_graph *graph = data;
  if (metadata_removed(graph, id)) {
    return;
  }
  for (struct pipewire_object **at = &graph->objects; *at != NULL; at = &(*at)->next) {
    if ((*at)->id == id) {
      struct pipewire_object *object = *at;
      *at = object->next;
      graph->events.removed(graph->user, object);
      object_free(object);
      touch(graph);
      return;
    }
  }
}

static const struct pw_registry_events registry_events = {
    .version = PW_VERSION_REGISTRY_EVENTS, .global = on_global, .global_remove = on_global_remove};

bool pipewire_graph_begin(struct pipewire_graph *graph, struct pw_core *core,
                          const struct pipewire_graph_events *events, void *user) {
  *graph = (struct pipewire_graph){.events = *events, .user = user};
  graph->registry = pw_core_get_registry(core, PW_VERSION_REGISTRY, 0);
  if (graph->registry == NULL) {
    return false;
  }
  pw_registry_add_listener(graph->registry, &graph->registry_hook, &registry_events, graph);
  return true;
}

void pipewire_graph_end(struct pipewire_graph *graph) {
  if (graph->registry == NULL) {
    return;
  }
  while (graph->objects != NULL) {
    struct pipewire_object *object = graph->objects;
    graph->objects = object->next;
    object_free(object);
  }
  metadata_end(&graph->defaults);
  metadata_end(&graph->settings);
  spa_hook_remove(&graph->registry_hook);
  pipewire.proxy_destroy((struct pw_proxy *)graph->registry);
  graph->registry = NULL;
}

/* -- questions ------------------------------------------------------------------------------ */

struct pipewire_object *pipewire_graph_find(const struct pipewire_graph *graph,
                                            enum pipewire_kind kind, uint32_t id) {
  for (struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == kind && at->id == id) {
      return at;
    }
  }
  return NULL;
}

bool pipewire_graph_is_linked(const struct pipewire_graph *graph, uint32_t own_id, uint32_t node_id,
                              uint64_t node_serial) {
  const struct pipewire_object *node = pipewire_graph_find(graph, PIPEWIRE_NODE, node_id);
  bool right = node != NULL && node->serial == node_serial;
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == PIPEWIRE_LINK && at->input_node == own_id) {
      right = right && at->output_node == node_id;
    }
  }
  return right;
}

struct pipewire_object *pipewire_graph_node(const struct pipewire_graph *graph,
                                            enum pipewire_class node_class, const char *name) {
  for (struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == PIPEWIRE_NODE && at->node_class == node_class && strcmp(at->name, name) == 0) {
      return at;
    }
  }
  return NULL;
}

const char *pipewire_graph_default(const struct pipewire_graph *graph,
                                   enum pipewire_class node_class) {
  const char *told = node_class == PIPEWIRE_CLASS_SINK     ? graph->default_sink
                     : node_class == PIPEWIRE_CLASS_SOURCE ? graph->default_source
                                                           : graph->default_camera;
  /* The default video source may be something else than a camera. */
  bool counts = node_class != PIPEWIRE_CLASS_CAMERA ||
                pipewire_graph_node(graph, PIPEWIRE_CLASS_CAMERA, told) != NULL;
  if (told[0] != 0 && counts) {
    return told;
  }
  for (struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == PIPEWIRE_NODE && at->node_class == node_class && at->name[0] != 0) {
      return at->name;
    }
  }
  return "";
}

uint32_t pipewire_graph_rate(const struct pipewire_graph *graph) {
  uint32_t rate = graph->forced_rate_hz != 0 ? graph->forced_rate_hz : graph->rate_hz;
  return rate != 0 ? rate : DEFAULT_RATE_HZ;
}

uint32_t pipewire_graph_outputs(const struct pipewire_graph *graph, uint32_t node_id,
                                const struct pipewire_object **ports, uint32_t capacity) {
  const struct pipewire_object *node = pipewire_graph_find(graph, PIPEWIRE_NODE, node_id);
  bool is_sink = node != NULL && node->node_class == PIPEWIRE_CLASS_SINK;
  uint32_t count = 0;
  for (struct pipewire_object *at = graph->objects; at != NULL && count < capacity; at = at->next) {
    if (at->kind != PIPEWIRE_PORT || at->node_id != node_id || !at->is_output ||
        (is_sink && !at->is_monitor)) {
      continue;
    }
    uint32_t place = count++;
    while (place > 0 && ports[place - 1]->index > at->index) {
      ports[place] = ports[place - 1];
      place--;
    }
    ports[place] = at;
  }
  return count;
}

bool pipewire_graph_is_audible(const struct pipewire_graph *graph, uint32_t node_id) {
  for (struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == PIPEWIRE_LINK && at->output_node == node_id) {
      struct pipewire_object *input = pipewire_graph_find(graph, PIPEWIRE_NODE, at->input_node);
      if (input != NULL && input->node_class == PIPEWIRE_CLASS_SINK) {
        return true;
      }
    }
  }
  return false;
}

#endif
