/* Cameras of the PipeWire daemon itself. */
#include "camera/linux/pipewire_camera.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_watch.h"

static MiniAVResultCode connect_daemon(const struct pipewire_listener *listener,
                                       struct cancel *cancel,
                                       struct pipewire_connection **connection) {
  return pipewire_connect(listener, PIPEWIRE_CAMERA_ANSWER_MS, cancel, connection);
}

static const struct pipewire_camera_way way = {
    .connect = connect_daemon, .links_itself = true, .gone = "the camera is gone"};

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  (void)filter;
  struct pipewire_connection *connection;
  MiniAVResultCode result = connect_daemon(NULL, cancel, &connection);
  if (result == MINIAV_SUCCESS) {
    pipewire_cameras_list_once(connection, devices);
  }
  return result;
}

static MiniAVResultCode formats(const char *id, struct format_list *list, struct cancel *cancel) {
  return pipewire_camera_formats(&way, id, list, cancel);
}

static MiniAVResultCode default_format(const char *id, struct capture_format *format,
                                       struct cancel *cancel) {
  return pipewire_camera_default_format(&way, id, format, cancel);
}

static MiniAVResultCode open_camera(struct capture *capture, const struct capture_request *request,
                                    struct capture_format *format, void **state,
                                    struct cancel *cancel) {
  return pipewire_camera_open(&way, capture, request->device_id, &request->video, format, state,
                              cancel);
}

static struct pipewire_watch watcher =
    PIPEWIRE_WATCH_INITIALIZER(MINIAV_KIND_CAMERA, "pipewire", pipewire_cameras_list);

static void watch(bool on) {
  pipewire_watch(&watcher, on);
}

const struct backend camera_pipewire_backend = {
    .name = "pipewire",
    .probe = pipewire_probe,
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
    .watch = watch,
};

#endif
