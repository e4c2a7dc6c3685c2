#include "loopback/linux/loopback_targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/lists.h"
#include "loopback/linux/stream_owner.h"
#include "loopback/linux/window_target.h"

#define LOOK_US 100000

void loopback_id_join(char id[MINIAV_TEXT_BYTES], const char *prefix, const char *name) {
  size_t length = strlen(prefix);
  memcpy(id, prefix, length);
  text_copy(id + length, MINIAV_TEXT_BYTES - length, name);
}

/* -- what is asked -------------------------------------------------------------------------- */

static const char *after(const char *text, const char *prefix) {
  size_t length = strlen(prefix);
  return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static bool is_tree(const struct loopback_target *target) {
  return target->asked.type == MINIAV_LOOPBACK_TARGET_PROCESS &&
         (target->asked.flags & MINIAV_LOOPBACK_FLAG_TREE) != 0;
}

static MiniAVResultCode add_target(struct loopback_targets *targets,
                                   const MiniAVLoopbackTarget *asked, struct cancel *cancel) {
  struct loopback_target *target = &targets->targets[targets->count++];
  *target = (struct loopback_target){.asked = *asked};
  MiniAVResultCode result = window_target_resolve(&target->asked, cancel);
  if (target->asked.type == MINIAV_LOOPBACK_TARGET_PROCESS) {
    target->start_time = process_start_time(target->asked.process_id);
    if (is_tree(target)) {
      process_tree_init(&target->tree, target->asked.process_id);
    }
  }
  return result;
}

void loopback_targets_free(struct loopback_targets *targets) {
  for (uint32_t i = 0; i < targets->count; i++) {
    process_tree_free(&targets->targets[i].tree);
  }
}

MiniAVResultCode loopback_targets_from_id(const char *id, struct loopback_targets *targets,
                                          struct cancel *cancel) {
  const char *rest;
  MiniAVLoopbackTarget asked = {.type = MINIAV_LOOPBACK_TARGET_NONE};
  *targets = (struct loopback_targets){.mode = MINIAV_LOOPBACK_MODE_INCLUDE};
  if (id[0] == 0) {
    targets->by_sink = true;
  } else if ((rest = after(id, LOOPBACK_ID_SYSTEM)) != NULL && rest[0] != 0) {
    targets->by_sink = true;
    text_copy(targets->sink, sizeof targets->sink, rest);
  } else if ((rest = after(id, LOOPBACK_ID_PROCESS)) != NULL && process_number(rest) != 0) {
    asked.type = MINIAV_LOOPBACK_TARGET_PROCESS;
    asked.process_id = process_number(rest);
  } else if ((rest = after(id, LOOPBACK_ID_APPLICATION)) != NULL && rest[0] != 0) {
    asked.type = MINIAV_LOOPBACK_TARGET_NAME;
    text_copy(asked.name, sizeof asked.name, rest);
  } else if (!window_target_from_id(id, &asked)) {
    cancel_explain(cancel, "nothing that plays has the id \"%.200s\"", id);
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return targets->by_sink ? MINIAV_SUCCESS : add_target(targets, &asked, cancel);
}

static MiniAVResultCode from_system(const struct capture_request *request, const char *backend,
                                    struct loopback_targets *targets, struct cancel *cancel) {
  const char *id = request->targets[0].name;
  const char *bare = after(id, backend);
  bare = bare != NULL && *bare == ':' ? bare + 1 : NULL;
  if (request->target_count != 1) {
    cancel_explain(cancel, "the system's mix holds every program: it is no target beside others");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (request->mode == MINIAV_LOOPBACK_MODE_EXCLUDE) {
    cancel_explain(cancel, "everything but the system's mix is nothing");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  MiniAVResultCode result = loopback_targets_from_id(bare != NULL ? bare : id, targets, cancel);
  if (result == MINIAV_SUCCESS && !targets->by_sink) {
    cancel_explain(cancel, "\"%.200s\" is not the system's sound", id);
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return result;
}

MiniAVResultCode loopback_targets_from(const struct capture_request *request, const char *backend,
                                       struct loopback_targets *targets, struct cancel *cancel) {
  *targets = (struct loopback_targets){.mode = request->mode};
  if (request->target != REQUEST_TARGETS) {
    return loopback_targets_from_id(request->device_id, targets, cancel);
  }
  for (uint32_t i = 0; i < request->target_count; i++) {
    if (request->targets[i].type == MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO) {
      return from_system(request, backend, targets, cancel);
    }
  }
  MiniAVResultCode result = MINIAV_SUCCESS;
  for (uint32_t i = 0; i < request->target_count && result == MINIAV_SUCCESS; i++) {
    result = add_target(targets, &request->targets[i], cancel);
  }
  return result;
}

/* -- whose streams -------------------------------------------------------------------------- */

/* What new descendants there are, at most ten times a second. */
void loopback_targets_look(struct loopback_targets *targets) {
  int64_t now_us = clock_now_us();
  if (now_us - targets->looked_us < LOOK_US) {
    return;
  }
  targets->looked_us = now_us;
  for (uint32_t i = 0; i < targets->count; i++) {
    if (is_tree(&targets->targets[i])) {
      process_tree_update(&targets->targets[i].tree);
    }
  }
}

/* The process, or of a tree any. */
static bool is_process_alive(struct loopback_target *target) {
  if (is_tree(target)) {
    return process_tree_is_alive(&target->tree);
  }
  uint64_t start_time = process_start_time(target->asked.process_id);
  if (target->start_time == 0) {
    target->start_time = start_time; /* waited for */
  }
  return start_time != 0 && start_time == target->start_time;
}

static bool is_named(const struct stream_owner *owner, const char *name) {
  return strcasecmp(owner->binary, name) == 0 || strcasecmp(owner->application, name) == 0;
}

static bool is_target_of(struct loopback_target *target, const struct stream_owner *owner) {
  const MiniAVLoopbackTarget *asked = &target->asked;
  if (asked->type == MINIAV_LOOPBACK_TARGET_NAME) {
    return is_named(owner, asked->name);
  }
  if (is_tree(target)) {
    return owner->pid != 0 && process_tree_has(&target->tree, owner->pid);
  }
  return owner->pid == asked->process_id && is_process_alive(target);
}

bool loopback_targets_have(struct loopback_targets *targets, const struct stream_owner *owner,
                           uint32_t *heard) {
  bool is_target = false;
  for (uint32_t i = 0; i < targets->count; i++) {
    if (is_target_of(&targets->targets[i], owner)) {
      *heard |= 1u << i;
      is_target = true;
    }
  }
  return is_target;
}

/* Whether a target is over for good. */
static bool is_over(struct loopback_target *target, bool is_heard) {
  const MiniAVLoopbackTarget *asked = &target->asked;
  target->was_there = target->was_there || is_heard;
  if (asked->type == MINIAV_LOOPBACK_TARGET_NAME) {
    bool stays = (asked->flags & MINIAV_LOOPBACK_FLAG_FOLLOW_NAME) != 0;
    return !stays && target->was_there && !is_heard;
  }
  bool alive = is_process_alive(target);
  target->was_there = target->was_there || alive;
  return target->was_there && !alive && !is_heard;
}

MiniAVResultCode loopback_targets_judge(struct loopback_targets *targets, bool opening,
                                        uint32_t heard, char reason[LOOPBACK_REASON_BYTES]) {
  bool includes = targets->mode == MINIAV_LOOPBACK_MODE_INCLUDE;
  uint32_t over = 0;
  for (uint32_t i = 0; i < targets->count; i++) {
    struct loopback_target *target = &targets->targets[i];
    bool is_heard = (heard >> i & 1) != 0;
    bool waits = (target->asked.flags & MINIAV_LOOPBACK_FLAG_WAIT) != 0;
    if (opening && !waits && !is_heard) {
      bool is_process = target->asked.type == MINIAV_LOOPBACK_TARGET_PROCESS;
      if (includes || (is_process && !is_process_alive(target))) {
        if (is_process) {
          snprintf(reason, LOOPBACK_REASON_BYTES, "process %u does not play",
                   target->asked.process_id);
        } else {
          snprintf(reason, LOOPBACK_REASON_BYTES, "no program named \"%.80s\" plays",
                   target->asked.name);
        }
        return MINIAV_ERROR_DEVICE_NOT_FOUND;
      }
    }
    over += is_over(target, is_heard);
  }
  if (!opening && includes && over == targets->count) {
    snprintf(reason, LOOPBACK_REASON_BYTES, "the program that was captured has ended");
    return MINIAV_ERROR_DEVICE_LOST;
  }
  return MINIAV_SUCCESS;
}

/* -- list ----------------------------------------------------------------------------------- */

void loopback_describe(const struct stream_owner *owner, const char *stream_name, bool is_playing,
                       MiniAVDeviceInfo *device) {
  const char *name = owner->application[0] != 0 ? owner->application
                     : owner->binary[0] != 0    ? owner->binary
                                                : stream_name;
  *device = (MiniAVDeviceInfo){.process_id = owner->pid};
  if (owner->pid != 0) {
    snprintf(device->device_id, sizeof device->device_id, "%s%u", LOOPBACK_ID_PROCESS, owner->pid);
  } else {
    loopback_id_join(device->device_id, LOOPBACK_ID_APPLICATION, name);
  }
  text_copy(device->name, sizeof device->name, name);
  text_copy(device->model, sizeof device->model, owner->binary);
  text_copy(device->icon, sizeof device->icon, owner->icon);
  device->flags = is_playing ? MINIAV_DEVICE_FLAG_PLAYING : 0u;
}

void loopback_add_program(struct device_list *devices, uint32_t first,
                          const MiniAVDeviceInfo *device) {
  char id[MINIAV_TEXT_BYTES];
  device_id_join(id, devices->prefix, device->device_id);
  for (uint32_t i = first; i < devices->count; i++) {
    if (strcmp(devices->items[i].device_id, id) == 0) {
      devices->items[i].flags |= device->flags;
      return;
    }
  }
  device_list_add(devices, device);
}

#if defined(MINIAV_HAVE_PIPEWIRE)

/* -- what is heard of the graph --------------------------------------------------------------- */

static void fail(struct pipewire_selection *selection, MiniAVResultCode failure,
                 const char *reason) {
  selection->failure = failure;
  text_copy(selection->reason, sizeof selection->reason, reason);
}

/* A device whose outputs are none of what it plays: its microphone. */
static bool only_records(const struct pipewire_graph *graph, const struct pipewire_object *sink) {
  const struct pipewire_object *monitor;
  bool records = false;
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    records = records || (at->kind == PIPEWIRE_PORT && at->node_id == sink->id && at->is_output &&
                          !at->is_monitor);
  }
  return records && pipewire_graph_outputs(graph, sink->id, &monitor, 1) == 0;
}

static void select_sink(const struct loopback_targets *targets, const struct pipewire_graph *graph,
                        bool opening, struct pipewire_selection *selection) {
  bool follows = targets->sink[0] == 0;
  const char *name = follows ? pipewire_graph_default(graph, PIPEWIRE_CLASS_SINK) : targets->sink;
  const struct pipewire_object *node = pipewire_graph_node(graph, PIPEWIRE_CLASS_SINK, name);
  if (node == NULL) {
    fail(selection, MINIAV_ERROR_DEVICE_NOT_FOUND,
         follows   ? "there is no output"
         : opening ? "no output has this id"
                   : "the output was unplugged");
    return;
  }
  if (opening && only_records(graph, node)) {
    fail(selection, MINIAV_ERROR_NOT_SUPPORTED, "this output has no monitor");
    return;
  }
  selection->nodes[selection->count++] = node;
  if (follows) {
    loopback_id_join(selection->default_id, LOOPBACK_ID_SYSTEM, node->name);
  }
}

static bool excludes_by_pid(const struct loopback_targets *targets) {
  for (uint32_t i = 0; i < targets->count; i++) {
    if (targets->targets[i].asked.type == MINIAV_LOOPBACK_TARGET_PROCESS) {
      return true;
    }
  }
  return false;
}

/* Nobody can be told from the processes to leave out, and so is none who plays on after its end. */
static bool may_be_excluded(const struct loopback_targets *targets,
                            const struct stream_owner *owner) {
  return excludes_by_pid(targets) && process_start_time(owner->pid) == 0;
}

/* heard: by target, as bits. */
static bool is_wanted(struct loopback_targets *targets, const struct pipewire_graph *graph,
                      const struct pipewire_object *stream, const struct stream_owner *owner,
                      uint32_t *heard) {
  bool is_target = loopback_targets_have(targets, owner, heard);
  if (targets->mode == MINIAV_LOOPBACK_MODE_INCLUDE) {
    return is_target;
  }
  return !is_target && !may_be_excluded(targets, owner) &&
         pipewire_graph_is_audible(graph, stream->id);
}

static void select_programs(struct loopback_targets *targets, const struct pipewire_graph *graph,
                            bool opening, struct pipewire_selection *selection) {
  uint32_t heard = 0;
  loopback_targets_look(targets);
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    struct stream_owner owner;
    bool is_stream = at->kind == PIPEWIRE_NODE && at->node_class == PIPEWIRE_CLASS_STREAM;
    if (!is_stream || at->has_link_group || !stream_owner_find(graph, at, &owner)) {
      continue;
    }
    if (is_wanted(targets, graph, at, &owner, &heard) && selection->count < SELECTION_MAX) {
      selection->nodes[selection->count++] = at;
    }
  }
  selection->failure = loopback_targets_judge(targets, opening, heard, selection->reason);
}

void loopback_targets_select(void *user, const struct pipewire_graph *graph, bool opening,
                             struct pipewire_selection *selection) {
  struct loopback_targets *targets = user;
  if (targets->by_sink) {
    select_sink(targets, graph, opening, selection);
  } else {
    select_programs(targets, graph, opening, selection);
  }
}

/* -- list of the graph ----------------------------------------------------------------------- */

static void list_sinks(const struct pipewire_graph *graph, struct device_list *devices) {
  const char *default_name = pipewire_graph_default(graph, PIPEWIRE_CLASS_SINK);
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    if (at->kind != PIPEWIRE_NODE || at->node_class != PIPEWIRE_CLASS_SINK || at->name[0] == 0) {
      continue;
    }
    MiniAVDeviceInfo device = {0};
    loopback_id_join(device.device_id, LOOPBACK_ID_SYSTEM, at->name);
    text_copy(device.name, sizeof device.name,
              at->description[0] != 0 ? at->description : at->name);
    device.flags |= strcmp(at->name, default_name) == 0 ? MINIAV_DEVICE_FLAG_DEFAULT : 0u;
    device.flags |= at->is_virtual ? MINIAV_DEVICE_FLAG_VIRTUAL : 0u;
    device.flags |= at->running ? MINIAV_DEVICE_FLAG_PLAYING : 0u;
    device_list_add(devices, &device);
  }
}

/* One entry a program, however many streams it has. */
static void list_programs(const struct pipewire_graph *graph, struct device_list *devices) {
  uint32_t first = devices->count;
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    struct stream_owner owner;
    bool is_stream = at->kind == PIPEWIRE_NODE && at->node_class == PIPEWIRE_CLASS_STREAM;
    if (!is_stream || at->has_link_group || !stream_owner_find(graph, at, &owner)) {
      continue;
    }
    MiniAVDeviceInfo device;
    loopback_describe(&owner, at->name, at->running, &device);
    loopback_add_program(devices, first, &device);
  }
}

void loopback_targets_list(const struct pipewire_graph *graph, uint32_t filter,
                           struct device_list *devices) {
  if (filter == MINIAV_LOOPBACK_TARGET_NONE || filter == MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO) {
    list_sinks(graph, devices);
  }
  if (filter == MINIAV_LOOPBACK_TARGET_NONE || filter == MINIAV_LOOPBACK_TARGET_PROCESS) {
    list_programs(graph, devices);
  }
}

#endif
