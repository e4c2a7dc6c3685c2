/* Damage and pointers as another process writes them beside a picture; needs PipeWire's headers. */
#include "support/check.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/buffer/meta.h>
#include <spa/param/video/raw.h>
#include <stdlib.h>

#include "common/linux/pipewire_video_cursor.h"

static const MiniAVVideoInfo screen = {.width = 640, .height = 480};

/* The bytes in memory of exactly their size, so that AddressSanitizer sees one too many. */
static void *exact(const void *bytes, size_t size) {
  void *copy = malloc(size > 0 ? size : 1);
  memcpy(copy, bytes, size);
  return copy;
}

/* -- damage ----------------------------------------------------------------------------------- */

static enum video_said damage(const struct spa_region *regions, uint32_t count,
                              MiniAVFrameMetadata *metadata) {
  void *bytes = exact(regions, count * sizeof *regions);
  enum video_said said = video_damage_read(bytes, count * sizeof *regions, &screen, metadata);
  free(bytes);
  return said;
}

static void test_damage(void) {
  MiniAVFrameMetadata metadata = {0};
  const struct spa_region two[] = {SPA_REGION(10, 20, 30, 40), SPA_REGION(0, 0, 640, 480),
                                   SPA_REGION(5, 5, 0, 0), SPA_REGION(1, 1, 1, 1)};
  CHECK_EQ(damage(two, 4, &metadata), VIDEO_SAID);
  CHECK_EQ(metadata.damage_count, 2);
  CHECK_EQ(metadata.damage[0].x, 10);
  CHECK_EQ(metadata.damage[0].height, 40);
  CHECK_EQ(metadata.damage[1].width, 640);
  CHECK_EQ(damage(two, 1, &metadata), VIDEO_SAID); /* the end of the array is an end too */
  CHECK_EQ(metadata.damage_count, 1);
  const struct spa_region none[] = {SPA_REGION(0, 0, 0, 0), SPA_REGION(1, 1, 1, 1)};
  CHECK_EQ(damage(none, 2, &metadata), VIDEO_SAID_NOTHING);
  CHECK_EQ(damage(none, 0, &metadata), VIDEO_SAID_NOTHING);
  CHECK_EQ(metadata.damage_count, 0);
}

static void test_hostile_damage(void) {
  MiniAVFrameMetadata metadata = {0};
  const struct spa_region edge[] = {SPA_REGION(-8, 470, 16, 4000000000u),
                                    SPA_REGION(INT32_MIN, INT32_MIN, UINT32_MAX, UINT32_MAX)};
  CHECK_EQ(damage(edge, 2, &metadata), VIDEO_SAID);
  CHECK_EQ(metadata.damage[0].x, 0);
  CHECK_EQ(metadata.damage[0].y, 470);
  CHECK_EQ(metadata.damage[0].width, 8);
  CHECK_EQ(metadata.damage[0].height, 10);
  CHECK_EQ(metadata.damage[1].width, 640);
  const struct spa_region outside[][2] = {{SPA_REGION(1, 1, 1, 1), SPA_REGION(640, 0, 1, 1)},
                                          {SPA_REGION(1, 1, 1, 1), SPA_REGION(0, -5, 9, 5)},
                                          {SPA_REGION(INT32_MAX, INT32_MAX, 9, 9)}};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    CHECK_EQ(damage(outside[i], 2, &metadata), VIDEO_SAID_LIES);
    CHECK_EQ(metadata.damage_count, 0);
  }
  struct spa_region many[MINIAV_MAX_DAMAGE_RECTANGLES + 1];
  for (uint32_t i = 0; i <= MINIAV_MAX_DAMAGE_RECTANGLES; i++) {
    many[i] = SPA_REGION((int32_t)i, 0, 1, 1);
  }
  CHECK_EQ(damage(many, MINIAV_MAX_DAMAGE_RECTANGLES, &metadata), VIDEO_SAID);
  CHECK_EQ(metadata.damage_count, MINIAV_MAX_DAMAGE_RECTANGLES);
  CHECK_EQ(damage(many, MINIAV_MAX_DAMAGE_RECTANGLES + 1, &metadata), VIDEO_SAID_LIES);
}

/* -- pointer ---------------------------------------------------------------------------------- */

