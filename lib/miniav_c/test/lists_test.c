/* Lists and the texts in them; shapes of pixel formats. */
#include "common/lists.h"

#include <stdlib.h>
#include <string.h>

#include "common/pixel.h"
#include "miniav.h"
#include "support/check.h"

static void test_devices(void) {
  struct device_list list = {.prefix = "pipewire", .kind = MINIAV_KIND_SCREEN};
  MiniAVDeviceInfo device = {.name = "tab\there\nand DEL\x7f"};
  memset(device.device_id, 'x', sizeof device.device_id - 1);
  device_list_add(&list, &device);
  device.device_id[200] = 'y';
  device_list_add(&list, &device);
  strcpy(device.device_id, "short");
  device_list_add(&list, &device);
  CHECK_STR(list.items[0].name, "tab here and DEL ");
  CHECK_EQ(strlen(list.items[0].device_id), 255);
  CHECK(strncmp(list.items[0].device_id, "pipewire:xxx", 12) == 0);
  CHECK(strcmp(list.items[0].device_id, list.items[1].device_id) !=
        0); /* the hash tells them apart */
  CHECK_STR(list.items[2].device_id, "pipewire:short");
  CHECK_EQ(list.items[2].kind, MINIAV_KIND_SCREEN);
  void *items = list.items;
  CHECK_EQ(list_publish(&items, list.count, sizeof device, list.failed), MINIAV_SUCCESS);
  CHECK_EQ(list_bytes(items), 3 * sizeof device);
  MiniAVDeviceInfo copies[3];
  CHECK_EQ(MiniAV_CopyDeviceList(items, 3, copies, 2), MINIAV_ERROR_BUFFER_TOO_SMALL);
  CHECK_EQ(MiniAV_CopyDeviceList(items, 4, copies, 4), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_CopyDeviceList(items, 3, NULL, 3), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_CopyDeviceList(copies, 3, copies, 3), MINIAV_ERROR_INVALID_ARG); /* no list */
  CHECK_EQ(MiniAV_CopyDeviceList(items, 3, copies, 3), MINIAV_SUCCESS);
  CHECK_STR(copies[2].device_id, "pipewire:short");
  CHECK_EQ(MiniAV_FreeDeviceList(copies, 3), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_FreeDeviceList(items, 3), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_FreeDeviceList(items, 3), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_FreeDeviceList(NULL, 0), MINIAV_SUCCESS);
}

static void test_empty(void) {
  void *items = NULL;
  CHECK_EQ(list_publish(&items, 0, 8, false), MINIAV_SUCCESS);
  CHECK(items == NULL);
  CHECK_EQ(list_publish(&items, 0, 8, true), MINIAV_ERROR_OUT_OF_MEMORY);
  CHECK_EQ(MiniAV_CopyFormatList(NULL, 0, NULL, 0), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_CopyFormatList(NULL, 1, NULL, 0), MINIAV_SUCCESS);
}

static void test_texts(void) {
  char text[MINIAV_TEXT_BYTES];
  char longer[400];
  memset(longer, 'a', sizeof longer);
  longer[sizeof longer - 1] = 0;
  CHECK(!text_take(text, longer));
  longer[255] = 0;
  CHECK(text_take(text, longer));
  CHECK_EQ(strlen(text), 255);
  CHECK(text_take(text, NULL));
  CHECK_STR(text, "");
  char small[6];
  text_copy(small, sizeof small, "abcd\xc3\xa9"); /* é does not fit and is not cut in two */
  CHECK_STR(small, "abcd");
  text_copy(small, sizeof small, "abc\xc3\xa9");
  CHECK_STR(small, "abc\xc3\xa9");
}

