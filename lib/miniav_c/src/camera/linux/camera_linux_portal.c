/*
 * Cameras through the desktop portal: the backend of sandboxes (Flatpak, Snap), and of who asks for
 * it.
 *
 * The portal's OpenPipeWireRemote looks whether the person has allowed the camera and never asks,
 * AccessCamera asks. Lists, changes and the permission only look; whatever names a camera (formats,
 * open) asks when it has to. Without the permission there is one entry, ASK.
 *
 * Invariants
 * - One dialog at a time in this process: who comes while somebody is being asked waits for that
 *   answer and takes it as its own.
 * - The connection is the daemon's own once it is there: it outlives the portal.
 * - On it cameras are all that is seen: neither ports nor links nor what the default is. So the
 *   session manager links, by the camera's serial, and the first camera is the default.
 */
#include "camera/linux/pipewire_camera.h"

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)

#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/pipewire_watch.h"
#include "common/linux/portal.h"
#include "common/linux/sandbox.h"

#define POLL_MS     50u
#define ASK         "ask"
#define DIALOG_MS   120000u
#define SHOWN_MS    1000u /* how long the session manager may take to show cameras */
#define ANSWER_MS   100u
#define LOOK_MS     10u
#define QUIET_LOOKS 3u
#define WATCH_MS    2000u /* between two looks whether it is allowed by now */
#define ASK_POLL_US 50000

/* -- asking ----------------------------------------------------------------------------------- */

static struct {
  struct mutex lock;
  /* under the lock */
  bool is_asking;
  uint64_t answers; /* how many there have been */
  MiniAVResultCode answer;
} asking = {.lock = MUTEX_INITIALIZER};

/* Waits while somebody else is being asked: true with that answer, false when it is our turn, or
 * when it is cancelled. */
static bool take_others_answer(MiniAVResultCode *answer, struct cancel *cancel) {
  mutex_lock(&asking.lock);
  uint64_t before = asking.answers;
  while (asking.is_asking && !cancel_requested(cancel)) {
    mutex_unlock(&asking.lock);
    cancel_wait(cancel, POLL_MS);
    mutex_lock(&asking.lock);
  }
  bool answered = asking.answers != before;
  bool is_turn = !answered && !asking.is_asking;
  asking.is_asking = asking.is_asking || is_turn;
  *answer = answered ? asking.answer : MINIAV_ERROR_USER_CANCELLED;
  mutex_unlock(&asking.lock);
  return !is_turn;
}

/* What the person says; who gave up or never came to it does not speak for the others. */
static void end_asking(MiniAVResultCode answer, struct cancel *cancel) {
  bool is_said = answer == MINIAV_SUCCESS || answer == MINIAV_ERROR_PERMISSION_DENIED ||
                 (answer == MINIAV_ERROR_USER_CANCELLED && !cancel_requested(cancel));
  mutex_lock(&asking.lock);
  asking.is_asking = false;
  if (is_said) {
    asking.answers++;
    asking.answer = answer;
  }
  mutex_unlock(&asking.lock);
}

static MiniAVResultCode ask(struct portal *portal, struct cancel *cancel) {
  MiniAVResultCode answer;
  if (!take_others_answer(&answer, cancel)) {
    answer = portal_camera_access(portal, DIALOG_MS, cancel);
    end_asking(answer, cancel);
  } else if (answer != MINIAV_SUCCESS && !cancel_requested(cancel)) {
    cancel_explain(cancel, "the camera was refused in the desktop's dialog");
  }
  return answer;
}

/* -- the connection --------------------------------------------------------------------------- */

static uint32_t count_shown(struct pipewire_connection *connection) {
  uint32_t count = 0;
  pipewire_lock(connection);
  const struct pipewire_graph *graph = pipewire_graph_of(connection);
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    count += at->kind == PIPEWIRE_NODE || at->kind == PIPEWIRE_CLIENT ? 1 : 0;
  }
  pipewire_unlock(connection);
  return count;
}

/* The session manager shows such a connection first itself and then each camera, some time after it
 * has come (access-portal.lua, WirePlumber 0.4.13): until nothing more comes. */
