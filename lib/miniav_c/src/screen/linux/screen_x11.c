/* Screens of an X server: the backend. */
#include "screen/screen_backend.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/linux/x11_windows.h"
#include "common/log.h"

#define FILTER_WINDOWS 1u

static MiniAVResultCode probe(void) {
  char why[160];
  MiniAVResultCode result = x11_probe(why, sizeof why);
  if (result != MINIAV_SUCCESS) {
    log_write(MINIAV_LOG_LEVEL_DEBUG, "screen/x11", "%s", why);
  }
  return result;
}

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  struct x11 *x11;
  struct x11_windows windows;
  if (filter != FILTER_WINDOWS) {
    return MINIAV_SUCCESS;
  }
  MiniAVResultCode result = x11_connect(X11_OPEN_MS, cancel, &x11);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = x11_windows_begin(&windows, x11);
  if (result == MINIAV_SUCCESS) {
    result = x11_windows_list(&windows, false, devices);
  }
  x11_disconnect(x11);
  return result;
}

const struct backend screen_x11_backend = {
    .name = "x11",
    .flags = BACKEND_SILENT_WHEN_IDLE,
    .probe = probe,
    .enumerate = enumerate,
};

#endif