#define SIDE 3u

struct pointer {
  struct spa_meta_cursor cursor;
  struct spa_meta_bitmap bitmap;
  uint8_t pixels[SIDE * SIDE * 4];
};

static struct pointer pointer_of(uint32_t format) {
  struct pointer pointer = {
      .cursor = {.id = 1,
                 .position = SPA_POINT(100, 50),
                 .hotspot = SPA_POINT(1, 2),
                 .bitmap_offset = offsetof(struct pointer, bitmap)},
      .bitmap = {.format = format,
                 .size = SPA_RECTANGLE(SIDE, SIDE),
                 .stride = SIDE * 4,
                 .offset = offsetof(struct pointer, pixels) - offsetof(struct pointer, bitmap)}};
  for (uint32_t i = 0; i < SIDE * SIDE; i++) {
    const uint8_t pixel[] = {40, 80, 120, 160};
    memcpy(&pointer.pixels[i * 4], pixel, 4);
  }
  return pointer;
}

static enum video_said read_size(const struct pointer *pointer, size_t size,
                                 struct video_cursor_meta *to) {
  void *bytes = exact(pointer, size);
  enum video_said said = video_cursor_read(bytes, size, to);
  if (said == VIDEO_SAID && to->width > 0) {
    uint8_t *out = malloc((size_t)to->width * to->height * 4);
    video_cursor_pixels(bytes, to, out);
    free(out);
  }
  free(bytes);
  return said;
}

static enum video_said read_pointer(const struct pointer *pointer, struct video_cursor_meta *to) {
  return read_size(pointer, sizeof *pointer, to);
}