static void test_utf8(void) {
  const char *const good[] = {"",
                              "plain",
                              "\xc2\x80",
                              "\xdf\xbf",
                              "a\xe0\xa0\x80z",
                              "\xed\x9f\xbf",
                              "\xf0\x90\x80\x80",
                              "\xf4\x8f\xbf\xbf"};
  const char *const bad[] = {"\xff",
                             "\x80",
                             "a\xc3",
                             "\xc1\xbf",
                             "\xe0\x9f\xbf",
                             "\xed\xa0\x80",
                             "\xe2\x82",
                             "\xf0\x8f\xbf\xbf",
                             "\xf4\x90\x80\x80",
                             "\xf0\x90\x80"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    CHECK(text_is_utf8(good[i]));
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK(!text_is_utf8(bad[i]));
  }
}

static void test_shapes(void) {
  struct plane_shape shape;
  CHECK(pixel_plane_shape(MINIAV_PIXEL_FORMAT_NV12, 5, 3, 1, &shape));
  CHECK_EQ(shape.width, 3);
  CHECK_EQ(shape.height, 2);
  CHECK_EQ(shape.row_bytes, 6);
  CHECK(pixel_plane_shape(MINIAV_PIXEL_FORMAT_P010, 4, 4, 1, &shape));
  CHECK_EQ(shape.row_bytes, 8);
  CHECK(pixel_plane_shape(MINIAV_PIXEL_FORMAT_YUY2, 5, 2, 0, &shape));
  CHECK_EQ(shape.row_bytes, 12);
  CHECK(!pixel_plane_shape(MINIAV_PIXEL_FORMAT_I420, 4, 4, 3, &shape));
  CHECK(!pixel_plane_shape(MINIAV_PIXEL_FORMAT_I420, 0, 4, 0, &shape));
  CHECK(!pixel_plane_shape(MINIAV_PIXEL_FORMAT_BGRA32, PIXEL_MAX_SIDE + 1, 4, 0, &shape));
  CHECK(!pixel_plane_shape(MINIAV_PIXEL_FORMAT_MJPEG, 4, 4, 0, &shape));
  CHECK_EQ(pixel_plane_count((MiniAVPixelFormat)999), 0);
}

static void test_soundness(void) {
  static uint8_t data[4096];
  for (uint32_t format = 1; format <= MINIAV_PIXEL_FORMAT_H264; format++) {
    MiniAVPixelFormat pixel_format = (MiniAVPixelFormat)format;
    if (pixel_is_compressed(pixel_format)) {
      continue;
    }
    MiniAVBuffer buffer = {.type = MINIAV_BUFFER_TYPE_VIDEO};
    buffer.data.video.info =
        (MiniAVVideoInfo){.width = 17, .height = 9, .pixel_format = pixel_format};
    CHECK(pixel_lay_out(&buffer, pixel_format, 17, 9, 64, data) > 0);
    CHECK(pixel_buffer_is_sound(&buffer));
    MiniAVBuffer bad = buffer;
    bad.data.video.planes[0].stride_bytes = 8;
    CHECK(!pixel_buffer_is_sound(&bad));
    bad = buffer;
    bad.data.video.planes[0].stride_bytes = UINT32_MAX; /* would wrap in 32 bits */
    CHECK(!pixel_buffer_is_sound(&bad));
    bad = buffer;
    bad.data.video.planes[bad.data.video.num_planes - 1].size_bytes -= 64;
    CHECK(!pixel_buffer_is_sound(&bad));
    bad = buffer;
    bad.data.video.num_planes++;
    CHECK(!pixel_buffer_is_sound(&bad));
    bad = buffer;
    bad.data.video.planes[0].data_ptr = NULL;
    CHECK(!pixel_buffer_is_sound(&bad));
  }
  MiniAVBuffer huge = {0};
  CHECK_EQ(pixel_lay_out(&huge, MINIAV_PIXEL_FORMAT_RGBA32, 32768, 32768, 64, NULL), 0);
}

int main(void) {
  test_devices();
  test_empty();
  test_texts();
  test_utf8();
  test_shapes();
  test_soundness();
  return check_report("lists");
}
