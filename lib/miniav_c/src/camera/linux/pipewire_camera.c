#include "camera/linux/pipewire_camera.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "camera/linux/pipewire_controls.h"
#include "common/clock.h"
#include "common/linux/pipewire_video.h"
#include "common/linux/pipewire_video_query.h"

#define ANSWER_MS PIPEWIRE_CAMERA_ANSWER_MS
#define ORPHAN_MS 500

struct camera {
  const struct pipewire_camera_way *way;
  struct capture *capture;
  struct pipewire_connection *connection;
  MiniAVVideoInfo wanted;
  MiniAVVideoInfo chosen;
  struct video_modifiers modifiers; /* that it offers, when GPU output is wanted */
  bool follows_default;
  char name[MINIAV_TEXT_BYTES];

  /* under the loop lock */
  struct pipewire_video *video; /* while it runs */
  uint32_t node_id;
  uint64_t node_serial;
  struct pipewire_controls controls; /* of that node */
  bool is_orphan;
  char orphan_reason[MINIAV_TEXT_BYTES];
  struct spa_source *orphan_timer;

  struct mutex lock;
  struct condition changed;
  /* under the lock */
  enum pipewire_video_phase phase;
  bool daemon_is_gone;
  bool started; /* start has succeeded: what happens now is told by events */
  bool told_lost;
  MiniAVResultCode failure;
  char reason[MINIAV_TEXT_BYTES];
};

/* -- lists ------------------------------------------------------------------------------------ */

static void add_device(const struct pipewire_graph *graph, const struct pipewire_object *node,
                       struct device_list *devices) {
  MiniAVDeviceInfo device = {.kind = MINIAV_KIND_CAMERA, .facing = node->facing};
  bool is_default = strcmp(pipewire_graph_default(graph, PIPEWIRE_CLASS_CAMERA), node->name) == 0;
  device.flags = (is_default ? (uint32_t)MINIAV_DEVICE_FLAG_DEFAULT : 0) |
                 (node->is_virtual ? (uint32_t)MINIAV_DEVICE_FLAG_VIRTUAL : 0);
  text_copy(device.device_id, sizeof device.device_id, node->name);
  text_copy(device.name, sizeof device.name,
            node->description[0] != 0 ? node->description : node->name);
  device_list_add(devices, &device);
}

/* The default first; of nodes with one name the oldest, which is the one that the id means. */
void pipewire_cameras_list(const struct pipewire_graph *graph, struct device_list *devices) {
  const char *default_name = pipewire_graph_default(graph, PIPEWIRE_CLASS_CAMERA);
  const struct pipewire_object *first =
      pipewire_graph_node(graph, PIPEWIRE_CLASS_CAMERA, default_name);
  if (first != NULL && first->name[0] != 0) {
    add_device(graph, first, devices);
  }
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind == PIPEWIRE_NODE && at->node_class == PIPEWIRE_CLASS_CAMERA && at != first &&
        at->name[0] != 0 && pipewire_graph_node(graph, PIPEWIRE_CLASS_CAMERA, at->name) == at) {
      add_device(graph, at, devices);
    }
  }
}

void pipewire_cameras_list_once(struct pipewire_connection *connection,
                                struct device_list *devices) {
  pipewire_lock(connection);
  pipewire_cameras_list(pipewire_graph_of(connection), devices);
  pipewire_unlock(connection);
  pipewire_disconnect(connection);
}

/* Locked: the node that an id means now; "" is the default. */
static const struct pipewire_object *find_node(const struct pipewire_graph *graph, const char *id) {
  const char *name = id[0] != 0 ? id : pipewire_graph_default(graph, PIPEWIRE_CLASS_CAMERA);
  return name[0] != 0 ? pipewire_graph_node(graph, PIPEWIRE_CLASS_CAMERA, name) : NULL;
}

