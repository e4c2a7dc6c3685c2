/* Lists, and every format with its pixels, strides, colours and times. */
#include <stdlib.h>

#include "v4l2_guest.h"

static void check_device(const MiniAVDeviceInfo *device, const char *id, bool is_default) {
  CHECK_STR(device->device_id, id);
  CHECK_STR(device->name, "vivid");
  CHECK_STR(device->model, "vivid");
  CHECK_EQ(device->kind, MINIAV_KIND_CAMERA);
  CHECK_EQ(device->flags, (unsigned)MINIAV_DEVICE_FLAG_VIRTUAL |
                              (is_default ? (unsigned)MINIAV_DEVICE_FLAG_DEFAULT : 0u));
}

static void check_list(void) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  CHECK_EQ(MiniAV_Camera_EnumerateDevices(&devices, &count), MINIAV_SUCCESS);
  if (CHECK_EQ(count, 2)) {
    check_device(&devices[0], WEBCAM, true);
    check_device(&devices[1], HDMI, false);
  }
  CHECK_EQ(MiniAV_FreeDeviceList(devices, count), MINIAV_SUCCESS);
  MiniAVPermission permission;
  CHECK_EQ(MiniAV_Camera_GetPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_GRANTED);
}

static bool is_listed(const MiniAVVideoInfo *formats, uint32_t count, uint32_t width,
                      uint32_t height, MiniAVPixelFormat format, uint32_t rate) {
  for (uint32_t i = 0; i < count; i++) {
    if (formats[i].width == width && formats[i].height == height &&
        formats[i].pixel_format == format &&
        formats[i].frame_rate_numerator == rate * formats[i].frame_rate_denominator) {
      return true;
    }
  }
  return false;
}

/* Some frames of a format; first is the time of the first. */
static void check_format(const char *id, const MiniAVVideoInfo *format) {
  MiniAVCameraContextHandle context = camera(id, format);
  if (context == NULL) {
    fprintf(stderr, "  format %d\n", (int)format->pixel_format);
    return;
  }
  MiniAVVideoInfo agreed;
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &agreed), MINIAV_SUCCESS);
  CHECK_EQ(agreed.pixel_format, format->pixel_format);
  CHECK_EQ(agreed.width, format->width);
  CHECK(agreed.frame_rate_numerator > 0);
  int64_t last_us = 0;
  for (int i = 0; i < 3; i++) {
    MiniAVBuffer buffer;
    int64_t now_us = 0;
    if (!next(context, &buffer)) {
      break;
    }
    CHECK_EQ(MiniAV_GetTime(&now_us), MINIAV_SUCCESS);
    CHECK_EQ(buffer.type, MINIAV_BUFFER_TYPE_VIDEO);
    CHECK_EQ(buffer.content_type, MINIAV_BUFFER_CONTENT_TYPE_CPU);
    CHECK_EQ(buffer.flags &
                 ((uint32_t)MINIAV_BUFFER_FLAG_ESTIMATED_TIME |
                  (uint32_t)MINIAV_BUFFER_FLAG_CORRUPTED | (uint32_t)MINIAV_BUFFER_FLAG_COPIED),
             0);
    /* vivid's times are of a frame's end, nine tenths of an interval ahead. */
    CHECK(buffer.timestamp_us > last_us && buffer.timestamp_us <= now_us + buffer.duration_us);
    CHECK(buffer.duration_us > 0);
    CHECK(buffer.color_range != MINIAV_COLOR_RANGE_UNKNOWN);
    CHECK_EQ(buffer.color_primaries, 1); /* sRGB's, as vivid says */
    last_us = buffer.timestamp_us;
    check_bars(&buffer);
    release(&buffer);
  }
  camera_end(context);
}