static MiniAVResultCode wait_shown(struct pipewire_connection *connection, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(SHOWN_MS);
  uint32_t seen = 0;
  for (uint32_t quiet = 0; quiet < QUIET_LOOKS && clock_now_us() < deadline_us;) {
    pipewire_roundtrip(connection, ANSWER_MS);
    uint32_t shown = count_shown(connection);
    quiet = shown > 0 && shown == seen ? quiet + 1 : 0;
    seen = shown;
    if (cancel_wait(cancel, LOOK_MS)) {
      return MINIAV_ERROR_USER_CANCELLED;
    }
  }
  return MINIAV_SUCCESS;
}

/* PERMISSION_DENIED, unless may_ask: not yet, or not at all. */
static MiniAVResultCode open_remote(bool may_ask, int *fd, struct cancel *cancel) {
  struct portal *portal;
  MiniAVResultCode result = portal_open(&portal, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = portal_camera_remote(portal, fd, cancel);
  if (result == MINIAV_ERROR_PERMISSION_DENIED && may_ask) {
    result = ask(portal, cancel);
    if (result == MINIAV_SUCCESS) {
      result = portal_camera_remote(portal, fd, cancel);
      if (result == MINIAV_ERROR_PERMISSION_DENIED) { /* xdg-desktop-portal 1.16, of "ask" */
        cancel_explain(cancel, "the camera was allowed this time, which the portal does not keep: "
                               "its permission store says \"ask\"");
      }
    }
  }
  portal_close(portal);
  return result;
}

static MiniAVResultCode reach(bool may_ask, const struct pipewire_listener *listener,
                              struct cancel *cancel, struct pipewire_connection **connection) {
  int fd = -1;
  *connection = NULL;
  MiniAVResultCode result = pipewire_load();
  if (result != MINIAV_SUCCESS) {
    cancel_explain(cancel, "PipeWire's library is missing");
    return result;
  }
  result = open_remote(may_ask, &fd, cancel);
  if (result == MINIAV_SUCCESS) {
    result = pipewire_connect_fd(fd, listener, PIPEWIRE_CAMERA_ANSWER_MS, cancel, connection);
  }
  if (result == MINIAV_SUCCESS) {
    result = wait_shown(*connection, cancel);
    if (result != MINIAV_SUCCESS) {
      pipewire_disconnect(*connection);
      *connection = NULL;
    }
  }
  return result;
}

static MiniAVResultCode reach_asking(const struct pipewire_listener *listener,
                                     struct cancel *cancel,
                                     struct pipewire_connection **connection) {
  return reach(true, listener, cancel, connection);
}

static const struct pipewire_camera_way way = {.connect = reach_asking,
                                               .links_itself = false,
                                               .gone = "the camera is gone, or is allowed no more"};

/* -- is it there ------------------------------------------------------------------------------ */

/* Named outside a sandbox it always serves, so that what is missing is told by what fails. */
static MiniAVResultCode probe(char why[MINIAV_TEXT_BYTES]) {
  if (!sandbox_present()) {
    return MINIAV_SUCCESS;
  }
  struct portal *portal;
  struct cancel cancel;
  bool present;
  cancel_init(&cancel);
  MiniAVResultCode result = pipewire_load();
  if (result == MINIAV_SUCCESS) {
    result = portal_open(&portal, &cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = portal_camera_is_present(portal, &present, &cancel);
    portal_close(portal);
  }
  text_copy(why, MINIAV_TEXT_BYTES, cancel.explanation);
  cancel_destroy(&cancel);
  /* One that hangs is there: whoever opens is told so. */
  return result == MINIAV_ERROR_TIMEOUT ? MINIAV_SUCCESS : result;
}

/* -- lists ------------------------------------------------------------------------------------ */

static void list_ask(struct device_list *devices) {
  MiniAVDeviceInfo device = {.kind = MINIAV_KIND_CAMERA, .flags = MINIAV_DEVICE_FLAG_DEFAULT};
  text_copy(device.device_id, sizeof device.device_id, ASK);
  text_copy(device.name, sizeof device.name, "A camera, allowed in the desktop's dialog");
  device_list_add(devices, &device);
}

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  (void)filter;
  struct pipewire_connection *connection;
  MiniAVResultCode result = reach(false, NULL, cancel, &connection);
  if (result == MINIAV_ERROR_PERMISSION_DENIED) {
    list_ask(devices);
    return MINIAV_SUCCESS;
  }
  if (result == MINIAV_SUCCESS) {
    pipewire_cameras_list_once(connection, devices);
  }
  return result;
}

/* ASK is the default camera. */
static const char *name_of(const char *id) {
  return strcmp(id, ASK) == 0 ? "" : id;
}

static MiniAVResultCode formats(const char *id, struct format_list *list, struct cancel *cancel) {
  return pipewire_camera_formats(&way, name_of(id), list, cancel);
}

static MiniAVResultCode default_format(const char *id, struct capture_format *format,
                                       struct cancel *cancel) {
  return pipewire_camera_default_format(&way, name_of(id), format, cancel);
}

static MiniAVResultCode open_camera(struct capture *capture, const struct capture_request *request,
                                    struct capture_format *format, void **state,
                                    struct cancel *cancel) {
  return pipewire_camera_open(&way, capture, name_of(request->device_id), &request->video, format,
                              state, cancel);
}

/* -- permission ------------------------------------------------------------------------------- */

/* The store tells all of it, where it may be read; else the portal tells whether it is granted. */
static MiniAVResultCode permission(MiniAVPermission *state, struct cancel *cancel) {
  struct portal *portal;
  MiniAVResultCode result = portal_open(&portal, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = portal_camera_permission(portal, state, cancel);
  if (result == MINIAV_SUCCESS && *state == MINIAV_PERMISSION_UNKNOWN) {
    int fd = -1;
    result = portal_camera_remote(portal, &fd, cancel);
    if (result == MINIAV_SUCCESS) {
      *state = MINIAV_PERMISSION_GRANTED;
      close(fd);
    } else if (result == MINIAV_ERROR_PERMISSION_DENIED) {
      result = MINIAV_SUCCESS;
    }
  }
  portal_close(portal);
  return result;
}

static MiniAVResultCode request_permission(MiniAVPermission *state, struct cancel *cancel) {
  int fd = -1;
  MiniAVResultCode result = open_remote(true, &fd, cancel);
  if (result == MINIAV_SUCCESS) {
    close(fd);
    *state = MINIAV_PERMISSION_GRANTED;
  } else if (result == MINIAV_ERROR_PERMISSION_DENIED) {
    *state = MINIAV_PERMISSION_DENIED;
    result = MINIAV_SUCCESS;
  } else if (result == MINIAV_ERROR_USER_CANCELLED && !cancel_requested(cancel)) {
    *state = MINIAV_PERMISSION_UNDETERMINED;
    result = MINIAV_SUCCESS;
  }
  return result;
}

/* -- changes ---------------------------------------------------------------------------------- */

/* Asks nobody. On the watch's thread, which tells when it has become allowed. */
static MiniAVResultCode reach_watching(const struct pipewire_listener *listener,
                                       struct cancel *cancel,
                                       struct pipewire_connection **connection) {
  static bool was_refused;
  MiniAVResultCode result = reach(false, listener, cancel, connection);
  if (result == MINIAV_SUCCESS && was_refused) {
    registry_permission_changed(MINIAV_KIND_CAMERA, MINIAV_PERMISSION_GRANTED);
  }
  was_refused = result == MINIAV_ERROR_PERMISSION_DENIED;
  return result;
}

static struct pipewire_watch watcher = {.kind = MINIAV_KIND_CAMERA,
                                        .backend = "portal",
                                        .list = pipewire_cameras_list,
                                        .list_without = list_ask,
                                        .connect = reach_watching,
                                        .retry_ms = WATCH_MS,
                                        .lock = MUTEX_INITIALIZER};

static void watch(bool on) {
  pipewire_watch(&watcher, on);
}

const struct backend camera_portal_backend = {
    .name = "portal",
    .probe = probe,
    .is_for_this_session = sandbox_present,
    .enumerate = enumerate,
    .formats = formats,
    .default_format = default_format,
    .open = open_camera,
    .start = pipewire_camera_start,
    .stop = pipewire_camera_stop,
    .close = pipewire_camera_close,
    .property_info = pipewire_camera_property_info,
    .get_property = pipewire_camera_get_property,
    .set_property = pipewire_camera_set_property,
    .set_auto_property = pipewire_camera_set_auto_property,
    .permission = permission,
    .request_permission = request_permission,
    .watch = watch,
};

#endif
