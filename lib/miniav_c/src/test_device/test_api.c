/* The public functions of miniav_test.h. */
#include "common/library.h"
#include "common/lists.h"
#include "common/log.h"
#include "miniav_test.h"
#include "test_device/faults.h"

MiniAVResultCode MiniAV_EnableTestDevices(uint32_t enable) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (enable > 1) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  test_devices_switch(enable == 1);
  return MINIAV_SUCCESS;
}

MiniAVResultCode MiniAV_TestSetFault(const char *device_id, MiniAVTestFault fault, int64_t value) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  char id[MINIAV_TEXT_BYTES];
  if (device_id == NULL) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  return text_take(id, device_id) ? test_fault_set(id, fault, value)
                                  : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

MiniAVResultCode MiniAV_TestLog(MiniAVLogLevel level, const char *message) {
  MiniAVResultCode result = library_enter();
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (message == NULL || (int)level < MINIAV_LOG_LEVEL_DEBUG ||
      (int)level > MINIAV_LOG_LEVEL_ERROR) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  log_write(level, TEST_BACKEND_NAME, "%.256s", message);
  return MINIAV_SUCCESS;
}
