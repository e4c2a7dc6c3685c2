/* The test display (1920 × 1080, 60 Hz) and its window (640 × 480, of process 4242): pictures with
 * damage and a pointer, and sound beside them unless a fault leaves that to the library. They
 * change all the time, so the watchdog holds. */
#include <stdlib.h>
#include <string.h>

#include "common/kinds.h"
#include "screen/screen_backend.h"
#include "screen/screen_request.h"
#include "test_device/test_capture.h"
#include "test_device/test_offer.h"

#define MAX_RATE       240u
#define DISPLAY_WIDTH  1920
#define DISPLAY_HEIGHT 1080
#define WINDOW_LEFT    320
#define WINDOW_TOP     240
#define WINDOW_WIDTH   640
#define WINDOW_HEIGHT  480

static const struct test_tone_spec system_tone = {.count = 1, .frequencies_hz = {440}};

struct screen_test {
  struct test_capture *capture;
  struct capture *owner;
  const struct capture_request *request;
  MiniAVRect region; /* width 0: not a region */
};

static bool is_window(const struct test_device *device) {
  return strcmp(device->id, "window") == 0;
}

/* ---- targets and formats --------------------------------------------------------------------- */

static MiniAVResultCode screen_test_probe(char why[MINIAV_TEXT_BYTES]) {
  (void)why;
  return test_devices_enabled() ? MINIAV_SUCCESS : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

static void list_add(struct device_list *devices, const struct test_device *device) {
  MiniAVDeviceInfo info;
  test_device_describe(device, &info);
  info.scale = 1.0f;
  if (is_window(device)) {
    info.process_id = TEST_PROCESS_ID;
    info.rectangle = (MiniAVRect){WINDOW_LEFT, WINDOW_TOP, WINDOW_WIDTH, WINDOW_HEIGHT};
  } else {
    info.rectangle = (MiniAVRect){0, 0, DISPLAY_WIDTH, DISPLAY_HEIGHT};
    info.refresh_rate_millihertz = 60000;
  }
  device_list_add(devices, &info);
}

static MiniAVResultCode screen_test_enumerate(uint32_t filter, struct device_list *devices,
                                              struct cancel *cancel) {
  if (!test_device_pass(MINIAV_KIND_SCREEN, NULL, MINIAV_TEST_HANG_ENUMERATE, cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  struct test_device *device;
  for (uint32_t i = 0; (device = test_device_at(MINIAV_KIND_SCREEN, i)) != NULL; i++) {
    if (is_window(device) == (filter == SCREEN_FILTER_WINDOWS) &&
        !atomic_load(&device->unplugged)) {
      list_add(devices, device);
    }
  }
  return MINIAV_SUCCESS;
}

static MiniAVVideoInfo default_of(const struct test_device *device) {
  MiniAVVideoInfo info = {DISPLAY_WIDTH,
                          DISPLAY_HEIGHT,
                          MINIAV_PIXEL_FORMAT_BGRX32,
                          60,
                          1,
                          MINIAV_OUTPUT_PREFERENCE_CPU};
  if (is_window(device)) {
    info.width = WINDOW_WIDTH;
    info.height = WINDOW_HEIGHT;
  }
  return info;
}

static MiniAVResultCode screen_test_formats(const char *id, struct format_list *formats,
                                            struct cancel *cancel) {
  static const MiniAVPixelFormat offered[] = {
      MINIAV_PIXEL_FORMAT_BGRX32, MINIAV_PIXEL_FORMAT_BGRA32,  MINIAV_PIXEL_FORMAT_RGBX32,
      MINIAV_PIXEL_FORMAT_RGBA32, MINIAV_PIXEL_FORMAT_X2RGB10, MINIAV_PIXEL_FORMAT_X2BGR10,
      MINIAV_PIXEL_FORMAT_NV12,   MINIAV_PIXEL_FORMAT_I420};
  struct test_device *device;
  MiniAVResultCode result = test_device_ask(MINIAV_KIND_SCREEN, id, cancel, &device);
  for (uint32_t i = 0; result == MINIAV_SUCCESS && i < sizeof offered / sizeof *offered; i++) {
    MiniAVVideoInfo info = default_of(device);
    info.pixel_format = offered[i];
    format_list_add_video(formats, &info);
  }
  return result;
}

static MiniAVResultCode screen_test_default_format(const char *id, struct capture_format *format,
                                                   struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result = test_device_ask(MINIAV_KIND_SCREEN, id, cancel, &device);
  if (result == MINIAV_SUCCESS) {
    format->video = default_of(device);
    format->audio = test_audio_default();
  }
  return result;
}

/* ---- captures -------------------------------------------------------------------------------- */

static MiniAVResultCode check_region(const MiniAVRect *region, MiniAVPixelFormat format,
                                     struct cancel *cancel) {
  const char *wrong = NULL;
  if (region->width < 1 || region->height < 1 || region->x < 0 || region->y < 0 ||
      region->width > DISPLAY_WIDTH || region->height > DISPLAY_HEIGHT ||
      region->x > DISPLAY_WIDTH - region->width || region->y > DISPLAY_HEIGHT - region->height) {
    wrong = "the region leaves the display, which has 1920 x 1080 pixels";
  } else if (pattern_format_subsampled(format) && ((region->x | region->y) & 1) != 0) {
    wrong = "this format halves colour: x and y of the region must be even";
  }
  if (wrong != NULL && cancel != NULL) {
    cancel_explain(cancel, "%s", wrong);
  }
  return wrong == NULL ? MINIAV_SUCCESS : MINIAV_ERROR_INVALID_ARG;
}

static MiniAVResultCode choose_format(const struct capture_request *request,
                                      const struct test_device *device,
                                      struct test_video_setup *video, struct cancel *cancel) {
  MiniAVVideoInfo fallback = default_of(device);
  MiniAVResultCode result =
      test_video_choose(&request->video, &fallback, MAX_RATE, &video->info, cancel);
  if (result == MINIAV_SUCCESS && video->info.pixel_format == MINIAV_PIXEL_FORMAT_MJPEG) {
    cancel_explain(cancel, "screens have no MJPEG");
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  if (result != MINIAV_SUCCESS || request->target != REQUEST_REGION) {
    return result;
  }
  const MiniAVRect *region = &request->region;
  result = check_region(region, video->info.pixel_format, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  uint32_t width = (uint32_t)region->width;
  uint32_t height = (uint32_t)region->height;
  if ((request->video.width != 0 && request->video.width != width) ||
      (request->video.height != 0 && request->video.height != height)) {
    cancel_explain(cancel, "a region is not scaled");
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  video->info.width = width;
  video->info.height = height;
  video->region = *region;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode check_settings(const struct screen_settings *settings,
                                       struct cancel *cancel) {
  if (settings->excluded_count > 0 || settings->persist_mode != MINIAV_PERSIST_MODE_NONE ||
      settings->restore_token[0] != 0) {
    cancel_explain(cancel, "the test screen excludes no windows and keeps no consent");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

static MiniAVResultCode screen_test_open(struct capture *capture,
                                         const struct capture_request *request,
                                         struct capture_format *format, void **state,
                                         struct cancel *cancel) {
  struct test_device *device;
  struct test_capture_setup setup = {
      .has_video = true,
      .video = {.is_screen = true, .canvas_width = DISPLAY_WIDTH, .canvas_height = DISPLAY_HEIGHT},
      .audio_result = MINIAV_ERROR_NO_BUFFER,
      .follows_default = request->device_id[0] == 0 && request->target != REQUEST_WINDOW,
  };
  MiniAVResultCode result =
      test_capture_admit(MINIAV_KIND_SCREEN, request->device_id, cancel, &device);
  if (result == MINIAV_SUCCESS && is_window(device) != (request->target == REQUEST_WINDOW)) {
    cancel_explain(cancel, "the id is not of this kind of target");
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  if (result == MINIAV_SUCCESS) {
    result = check_settings(&request->screen, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = choose_format(request, device, &setup.video, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  setup.video.theme = device->theme;
  struct screen_test *screen = calloc(1, sizeof *screen);
  struct test_capture *test = test_capture_create(capture, device, &setup);
  if (screen == NULL || test == NULL) {
    free(screen);
    if (test != NULL) {
      test_capture_close(test);
    }
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  test_capture_apply_rate(test, request->screen.frame_rate_limit);
  *screen = (struct screen_test){
      .capture = test, .owner = capture, .request = request, .region = setup.video.region};
  *format = test_capture_format(&test->setup);
  *state = screen;
  return MINIAV_SUCCESS;
}

/* What start alone knows: the pointer, and the sound. */
static void agree_on_sound(struct screen_test *screen, struct cancel *cancel) {
  const struct capture_request *request = screen->request;
  struct test_capture_setup *setup = &screen->capture->setup;
  struct capture_format before = test_capture_format(setup);
  setup->has_sound = false;
  setup->audio_result = MINIAV_ERROR_NO_BUFFER;
  if (request->with_audio != 0 && !atomic_load(&screen->capture->device->soundless)) {
    bool of_system = request->screen.audio_source == MINIAV_SCREEN_AUDIO_SOURCE_SYSTEM;
    setup->tone = of_system ? system_tone : screen->capture->device->tone;
    setup->audio_result = test_audio_choose(&request->audio, &setup->audio, cancel);
    setup->has_sound = setup->audio_result == MINIAV_SUCCESS;
  }
  struct capture_format after = test_capture_format(setup);
  if (after.audio_result != before.audio_result ||
      memcmp(&after.audio, &before.audio, sizeof after.audio) != 0) {
    capture_format_changed(screen->owner, &after);
  }
}

static MiniAVResultCode screen_test_start(void *state, struct cancel *cancel) {
  struct screen_test *screen = state;
  MiniAVResultCode result = check_settings(&screen->request->screen, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  screen->capture->setup.video.cursor_mode = screen->request->screen.cursor_mode;
  agree_on_sound(screen, cancel);
  return test_capture_start(screen->capture, cancel);
}

static void screen_test_stop(void *state) {
  struct screen_test *screen = state;
  test_capture_stop(screen->capture);
}

static uint64_t screen_test_window_handle(void *state) {
  const struct screen_test *screen = state;
  return screen->request->target == REQUEST_WINDOW ? TEST_WINDOW_HANDLE : 0;
}

static void screen_test_close(void *state) {
  struct screen_test *screen = state;
  test_capture_close(screen->capture);
  free(screen);
}

/* ---- properties ------------------------------------------------------------------------------ */

static MiniAVResultCode screen_test_property_info(void *state, MiniAVPropertyKey key,
                                                  MiniAVPropertyInfo *info) {
  return screen_property_info(((const struct screen_test *)state)->request, key, info);
}

static MiniAVResultCode screen_test_get_property(void *state, MiniAVPropertyKey key,
                                                 MiniAVPropertyValue *value) {
  const struct screen_test *screen = state;
  if (!screen_has_region(screen->request, key)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  screen_region_value(&screen->region, value);
  return MINIAV_SUCCESS;
}

static MiniAVResultCode set_region(struct screen_test *screen, const MiniAVPropertyValue *value) {
  if (!screen_has_region(screen->request, MINIAV_PROPERTY_REGION)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  /* The pixel format never changes, so it may be read while the thread runs. */
  MiniAVPixelFormat format = screen->capture->setup.video.info.pixel_format;
  if (value->type != MINIAV_PROPERTY_TYPE_RECTANGLE ||
      check_region(&value->value.rectangle, format, NULL) != MINIAV_SUCCESS) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  screen->region = value->value.rectangle;
  test_capture_move_region(screen->capture, &screen->region);
  return MINIAV_SUCCESS;
}

static MiniAVResultCode screen_test_set_property(void *state, MiniAVPropertyKey key,
                                                 const MiniAVPropertyValue *value) {
  struct screen_test *screen = state;
  switch (key) {
  case MINIAV_PROPERTY_REGION:
    return set_region(screen, value);
  case MINIAV_PROPERTY_FRAME_RATE_LIMIT:
    test_capture_limit_rate(screen->capture, value->value.number);
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_CURSOR_MODE:       /* start reads it … */
  case MINIAV_PROPERTY_REPEAT_LAST_FRAME: /* … and there is always a new frame */
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_EXCLUDED_WINDOWS:
    return value->count == 0 ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
  case MINIAV_PROPERTY_PERSIST_MODE:
    return value->value.integer == MINIAV_PERSIST_MODE_NONE ? MINIAV_SUCCESS
                                                            : MINIAV_ERROR_NOT_SUPPORTED;
  case MINIAV_PROPERTY_RESTORE_TOKEN:
    return value->value.text[0] == 0 ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
  default:
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
}

/* ---- the rest -------------------------------------------------------------------------------- */

static MiniAVResultCode screen_test_permission(MiniAVPermission *permission,
                                               struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_SCREEN, false, permission, cancel);
}

static MiniAVResultCode screen_test_request_permission(MiniAVPermission *permission,
                                                       struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_SCREEN, true, permission, cancel);
}

const struct backend screen_test_backend = {
    .name = TEST_BACKEND_NAME,
    .flags = (uint32_t)BACKEND_IS_TEST | (uint32_t)BACKEND_BRINGS_SOUND,
    .probe = screen_test_probe,
    .enumerate = screen_test_enumerate,
    .formats = screen_test_formats,
    .default_format = screen_test_default_format,
    .open = screen_test_open,
    .start = screen_test_start,
    .stop = screen_test_stop,
    .close = screen_test_close,
    .window_handle = screen_test_window_handle,
    .property_info = screen_test_property_info,
    .get_property = screen_test_get_property,
    .set_property = screen_test_set_property,
    .permission = screen_test_permission,
    .request_permission = screen_test_request_permission,
};
