/* Formats between PipeWire's params and ours; needs its headers. */
#include "support/check.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/format.h>
#include <spa/param/video/format.h>
#include <stdlib.h>

#include "common/linux/pipewire_video_format.h"
#include "common/linux/pipewire_video_request.h"

static _Alignas(8) uint8_t memory[16384];

static const struct spa_pod *raw(struct spa_pod_builder *builder) {
  struct spa_rectangle size = SPA_RECTANGLE(640, 480);
  struct spa_rectangle least = SPA_RECTANGLE(64, 64);
  struct spa_rectangle most = SPA_RECTANGLE(1920, 1080);
  struct spa_rectangle step = SPA_RECTANGLE(4, 4);
  struct spa_fraction rates[] = {SPA_FRACTION(30, 1), SPA_FRACTION(30000, 1001)};
  return spa_pod_builder_add_object(
      builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat, SPA_FORMAT_mediaType,
      SPA_POD_Id(SPA_MEDIA_TYPE_video), SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw),
      SPA_FORMAT_VIDEO_format,
      SPA_POD_CHOICE_ENUM_Id(4, SPA_VIDEO_FORMAT_YUY2, SPA_VIDEO_FORMAT_YUY2, SPA_VIDEO_FORMAT_NV12,
                             SPA_VIDEO_FORMAT_v210),
      SPA_FORMAT_VIDEO_size, SPA_POD_CHOICE_STEP_Rectangle(&size, &least, &most, &step),
      SPA_FORMAT_VIDEO_framerate, SPA_POD_CHOICE_ENUM_Fraction(3, &rates[0], &rates[0], &rates[1]));
}

static const struct spa_pod *jpeg(struct spa_pod_builder *builder) {
  struct spa_rectangle size = SPA_RECTANGLE(1280, 720);
  struct spa_fraction rate = SPA_FRACTION(60, 1);
  return spa_pod_builder_add_object(builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat,
                                    SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
                                    SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_mjpg),
                                    SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&size),
                                    SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&rate));
}

/* As of a V4L2 camera: every interval of the driver, its first the default. */
static const struct spa_pod *slow(struct spa_pod_builder *builder) {
  struct spa_rectangle size = SPA_RECTANGLE(320, 180);
  struct spa_fraction rates[] = {SPA_FRACTION(1, 1), SPA_FRACTION(2, 1), SPA_FRACTION(25, 1),
                                 SPA_FRACTION(60, 1)};
  return spa_pod_builder_add_object(
      builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat, SPA_FORMAT_mediaType,
      SPA_POD_Id(SPA_MEDIA_TYPE_video), SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw),
      SPA_FORMAT_VIDEO_format, SPA_POD_Id(SPA_VIDEO_FORMAT_YUY2), SPA_FORMAT_VIDEO_size,
      SPA_POD_Rectangle(&size), SPA_FORMAT_VIDEO_framerate,
      SPA_POD_CHOICE_ENUM_Fraction(5, &rates[0], &rates[0], &rates[1], &rates[2], &rates[3]));
}

static struct spa_pod_builder new_builder(void) {
  return (struct spa_pod_builder){.data = memory, .size = sizeof memory};
}

static struct video_offers both(void) {
  struct video_offers offers = {.items = NULL};
  struct spa_pod_builder builder = new_builder();
  video_offers_add(&offers, jpeg(&builder));
  builder = new_builder();
  video_offers_add(&offers, raw(&builder));
  return offers;
}

static MiniAVVideoInfo wish(uint32_t width, uint32_t height, MiniAVPixelFormat format,
                            uint32_t numerator, uint32_t denominator) {
  return (MiniAVVideoInfo){width,     height,      format,
                           numerator, denominator, MINIAV_OUTPUT_PREFERENCE_CPU};
}

static void test_list(void) {
  struct video_offers offers = both();
  struct format_list list = {.items = NULL};
  video_offers_list(&offers, &list);
  const MiniAVVideoInfo *items = list.items;
  CHECK_EQ(offers.count, 2);
  if (CHECK(list.count > 2)) {
    CHECK_EQ(items[0].pixel_format, MINIAV_PIXEL_FORMAT_MJPEG);
    CHECK_EQ(items[1].pixel_format, MINIAV_PIXEL_FORMAT_YUY2);
    CHECK_EQ(items[1].width, 640);
  }
  for (uint32_t i = 1; i < list.count; i++) {
    CHECK(items[i].width <= 1920 && items[i].height <= 1080 && items[i].width >= 64);
    CHECK(items[i].pixel_format == MINIAV_PIXEL_FORMAT_YUY2 ||
          items[i].pixel_format == MINIAV_PIXEL_FORMAT_NV12);
  }
  free(list.items);
  free(offers.items);
}

