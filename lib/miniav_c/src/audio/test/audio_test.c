/* The test microphones: tones, native in every sample format, channel count and rate. */
#include "audio/audio_backend.h"
#include "common/kinds.h"
#include "test_device/test_capture.h"
#include "test_device/test_offer.h"

static MiniAVResultCode audio_test_probe(char why[MINIAV_TEXT_BYTES]) {
  (void)why;
  return test_devices_enabled() ? MINIAV_SUCCESS : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

static MiniAVResultCode audio_test_enumerate(uint32_t filter, struct device_list *devices,
                                             struct cancel *cancel) {
  (void)filter;
  return test_devices_list(MINIAV_KIND_AUDIO, devices, cancel);
}

static MiniAVResultCode audio_test_formats(const char *id, struct format_list *formats,
                                           struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result = test_device_ask(MINIAV_KIND_AUDIO, id, cancel, &device);
  if (result == MINIAV_SUCCESS) {
    test_audio_formats(formats);
  }
  return result;
}

static MiniAVResultCode audio_test_default_format(const char *id, struct capture_format *format,
                                                  struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result = test_device_ask(MINIAV_KIND_AUDIO, id, cancel, &device);
  if (result == MINIAV_SUCCESS) {
    format->audio = test_audio_default();
  }
  return result;
}

static MiniAVResultCode audio_test_open(struct capture *capture,
                                        const struct capture_request *request,
                                        struct capture_format *format, void **state,
                                        struct cancel *cancel) {
  struct test_device *device;
  struct test_capture_setup setup = {.has_sound = true,
                                     .follows_default = request->device_id[0] == 0};
  MiniAVResultCode result = test_audio_choose(&request->audio, &setup.audio, cancel);
  if (result == MINIAV_SUCCESS) {
    result = test_capture_admit(MINIAV_KIND_AUDIO, request->device_id, cancel, &device);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  setup.tone = device->tone;
  *format = test_capture_format(&setup);
  *state = test_capture_create(capture, device, &setup);
  return *state != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

static MiniAVResultCode audio_test_permission(MiniAVPermission *permission, struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_AUDIO, false, permission, cancel);
}

static MiniAVResultCode audio_test_request_permission(MiniAVPermission *permission,
                                                      struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_AUDIO, true, permission, cancel);
}

const struct backend audio_test_backend = {
    .name = TEST_BACKEND_NAME,
    .flags = BACKEND_IS_TEST,
    .probe = audio_test_probe,
    .enumerate = audio_test_enumerate,
    .formats = audio_test_formats,
    .default_format = audio_test_default_format,
    .open = audio_test_open,
    .start = test_capture_start,
    .stop = test_capture_stop,
    .close = test_capture_close,
    .permission = audio_test_permission,
    .request_permission = audio_test_request_permission,
};