/* Every pixel format of a list once, in that size; how many there were. */
static uint32_t check_formats(const char *id, uint32_t width, uint32_t height) {
  MiniAVVideoInfo *formats = NULL;
  uint32_t count = 0;
  uint64_t seen = 0;
  uint32_t tried = 0;
  CHECK_EQ(MiniAV_Camera_GetSupportedFormats(id, &formats, &count), MINIAV_SUCCESS);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t bit = UINT64_C(1) << formats[i].pixel_format;
    if ((seen & bit) == 0) {
      MiniAVVideoInfo wanted = video(width, height, formats[i].pixel_format, 0);
      check_format(id, &wanted);
      tried++;
    }
    seen |= bit;
  }
  CHECK_EQ(MiniAV_FreeFormatList(formats, count), MINIAV_SUCCESS);
  return tried;
}

static void check_refusals(void) {
  const MiniAVVideoInfo wrong[] = {video(641, 361, MINIAV_PIXEL_FORMAT_NV12, 0),
                                   video(640, 360, MINIAV_PIXEL_FORMAT_H264, 0),
                                   video(640, 360, MINIAV_PIXEL_FORMAT_NV12, 1000)};
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_EQ(MiniAV_Camera_Configure(context, WEBCAM, &wrong[i]),
             MINIAV_ERROR_FORMAT_NOT_SUPPORTED);
  }
  CHECK_EQ(MiniAV_Camera_Configure(context, "v4l2:nothing#0", NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_Configure(context, "v4l2:/dev/video77", NULL),
           MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

void test_pictures(void) {
  vivid_calm("/dev/video0");
  check_list();
  MiniAVVideoInfo chosen;
  CHECK_EQ(MiniAV_Camera_GetDefaultFormat(NULL, &chosen), MINIAV_SUCCESS);
  CHECK_EQ(chosen.width, 1280);
  CHECK_EQ(chosen.height, 720);
  CHECK_EQ(chosen.pixel_format, MINIAV_PIXEL_FORMAT_NV12);
  CHECK_EQ(chosen.frame_rate_numerator, 25); /* the fastest of vivid's in this size */
  MiniAVVideoInfo *formats = NULL;
  uint32_t count = 0;
  CHECK_EQ(MiniAV_Camera_GetSupportedFormats(WEBCAM, &formats, &count), MINIAV_SUCCESS);
  if (CHECK(count > 100)) {
    CHECK_EQ(memcmp(&formats[0], &chosen, sizeof chosen), 0);
    CHECK(is_listed(formats, count, 320, 180, MINIAV_PIXEL_FORMAT_YUY2, 60));
    CHECK(is_listed(formats, count, 3840, 2160, MINIAV_PIXEL_FORMAT_BGRX32, 1));
    CHECK(!is_listed(formats, count, 800, 600, MINIAV_PIXEL_FORMAT_YUY2, 30));
  }
  CHECK_EQ(MiniAV_FreeFormatList(formats, count), MINIAV_SUCCESS);
  CHECK(check_formats(WEBCAM, 320, 180) >= 16);
  check_refusals();
}

/* A device whose planes are in memories of their own, and whose sizes are a range. */
void test_planes(void) {
  vivid_calm("/dev/video1");
  MiniAVVideoInfo *formats = NULL;
  uint32_t count = 0;
  CHECK_EQ(MiniAV_Camera_GetSupportedFormats(HDMI, &formats, &count), MINIAV_SUCCESS);
  bool has_usual = false;
  for (uint32_t i = 0; i < count; i++) {
    has_usual = has_usual || (formats[i].width == 1280 && formats[i].height == 720);
  }
  CHECK(has_usual);
  CHECK_EQ(MiniAV_FreeFormatList(formats, count), MINIAV_SUCCESS);
  CHECK(check_formats(HDMI, 320, 180) >= 16);
  /* In the range, but not listed. */
  MiniAVVideoInfo odd = video(384, 216, MINIAV_PIXEL_FORMAT_YUY2, 0);
  check_format(HDMI, &odd);
}
