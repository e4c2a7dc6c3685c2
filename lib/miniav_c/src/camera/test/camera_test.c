/* The test cameras: colour bars in every raw pixel format and MJPEG, and a few controls. The second
 * one knows its intrinsics. */
#include <stdlib.h>

#include "camera/camera_backend.h"
#include "common/kinds.h"
#include "test_device/test_capture.h"
#include "test_device/test_offer.h"

#define MAX_RATE       240u
#define MAX_FLOOD_RATE 10000u
#define CONTROLS       6u

/* A control changes nothing in the picture, which stays what it must be; it is only kept. */
struct control {
  MiniAVPropertyKey key;
  MiniAVPropertyType type;
  bool has_auto; /* and is automatic at first */
  int64_t minimum;
  int64_t maximum;
  int64_t step;
  int64_t default_value;
};

static const struct control controls[CONTROLS] = {
    {MINIAV_PROPERTY_BRIGHTNESS, MINIAV_PROPERTY_TYPE_INTEGER, false, -64, 64, 1, 0},
    {MINIAV_PROPERTY_CONTRAST, MINIAV_PROPERTY_TYPE_INTEGER, false, 0, 95, 1, 32},
    {MINIAV_PROPERTY_SATURATION, MINIAV_PROPERTY_TYPE_INTEGER, false, 0, 100, 1, 55},
    {MINIAV_PROPERTY_WHITE_BALANCE, MINIAV_PROPERTY_TYPE_INTEGER, true, 2800, 6500, 10, 4600},
    {MINIAV_PROPERTY_EXPOSURE_TIME, MINIAV_PROPERTY_TYPE_INTEGER, true, 100, 50000, 100, 10000},
    {MINIAV_PROPERTY_POWER_LINE_FREQUENCY, MINIAV_PROPERTY_TYPE_ENUM, false, 0, 60, 1, 50},
};

struct camera_test {
  struct test_capture *capture;
  MiniAVIntrinsics intrinsics; /* width 0: unknown */
  int64_t values[CONTROLS];
  bool automatic[CONTROLS];
};

/* ---- devices and formats --------------------------------------------------------------------- */

static MiniAVResultCode camera_test_probe(char why[MINIAV_TEXT_BYTES]) {
  (void)why;
  return test_devices_enabled() ? MINIAV_SUCCESS : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

static MiniAVResultCode camera_test_enumerate(uint32_t filter, struct device_list *devices,
                                              struct cancel *cancel) {
  (void)filter;
  return test_devices_list(MINIAV_KIND_CAMERA, devices, cancel);
}

/* Flat out is a frame rate of 0 / 0: none is known. */
static MiniAVVideoInfo default_of(const struct test_device *device) {
  if (device->flat_out) {
    return (MiniAVVideoInfo){320, 240, MINIAV_PIXEL_FORMAT_GRAY8,
                             0,   0,   MINIAV_OUTPUT_PREFERENCE_CPU};
  }
  return (MiniAVVideoInfo){1280, 720, MINIAV_PIXEL_FORMAT_NV12,
                           30,   1,   MINIAV_OUTPUT_PREFERENCE_CPU};
}

static void add_format(struct format_list *formats, uint32_t width, uint32_t height,
                       MiniAVPixelFormat format, uint32_t rate) {
  MiniAVVideoInfo info = {
      width, height, format, rate, rate == 0 ? 0 : 1, MINIAV_OUTPUT_PREFERENCE_CPU};
  format_list_add_video(formats, &info);
}

/* The usual formats in the usual sizes, then every other format at 1280 × 720. */
static void add_formats(struct format_list *formats) {
  static const uint32_t sizes[][3] = {{1280, 720, 60}, {1920, 1080, 60}, {640, 480, 60},
                                      {320, 240, 240}, {3840, 2160, 60}, {7680, 4320, 30}};
  static const MiniAVPixelFormat usual[] = {MINIAV_PIXEL_FORMAT_NV12, MINIAV_PIXEL_FORMAT_YUY2,
                                            MINIAV_PIXEL_FORMAT_MJPEG, MINIAV_PIXEL_FORMAT_BGRA32};
  for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    for (uint32_t f = 0; f < sizeof usual / sizeof *usual; f++) {
      add_format(formats, sizes[s][0], sizes[s][1], usual[f], 30);
      if (sizes[s][2] != 30) {
        add_format(formats, sizes[s][0], sizes[s][1], usual[f], sizes[s][2]);
      }
    }
  }
  for (int format = MINIAV_PIXEL_FORMAT_I420; format <= MINIAV_PIXEL_FORMAT_X2BGR10; format++) {
    bool is_usual = false;
    for (uint32_t f = 0; f < sizeof usual / sizeof *usual; f++) {
      is_usual = is_usual || usual[f] == (MiniAVPixelFormat)format;
    }
    if (!is_usual) {
      add_format(formats, 1280, 720, (MiniAVPixelFormat)format, 30);
    }
  }
}

