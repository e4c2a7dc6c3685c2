/* vivid through a real PipeWire: the node that its session manager makes of a V4L2 camera. */
#include "v4l2_guest.h"

#define NODE "pipewire:v4l2_input._sys_devices_platform_vivid.0_video4linux_video0"
#define HELD 3

/* The only camera, and so the default: the session manager has no node of the multi-planar one. */
static bool is_listed(void *user) {
  (void)user;
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  bool found = false;
  if (MiniAV_Camera_EnumerateDevices(&devices, &count) == MINIAV_SUCCESS) {
    found = count == 1 && strcmp(devices[0].device_id, NODE) == 0 &&
            (devices[0].flags & MINIAV_DEVICE_FLAG_DEFAULT) != 0;
    MiniAV_FreeDeviceList(devices, count);
  }
  return found;
}

/* Real dma-bufs of the driver; PipeWire exports them for reading only, so they are copied. How many
 * frames had a time of their own: of an emulated machine that stood still it is too old to be
 * believed. */
static uint32_t check_format(MiniAVPixelFormat format) {
  MiniAVVideoInfo wanted = video(320, 180, format, 0);
  MiniAVCameraContextHandle context = camera(NODE, &wanted);
  MiniAVBuffer buffer;
  int64_t last_us = 0;
  uint32_t timed = 0;
  for (int i = 0; i < 3 && context != NULL && next(context, &buffer); i++) {
    CHECK_EQ(buffer.data.video.info.pixel_format, format);
    CHECK_NEAR((double)buffer.duration_us, 33333, 1); /* the driver's first is one a second */
    CHECK((buffer.flags & MINIAV_BUFFER_FLAG_COPIED) != 0);
    CHECK(buffer.timestamp_us > last_us);
    timed += (buffer.flags & MINIAV_BUFFER_FLAG_ESTIMATED_TIME) == 0 ? 1 : 0;
    last_us = buffer.timestamp_us;
    check_bars(&buffer);
    release(&buffer);
  }
  camera_end(context);
  return timed;
}

static void check_formats(void) {
  MiniAVVideoInfo *formats = NULL;
  uint32_t count = 0;
  uint64_t seen = 0;
  uint32_t tried = 0;
  uint32_t timed = 0;
  CHECK_EQ(MiniAV_Camera_GetSupportedFormats(NODE, &formats, &count), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t bit = UINT64_C(1) << formats[i].pixel_format;
    if ((seen & bit) == 0) {
      timed += check_format(formats[i].pixel_format);
      tried++;
    }
    seen |= bit;
  }
  CHECK(tried >= 8 && timed >= tried);
  CHECK_EQ(MiniAV_FreeFormatList(formats, count), MINIAV_SUCCESS);
}

/* What is held stays as it is when the stream is gone. */
static void check_held(void) {
  MiniAVVideoInfo wanted = video(320, 180, MINIAV_PIXEL_FORMAT_YUY2, 0);
  MiniAVCameraContextHandle context = camera(NODE, &wanted);
  MiniAVBuffer held[HELD];
  for (int i = 0; i < HELD; i++) {
    if (context == NULL || !next(context, &held[i])) {
      return;
    }
  }
  camera_end(context);
  for (int i = 0; i < HELD; i++) {
    check_bars(&held[i]);
    release(&held[i]);
  }
}

/* PipeWire tells no layout of a V4L2 camera's dma-bufs; they are handed on to who wants them. */
static void check_handles(void) {
  MiniAVVideoInfo wanted = video(320, 180, MINIAV_PIXEL_FORMAT_YUY2, 0);
  wanted.output_preference = MINIAV_OUTPUT_PREFERENCE_GPU;
  MiniAVCameraContextHandle context = camera(NODE, &wanted);
  MiniAVBuffer buffer;
  for (int i = 0; i < 5 && context != NULL && next(context, &buffer); i++) {
    CHECK_EQ(buffer.content_type, MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD);
    CHECK(buffer.drm_modifier == UINT64_C(0x00ffffffffffffff));
    CHECK_EQ(buffer.data.video.info.output_preference, MINIAV_OUTPUT_PREFERENCE_GPU);
    check_imported(&buffer);
    release(&buffer);
  }
  camera_end(context);
}

void test_pipewire(void) {
  vivid_calm("/dev/video0");
  if (await_cameras(is_listed, NULL)) {
    check_formats();
    check_held();
    check_handles();
    check_properties(NODE);
  }
}
