#include "loopback/linux/window_owner.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/linux/x11_windows.h"

static MiniAVResultCode begin(struct x11_windows *windows, struct cancel *cancel) {
  struct x11 *x11;
  MiniAVResultCode result = x11_connect(X11_OPEN_MS, cancel, &x11);
  if (result == MINIAV_SUCCESS) {
    result = x11_windows_begin(windows, x11);
    if (result != MINIAV_SUCCESS) {
      x11_disconnect(x11);
    }
  }
  return result;
}

MiniAVResultCode window_owner_find(uint64_t window, uint32_t *pid, struct cancel *cancel) {
  struct x11_windows windows;
  *pid = 0;
  MiniAVResultCode result = begin(&windows, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (window > UINT32_MAX) {
    cancel_explain(cancel, "there is no such window");
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  } else {
    result = x11_window_owner(&windows.owner, (xcb_window_t)window, pid, cancel);
  }
  x11_disconnect(windows.x11);
  return result;
}

MiniAVResultCode window_owner_list(struct device_list *devices, struct cancel *cancel) {
  struct x11_windows windows;
  MiniAVResultCode result = begin(&windows, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  const char *prefix = devices->prefix;
  devices->prefix = "x11"; /* one window has one id, whoever lists it */
  result = x11_windows_list(&windows, true, devices);
  devices->prefix = prefix;
  x11_disconnect(windows.x11);
  return result;
}

#else

static MiniAVResultCode cannot_tell(struct cancel *cancel) {
  cancel_explain(cancel, "this library was built without XCB: name the process");
  return MINIAV_ERROR_NOT_SUPPORTED;
}

MiniAVResultCode window_owner_find(uint64_t window, uint32_t *pid, struct cancel *cancel) {
  (void)window;
  *pid = 0;
  return cannot_tell(cancel);
}

MiniAVResultCode window_owner_list(struct device_list *devices, struct cancel *cancel) {
  (void)devices;
  return cannot_tell(cancel);
}

#endif
