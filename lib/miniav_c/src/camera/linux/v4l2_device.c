#include "camera/linux/v4l2_device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Newer than the oldest headers this builds with; linux/v4l2-controls.h. */
#ifndef V4L2_CID_CAMERA_ORIENTATION
#define V4L2_CID_CAMERA_ORIENTATION     (V4L2_CID_CAMERA_CLASS_BASE + 34)
#define V4L2_CID_CAMERA_SENSOR_ROTATION (V4L2_CID_CAMERA_CLASS_BASE + 35)
#define V4L2_CAMERA_ORIENTATION_FRONT   0
#define V4L2_CAMERA_ORIENTATION_BACK    1
#endif

int v4l2_call(int fd, unsigned long request, void *argument) {
  int result;
  do {
#if defined(__GLIBC__)
    result = ioctl(fd, request, argument);
#else
    result = ioctl(fd, (int)request, argument);
#endif
  } while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

MiniAVResultCode v4l2_result(int error) {
  switch (error) {
  case 0:
    return MINIAV_SUCCESS;
  case EACCES:
  case EPERM:
    return MINIAV_ERROR_PERMISSION_DENIED;
  case ENOENT:
  case ENODEV:
  case ENXIO:
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  case EBUSY:
    return MINIAV_ERROR_DEVICE_BUSY;
  case ENOMEM:
  case EMFILE:
  case ENFILE:
    return MINIAV_ERROR_OUT_OF_MEMORY;
  default:
    return MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
}

/* The number in "video12"; false for other names. */
static bool node_number(const char *name, uint32_t *number) {
  char *end;
  if (strncmp(name, "video", 5) != 0 || name[5] < '0' || name[5] > '9') {
    return false;
  }
  unsigned long value = strtoul(name + 5, &end, 10);
  *number = (uint32_t)value;
  return *end == 0 && value <= 65535;
}

static int compare_numbers(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left;
  uint32_t b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

uint32_t v4l2_nodes(uint32_t numbers[V4L2_MAX_NODES]) {
  uint32_t count = 0;
  DIR *directory = opendir("/dev");
  if (directory == NULL) {
    return 0;
  }
  struct dirent *entry;
  while (count < V4L2_MAX_NODES && (entry = readdir(directory)) != NULL) {
    if (node_number(entry->d_name, &numbers[count])) {
      count++;
    }
  }
  closedir(directory);
  qsort(numbers, count, sizeof *numbers, compare_numbers);
  return count;
}

/* One line of a file of sysfs; false where there is none. */
static bool read_line(const char *path, char *line, size_t capacity) {
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    return false;
  }
  bool good = fgets(line, (int)capacity, file) != NULL;
  fclose(file);
  if (good) {
    line[strcspn(line, "\n")] = 0;
  }
  return good;
}

/* A file below the node's folder in sysfs. */
static bool read_attribute(const char *path, const char *attribute, char *line, size_t capacity) {
  char file[128];
  snprintf(file, sizeof file, "/sys/class/video4linux/%s/%s", path + strlen("/dev/"), attribute);
  return read_line(file, line, capacity);
}

/* Where the kernel tells no index the node counts as its device's first. */
static void make_id(struct v4l2_device *device, const char *bus) {
  char index[16] = "0";
  read_attribute(device->path, "index", index, sizeof index);
  snprintf(device->id, sizeof device->id, "%.64s#%.15s", bus[0] != 0 ? bus : device->driver, index);
}

static MiniAVResultCode look_at(struct v4l2_device *device) {
  struct v4l2_capability about;
  memset(&about, 0, sizeof about);
  int error = v4l2_call(device->fd, VIDIOC_QUERYCAP, &about);
  if (error != 0) {
    return error == ENOTTY ? MINIAV_ERROR_NOT_SUPPORTED : v4l2_result(error);
  }
  uint32_t can =
      (about.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? about.device_caps : about.capabilities;
  if ((can & V4L2_CAP_STREAMING) == 0 ||
      (can & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE)) != 0) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if ((can & V4L2_CAP_VIDEO_CAPTURE) != 0) {
    device->buffer_type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  } else if ((can & V4L2_CAP_VIDEO_CAPTURE_MPLANE) != 0) {
    device->buffer_type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  } else {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  char bus[sizeof about.bus_info + 1];
  snprintf(bus, sizeof bus, "%.*s", (int)sizeof about.bus_info, (const char *)about.bus_info);
  snprintf(device->driver, sizeof device->driver, "%.*s", (int)sizeof about.driver,
           (const char *)about.driver);
  snprintf(device->card, sizeof device->card, "%.*s", (int)sizeof about.card,
           (const char *)about.card);
  make_id(device, bus);
  return MINIAV_SUCCESS;
}

MiniAVResultCode v4l2_open_path(const char *path, struct v4l2_device *device) {
  memset(device, 0, sizeof *device);
  snprintf(device->path, sizeof device->path, "%s", path);
  device->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device->fd < 0) {
    return v4l2_result(errno);
  }
  MiniAVResultCode result = look_at(device);
  if (result != MINIAV_SUCCESS) {
    v4l2_close(device);
  }
  return result;
}

MiniAVResultCode v4l2_open_id(const char *id, struct v4l2_device *device) {
  uint32_t numbers[V4L2_MAX_NODES];
  uint32_t count = v4l2_nodes(numbers);
  MiniAVResultCode failure = MINIAV_ERROR_DEVICE_NOT_FOUND;
  char denied[sizeof device->path] = "";
  for (uint32_t i = 0; i < count; i++) {
    char path[sizeof device->path];
    snprintf(path, sizeof path, "/dev/video%u", numbers[i]);
    bool is_path = id[0] == '/';
    if (is_path && strcmp(id, path) != 0) {
      continue;
    }
    MiniAVResultCode result = v4l2_open_path(path, device);
    if (result == MINIAV_SUCCESS) {
      if (id[0] == 0 || is_path || strcmp(id, device->id) == 0) {
        return MINIAV_SUCCESS;
      }
      v4l2_close(device);
    } else if (result == MINIAV_ERROR_PERMISSION_DENIED || result == MINIAV_ERROR_OUT_OF_MEMORY ||
               result == MINIAV_ERROR_DEVICE_BUSY) {
      failure = result;
      memcpy(denied, path, sizeof denied);
    }
  }
  memset(device, 0, sizeof *device);
  device->fd = -1;
  memcpy(device->path, denied, sizeof denied);
  return failure;
}

void v4l2_close(struct v4l2_device *device) {
  if (device->fd >= 0) {
    close(device->fd);
  }
  device->fd = -1;
}

/* A control of the camera class; false where the device has none of this id. */
static bool read_control(const struct v4l2_device *device, uint32_t id, int32_t *value) {
  struct v4l2_control control = {.id = id};
  if (v4l2_call(device->fd, VIDIOC_G_CTRL, &control) != 0) {
    return false;
  }
  *value = control.value;
  return true;
}

void v4l2_describe(const struct v4l2_device *device, MiniAVDeviceInfo *info) {
  memset(info, 0, sizeof *info);
  text_copy(info->device_id, sizeof info->device_id, device->id);
  text_copy(info->name, sizeof info->name, device->card[0] != 0 ? device->card : device->path);
  text_copy(info->model, sizeof info->model, device->card);
  text_copy(info->icon, sizeof info->icon, "camera-web");
  char line[128];
  /* Of a USB device: its interface's parent. */
  if (read_attribute(device->path, "device/../manufacturer", line, sizeof line)) {
    text_copy(info->manufacturer, sizeof info->manufacturer, line);
  }
  if (read_attribute(device->path, "device/../product", line, sizeof line)) {
    text_copy(info->model, sizeof info->model, line);
  }
  if (strcmp(device->driver, "vivid") == 0 || strncmp(device->driver, "v4l2 loop", 9) == 0) {
    info->flags |= MINIAV_DEVICE_FLAG_VIRTUAL;
  }
  int32_t value;
  if (read_control(device, V4L2_CID_CAMERA_ORIENTATION, &value)) {
    info->facing = value == V4L2_CAMERA_ORIENTATION_FRONT  ? MINIAV_FACING_USER
                   : value == V4L2_CAMERA_ORIENTATION_BACK ? MINIAV_FACING_ENVIRONMENT
                                                           : MINIAV_FACING_EXTERNAL;
  }
}

uint32_t v4l2_rotation(const struct v4l2_device *device) {
  int32_t counter_clockwise;
  if (!read_control(device, V4L2_CID_CAMERA_SENSOR_ROTATION, &counter_clockwise) ||
      counter_clockwise < 0 || counter_clockwise >= 360 || counter_clockwise % 90 != 0) {
    return 0;
  }
  return (uint32_t)(360 - counter_clockwise) % 360;
}
