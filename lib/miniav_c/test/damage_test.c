/* What dropped frames tell is told with the next: damage is added to its own, and the pointer's
 * picture is not lost. */
#include "common/damage.h"
#include "common/pointer_picture.h"

#include <stdbool.h>

#include "miniav.h"
#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

static int covers(const MiniAVFrameMetadata *metadata, int32_t x, int32_t y) {
  for (uint32_t i = 0; i < metadata->damage_count; i++) {
    const MiniAVRect *is = &metadata->damage[i];
    if (x >= is->x && y >= is->y && x < is->x + is->width && y < is->y + is->height) {
      return 1;
    }
  }
  return 0;
}

static void test_sums(void) {
  MiniAVFrameMetadata sum = {.flags = MINIAV_METADATA_DAMAGE};
  for (int32_t i = 0; i < 100; i++) {
    MiniAVFrameMetadata dropped = {.flags = MINIAV_METADATA_DAMAGE, .damage_count = 2};
    dropped.damage[0] = (MiniAVRect){i * 10, i, 5, 5};
    dropped.damage[1] = (MiniAVRect){1000 - i * 10, 500, 3, 3};
    damage_add(&sum, &dropped);
    CHECK(sum.damage_count <= MINIAV_MAX_DAMAGE_RECTANGLES);
  }
  for (int32_t i = 0; i < 100; i++) {
    CHECK(covers(&sum, i * 10 + 4, i + 4));
    CHECK(covers(&sum, 1002 - i * 10, 502));
  }
  CHECK(!covers(&sum, 0, 600));
  MiniAVFrameMetadata unknown = {0};
  damage_add(&sum, &unknown);
  CHECK_EQ(sum.flags & MINIAV_METADATA_DAMAGE, 0);
  CHECK_EQ(sum.damage_count, 0);
}

static uint64_t dropped_before; /* when the first frame was taken */

static bool has_dropped_ten(void *context) {
  MiniAVCaptureStats stats = {0};
  MiniAV_Screen_GetStats(context, &stats);
  return stats.dropped_queue_full >= dropped_before + 10;
}

/* Takes a frame, lets the next ten be dropped and takes the one after them: how many rectangles it
 * tells. So many dropped ones that they no longer fit are one rectangle, and none is told when the
 * device itself came too late to paint one. */
static uint32_t rectangles_after_ten(MiniAVScreenContextHandle context) {
  MiniAVBuffer first;
  MiniAVBuffer later;
  MiniAVCaptureStats stats = {0};
  MiniAVFrameMetadata metadata = {0};
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &first), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_GetStats(context, &stats), MINIAV_SUCCESS);
  dropped_before = stats.dropped_queue_full;
  CHECK(wait_until(has_dropped_ten, context, 10000));
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, &later), MINIAV_SUCCESS);
  CHECK(later.sequence > first.sequence + 5);
  CHECK_EQ(MiniAV_CopyMetadata(later.internal_handle, &metadata), MINIAV_SUCCESS);
  MiniAV_ReleaseBuffer(first.internal_handle);
  MiniAV_ReleaseBuffer(later.internal_handle);
  return (metadata.flags & MINIAV_METADATA_DAMAGE) != 0 ? metadata.damage_count : 0;
}

/* A queue of two against a screen that changes sixty times a second: what the consumer is told of a
 * frame after dropped ones includes what those changed. */
static void test_dropped_frames(void) {
  MiniAVScreenContextHandle context = NULL;
  MiniAVPropertyValue two = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 2}};
  CHECK_EQ(MiniAV_Screen_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_SetProperty(context, MINIAV_PROPERTY_QUEUE_CAPACITY, &two),
           MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_ConfigureDisplay(context, "test:display", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_StartCapture(context, NULL, NULL, NULL), MINIAV_SUCCESS);
  /* One frame alone has the strip, the old and the new box, and the pointer: a handful. On a busy
   * machine many more than ten may be dropped before the next one is taken. */
  uint32_t rectangles = 0;
  for (int attempt = 0; attempt < 20 && rectangles <= 8; attempt++) {
    rectangles = rectangles_after_ten(context);
  }
  CHECK(rectangles > 8);
  CHECK_EQ(MiniAV_Screen_DestroyContext(context), MINIAV_SUCCESS);
}

