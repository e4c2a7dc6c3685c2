#include "camera/linux/v4l2_controls.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <math.h>
#include <string.h>

/* How a control's number becomes a property's. */
enum meaning {
  PLAIN,
  HUNDREDS,  /* of microseconds */
  MIRRORED,  /* V4L2's focus grows towards the camera, ours away from it */
  BIAS_MENU, /* an integer menu in thousandths of EV */
  HERTZ_MENU /* off, 50, 60, automatic */
};

struct control {
  MiniAVPropertyKey key;
  MiniAVPropertyType type;
  enum meaning meaning;
  uint32_t id;
  uint32_t auto_id; /* 0: never automatic */
};

/* Several rows of a key: the first that the device has. */
static const struct control controls_known[] = {
    {MINIAV_PROPERTY_BRIGHTNESS, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_BRIGHTNESS,
     V4L2_CID_AUTOBRIGHTNESS},
    {MINIAV_PROPERTY_CONTRAST, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_CONTRAST, 0},
    {MINIAV_PROPERTY_SATURATION, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_SATURATION, 0},
    {MINIAV_PROPERTY_HUE, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_HUE, V4L2_CID_HUE_AUTO},
    {MINIAV_PROPERTY_GAMMA, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_GAMMA, 0},
    {MINIAV_PROPERTY_SHARPNESS, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_SHARPNESS, 0},
    {MINIAV_PROPERTY_GAIN, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_GAIN, V4L2_CID_AUTOGAIN},
    {MINIAV_PROPERTY_GAIN, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_ANALOGUE_GAIN,
     V4L2_CID_AUTOGAIN},
    {MINIAV_PROPERTY_WHITE_BALANCE, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN,
     V4L2_CID_WHITE_BALANCE_TEMPERATURE, V4L2_CID_AUTO_WHITE_BALANCE},
    {MINIAV_PROPERTY_EXPOSURE_TIME, MINIAV_PROPERTY_TYPE_INTEGER, HUNDREDS,
     V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CID_EXPOSURE_AUTO},
    {MINIAV_PROPERTY_EXPOSURE_COMPENSATION, MINIAV_PROPERTY_TYPE_NUMBER, BIAS_MENU,
     V4L2_CID_AUTO_EXPOSURE_BIAS, 0},
    {MINIAV_PROPERTY_FOCUS, MINIAV_PROPERTY_TYPE_INTEGER, MIRRORED, V4L2_CID_FOCUS_ABSOLUTE,
     V4L2_CID_FOCUS_AUTO},
    {MINIAV_PROPERTY_ZOOM, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_ZOOM_ABSOLUTE, 0},
    {MINIAV_PROPERTY_PAN, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_PAN_ABSOLUTE, 0},
    {MINIAV_PROPERTY_TILT, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN, V4L2_CID_TILT_ABSOLUTE, 0},
    {MINIAV_PROPERTY_BACKLIGHT_COMPENSATION, MINIAV_PROPERTY_TYPE_INTEGER, PLAIN,
     V4L2_CID_BACKLIGHT_COMPENSATION, 0},
    {MINIAV_PROPERTY_POWER_LINE_FREQUENCY, MINIAV_PROPERTY_TYPE_ENUM, HERTZ_MENU,
     V4L2_CID_POWER_LINE_FREQUENCY, 0},
};

#define KNOWN (sizeof controls_known / sizeof *controls_known)

/* ---- the device ------------------------------------------------------------------------------ */

