/* Controls as properties, on a device that answers as a USB camera does: every control that the
 * kernel's test driver lacks. */
#if defined(__linux__)

#include <errno.h>
#include <linux/videodev2.h>

#include "camera/linux/v4l2_controls.h"
#include "support/check.h"

struct fake {
  uint32_t id;
  int32_t minimum;
  int32_t maximum;
  uint32_t step;
  int32_t standard;
  int32_t value;
  uint32_t menu; /* a bit each entry that exists */
};

/* As a Logitech C920 lists them, with a bias as of a sensor. */
static const struct fake initial[] = {
    {V4L2_CID_AUTO_WHITE_BALANCE, 0, 1, 1, 1, 1, 0},
    {V4L2_CID_WHITE_BALANCE_TEMPERATURE, 2000, 6500, 1, 4000, 4000, 0},
    {V4L2_CID_POWER_LINE_FREQUENCY, 0, 2, 1, 2, 2, 7},
    {V4L2_CID_BACKLIGHT_COMPENSATION, 0, 1, 1, 0, 0, 0},
    {V4L2_CID_EXPOSURE_AUTO, 0, 3, 1, 3, 3, 1u << 1 | 1u << 3},
    {V4L2_CID_EXPOSURE_ABSOLUTE, 3, 2047, 1, 250, 250, 0},
    {V4L2_CID_AUTO_EXPOSURE_BIAS, 0, 4, 1, 2, 2, 31},
    {V4L2_CID_FOCUS_AUTO, 0, 1, 1, 1, 1, 0},
    {V4L2_CID_FOCUS_ABSOLUTE, 0, 250, 5, 0, 0, 0},
    {V4L2_CID_ZOOM_ABSOLUTE, 100, 500, 1, 100, 100, 0},
    {V4L2_CID_PAN_ABSOLUTE, -36000, 36000, 3600, 0, 0, 0},
    {V4L2_CID_TILT_ABSOLUTE, -36000, 36000, 3600, 0, 0, 0},
    {V4L2_CID_GAMMA, 72, 500, 1, 100, 100, 0},
    {V4L2_CID_SHARPNESS, 0, 255, 1, 128, 128, 0},
    {V4L2_CID_ANALOGUE_GAIN, 16, 64, 1, 16, 16, 0},
};

#define COUNT (sizeof initial / sizeof *initial)

static struct fake device[COUNT];
static int broken; /* an errno that every call answers */

static struct fake *find(uint32_t id) {
  for (size_t i = 0; i < COUNT; i++) {
    if (device[i].id == id) {
      return &device[i];
    }
  }
  return NULL;
}

static int query(struct v4l2_query_ext_ctrl *about) {
  const struct fake *is = find(about->id);
  if (is == NULL) {
    return EINVAL;
  }
  about->minimum = is->minimum;
  about->maximum = is->maximum;
  about->step = is->step;
  about->default_value = is->standard;
  return 0;
}

static int query_menu(struct v4l2_querymenu *entry) {
  const struct fake *is = find(entry->id);
  if (is == NULL || entry->index > 31 || (is->menu >> entry->index & 1) == 0) {
    return EINVAL;
  }
  if (entry->id == V4L2_CID_AUTO_EXPOSURE_BIAS) {
    entry->value = ((int64_t)entry->index - 2) * 500;
  }
  return 0;
}

/* What is automatic cannot be set by hand meanwhile. */
static int blocked(uint32_t id) {
  return (id == V4L2_CID_FOCUS_ABSOLUTE && find(V4L2_CID_FOCUS_AUTO)->value != 0) ||
         (id == V4L2_CID_EXPOSURE_ABSOLUTE && find(V4L2_CID_EXPOSURE_AUTO)->value != 1) ||
         (id == V4L2_CID_WHITE_BALANCE_TEMPERATURE &&
          find(V4L2_CID_AUTO_WHITE_BALANCE)->value != 0);
}

static int transfer(struct v4l2_ext_controls *all, int write) {
  struct v4l2_ext_control *one = all->controls;
  struct fake *is = find(one->id);
  if (all->count != 1 || is == NULL) {
    return EINVAL;
  }
  if (!write) {
    one->value = is->value;
    return 0;
  }
  if (one->value < is->minimum || one->value > is->maximum ||
      (is->menu != 0 && (is->menu >> one->value & 1) == 0)) {
    return ERANGE;
  }
  if (blocked(one->id)) {
    return EACCES;
  }
  is->value = one->value;
  return 0;
}