static void test_choose(void) {
  struct video_offers offers = both();
  MiniAVVideoInfo chosen;
  MiniAVVideoInfo any = wish(0, 0, MINIAV_PIXEL_FORMAT_UNKNOWN, 0, 0);
  CHECK_EQ(video_offers_choose(&offers, &any, &chosen), MINIAV_SUCCESS);
  CHECK_EQ(chosen.pixel_format, MINIAV_PIXEL_FORMAT_YUY2); /* raw before compressed */
  MiniAVVideoInfo film = wish(644, 400, MINIAV_PIXEL_FORMAT_NV12, 2997, 100);
  CHECK_EQ(video_offers_choose(&offers, &film, &chosen), MINIAV_SUCCESS);
  CHECK(chosen.width == 644 && chosen.height == 400);
  CHECK_EQ(chosen.frame_rate_denominator, 1001);
  CHECK(video_format_meets(&chosen, &film));
  MiniAVVideoInfo fast = wish(0, 0, MINIAV_PIXEL_FORMAT_UNKNOWN, 60, 1);
  CHECK_EQ(video_offers_choose(&offers, &fast, &chosen), MINIAV_SUCCESS);
  CHECK_EQ(chosen.pixel_format, MINIAV_PIXEL_FORMAT_MJPEG);
  const MiniAVVideoInfo never[] = {
      wish(642, 400, MINIAV_PIXEL_FORMAT_NV12, 0, 0), /* no step */
      wish(1924, 1080, MINIAV_PIXEL_FORMAT_NV12, 0, 0),
      wish(0, 0, MINIAV_PIXEL_FORMAT_RGBA32, 0, 0),
      wish(0, 0, MINIAV_PIXEL_FORMAT_NV12, 25, 1),
      wish(1280, 720, MINIAV_PIXEL_FORMAT_MJPEG, 30, 1),
  };
  for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
    CHECK_EQ(video_offers_choose(&offers, &never[i], &chosen), MINIAV_ERROR_FORMAT_NOT_SUPPORTED);
  }
  char text[64];
  video_offers_describe(&offers, text, sizeof text);
  CHECK(strlen(text) < sizeof text && text[0] != 0);
  free(offers.items);
}

/* What is asked for is what can be read again; the first request exactly. */
static void test_usual_rate(void) {
  struct video_offers offers = {.items = NULL};
  struct spa_pod_builder builder = new_builder();
  MiniAVVideoInfo any = {0};
  MiniAVVideoInfo one = wish(0, 0, MINIAV_PIXEL_FORMAT_UNKNOWN, 1, 1);
  MiniAVVideoInfo chosen;
  video_offers_add(&offers, slow(&builder));
  CHECK_EQ(video_offers_choose(&offers, &any, &chosen), MINIAV_SUCCESS);
  CHECK_EQ(chosen.frame_rate_numerator, 25);
  CHECK_EQ(video_offers_choose(&offers, &one, &chosen), MINIAV_SUCCESS);
  CHECK_EQ(chosen.frame_rate_numerator, 1);
  free(offers.items);
}

static void test_requests(void) {
  const struct spa_pod *requests[VIDEO_REQUESTS_MAX];
  struct spa_pod_builder builder = new_builder();
  struct video_format format;
  MiniAVVideoInfo exact = wish(320, 240, MINIAV_PIXEL_FORMAT_X2RGB10, 15, 1);
  uint32_t count = video_format_requests(&builder, &exact, SPA_FRACTION(0, 0), requests);
  CHECK_EQ(count, VIDEO_REQUESTS_MAX - 1);
  for (uint32_t i = 0; i < count; i++) {
    CHECK(requests[i] != NULL);
  }
  CHECK(video_format_read(requests[0], &format));
  CHECK(video_format_meets(&format.info, &exact));
  CHECK_EQ(format.color_matrix, MINIAV_COLOR_UNSPECIFIED);
  CHECK(!video_format_read(requests[1], &format)); /* a range is no agreement */
}

/* Params of the wrong shape. */
static void test_nonsense(void) {
  struct video_offers offers = {.items = NULL};
  struct spa_pod_builder builder = new_builder();
  struct spa_fraction wrong = SPA_FRACTION(1, 0);
  video_offers_add(&offers, spa_pod_builder_add_object(
                                &builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat,
                                SPA_FORMAT_mediaType, SPA_POD_Int(SPA_MEDIA_TYPE_video),
                                SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw)));
  video_offers_add(&offers, spa_pod_builder_add_object(
                                &builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat,
                                SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_audio),
                                SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw)));
  video_offers_add(&offers, spa_pod_builder_add_object(
                                &builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat,
                                SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
                                SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw),
                                SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&SPA_RECTANGLE(0, 70000)),
                                SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&wrong)));
  CHECK_EQ(offers.count, 0);
  free(offers.items);
}

int main(void) {
  test_list();
  test_choose();
  test_usual_rate();
  test_requests();
  test_nonsense();
  return check_report("video_format");
}

#else

int main(void) {
  return 0; /* there is no such module here */
}

#endif