static void test_pictures(void) {
  struct block_pool *pool = block_pool_create(1, 64);
  struct block *block = block_pool_take(pool);
  struct block *other = NULL;
  struct block *held = block;
  struct pointer_picture picture;
  uint32_t both = (uint32_t)MINIAV_METADATA_CURSOR | (uint32_t)MINIAV_METADATA_CURSOR_PIXELS;
  MiniAVFrameMetadata dropped = {.flags = both, .cursor_serial = 3, .cursor_width = 4};
  MiniAVFrameMetadata next = {.flags = MINIAV_METADATA_CURSOR, .cursor_serial = 4};
  CHECK(!pointer_picture_take(&picture, NULL, &held));
  CHECK(!pointer_picture_take(&picture, &next, &held));
  CHECK(pointer_picture_take(&picture, &dropped, &held));
  CHECK(held == NULL && picture.block == block);
  CHECK(!pointer_picture_give(&picture, &next, &other)); /* another pointer */
  next.cursor_serial = 3;
  CHECK(pointer_picture_give(&picture, &next, &other));
  CHECK(other == block && picture.block == NULL && next.flags == both && next.cursor_width == 4);
  block_release(other);
  block_pool_close(pool);
}

/* Takes a frame: whether it has the pointer's picture. */
static bool take_picture(MiniAVScreenContextHandle context, MiniAVBuffer *buffer) {
  MiniAVFrameMetadata metadata = {0};
  uint8_t pixels[64 * 64 * 4];
  CHECK_EQ(MiniAV_WaitBuffer(context, 3000, buffer), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_CopyMetadata(buffer->internal_handle, &metadata), MINIAV_SUCCESS);
  CHECK((metadata.flags & MINIAV_METADATA_CURSOR) != 0);
  bool has_picture = (metadata.flags & MINIAV_METADATA_CURSOR_PIXELS) != 0;
  if (has_picture) {
    CHECK_EQ(MiniAV_CopyCursorPixels(buffer->internal_handle, pixels, sizeof pixels),
             MINIAV_SUCCESS);
  }
  return has_picture;
}

/* The picture comes with the first frame, which nobody takes before it is dropped. */
static void test_dropped_pointer(void) {
  MiniAVScreenContextHandle context = NULL;
  MiniAVBuffer first;
  MiniAVBuffer second;
  MiniAVPropertyValue two = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 2}};
  MiniAVPropertyValue mode = {.type = MINIAV_PROPERTY_TYPE_ENUM,
                              .value = {.integer = MINIAV_CURSOR_MODE_METADATA}};
  CHECK_EQ(MiniAV_Screen_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_SetProperty(context, MINIAV_PROPERTY_QUEUE_CAPACITY, &two),
           MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_SetProperty(context, MINIAV_PROPERTY_CURSOR_MODE, &mode), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Screen_ConfigureDisplay(context, "test:display", NULL), MINIAV_SUCCESS);
  for (int run = 0; run < 3; run++) {
    CHECK_EQ(MiniAV_Screen_StartCapture(context, NULL, NULL, NULL), MINIAV_SUCCESS);
    dropped_before = 0;
    if (run == 0) {
      CHECK(wait_until(has_dropped_ten, context, 10000));
    }
    CHECK(take_picture(context, &first));
    CHECK(!take_picture(context, &second)); /* told once */
    CHECK_EQ(MiniAV_ReleaseBuffer(first.internal_handle), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_ReleaseBuffer(second.internal_handle), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Screen_StopCapture(context), MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_Screen_DestroyContext(context), MINIAV_SUCCESS);
}

int main(void) {
  use_test_backends();
  test_sums();
  test_pictures();
  test_dropped_pointer();
  test_dropped_frames();
  return check_report("damage");
}
