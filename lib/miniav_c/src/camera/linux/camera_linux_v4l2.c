/* Cameras by Video4Linux itself, for machines without PipeWire. The system has no default camera
 * here: no id means the first, and a capture of it ends with it. */
#include "camera/camera_backend.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "camera/linux/v4l2_controls.h"
#include "camera/linux/v4l2_stream.h"
#include "camera/linux/v4l2_watch.h"
#include "common/linux/pipewire_socket.h"
#include "common/lists.h"

struct camera_v4l2 {
  struct capture *capture;
  struct v4l2_device device; /* for controls; the stream opens its own */
  struct v4l2_controls controls;
  MiniAVVideoInfo format;
  struct v4l2_stream *stream; /* between start and stop */
};

/* ---- devices and formats --------------------------------------------------------------------- */

static MiniAVResultCode camera_v4l2_probe(char why[MINIAV_TEXT_BYTES]) {
  (void)why;
  return MINIAV_SUCCESS; /* the interface is always there; whether there are cameras the list says
                          */
}

static void explain(MiniAVResultCode result, const char *id, const char *path,
                    struct cancel *cancel) {
  if (result == MINIAV_ERROR_PERMISSION_DENIED) {
    cancel_explain(cancel, "this user may not open %s: it belongs to the group video", path);
  } else if (result == MINIAV_ERROR_DEVICE_BUSY) {
    cancel_explain(cancel, "another program uses %s", path);
  } else if (result == MINIAV_ERROR_DEVICE_NOT_FOUND) {
    cancel_explain(cancel, "no camera has the id \"v4l2:%.200s\" now", id);
  }
}

/* Where V4L2 has none, PipeWire might have had one, and the reason that it does not serve is what
 * there is to tell. */
static MiniAVResultCode explain_none(struct cancel *cancel) {
  char pipewire[MINIAV_TEXT_BYTES];
  MiniAVResultCode result = pipewire_socket_look(pipewire, sizeof pipewire);
  if (result == MINIAV_ERROR_PERMISSION_DENIED) {
    cancel_explain(cancel, "%s", pipewire);
    return result;
  }
  cancel_explain(cancel, "no camera is connected%s%.180s", pipewire[0] != 0 ? "; " : "", pipewire);
  return MINIAV_ERROR_DEVICE_NOT_FOUND;
}

static MiniAVResultCode open_device(const char *id, struct v4l2_device *device,
                                    struct cancel *cancel) {
  MiniAVResultCode result = v4l2_open_id(id, device);
  if (result == MINIAV_ERROR_DEVICE_NOT_FOUND && id[0] == 0) {
    return explain_none(cancel);
  }
  explain(result, id, device->path, cancel);
  return result;
}

