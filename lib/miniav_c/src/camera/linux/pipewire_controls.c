#include "camera/linux/pipewire_controls.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <fcntl.h>
#include <poll.h>

static void on_event(void *user, int fd, uint32_t mask) {
  struct pipewire_controls *controls = user;
  const struct v4l2_controls device = {fd, v4l2_call};
  MiniAVPropertyKey key;
  while (v4l2_controls_next_change(&device, &key)) {
    capture_property_changed(controls->capture, key);
  }
  if ((mask & (SPA_IO_ERR | SPA_IO_HUP)) != 0) { /* unplugged: it would be told for ever */
    pw_loop_destroy_source(controls->loop, controls->events);
    controls->events = NULL;
  }
}

void pipewire_controls_open(struct pipewire_controls *controls, const char *path) {
  controls->opened = MINIAV_ERROR_NOT_SUPPORTED;
  if (path[0] != '/') {
    return;
  }
  controls->opened = v4l2_open_id(path, &controls->device);
  if (controls->opened == MINIAV_ERROR_DEVICE_NOT_FOUND) {
    controls->opened = MINIAV_ERROR_NOT_SUPPORTED; /* not in this sandbox, or not on this machine */
  }
  if (controls->opened == MINIAV_SUCCESS) {
    const struct v4l2_controls device = {controls->device.fd, v4l2_call};
    v4l2_controls_subscribe(&device);
    controls->events =
        pw_loop_add_io(controls->loop, controls->device.fd, POLLPRI, false, on_event, controls);
  }
}

void pipewire_controls_close(struct pipewire_controls *controls) {
  if (controls->events != NULL) {
    pw_loop_destroy_source(controls->loop, controls->events);
    controls->events = NULL;
  }
  if (controls->opened == MINIAV_SUCCESS) {
    v4l2_close(&controls->device);
  }
  controls->opened = MINIAV_ERROR_NOT_SUPPORTED;
}

MiniAVResultCode pipewire_controls_take(const struct pipewire_controls *controls, int *fd) {
  if (controls->opened != MINIAV_SUCCESS) {
    return controls->opened;
  }
  *fd = fcntl(controls->device.fd, F_DUPFD_CLOEXEC, 0);
  return *fd >= 0 ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

#endif