/* Colour times alpha becomes plain colour; every order of bytes becomes BGRA. */
static void test_pixels(void) {
  const struct {
    uint32_t format;
    uint8_t bgra[4];
  } cases[] = {
      {SPA_VIDEO_FORMAT_RGBA, {191, 128, 64, 160}}, {SPA_VIDEO_FORMAT_BGRA, {64, 128, 191, 160}},
      {SPA_VIDEO_FORMAT_ARGB, {255, 255, 255, 40}}, {SPA_VIDEO_FORMAT_ABGR, {255, 255, 255, 40}},
      {SPA_VIDEO_FORMAT_RGBx, {120, 80, 40, 255}},  {SPA_VIDEO_FORMAT_BGRx, {40, 80, 120, 255}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pointer pointer = pointer_of(cases[i].format);
    struct video_cursor_meta meta;
    uint8_t out[SIDE * SIDE * 4];
    CHECK_EQ(read_pointer(&pointer, &meta), VIDEO_SAID);
    CHECK(video_cursor_pixels(&pointer, &meta, out));
    CHECK_EQ(memcmp(&out[4 * (SIDE * SIDE - 1)], cases[i].bgra, 4), 0);
  }
  struct pointer pointer = pointer_of(SPA_VIDEO_FORMAT_ARGB);
  const uint8_t pixel[] = {200, 50, 100, 200}; /* alpha, red, green, blue */
  struct video_cursor_meta meta;
  uint8_t out[SIDE * SIDE * 4];
  memcpy(pointer.pixels, pixel, 4);
  CHECK_EQ(read_pointer(&pointer, &meta), VIDEO_SAID);
  CHECK(video_cursor_pixels(&pointer, &meta, out));
  const uint8_t expected[] = {255, 128, 64, 200};
  CHECK_EQ(memcmp(out, expected, 4), 0);
  memset(pointer.pixels, 0, sizeof pointer.pixels);
  CHECK(!video_cursor_pixels(&pointer, &meta, out));
}

static void test_no_news(void) {
  struct pointer pointer = pointer_of(SPA_VIDEO_FORMAT_RGBA);
  struct video_cursor_meta meta;
  CHECK_EQ(read_pointer(&pointer, &meta), VIDEO_SAID);
  CHECK(meta.shown && meta.has_picture && meta.x == 100 && meta.y == 50);
  CHECK(meta.width == SIDE && meta.hotspot_x == 1 && meta.hotspot_y == 2);
  pointer.bitmap.offset = 0; /* invisible */
  CHECK_EQ(read_pointer(&pointer, &meta), VIDEO_SAID);
  CHECK(meta.shown && meta.has_picture && meta.width == 0);
  pointer.bitmap.format = 0;
  CHECK_EQ(read_pointer(&pointer, &meta), VIDEO_SAID);
  CHECK(meta.shown && !meta.has_picture);
  pointer.cursor.bitmap_offset = 0;
  CHECK_EQ(read_size(&pointer, sizeof pointer.cursor, &meta), VIDEO_SAID);
  CHECK(meta.shown && !meta.has_picture);
  pointer.cursor.id = 0;
  CHECK_EQ(read_pointer(&pointer, &meta), VIDEO_SAID);
  CHECK(!meta.shown);
  for (size_t size = 0; size < sizeof pointer.cursor; size++) {
    CHECK_EQ(read_size(&pointer, size, &meta), VIDEO_SAID_NOTHING);
  }
}

static void check_lie(struct pointer pointer, int line) {
  struct video_cursor_meta meta;
  enum video_said said = read_pointer(&pointer, &meta);
  check_equal(said, VIDEO_SAID_LIES, "said", "VIDEO_SAID_LIES", __FILE__, line);
}

static void test_hostile_pointer(void) {
  struct pointer good = pointer_of(SPA_VIDEO_FORMAT_RGBA);
  struct pointer bad;
  static const uint32_t offsets[] = {1,           27,         30,         sizeof good - 4,
                                     sizeof good, 0x7fffffff, 0xfffffffc, 0xffffffff};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    bad = good;
    bad.cursor.bitmap_offset = offsets[i];
    check_lie(bad, __LINE__);
    bad = good;
    bad.bitmap.offset = offsets[i] < sizeof bad.bitmap ? offsets[i] : offsets[i] | 64;
    check_lie(bad, __LINE__);
  }
  static const int32_t strides[] = {0, 11, -12, 13, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
    bad = good;
    bad.bitmap.stride = strides[i];
    check_lie(bad, __LINE__);
  }
  static const uint32_t sides[] = {0, 4, VIDEO_CURSOR_MAX_SIDE + 1, 0x40000001, UINT32_MAX};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
    bad = good;
    bad.bitmap.size.width = sides[i];
    check_lie(bad, __LINE__);
    bad = good;
    bad.bitmap.size.height = sides[i];
    check_lie(bad, __LINE__);
  }
  bad = good;
  bad.bitmap.format = SPA_VIDEO_FORMAT_I420;
  check_lie(bad, __LINE__);
  bad = good;
  bad.cursor.hotspot = SPA_POINT(INT32_MIN, 0);
  check_lie(bad, __LINE__);
  struct video_cursor_meta meta;
  for (size_t size = sizeof good.cursor; size < sizeof good; size++) {
    CHECK_EQ(read_size(&good, size, &meta), VIDEO_SAID_LIES);
  }
}

/* -- from buffer to buffer -------------------------------------------------------------------- */

static bool update(struct video_cursor *cursor, const struct pointer *pointer) {
  bool differs = false;
  CHECK_EQ(video_cursor_update(cursor, pointer, sizeof *pointer, 2, &differs), VIDEO_SAID);
  return differs;
}