static MiniAVResultCode camera_test_formats(const char *id, struct format_list *formats,
                                            struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result = test_device_ask(MINIAV_KIND_CAMERA, id, cancel, &device);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (device->flat_out) {
    add_format(formats, 320, 240, MINIAV_PIXEL_FORMAT_GRAY8, 0);
    add_format(formats, 320, 240, MINIAV_PIXEL_FORMAT_BGRA32, 0);
  } else {
    add_formats(formats);
  }
  return MINIAV_SUCCESS;
}

static MiniAVResultCode camera_test_default_format(const char *id, struct capture_format *format,
                                                   struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result = test_device_ask(MINIAV_KIND_CAMERA, id, cancel, &device);
  if (result == MINIAV_SUCCESS) {
    format->video = default_of(device);
  }
  return result;
}

/* ---- captures -------------------------------------------------------------------------------- */

static struct camera_test *camera_create(struct capture *capture, struct test_device *device,
                                         const struct test_capture_setup *setup) {
  struct camera_test *camera = calloc(1, sizeof *camera);
  if (camera == NULL) {
    return NULL;
  }
  camera->capture = test_capture_create(capture, device, setup);
  if (camera->capture == NULL) {
    free(camera);
    return NULL;
  }
  for (uint32_t i = 0; i < CONTROLS; i++) {
    camera->values[i] = controls[i].default_value;
    camera->automatic[i] = controls[i].has_auto;
  }
  if (setup->video.has_intrinsics) {
    const MiniAVVideoInfo *info = &setup->video.info;
    camera->intrinsics = test_video_intrinsics(info->width, info->height);
  }
  return camera;
}