static MiniAVResultCode camera_v4l2_enumerate(uint32_t filter, struct device_list *devices,
                                              struct cancel *cancel) {
  (void)filter;
  uint32_t numbers[V4L2_MAX_NODES];
  uint32_t count = v4l2_nodes(numbers);
  uint32_t found = 0;
  char denied[32] = "";
  for (uint32_t i = 0; i < count && !cancel_requested(cancel); i++) {
    char path[32];
    snprintf(path, sizeof path, "/dev/video%u", numbers[i]);
    struct v4l2_device device;
    MiniAVResultCode result = v4l2_open_path(path, &device);
    if (result == MINIAV_SUCCESS) {
      MiniAVDeviceInfo info;
      v4l2_describe(&device, &info);
      info.flags |= found == 0 ? MINIAV_DEVICE_FLAG_DEFAULT : 0u;
      device_list_add(devices, &info);
      found++;
      v4l2_close(&device);
    } else if (result == MINIAV_ERROR_PERMISSION_DENIED) {
      memcpy(denied, path, sizeof denied);
    }
  }
  if (cancel_requested(cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  if (found == 0 && denied[0] != 0) {
    explain(MINIAV_ERROR_PERMISSION_DENIED, "", denied, cancel);
    return MINIAV_ERROR_PERMISSION_DENIED;
  }
  /* An empty list is an answer, unless there is a PipeWire that was not to be asked. */
  char why[MINIAV_TEXT_BYTES];
  if (found == 0 && pipewire_socket_look(why, sizeof why) == MINIAV_ERROR_PERMISSION_DENIED) {
    return explain_none(cancel);
  }
  return MINIAV_SUCCESS;
}

static MiniAVResultCode camera_v4l2_formats(const char *id, struct format_list *formats,
                                            struct cancel *cancel) {
  struct v4l2_device device;
  MiniAVResultCode result = open_device(id, &device, cancel);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_list_formats(&device, formats, cancel);
    v4l2_close(&device);
  }
  return result;
}

static MiniAVResultCode camera_v4l2_default_format(const char *id, struct capture_format *format,
                                                   struct cancel *cancel) {
  struct v4l2_device device;
  MiniAVResultCode result = open_device(id, &device, cancel);
  if (result == MINIAV_SUCCESS) {
    MiniAVVideoInfo anything = {0};
    result = v4l2_choose(&device, &anything, &format->video, cancel);
    v4l2_close(&device);
  }
  return result;
}

/* ---- captures -------------------------------------------------------------------------------- */

static MiniAVResultCode camera_v4l2_open(struct capture *capture,
                                         const struct capture_request *request,
                                         struct capture_format *format, void **state,
                                         struct cancel *cancel) {
  struct camera_v4l2 *camera = calloc(1, sizeof *camera);
  if (camera == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  camera->capture = capture;
  MiniAVResultCode result = open_device(request->device_id, &camera->device, cancel);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_choose(&camera->device, &request->video, &camera->format, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    v4l2_close(&camera->device);
    free(camera);
    return result;
  }
  camera->controls = (struct v4l2_controls){camera->device.fd, v4l2_call};
  v4l2_controls_subscribe(&camera->controls);
  capture_set_device(capture, camera->device.id);
  format->video = camera->format;
  *state = camera;
  return MINIAV_SUCCESS;
}

/* On the stream's thread. */
static void tell_changes(void *user) {
  struct camera_v4l2 *camera = user;
  MiniAVPropertyKey key;
  while (v4l2_controls_next_change(&camera->controls, &key)) {
    capture_property_changed(camera->capture, key);
  }
}

static MiniAVResultCode camera_v4l2_start(void *state, struct cancel *cancel) {
  struct camera_v4l2 *camera = state;
  struct v4l2_stream_setup setup = {.capture = camera->capture,
                                    .device_id = camera->device.id,
                                    .format = &camera->format,
                                    .watched_fd = camera->device.fd,
                                    .on_event = tell_changes,
                                    .user = camera};
  MiniAVVideoInfo agreed;
  MiniAVResultCode result = v4l2_stream_start(&setup, cancel, &agreed, &camera->stream);
  explain(result, camera->device.id, camera->device.path, cancel);
  if (result == MINIAV_SUCCESS && memcmp(&agreed, &camera->format, sizeof agreed) != 0) {
    struct capture_format format = {.video = agreed, .audio_result = MINIAV_ERROR_NO_BUFFER};
    capture_format_changed(camera->capture, &format);
  }
  return result;
}

static void camera_v4l2_stop(void *state) {
  struct camera_v4l2 *camera = state;
  if (camera->stream != NULL) {
    v4l2_stream_stop(camera->stream);
    camera->stream = NULL;
  }
}

static void camera_v4l2_close(void *state) {
  struct camera_v4l2 *camera = state;
  v4l2_close(&camera->device);
  free(camera);
}

/* ---- properties ------------------------------------------------------------------------------ */

static MiniAVResultCode camera_v4l2_property_info(void *state, MiniAVPropertyKey key,
                                                  MiniAVPropertyInfo *info) {
  const struct camera_v4l2 *camera = state;
  return v4l2_control_info(&camera->controls, key, info);
}

static MiniAVResultCode camera_v4l2_get_property(void *state, MiniAVPropertyKey key,
                                                 MiniAVPropertyValue *value) {
  const struct camera_v4l2 *camera = state;
  return v4l2_control_get(&camera->controls, key, value);
}

static MiniAVResultCode camera_v4l2_set_property(void *state, MiniAVPropertyKey key,
                                                 const MiniAVPropertyValue *value) {
  const struct camera_v4l2 *camera = state;
  return v4l2_control_set(&camera->controls, key, value);
}

static MiniAVResultCode camera_v4l2_set_auto_property(void *state, MiniAVPropertyKey key,
                                                      bool automatic) {
  const struct camera_v4l2 *camera = state;
  return v4l2_control_set_auto(&camera->controls, key, automatic);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* The rights of files are all there is; nobody can be asked. */
static MiniAVResultCode camera_v4l2_permission(MiniAVPermission *permission,
                                               struct cancel *cancel) {
  struct v4l2_device device;
  MiniAVResultCode result = open_device("", &device, cancel);
  v4l2_close(&device);
  *permission = result == MINIAV_SUCCESS                   ? MINIAV_PERMISSION_GRANTED
                : result == MINIAV_ERROR_PERMISSION_DENIED ? MINIAV_PERMISSION_DENIED
                                                           : MINIAV_PERMISSION_UNKNOWN;
  return MINIAV_SUCCESS;
}

const struct backend camera_v4l2_backend = {
    .name = "v4l2",
    .probe = camera_v4l2_probe,
    .enumerate = camera_v4l2_enumerate,
    .formats = camera_v4l2_formats,
    .default_format = camera_v4l2_default_format,
    .open = camera_v4l2_open,
    .start = camera_v4l2_start,
    .stop = camera_v4l2_stop,
    .close = camera_v4l2_close,
    .property_info = camera_v4l2_property_info,
    .get_property = camera_v4l2_get_property,
    .set_property = camera_v4l2_set_property,
    .set_auto_property = camera_v4l2_set_auto_property,
    .permission = camera_v4l2_permission,
    .watch = v4l2_watch,
};