static void test_what_is_told(void) {
  struct video_cursor cursor = {.is_known = false};
  MiniAVFrameMetadata metadata = {0};
  struct pointer pointer = pointer_of(SPA_VIDEO_FORMAT_RGBA);
  CHECK(video_cursor_describe(&cursor, &screen, &metadata) == NULL);
  CHECK_EQ(metadata.flags, 0);
  CHECK(update(&cursor, &pointer));
  CHECK(!update(&cursor, &pointer)); /* the same again is no news */
  struct block *first = video_cursor_describe(&cursor, &screen, &metadata);
  CHECK(first != NULL && metadata.cursor_pixels == first->data);
  CHECK_EQ(metadata.flags, MINIAV_METADATA_CURSOR | MINIAV_METADATA_CURSOR_PIXELS);
  CHECK(metadata.cursor_visible == 1 && metadata.cursor_serial == 1);
  CHECK(metadata.cursor_width == SIDE && metadata.cursor_stride_bytes == SIDE * 4);
  metadata = (MiniAVFrameMetadata){0};
  pointer.cursor.bitmap_offset = 0; /* it only moves; its hotspot means nothing then */
  pointer.cursor.position = SPA_POINT(639, 479);
  pointer.cursor.hotspot = SPA_POINT(0, 0);
  CHECK(update(&cursor, &pointer));
  CHECK(video_cursor_describe(&cursor, &screen, &metadata) == NULL);
  CHECK_EQ(metadata.flags, MINIAV_METADATA_CURSOR);
  CHECK(metadata.cursor_x == 639 && metadata.cursor_hotspot_y == 2 && metadata.cursor_visible == 1);
  pointer.cursor.position = SPA_POINT(640, 479);
  CHECK(update(&cursor, &pointer));
  video_cursor_describe(&cursor, &screen, &metadata);
  CHECK_EQ(metadata.cursor_visible, 0);
  pointer.cursor.id = 0;
  CHECK(update(&cursor, &pointer));
  CHECK(!update(&cursor, &pointer));
  video_cursor_describe(&cursor, &screen, &metadata);
  CHECK_EQ(metadata.cursor_visible, 0);
  CHECK_EQ(metadata.cursor_serial, 1);
  block_release(first);
  video_cursor_end(&cursor);
}

/* A picture that is transparent all over is how mutter hides the pointer. */
static void test_transparent(void) {
  struct video_cursor cursor = {.is_known = false};
  MiniAVFrameMetadata metadata = {0};
  struct pointer pointer = pointer_of(SPA_VIDEO_FORMAT_RGBA);
  CHECK(update(&cursor, &pointer));
  memset(pointer.pixels, 0, sizeof pointer.pixels);
  CHECK(update(&cursor, &pointer));
  block_release(video_cursor_describe(&cursor, &screen, &metadata));
  CHECK(metadata.cursor_visible == 0 && metadata.cursor_serial == 2);
  pointer.cursor.position.x++;
  CHECK(!update(&cursor, &pointer)); /* nobody sees it move */
  pointer.bitmap.offset = 0;
  update(&cursor, &pointer);
  CHECK(!update(&cursor, &pointer));
  video_cursor_describe(&cursor, &screen, &metadata);
  CHECK_EQ(metadata.cursor_visible, 0);
  video_cursor_end(&cursor);
}

/* Every frame that can be out holds another picture, and there is still one for the next. */
static void test_held_pictures(void) {
  struct video_cursor cursor = {.is_known = false};
  struct pointer pointer = pointer_of(SPA_VIDEO_FORMAT_RGBA);
  struct block *held[3] = {NULL};
  uint8_t first[3] = {0};
  for (uint32_t i = 0; i < 3; i++) {
    MiniAVFrameMetadata metadata = {0};
    memset(pointer.pixels, (int)(100 + i), sizeof pointer.pixels);
    CHECK(update(&cursor, &pointer));
    held[i] = video_cursor_describe(&cursor, &screen, &metadata);
    if (CHECK(held[i] != NULL)) {
      first[i] = held[i]->data[3];
    }
  }
  struct {
    struct pointer pointer;
    uint8_t more[1024 * 1024 * 4];
  } *large = calloc(1, sizeof *large); /* a new pool, while the old blocks are held */
  large->pointer = pointer;
  large->pointer.bitmap.size = SPA_RECTANGLE(1024, 1024);
  large->pointer.bitmap.stride = 4096;
  memset(large->pointer.pixels, 9, sizeof large->more);
  bool differs = false;
  CHECK_EQ(video_cursor_update(&cursor, large, sizeof *large, 2, &differs), VIDEO_SAID);
  CHECK(differs && cursor.width == 1024);
  for (uint32_t i = 0; i < 3; i++) {
    CHECK_EQ(held[i]->data[3], first[i]);
    CHECK_EQ(first[i], 100 + i);
    block_release(held[i]);
  }
  free(large);
  video_cursor_end(&cursor);
}

int main(void) {
  test_damage();
  test_hostile_damage();
  test_pixels();
  test_no_news();
  test_hostile_pointer();
  test_what_is_told();
  test_transparent();
  test_held_pictures();
  return check_report("video_meta");
}

#else

int main(void) {
  CHECK(1);
  return check_report("video_meta");
}

#endif