static MiniAVResultCode camera_test_open(struct capture *capture,
                                         const struct capture_request *request,
                                         struct capture_format *format, void **state,
                                         struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result =
      test_capture_admit(MINIAV_KIND_CAMERA, request->device_id, cancel, &device);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct test_capture_setup setup = {
      .has_video = true,
      .video = {.theme = device->theme, .has_intrinsics = device->theme == PATTERN_THEME_BARS2},
      .follows_default = request->device_id[0] == 0,
  };
  MiniAVVideoInfo fallback = default_of(device);
  result =
      test_video_choose(&request->video, &fallback, device->flat_out ? MAX_FLOOD_RATE : MAX_RATE,
                        &setup.video.info, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  *format = test_capture_format(&setup);
  *state = camera_create(capture, device, &setup);
  return *state != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

static MiniAVResultCode camera_test_start(void *state, struct cancel *cancel) {
  struct camera_test *camera = state;
  return test_capture_start(camera->capture, cancel);
}

static void camera_test_stop(void *state) {
  struct camera_test *camera = state;
  test_capture_stop(camera->capture);
}

static void camera_test_close(void *state) {
  struct camera_test *camera = state;
  test_capture_close(camera->capture);
  free(camera);
}

/* ---- properties ------------------------------------------------------------------------------ */

/* The index of a control; CONTROLS when there is none. */
static uint32_t find_control(MiniAVPropertyKey key) {
  uint32_t i = 0;
  while (i < CONTROLS && controls[i].key != key) {
    i++;
  }
  return i;
}

static MiniAVResultCode camera_test_property_info(void *state, MiniAVPropertyKey key,
                                                  MiniAVPropertyInfo *info) {
  const struct camera_test *camera = state;
  uint32_t i = find_control(key);
  if (i == CONTROLS) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  const struct control *control = &controls[i];
  *info = (MiniAVPropertyInfo){.key = key,
                               .type = control->type,
                               .flags = (uint32_t)MINIAV_PROPERTY_FLAG_READABLE |
                                        (uint32_t)MINIAV_PROPERTY_FLAG_WRITABLE,
                               .minimum = (double)control->minimum,
                               .maximum = (double)control->maximum,
                               .step = (double)control->step,
                               .default_value = (double)control->default_value};
  if (control->has_auto) {
    info->flags |= MINIAV_PROPERTY_FLAG_HAS_AUTO;
  }
  if (camera->automatic[i]) {
    info->flags |= MINIAV_PROPERTY_FLAG_IS_AUTO;
  }
  return MINIAV_SUCCESS;
}

static MiniAVResultCode camera_test_get_property(void *state, MiniAVPropertyKey key,
                                                 MiniAVPropertyValue *value) {
  const struct camera_test *camera = state;
  uint32_t i = find_control(key);
  if (key == MINIAV_PROPERTY_INTRINSICS && camera->intrinsics.width != 0) {
    value->type = MINIAV_PROPERTY_TYPE_INTRINSICS;
    value->value.intrinsics = camera->intrinsics;
    return MINIAV_SUCCESS;
  }
  if (i == CONTROLS) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  value->type = controls[i].type;
  value->value.integer = camera->values[i];
  return MINIAV_SUCCESS;
}

static bool is_allowed(const struct control *control, int64_t value) {
  if (control->key == MINIAV_PROPERTY_POWER_LINE_FREQUENCY) {
    return value == 0 || value == 1 || value == 50 || value == 60;
  }
  return value >= control->minimum && value <= control->maximum &&
         (value - control->minimum) % control->step == 0;
}

/* Setting a value ends the control's own choosing. */
static MiniAVResultCode camera_test_set_property(void *state, MiniAVPropertyKey key,
                                                 const MiniAVPropertyValue *value) {
  struct camera_test *camera = state;
  uint32_t i = find_control(key);
  if (i == CONTROLS) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (value->type != controls[i].type || !is_allowed(&controls[i], value->value.integer)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  camera->values[i] = value->value.integer;
  camera->automatic[i] = false;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode camera_test_set_auto_property(void *state, MiniAVPropertyKey key,
                                                      bool automatic) {
  struct camera_test *camera = state;
  uint32_t i = find_control(key);
  if (i == CONTROLS || !controls[i].has_auto) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  camera->automatic[i] = automatic;
  if (automatic) {
    camera->values[i] = controls[i].default_value; /* what it chooses for itself */
  }
  return MINIAV_SUCCESS;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static MiniAVResultCode camera_test_permission(MiniAVPermission *permission,
                                               struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_CAMERA, false, permission, cancel);
}

static MiniAVResultCode camera_test_request_permission(MiniAVPermission *permission,
                                                       struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_CAMERA, true, permission, cancel);
}

const struct backend camera_test_backend = {
    .name = TEST_BACKEND_NAME,
    .flags = BACKEND_IS_TEST,
    .probe = camera_test_probe,
    .enumerate = camera_test_enumerate,
    .formats = camera_test_formats,
    .default_format = camera_test_default_format,
    .open = camera_test_open,
    .start = camera_test_start,
    .stop = camera_test_stop,
    .close = camera_test_close,
    .property_info = camera_test_property_info,
    .get_property = camera_test_get_property,
    .set_property = camera_test_set_property,
    .set_auto_property = camera_test_set_auto_property,
    .permission = camera_test_permission,
    .request_permission = camera_test_request_permission,
};
