/* Camera controls of vivid: range, default, value, automatic, changes by another program, and what
 * they do to the picture. */
#include "v4l2_guest.h"

static void set(MiniAVCameraContextHandle context, MiniAVPropertyKey key, int64_t integer,
                MiniAVResultCode expected) {
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {integer}};
  CHECK_EQ(MiniAV_Camera_SetProperty(context, key, &value), expected);
}

static int64_t get(MiniAVCameraContextHandle context, MiniAVPropertyKey key) {
  MiniAVPropertyValue value;
  memset(&value, 0, sizeof value);
  CHECK_EQ(MiniAV_Camera_GetProperty(context, key, &value), MINIAV_SUCCESS);
  CHECK_EQ(value.type, MINIAV_PROPERTY_TYPE_INTEGER);
  return value.value.integer;
}

static uint32_t flags_of(MiniAVCameraContextHandle context, MiniAVPropertyKey key) {
  MiniAVPropertyInfo info;
  CHECK_EQ(MiniAV_Camera_GetPropertyInfo(context, key, &info), MINIAV_SUCCESS);
  return info.flags;
}

static void check_plain(MiniAVCameraContextHandle context, MiniAVPropertyKey key, int minimum,
                        int maximum, int standard) {
  MiniAVPropertyInfo info;
  if (!CHECK_EQ(MiniAV_Camera_GetPropertyInfo(context, key, &info), MINIAV_SUCCESS)) {
    return;
  }
  CHECK_EQ(info.key, key);
  CHECK_EQ(info.type, MINIAV_PROPERTY_TYPE_INTEGER);
  CHECK_EQ(info.flags,
           (unsigned)MINIAV_PROPERTY_FLAG_READABLE | (unsigned)MINIAV_PROPERTY_FLAG_WRITABLE);
  CHECK_EQ(info.minimum, minimum);
  CHECK_EQ(info.maximum, maximum);
  CHECK_EQ(info.step, 1);
  CHECK_EQ(info.default_value, standard);
  set(context, key, minimum, MINIAV_SUCCESS);
  CHECK_EQ(get(context, key), minimum);
  set(context, key, maximum, MINIAV_SUCCESS);
  CHECK_EQ(get(context, key), maximum);
  set(context, key, maximum + 1, MINIAV_ERROR_INVALID_ARG);
  set(context, key, (int64_t)1 << 40, MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(get(context, key), maximum);
  set(context, key, standard, MINIAV_SUCCESS);
}

/* The gain and whoever chooses it. */
static void check_gain(MiniAVCameraContextHandle context) {
  const uint32_t both =
      (uint32_t)MINIAV_PROPERTY_FLAG_HAS_AUTO | (uint32_t)MINIAV_PROPERTY_FLAG_IS_AUTO;
  CHECK_EQ(MiniAV_Camera_SetAutoProperty(context, MINIAV_PROPERTY_GAIN, 1), MINIAV_SUCCESS);
  CHECK_EQ(flags_of(context, MINIAV_PROPERTY_GAIN) & both, both);
  set(context, MINIAV_PROPERTY_GAIN, 77, MINIAV_SUCCESS); /* ends the choosing */
  CHECK_EQ(flags_of(context, MINIAV_PROPERTY_GAIN) & both, MINIAV_PROPERTY_FLAG_HAS_AUTO);
  CHECK_EQ(get(context, MINIAV_PROPERTY_GAIN), 77);
  CHECK_EQ(MiniAV_Camera_SetAutoProperty(context, MINIAV_PROPERTY_GAIN, 1), MINIAV_SUCCESS);
  CHECK_EQ(flags_of(context, MINIAV_PROPERTY_GAIN) & both, both);
  CHECK_EQ(MiniAV_Camera_SetAutoProperty(context, MINIAV_PROPERTY_CONTRAST, 1),
           MINIAV_ERROR_NOT_SUPPORTED);
}

/* Of the left bar, in a later frame than those that wait. */
static int luma(MiniAVCameraContextHandle context, int64_t after_us) {
  MiniAVBuffer buffer;
  int level = -1;
  while (level < 0 && next(context, &buffer)) {
    if (buffer.timestamp_us > after_us + 100000) {
      level = ((const uint8_t *)buffer.data.video.planes[0].data_ptr)[16];
    }
    release(&buffer);
  }
  return level;
}

/* Others may come before it: what vivid's automatic gain does shows too. */
static void check_change(MiniAVWaiterHandle waiter, MiniAVPropertyKey key) {
  MiniAVEvent event;
  for (int i = 0; i < 100; i++) {
    while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
      if (event.type == MINIAV_EVENT_PROPERTY_CHANGED && event.detail == (uint32_t)key) {
        CHECK(true);
        return;
      }
    }
    MiniAV_WaitAny(waiter, 500);
  }
  fprintf(stderr, "  no event of key %d\n", (int)key);
  CHECK(false);
}

void check_properties(const char *id) {
  vivid_calm("/dev/video0");
  MiniAVVideoInfo small = video(320, 180, MINIAV_PIXEL_FORMAT_NV12, 0);
  MiniAVWaiterHandle waiter = NULL;
  MiniAVPropertyInfo info;
  int64_t now_us;
  MiniAVCameraContextHandle context = camera(id, &small);
  if (context == NULL) {
    return;
  }
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterAdd(waiter, (MiniAVHandle)context), MINIAV_SUCCESS);
  check_plain(context, MINIAV_PROPERTY_BRIGHTNESS, 0, 255, 128);
  check_plain(context, MINIAV_PROPERTY_CONTRAST, 0, 255, 128);
  check_plain(context, MINIAV_PROPERTY_SATURATION, 0, 255, 128);
  check_plain(context, MINIAV_PROPERTY_HUE, -128, 128, 0);
  check_gain(context);
  CHECK_EQ(MiniAV_Camera_GetPropertyInfo(context, MINIAV_PROPERTY_FOCUS, &info),
           MINIAV_ERROR_NOT_SUPPORTED);
  MiniAV_GetTime(&now_us);
  CHECK_NEAR(luma(context, now_us), 235, 2);
  set(context, MINIAV_PROPERTY_BRIGHTNESS, 64, MINIAV_SUCCESS);
  MiniAV_GetTime(&now_us);
  CHECK_NEAR(luma(context, now_us), 235 - 64, 4);
  vivid_set("/dev/video0", "Brightness", 128); /* another program */
  check_change(waiter, MINIAV_PROPERTY_BRIGHTNESS);
  CHECK_EQ(get(context, MINIAV_PROPERTY_BRIGHTNESS), 128);
  vivid_set("/dev/video0", "Gain, Automatic", 0);
  check_change(waiter, MINIAV_PROPERTY_GAIN);
  camera_end(context);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

void test_properties(void) {
  check_properties(WEBCAM);
}