static MiniAVResultCode result_of(int error) {
  switch (error) {
  case 0:
    return MINIAV_SUCCESS;
  case ENODEV:
    return MINIAV_ERROR_DEVICE_LOST;
  case ERANGE:
    return MINIAV_ERROR_INVALID_ARG;
  case EBUSY:
    return MINIAV_ERROR_DEVICE_BUSY;
  case EINVAL:
  case ENOTTY:
  case EACCES: /* read-only or write-only */
    return MINIAV_ERROR_NOT_SUPPORTED;
  default:
    return MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
}

static int query(const struct v4l2_controls *controls, uint32_t id,
                 struct v4l2_query_ext_ctrl *about) {
  memset(about, 0, sizeof *about);
  about->id = id;
  int error = controls->call(controls->fd, VIDIOC_QUERY_EXT_CTRL, about);
  return error == 0 && (about->flags & V4L2_CTRL_FLAG_DISABLED) != 0 ? EINVAL : error;
}

static int transfer(const struct v4l2_controls *controls, unsigned long request, uint32_t id,
                    int32_t *value) {
  struct v4l2_ext_control one;
  struct v4l2_ext_controls all;
  memset(&one, 0, sizeof one);
  memset(&all, 0, sizeof all);
  one.id = id;
  one.value = *value;
  all.which = V4L2_CTRL_WHICH_CUR_VAL;
  all.count = 1;
  all.controls = &one;
  int error = controls->call(controls->fd, request, &all);
  *value = one.value;
  return error;
}

static int read_value(const struct v4l2_controls *controls, uint32_t id, int32_t *value) {
  *value = 0;
  return transfer(controls, VIDIOC_G_EXT_CTRLS, id, value);
}

static int write_value(const struct v4l2_controls *controls, uint32_t id, int32_t value) {
  return transfer(controls, VIDIOC_S_EXT_CTRLS, id, &value);
}

/* An entry of a menu; false for one that the device leaves out. */
static bool menu_entry(const struct v4l2_controls *controls, uint32_t id, int32_t index,
                       int64_t *value) {
  struct v4l2_querymenu entry;
  memset(&entry, 0, sizeof entry);
  entry.id = id;
  entry.index = (uint32_t)index;
  if (index < 0 || controls->call(controls->fd, VIDIOC_QUERYMENU, &entry) != 0) {
    return false;
  }
  *value = entry.value; /* of an integer menu */
  return true;
}

/* The row of a key that the device has, and what it says of the control. */
static MiniAVResultCode find(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                             const struct control **control, struct v4l2_query_ext_ctrl *about) {
  MiniAVResultCode result = MINIAV_ERROR_NOT_SUPPORTED;
  for (size_t i = 0; i < KNOWN; i++) {
    if (controls_known[i].key == key) {
      *control = &controls_known[i];
      result = result_of(query(controls, controls_known[i].id, about));
      if (result != MINIAV_ERROR_NOT_SUPPORTED) {
        break;
      }
    }
  }
  return result;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static const int64_t hertz[] = {
    [V4L2_CID_POWER_LINE_FREQUENCY_DISABLED] = 0,
    [V4L2_CID_POWER_LINE_FREQUENCY_50HZ] = 50,
    [V4L2_CID_POWER_LINE_FREQUENCY_60HZ] = 60,
    [V4L2_CID_POWER_LINE_FREQUENCY_AUTO] = 1,
};

/* The property's number of the device's; NaN for an entry that a menu does not have. */
static double outward(const struct v4l2_controls *controls, const struct control *control,
                      const struct v4l2_query_ext_ctrl *about, int64_t value) {
  int64_t entry;
  switch (control->meaning) {
  case HUNDREDS:
    return (double)value * 100;
  case MIRRORED:
    return (double)(about->minimum + about->maximum - value);
  case HERTZ_MENU:
    return value >= 0 && value < (int64_t)(sizeof hertz / sizeof *hertz) &&
                   menu_entry(controls, control->id, (int32_t)value, &entry)
               ? (double)hertz[value]
               : NAN;
  case BIAS_MENU:
    return menu_entry(controls, control->id, (int32_t)value, &entry) ? (double)entry / 1000 : NAN;
  default:
    return (double)value;
  }
}

/* The device's number of the property's; false when it has none. */
static bool inward(const struct v4l2_controls *controls, const struct control *control,
                   const struct v4l2_query_ext_ctrl *about, double wanted, int32_t *value) {
  /* Few entries: a menu is looked through, a range calculated. */
  if (control->meaning == HERTZ_MENU || control->meaning == BIAS_MENU) {
    for (int64_t i = about->minimum; i <= about->maximum && i < about->minimum + 256; i++) {
      if (fabs(outward(controls, control, about, i) - wanted) < 1e-4) {
        *value = (int32_t)i;
        return true;
      }
    }
    return false;
  }
  double number = control->meaning == HUNDREDS ? wanted / 100
                  : control->meaning == MIRRORED
                      ? (double)about->minimum + (double)about->maximum - wanted
                      : wanted;
  if (!(number >= (double)about->minimum && number <= (double)about->maximum) ||
      number != floor(number)) {
    return false;
  }
  *value = (int32_t)number;
  return about->step <= 1 || (uint64_t)(*value - about->minimum) % about->step == 0;
}

/* ---- automatic ------------------------------------------------------------------------------- */

/* What of the exposure's menu means automatic: everything but manual; which to choose: both time
 * and aperture where that can be had, else time alone. */
static int32_t auto_value(const struct v4l2_controls *controls, const struct control *control,
                          bool automatic) {
  if (control->auto_id != V4L2_CID_EXPOSURE_AUTO) {
    return automatic ? 1 : 0;
  }
  int64_t entry;
  if (!automatic) {
    return V4L2_EXPOSURE_MANUAL;
  }
  return menu_entry(controls, V4L2_CID_EXPOSURE_AUTO, V4L2_EXPOSURE_AUTO, &entry)
             ? V4L2_EXPOSURE_AUTO
             : V4L2_EXPOSURE_APERTURE_PRIORITY;
}

static bool has_auto(const struct v4l2_controls *controls, const struct control *control) {
  struct v4l2_query_ext_ctrl about;
  return control->auto_id != 0 && query(controls, control->auto_id, &about) == 0 &&
         (about.flags & V4L2_CTRL_FLAG_READ_ONLY) == 0;
}

static bool is_auto(const struct v4l2_controls *controls, const struct control *control) {
  int32_t value;
  if (read_value(controls, control->auto_id, &value) != 0) {
    return false;
  }
  /* With a time of one's own and an automatic aperture the time is manual. */
  return control->auto_id != V4L2_CID_EXPOSURE_AUTO
             ? value != 0
             : value == V4L2_EXPOSURE_AUTO || value == V4L2_EXPOSURE_APERTURE_PRIORITY;
}

/* ---- properties ------------------------------------------------------------------------------ */

static void tell_range(const struct v4l2_controls *controls, const struct control *control,
                       const struct v4l2_query_ext_ctrl *about, MiniAVPropertyInfo *info) {
  double first = outward(controls, control, about, about->minimum);
  double last = outward(controls, control, about, about->maximum);
  info->minimum = fmin(first, last);
  info->maximum = fmax(first, last);
  info->default_value = outward(controls, control, about, about->default_value);
  info->step = (double)about->step * (control->meaning == HUNDREDS ? 100 : 1);
  if (control->meaning == HERTZ_MENU) {
    for (int64_t i = about->minimum; i <= about->maximum; i++) {
      double value = outward(controls, control, about, i);
      info->minimum = fmin(info->minimum, value); /* of a NaN the other */
      info->maximum = fmax(info->maximum, value);
    }
  } else if (control->meaning == BIAS_MENU && about->maximum > about->minimum) {
    info->step = (info->maximum - info->minimum) / (double)(about->maximum - about->minimum);
  }
}

MiniAVResultCode v4l2_control_info(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                   MiniAVPropertyInfo *info) {
  const struct control *control;
  struct v4l2_query_ext_ctrl about;
  MiniAVResultCode result = find(controls, key, &control, &about);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  memset(info, 0, sizeof *info);
  info->key = key;
  info->type = control->type;
  if ((about.flags & V4L2_CTRL_FLAG_WRITE_ONLY) == 0) {
    info->flags |= MINIAV_PROPERTY_FLAG_READABLE;
  }
  if ((about.flags & V4L2_CTRL_FLAG_READ_ONLY) == 0) {
    info->flags |= MINIAV_PROPERTY_FLAG_WRITABLE;
  }
  if (has_auto(controls, control)) {
    info->flags |= MINIAV_PROPERTY_FLAG_HAS_AUTO;
    info->flags |= is_auto(controls, control) ? (uint32_t)MINIAV_PROPERTY_FLAG_IS_AUTO : 0u;
  }
  tell_range(controls, control, &about, info);
  return MINIAV_SUCCESS;
}

MiniAVResultCode v4l2_control_get(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                  MiniAVPropertyValue *value) {
  const struct control *control;
  struct v4l2_query_ext_ctrl about;
  int32_t number;
  MiniAVResultCode result = find(controls, key, &control, &about);
  if (result == MINIAV_SUCCESS) {
    result = result_of(read_value(controls, control->id, &number));
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  double told = outward(controls, control, &about, number);
  if (isnan(told)) {
    return MINIAV_ERROR_SYSTEM_CALL_FAILED; /* a value that its menu does not have */
  }
  value->type = control->type;
  if (control->type == MINIAV_PROPERTY_TYPE_NUMBER) {
    value->value.number = told;
  } else {
    value->value.integer = (int64_t)told;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode v4l2_control_set(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                  const MiniAVPropertyValue *value) {
  const struct control *control;
  struct v4l2_query_ext_ctrl about;
  int32_t number;
  MiniAVResultCode result = find(controls, key, &control, &about);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  bool is_number = control->type == MINIAV_PROPERTY_TYPE_NUMBER;
  double wanted = is_number ? value->value.number : (double)value->value.integer;
  if (value->type != control->type || !inward(controls, control, &about, wanted, &number)) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  bool was_auto = has_auto(controls, control) && is_auto(controls, control);
  if (was_auto) {
    result = v4l2_control_set_auto(controls, key, false);
  }
  if (result == MINIAV_SUCCESS) {
    result = result_of(write_value(controls, control->id, number));
    if (result != MINIAV_SUCCESS && was_auto) {
      v4l2_control_set_auto(controls, key, true); /* as if never asked */
    }
  }
  return result;
}

MiniAVResultCode v4l2_control_set_auto(const struct v4l2_controls *controls, MiniAVPropertyKey key,
                                       bool automatic) {
  const struct control *control;
  struct v4l2_query_ext_ctrl about;
  MiniAVResultCode result = find(controls, key, &control, &about);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (!has_auto(controls, control)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return result_of(
      write_value(controls, control->auto_id, auto_value(controls, control, automatic)));
}

/* ---- changes --------------------------------------------------------------------------------- */

static void subscribe(const struct v4l2_controls *controls, uint32_t id) {
  struct v4l2_event_subscription wish;
  memset(&wish, 0, sizeof wish);
  wish.type = V4L2_EVENT_CTRL;
  wish.id = id;
  if (id != 0) {
    controls->call(controls->fd, VIDIOC_SUBSCRIBE_EVENT, &wish); /* what it lacks tells nothing */
  }
}

void v4l2_controls_subscribe(const struct v4l2_controls *controls) {
  for (size_t i = 0; i < KNOWN; i++) {
    subscribe(controls, controls_known[i].id);
    subscribe(controls, controls_known[i].auto_id);
  }
}

bool v4l2_controls_next_change(const struct v4l2_controls *controls, MiniAVPropertyKey *key) {
  struct v4l2_event event;
  memset(&event, 0, sizeof event);
  while (controls->call(controls->fd, VIDIOC_DQEVENT, &event) == 0) {
    for (size_t i = 0; i < KNOWN && event.type == V4L2_EVENT_CTRL; i++) {
      if (event.id == controls_known[i].id ||
          (controls_known[i].auto_id != 0 && event.id == controls_known[i].auto_id)) {
        *key = controls_known[i].key;
        return true;
      }
    }
  }
  return false;
}