static int answer(int fd, unsigned long request, void *argument) {
  (void)fd;
  if (broken != 0) {
    return broken;
  }
  switch (request) {
  case VIDIOC_QUERY_EXT_CTRL:
    return query(argument);
  case VIDIOC_QUERYMENU:
    return query_menu(argument);
  case VIDIOC_G_EXT_CTRLS:
    return transfer(argument, 0);
  case VIDIOC_S_EXT_CTRLS:
    return transfer(argument, 1);
  default:
    return ENOTTY;
  }
}

static const struct v4l2_controls controls = {-1, answer};

static void reset(void) {
  memcpy(device, initial, sizeof device);
  broken = 0;
}

static MiniAVPropertyInfo info_of(MiniAVPropertyKey key) {
  MiniAVPropertyInfo info;
  memset(&info, 0, sizeof info);
  CHECK_EQ(v4l2_control_info(&controls, key, &info), MINIAV_SUCCESS);
  return info;
}

static int64_t get(MiniAVPropertyKey key) {
  MiniAVPropertyValue value;
  memset(&value, 0, sizeof value);
  CHECK_EQ(v4l2_control_get(&controls, key, &value), MINIAV_SUCCESS);
  return value.value.integer;
}

static MiniAVResultCode set(MiniAVPropertyKey key, MiniAVPropertyType type, int64_t integer) {
  MiniAVPropertyValue value;
  memset(&value, 0, sizeof value);
  value.type = type;
  value.value.integer = integer;
  return v4l2_control_set(&controls, key, &value);
}

static void test_ranges(void) {
  static const struct {
    MiniAVPropertyKey key;
    double minimum, maximum, step, standard;
  } expected[] = {
      {MINIAV_PROPERTY_WHITE_BALANCE, 2000, 6500, 1, 4000},
      {MINIAV_PROPERTY_EXPOSURE_TIME, 300, 204700, 100, 25000},
      {MINIAV_PROPERTY_EXPOSURE_COMPENSATION, -1, 1, 0.5, 0},
      {MINIAV_PROPERTY_FOCUS, 0, 250, 5, 250},
      {MINIAV_PROPERTY_ZOOM, 100, 500, 1, 100},
      {MINIAV_PROPERTY_PAN, -36000, 36000, 3600, 0},
      {MINIAV_PROPERTY_TILT, -36000, 36000, 3600, 0},
      {MINIAV_PROPERTY_GAMMA, 72, 500, 1, 100},
      {MINIAV_PROPERTY_SHARPNESS, 0, 255, 1, 128},
      {MINIAV_PROPERTY_GAIN, 16, 64, 1, 16},
      {MINIAV_PROPERTY_BACKLIGHT_COMPENSATION, 0, 1, 1, 0},
      {MINIAV_PROPERTY_POWER_LINE_FREQUENCY, 0, 60, 1, 60},
  };
  reset();
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    MiniAVPropertyInfo info = info_of(expected[i].key);
    CHECK_EQ(info.key, expected[i].key);
    CHECK_NEAR(info.minimum, expected[i].minimum, 1e-9);
    CHECK_NEAR(info.maximum, expected[i].maximum, 1e-9);
    CHECK_NEAR(info.step, expected[i].step, 1e-9);
    CHECK_NEAR(info.default_value, expected[i].standard, 1e-9);
  }
  MiniAVPropertyInfo none;
  CHECK_EQ(v4l2_control_info(&controls, MINIAV_PROPERTY_BRIGHTNESS, &none),
           MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(v4l2_control_info(&controls, MINIAV_PROPERTY_AUDIO_GAIN, &none),
           MINIAV_ERROR_NOT_SUPPORTED);
}

