#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "v4l2_guest.h"

static bool find_control(int fd, const char *name, struct v4l2_queryctrl *control) {
  memset(control, 0, sizeof *control);
  control->id = V4L2_CTRL_FLAG_NEXT_CTRL;
  while (ioctl(fd, VIDIOC_QUERYCTRL, control) == 0) {
    if (strncmp((const char *)control->name, name, sizeof control->name) == 0) {
      return true;
    }
    control->id |= V4L2_CTRL_FLAG_NEXT_CTRL;
  }
  return false;
}

bool vivid_set(const char *path, const char *name, int value) {
  struct v4l2_queryctrl about;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  bool good = fd >= 0 && find_control(fd, name, &about);
  struct v4l2_control control = {.id = about.id, .value = value};
  good = good && ioctl(fd, VIDIOC_S_CTRL, &control) == 0;
  close(fd);
  if (!good) {
    fprintf(stderr, "%s has no \"%s\"\n", path, name);
  }
  return CHECK(good);
}

void vivid_calm(const char *path) {
  vivid_set(path, "Test Pattern", 1);        /* 100 % colour bars */
  vivid_set(path, "OSD Text Mode", 2);       /* none */
  vivid_set(path, "Horizontal Movement", 3); /* none */
  vivid_set(path, "Vertical Movement", 3);
}

MiniAVVideoInfo video(uint32_t width, uint32_t height, MiniAVPixelFormat format, uint32_t rate) {
  return (MiniAVVideoInfo){.width = width,
                           .height = height,
                           .pixel_format = format,
                           .frame_rate_numerator = rate,
                           .frame_rate_denominator = rate == 0 ? 0 : 1};
}

MiniAVCameraContextHandle camera(const char *id, const MiniAVVideoInfo *format) {
  MiniAVCameraContextHandle context = NULL;
  if (!CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS)) {
    return NULL;
  }
  if (!CHECK_EQ(MiniAV_Camera_Configure(context, id, format), MINIAV_SUCCESS) ||
      !CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS)) {
    MiniAV_Camera_DestroyContext(context);
    return NULL;
  }
  return context;
}

void camera_end(MiniAVCameraContextHandle context) {
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

bool next(MiniAVCameraContextHandle context, MiniAVBuffer *buffer) {
  return CHECK_EQ(MiniAV_WaitBuffer((MiniAVHandle)context, PATIENCE_MS, buffer), MINIAV_SUCCESS);
}

void release(const MiniAVBuffer *buffer) {
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
}

bool await_cameras(bool (*condition)(void *user), void *user) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAVEvent event;
  int64_t now_us;
  MiniAV_GetTime(&now_us);
  int64_t deadline_us = now_us + INT64_C(3000) * PATIENCE_MS;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_CAMERA), MINIAV_SUCCESS);
  bool holds = condition(user);
  while (!holds && now_us < deadline_us) {
    MiniAV_WaitAny(waiter, 1000);
    while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    }
    holds = condition(user);
    MiniAV_GetTime(&now_us);
  }
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  return CHECK(holds);
}

uint64_t picture_sum(const MiniAVBuffer *buffer) {
  uint64_t sum = UINT64_C(14695981039346656037);
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    const MiniAVPlane *plane = &buffer->data.video.planes[i];
    const uint8_t *bytes = plane->data_ptr;
    for (uint32_t at = 0; at < plane->size_bytes; at++) {
      sum = (sum ^ bytes[at]) * UINT64_C(1099511628211);
    }
  }
  return sum;
}
