#include "loopback/linux/window_owner.h"

static MiniAVResultCode cannot_tell(struct cancel *cancel) {
  cancel_explain(cancel, "this session does not tell whose a window is: name the process");
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