static void test_units(void) {
  const MiniAVPropertyType integer = MINIAV_PROPERTY_TYPE_INTEGER;
  const MiniAVPropertyType menu = MINIAV_PROPERTY_TYPE_ENUM;
  reset();
  CHECK_EQ(set(MINIAV_PROPERTY_EXPOSURE_TIME, integer, 10000), MINIAV_SUCCESS);
  CHECK_EQ(find(V4L2_CID_EXPOSURE_ABSOLUTE)->value, 100);
  CHECK_EQ(get(MINIAV_PROPERTY_EXPOSURE_TIME), 10000);
  CHECK_EQ(set(MINIAV_PROPERTY_EXPOSURE_TIME, integer, 10050), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(set(MINIAV_PROPERTY_EXPOSURE_TIME, integer, 299), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(set(MINIAV_PROPERTY_FOCUS, integer, 0), MINIAV_SUCCESS); /* near */
  CHECK_EQ(find(V4L2_CID_FOCUS_ABSOLUTE)->value, 250);
  CHECK_EQ(set(MINIAV_PROPERTY_FOCUS, integer, 3), MINIAV_ERROR_INVALID_ARG); /* between steps */
  CHECK_EQ(set(MINIAV_PROPERTY_PAN, integer, -7200), MINIAV_SUCCESS);
  CHECK_EQ(set(MINIAV_PROPERTY_PAN, integer, -7201), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(get(MINIAV_PROPERTY_PAN), -7200);
  CHECK_EQ(set(MINIAV_PROPERTY_POWER_LINE_FREQUENCY, menu, 50), MINIAV_SUCCESS);
  CHECK_EQ(find(V4L2_CID_POWER_LINE_FREQUENCY)->value, 1);
  CHECK_EQ(set(MINIAV_PROPERTY_POWER_LINE_FREQUENCY, menu, 1), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(get(MINIAV_PROPERTY_POWER_LINE_FREQUENCY), 50);
  CHECK_EQ(set(MINIAV_PROPERTY_POWER_LINE_FREQUENCY, integer, 50), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(set(MINIAV_PROPERTY_GAIN, integer, 32), MINIAV_SUCCESS);
  CHECK_EQ(find(V4L2_CID_ANALOGUE_GAIN)->value, 32);
  MiniAVPropertyValue bias = {.type = MINIAV_PROPERTY_TYPE_NUMBER};
  bias.value.number = -0.5;
  CHECK_EQ(v4l2_control_set(&controls, MINIAV_PROPERTY_EXPOSURE_COMPENSATION, &bias),
           MINIAV_SUCCESS);
  CHECK_EQ(find(V4L2_CID_AUTO_EXPOSURE_BIAS)->value, 1);
  bias.value.number = 0.3;
  CHECK_EQ(v4l2_control_set(&controls, MINIAV_PROPERTY_EXPOSURE_COMPENSATION, &bias),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(v4l2_control_get(&controls, MINIAV_PROPERTY_EXPOSURE_COMPENSATION, &bias),
           MINIAV_SUCCESS);
  CHECK_NEAR(bias.value.number, -0.5, 1e-9);
}

static void check_auto(MiniAVPropertyKey key, uint32_t auto_id, int32_t manual, int32_t automatic,
                       int64_t value) {
  const uint32_t both =
      (uint32_t)MINIAV_PROPERTY_FLAG_HAS_AUTO | (uint32_t)MINIAV_PROPERTY_FLAG_IS_AUTO;
  reset();
  CHECK_EQ(info_of(key).flags & both, both);
  CHECK_EQ(set(key, MINIAV_PROPERTY_TYPE_INTEGER, value), MINIAV_SUCCESS);
  CHECK_EQ(find(auto_id)->value, manual);
  CHECK_EQ(info_of(key).flags & both, MINIAV_PROPERTY_FLAG_HAS_AUTO);
  CHECK_EQ(get(key), value);
  CHECK_EQ(v4l2_control_set_auto(&controls, key, true), MINIAV_SUCCESS);
  CHECK_EQ(find(auto_id)->value, automatic);
  CHECK_EQ(v4l2_control_set_auto(&controls, key, false), MINIAV_SUCCESS);
  CHECK_EQ(find(auto_id)->value, manual);
}

static void test_auto(void) {
  check_auto(MINIAV_PROPERTY_WHITE_BALANCE, V4L2_CID_AUTO_WHITE_BALANCE, 0, 1, 5000);
  check_auto(MINIAV_PROPERTY_FOCUS, V4L2_CID_FOCUS_AUTO, 0, 1, 100);
  /* This camera has no fully automatic mode: aperture priority is its automatic time. */
  check_auto(MINIAV_PROPERTY_EXPOSURE_TIME, V4L2_CID_EXPOSURE_AUTO, 1, 3, 20000);
  CHECK_EQ(v4l2_control_set_auto(&controls, MINIAV_PROPERTY_ZOOM, true),
           MINIAV_ERROR_NOT_SUPPORTED);
}

static void test_errors(void) {
  MiniAVPropertyInfo info;
  reset();
  broken = ENODEV;
  CHECK_EQ(v4l2_control_info(&controls, MINIAV_PROPERTY_ZOOM, &info), MINIAV_ERROR_DEVICE_LOST);
  CHECK_EQ(set(MINIAV_PROPERTY_ZOOM, MINIAV_PROPERTY_TYPE_INTEGER, 100), MINIAV_ERROR_DEVICE_LOST);
  broken = EIO;
  CHECK_EQ(v4l2_control_info(&controls, MINIAV_PROPERTY_ZOOM, &info),
           MINIAV_ERROR_SYSTEM_CALL_FAILED);
}

int main(void) {
  test_ranges();
  test_units();
  test_auto();
  test_errors();
  return check_report("v4l2_controls_test");
}

#else
int main(void) {
  return 0;
}
#endif