/* Asks the camera what it offers; its name goes to `name`. */
static MiniAVResultCode ask_offers(struct pipewire_connection *connection, const char *id,
                                   char name[MINIAV_TEXT_BYTES], struct video_offers *offers,
                                   struct cancel *cancel) {
  pipewire_lock(connection);
  const struct pipewire_object *node = find_node(pipewire_graph_of(connection), id);
  uint32_t node_id = node != NULL ? node->id : SPA_ID_INVALID;
  if (node != NULL) {
    memcpy(name, node->name, MINIAV_TEXT_BYTES);
  }
  pipewire_unlock(connection);
  if (node_id == SPA_ID_INVALID) {
    cancel_explain(
        cancel, id[0] != 0 ? "PipeWire has no camera \"%.200s\"" : "PipeWire has no camera%s", id);
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return pipewire_video_query(connection, node_id, offers, ANSWER_MS, cancel);
}

MiniAVResultCode pipewire_camera_formats(const struct pipewire_camera_way *way, const char *id,
                                         struct format_list *list, struct cancel *cancel) {
  struct pipewire_connection *connection;
  struct video_offers offers = {0};
  char name[MINIAV_TEXT_BYTES];
  MiniAVResultCode result = way->connect(NULL, cancel, &connection);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = ask_offers(connection, id, name, &offers, cancel);
  if (result == MINIAV_SUCCESS) {
    video_offers_list(&offers, list);
  }
  free(offers.items);
  pipewire_disconnect(connection);
  return result;
}

static MiniAVResultCode choose(const struct video_offers *offers, const MiniAVVideoInfo *wanted,
                               MiniAVVideoInfo *chosen, struct cancel *cancel) {
  MiniAVResultCode result = video_offers_choose(offers, wanted, chosen);
  if (result != MINIAV_SUCCESS) {
    char text[160];
    video_offers_describe(offers, text, sizeof text);
    cancel_explain(cancel, "the camera offers %s", text[0] != 0 ? text : "no format known here");
  }
  return result;
}

MiniAVResultCode pipewire_camera_default_format(const struct pipewire_camera_way *way,
                                                const char *id, struct capture_format *format,
                                                struct cancel *cancel) {
  static const MiniAVVideoInfo anything = {0};
  struct pipewire_connection *connection;
  struct video_offers offers = {0};
  char name[MINIAV_TEXT_BYTES];
  MiniAVResultCode result = way->connect(NULL, cancel, &connection);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = ask_offers(connection, id, name, &offers, cancel);
  if (result == MINIAV_SUCCESS) {
    result = choose(&offers, &anything, &format->video, cancel);
  }
  free(offers.items);
  pipewire_disconnect(connection);
  return result;
}

/* -- what becomes of the camera; loop thread ----------------------------------------------------
 */

static void tell(struct camera *camera, enum pipewire_video_phase phase, MiniAVResultCode failure,
                 const char *reason) {
  mutex_lock(&camera->lock);
  bool failed = phase == PIPEWIRE_VIDEO_FAILED;
  camera->phase = phase;
  if (failed) {
    camera->failure = failure;
    text_copy(camera->reason, sizeof camera->reason, reason);
  }
  bool lost = failed && camera->started && !camera->told_lost;
  camera->told_lost = camera->told_lost || lost;
  condition_broadcast(&camera->changed);
  mutex_unlock(&camera->lock);
  if (lost) {
    capture_lost(camera->capture, MINIAV_ERROR_DEVICE_LOST, reason);
  }
}

static bool is_started(struct camera *camera) {
  mutex_lock(&camera->lock);
  bool started = camera->started && !camera->told_lost;
  mutex_unlock(&camera->lock);
  return started;
}

static void become_orphan(struct camera *camera, const char *reason) {
  struct timespec wait = {.tv_nsec = ORPHAN_MS * 1000000};
  camera->is_orphan = true;
  text_copy(camera->orphan_reason, sizeof camera->orphan_reason, reason);
  pw_loop_update_timer(pipewire_loop_of(camera->connection), camera->orphan_timer, &wait, NULL,
                       false);
}

static void on_orphan_timer(void *user, uint64_t expirations) {
  (void)expirations;
  struct camera *camera = user;
  if (camera->is_orphan) {
    camera->is_orphan = false;
    tell(camera, PIPEWIRE_VIDEO_FAILED, MINIAV_ERROR_DEVICE_LOST, camera->orphan_reason);
  }
}

static void on_video_changed(void *user) {
  struct camera *camera = user;
  const char *reason = "";
  if (camera->video == NULL) {
    return; /* it is being made */
  }
  enum pipewire_video_phase phase = pipewire_video_phase_of(camera->video);
  MiniAVResultCode failure = pipewire_video_failure(camera->video, &reason);
  if (phase == PIPEWIRE_VIDEO_FAILED && camera->follows_default && is_started(camera)) {
    become_orphan(camera, reason);
  } else {
    tell(camera, phase, failure, reason);
  }
}

/* Where links cannot be seen: whose clock drives us tells of a link to another camera. */
static bool is_driven_by_another(const struct camera *camera) {
  if (camera->way->links_itself || camera->video == NULL) {
    return false;
  }
  uint32_t driver = pipewire_video_driver(camera->video);
  const struct pipewire_object *node =
      pipewire_graph_find(pipewire_graph_of(camera->connection), PIPEWIRE_NODE, driver);
  return node != NULL && node->node_class == PIPEWIRE_CLASS_CAMERA && driver != camera->node_id;
}

/* The camera that was asked for is still that camera, and nothing else is linked to us. */
static bool is_right(void *user, uint32_t own_id) {
  struct camera *camera = user;
  return pipewire_graph_is_linked(pipewire_graph_of(camera->connection), own_id, camera->node_id,
                                  camera->node_serial) &&
         !is_driven_by_another(camera);
}

/* Locked: the capture is of this node from now on. */
static void take_node(struct camera *camera, const struct pipewire_object *node) {
  if (node->serial != camera->node_serial) {
    pipewire_controls_close(&camera->controls);
    pipewire_controls_open(&camera->controls, node->device_path);
  }
  camera->node_id = node->id;
  camera->node_serial = node->serial;
  memcpy(camera->name, node->name, sizeof camera->name);
}

static bool wants_gpu(const struct camera *camera) {
  return camera->wanted.output_preference == MINIAV_OUTPUT_PREFERENCE_GPU;
}

/* Locked: makes the stream for a node. */
static MiniAVResultCode begin(struct camera *camera, const struct pipewire_object *node,
                              const MiniAVVideoInfo *wanted) {
  const struct pipewire_object *port = NULL;
  bool links_itself = camera->way->links_itself;
  if (links_itself &&
      pipewire_graph_outputs(pipewire_graph_of(camera->connection), node->id, &port, 1) == 0) {
    return MINIAV_ERROR_DEVICE_LOST;
  }
  take_node(camera, node);
  const struct pipewire_video_setup setup = {.core = pipewire_core_of(camera->connection),
                                             .loop = pipewire_loop_of(camera->connection),
                                             .capture = camera->capture,
                                             .name = "MiniAV camera",
                                             .role = "Camera",
                                             .node_id = node->id,
                                             .node_serial = node->object_serial,
                                             .port_id = port != NULL ? port->id : 0,
                                             .links_itself = links_itself,
                                             .wants_gpu = wants_gpu(camera),
                                             .modifiers = &camera->modifiers,
                                             .wanted = *wanted,
                                             .exact = camera->chosen,
                                             .is_right = is_right,
                                             .changed = on_video_changed,
                                             .user = camera};
  camera->video = pipewire_video_create(&setup);
  if (camera->video == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  if (pipewire_video_phase_of(camera->video) == PIPEWIRE_VIDEO_FAILED) {
    on_video_changed(camera); /* at once, when nobody could be told yet */
  }
  return MINIAV_SUCCESS;
}

static void move_to(struct camera *camera, const struct pipewire_object *node) {
  static const MiniAVVideoInfo anything = {0};
  camera->chosen = *pipewire_video_info(camera->video);
  pipewire_video_destroy(camera->video);
  camera->video = NULL;
  camera->is_orphan = false;
  if (begin(camera, node, &anything) != MINIAV_SUCCESS) {
    tell(camera, PIPEWIRE_VIDEO_FAILED, MINIAV_ERROR_DEVICE_LOST, "the next camera is not ready");
    return;
  }
  capture_default_moved(camera->capture, camera->name);
}

static void on_graph_changed(void *user) {
  struct camera *camera = user;
  if (camera->video == NULL) {
    return;
  }
  const struct pipewire_graph *graph = pipewire_graph_of(camera->connection);
  const struct pipewire_object *next = camera->follows_default ? find_node(graph, "") : NULL;
  if (next != NULL && next->serial != camera->node_serial && is_started(camera)) {
    move_to(camera, next);
    return;
  }
  const struct pipewire_object *node = pipewire_graph_find(graph, PIPEWIRE_NODE, camera->node_id);
  if (camera->is_orphan) {
    return;
  }
  if (node == NULL || node->serial != camera->node_serial) {
    tell(camera, PIPEWIRE_VIDEO_FAILED, MINIAV_ERROR_DEVICE_LOST, camera->way->gone);
  } else if (!is_right(camera, pipewire_video_own_id(camera->video))) {
    tell(camera, PIPEWIRE_VIDEO_FAILED, MINIAV_ERROR_DEVICE_LOST,
         "something else was linked to the stream");
    pipewire_video_destroy(camera->video);
    camera->video = NULL;
  }
}

static void on_lost(void *user, const char *reason) {
  struct camera *camera = user;
  mutex_lock(&camera->lock);
  camera->daemon_is_gone = true;
  mutex_unlock(&camera->lock);
  tell(camera, PIPEWIRE_VIDEO_FAILED, MINIAV_ERROR_DEVICE_LOST, reason);
}

/* -- captures --------------------------------------------------------------------------------- */

static MiniAVResultCode negotiate(struct camera *camera, const char *id, struct cancel *cancel) {
  const struct pipewire_listener listener = {on_graph_changed, on_lost, camera, NULL};
  struct video_offers offers = {.modifiers = wants_gpu(camera) ? &camera->modifiers : NULL};
  MiniAVResultCode result = camera->way->connect(&listener, cancel, &camera->connection);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  pipewire_lock(camera->connection);
  struct pw_loop *loop = pipewire_loop_of(camera->connection);
  camera->orphan_timer = pw_loop_add_timer(loop, on_orphan_timer, camera);
  camera->controls = (struct pipewire_controls){
      .capture = camera->capture, .loop = loop, .opened = MINIAV_ERROR_NOT_SUPPORTED};
  pipewire_unlock(camera->connection);
  if (camera->orphan_timer == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  result = ask_offers(camera->connection, id, camera->name, &offers, cancel);
  if (result == MINIAV_SUCCESS) {
    result = choose(&offers, &camera->wanted, &camera->chosen, cancel);
  }
  free(offers.items);
  pipewire_lock(camera->connection);
  const struct pipewire_object *node = find_node(pipewire_graph_of(camera->connection), id);
  if (result == MINIAV_SUCCESS && node != NULL) {
    take_node(camera, node); /* its controls can be set before it starts */
  }
  pipewire_unlock(camera->connection);
  return result;
}

void pipewire_camera_close(void *state) {
  struct camera *camera = state;
  if (camera->orphan_timer != NULL) {
    pipewire_lock(camera->connection);
    pipewire_controls_close(&camera->controls);
    pw_loop_destroy_source(pipewire_loop_of(camera->connection), camera->orphan_timer);
    pipewire_unlock(camera->connection);
  }
  pipewire_disconnect(camera->connection);
  condition_destroy(&camera->changed);
  mutex_destroy(&camera->lock);
  free(camera);
}

MiniAVResultCode pipewire_camera_open(const struct pipewire_camera_way *way,
                                      struct capture *capture, const char *id,
                                      const MiniAVVideoInfo *wanted, struct capture_format *format,
                                      void **state, struct cancel *cancel) {
  struct camera *camera = calloc(1, sizeof *camera);
  if (camera == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_init(&camera->lock);
  condition_init(&camera->changed);
  camera->way = way;
  camera->capture = capture;
  camera->wanted = *wanted;
  camera->follows_default = id[0] == 0;
  MiniAVResultCode result = negotiate(camera, id, cancel);
  if (result != MINIAV_SUCCESS) {
    pipewire_camera_close(camera);
    return result;
  }
  if (camera->follows_default) {
    capture_set_device(capture, camera->name);
  }
  format->video = camera->chosen;
  *state = camera;
  return MINIAV_SUCCESS;
}

/* Until frames can come; under nothing. */
static MiniAVResultCode wait_streaming(struct camera *camera, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(ANSWER_MS);
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&camera->lock);
  while (camera->phase == PIPEWIRE_VIDEO_CONNECTING && result == MINIAV_SUCCESS) {
    result = cancel_wait_step(cancel, &camera->changed, &camera->lock, deadline_us);
  }
  if (camera->phase == PIPEWIRE_VIDEO_FAILED) {
    result = camera->failure;
    cancel_explain(cancel, "%s", camera->reason);
  } else if (result == MINIAV_ERROR_TIMEOUT) {
    cancel_explain(cancel, "the camera agreed on no format in %u ms", ANSWER_MS);
  }
  camera->started = result == MINIAV_SUCCESS;
  mutex_unlock(&camera->lock);
  return result;
}

void pipewire_camera_stop(void *state) {
  struct camera *camera = state;
  pipewire_lock(camera->connection);
  pipewire_video_destroy(camera->video);
  camera->video = NULL;
  camera->is_orphan = false;
  pipewire_unlock(camera->connection);
  mutex_lock(&camera->lock);
  camera->started = false;
  mutex_unlock(&camera->lock);
}

/* Locked. */
static MiniAVResultCode begin_start(struct camera *camera, struct cancel *cancel) {
  const struct pipewire_graph *graph = pipewire_graph_of(camera->connection);
  const struct pipewire_object *node =
      find_node(graph, camera->follows_default ? "" : camera->name);
  if (node == NULL) {
    cancel_explain(cancel, "the camera is gone");
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  bool moved = strcmp(node->name, camera->name) != 0;
  MiniAVResultCode result = begin(camera, node, &camera->wanted);
  if (result == MINIAV_SUCCESS && moved) {
    capture_set_device(camera->capture, camera->name);
  }
  return result;
}

/* -- properties ------------------------------------------------------------------------------- */

/* Controls that are the caller's, to close their fd. */
static MiniAVResultCode take_controls(struct camera *camera, struct v4l2_controls *controls) {
  *controls = (struct v4l2_controls){-1, v4l2_call};
  pipewire_lock(camera->connection);
  MiniAVResultCode result = pipewire_controls_take(&camera->controls, &controls->fd);
  pipewire_unlock(camera->connection);
  return result;
}

MiniAVResultCode pipewire_camera_property_info(void *state, MiniAVPropertyKey key,
                                               MiniAVPropertyInfo *info) {
  struct v4l2_controls controls;
  MiniAVResultCode result = take_controls(state, &controls);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_control_info(&controls, key, info);
    close(controls.fd);
  }
  return result;
}

MiniAVResultCode pipewire_camera_get_property(void *state, MiniAVPropertyKey key,
                                              MiniAVPropertyValue *value) {
  struct v4l2_controls controls;
  MiniAVResultCode result = take_controls(state, &controls);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_control_get(&controls, key, value);
    close(controls.fd);
  }
  return result;
}

MiniAVResultCode pipewire_camera_set_property(void *state, MiniAVPropertyKey key,
                                              const MiniAVPropertyValue *value) {
  struct v4l2_controls controls;
  MiniAVResultCode result = take_controls(state, &controls);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_control_set(&controls, key, value);
    close(controls.fd);
  }
  return result;
}

MiniAVResultCode pipewire_camera_set_auto_property(void *state, MiniAVPropertyKey key,
                                                   bool automatic) {
  struct v4l2_controls controls;
  MiniAVResultCode result = take_controls(state, &controls);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_control_set_auto(&controls, key, automatic);
    close(controls.fd);
  }
  return result;
}

/* -- starting --------------------------------------------------------------------------------- */

MiniAVResultCode pipewire_camera_start(void *state, struct cancel *cancel) {
  struct camera *camera = state;
  mutex_lock(&camera->lock);
  bool gone = camera->daemon_is_gone;
  camera->phase = PIPEWIRE_VIDEO_CONNECTING;
  camera->told_lost = false;
  mutex_unlock(&camera->lock);
  if (gone) {
    cancel_explain(cancel, "PipeWire has ended since the camera was configured");
    return MINIAV_ERROR_DEVICE_LOST;
  }
  pipewire_lock(camera->connection);
  MiniAVResultCode result = begin_start(camera, cancel);
  pipewire_unlock(camera->connection);
  if (result == MINIAV_SUCCESS) {
    result = wait_streaming(camera, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    pipewire_camera_stop(camera);
  }
  return result;
}

#endif
