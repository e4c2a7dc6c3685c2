/* Where planes lie in a PipeWire buffer, from numbers that may lie; Linux only. */
#include "support/check.h"

#if defined(__linux__)

#include "common/linux/pipewire_video_layout.h"
#include "common/pixel.h"

static MiniAVVideoInfo picture(MiniAVPixelFormat format, uint32_t width, uint32_t height) {
  return (MiniAVVideoInfo){.width = width, .height = height, .pixel_format = format};
}

static struct video_chunk chunk(uint32_t size, int32_t stride) {
  return (struct video_chunk){.capacity_bytes = size, .size_bytes = size, .stride_bytes = stride};
}

/* A planar picture in one block: what GStreamer sends for I420 of 322 × 241, without a stride:
 * rows of 324 and 164 bytes, 242 and 121 of them. */
static void test_gstreamer(void) {
  MiniAVVideoInfo info = picture(MINIAV_PIXEL_FORMAT_I420, 322, 241);
  struct video_chunk is = chunk(324 * 242 + 2 * 164 * 121, 0);
  struct video_layout layout;
  CHECK(video_layout_find(&info, &is, 1, &layout));
  CHECK_EQ(layout.plane_count, 3);
  CHECK_EQ(layout.planes[0].stride_bytes, 324);
  CHECK_EQ(layout.planes[1].offset_bytes, 324 * 242);
  CHECK_EQ(layout.planes[1].stride_bytes, 164);
  CHECK_EQ(layout.planes[2].offset_bytes, 324 * 242 + 164 * 121);
  /* The same without any padding. */
  is = chunk(322 * 241 + 2 * 161 * 121, 0);
  CHECK(video_layout_find(&info, &is, 1, &layout));
  CHECK_EQ(layout.planes[0].stride_bytes, 322);
  CHECK_EQ(layout.planes[2].offset_bytes, 322 * 241 + 161 * 121);
  info = picture(MINIAV_PIXEL_FORMAT_RGB24, 33, 5);
  is = chunk(100 * 5, 0);
  CHECK(video_layout_find(&info, &is, 1, &layout));
  CHECK_EQ(layout.planes[0].stride_bytes, 100);
  is = chunk(99 * 5, 0);
  CHECK(video_layout_find(&info, &is, 1, &layout));
  CHECK_EQ(layout.planes[0].stride_bytes, 99);
}

static void test_told(void) {
  MiniAVVideoInfo info = picture(MINIAV_PIXEL_FORMAT_NV12, 640, 480);
  struct video_chunk is = chunk(704 * 720, 704);
  struct video_layout layout;
  CHECK(video_layout_find(&info, &is, 1, &layout));
  CHECK_EQ(layout.planes[1].offset_bytes, 704 * 480);
  CHECK_EQ(layout.planes[1].stride_bytes, 704);
  struct video_chunk two[2] = {chunk(700 * 480, 700), chunk(800 * 240, 800)};
  two[1].offset_bytes = 0;
  CHECK(video_layout_find(&info, two, 2, &layout));
  CHECK_EQ(layout.planes[1].data, 1);
  CHECK_EQ(layout.planes[1].stride_bytes, 800);
  info.pixel_format = MINIAV_PIXEL_FORMAT_MJPEG;
  is = chunk(777, 0);
  CHECK(video_layout_find(&info, &is, 1, &layout));
  CHECK_EQ(layout.planes[0].size_bytes, 777);
}

static void test_lies(void) {
  MiniAVVideoInfo info = picture(MINIAV_PIXEL_FORMAT_NV12, 640, 480);
  struct video_layout layout;
  const struct video_chunk good = chunk(640 * 720, 640);
  static const struct {
    uint32_t capacity;
    uint32_t offset;
    uint32_t size;
    int32_t stride;
  } lies[] = {
      {640 * 720, 0, 0, 640},           {640 * 720, 0, 640 * 720 + 1, 640},
      {640 * 720, 1, 640 * 720, 640},   {640 * 720, UINT32_MAX, 640 * 720, 640},
      {640 * 720, 0, UINT32_MAX, 640},  {640 * 720, 0, 640 * 720, 639},
      {640 * 720, 0, 640 * 720, 1},     {640 * 720, 0, 640 * 720, -640},
      {640 * 720, 0, 640 * 720, 32768}, {640 * 720, 0, 640 * 720, INT32_MAX},
      {640 * 720, 0, 640 * 719, 640},   {0, 0, 640 * 720, 640},
      {UINT32_MAX, 8, UINT32_MAX, 640}, {640 * 720, 0, 640 * 720, INT32_MIN},
  };
  CHECK(video_layout_find(&info, &good, 1, &layout));
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    struct video_chunk is = {lies[i].capacity, lies[i].offset, lies[i].size, lies[i].stride};
    CHECK(!video_layout_find(&info, &is, 1, &layout));
  }
  struct video_chunk three[3] = {good, good, good};
  CHECK(!video_layout_find(&info, three, 0, &layout));
  CHECK(!video_layout_find(&info, three, 3, &layout));
  info.width = 0;
  CHECK(!video_layout_find(&info, &good, 1, &layout));
  info = picture(MINIAV_PIXEL_FORMAT_UNKNOWN, 640, 480);
  CHECK(!video_layout_find(&info, &good, 1, &layout));
}

/* Whatever is said, what is believed lies within the memory. */
static void test_bounds(void) {
  uint32_t seed = 4711;
  for (uint32_t i = 0; i < 200000; i++) {
    uint32_t numbers[6];
    for (uint32_t n = 0; n < 6; n++) {
      seed = seed * 1664525u + 1013904223u;
      numbers[n] = seed >> 4;
    }
    MiniAVVideoInfo info =
        picture((MiniAVPixelFormat)(numbers[0] % 24), numbers[1] % 70, numbers[2] % 50);
    struct video_chunk is[4];
    for (uint32_t n = 0; n < 4; n++) {
      is[n] = (struct video_chunk){numbers[3] % 20000, numbers[4] % 300, numbers[5] % 20000,
                                   (int32_t)(numbers[(i + n) % 6] % 300) - 20};
    }
    struct video_layout layout;
    uint32_t count = 1 + i % 3;
    if (!video_layout_find(&info, is, count, &layout)) {
      continue;
    }
    bool inside = layout.plane_count == pixel_plane_count(info.pixel_format);
    for (uint32_t p = 0; p < layout.plane_count; p++) {
      uint64_t end = (uint64_t)layout.planes[p].offset_bytes + layout.planes[p].size_bytes;
      inside = inside && layout.planes[p].data < count &&
               end <= is[layout.planes[p].data].capacity_bytes;
    }
    if (!CHECK(inside)) {
      return;
    }
  }
}

int main(void) {
  test_gstreamer();
  test_told();
  test_lies();
  test_bounds();
  return check_report("video_layout");
}

#else

int main(void) {
  return 0; /* there is no such module elsewhere */
}

#endif
