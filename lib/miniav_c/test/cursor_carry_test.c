/* The pointer's picture is told once: when the frame that tells it is dropped, the next one does.
 */
#include "support/fake_source.h"
#include <stdlib.h>

#include "support/test_backends.h"

static uint8_t pixels[4][4]; /* of each serial */
static int alive;

static void end_picture(struct block *block) {
  alive--;
  free(block);
}

/* A frame with the pointer of that serial, and its picture where it is new. */
static void deliver(const struct fake_source *source, uint32_t serial, bool is_new) {
  struct capture_frame frame;
  MiniAVFrameMetadata metadata = {.flags = MINIAV_METADATA_CURSOR, .cursor_serial = serial};
  fake_frame(&frame);
  if (is_new) {
    struct block *block = calloc(1, sizeof *block);
    atomic_init(&block->references, 1);
    block->destroy = end_picture;
    alive++;
    pixels[serial][0] = (uint8_t)serial;
    metadata.flags |= MINIAV_METADATA_CURSOR_PIXELS;
    metadata.cursor_width = metadata.cursor_height = 1;
    metadata.cursor_stride_bytes = 4;
    metadata.cursor_format = MINIAV_PIXEL_FORMAT_BGRA32;
    metadata.cursor_pixels = pixels[serial];
    frame.cursor_block = block;
  }
  frame.metadata = &metadata;
  capture_deliver(source->capture, &frame);
}

/* Takes a frame; whose picture it tells, 0: none. */
static int told(const struct fake_source *source, MiniAVBuffer *buffer) {
  uint8_t pixel[4] = {0};
  CHECK_EQ(MiniAV_TakeBuffer(source->handle, buffer), MINIAV_SUCCESS);
  MiniAVResultCode result = MiniAV_CopyCursorPixels(buffer->internal_handle, pixel, sizeof pixel);
  CHECK(result == MINIAV_SUCCESS || result == MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(result == MINIAV_SUCCESS,
           (buffer->metadata->flags & MINIAV_METADATA_CURSOR_PIXELS) != 0);
  return result == MINIAV_SUCCESS ? pixel[0] : 0;
}

static int told_and_released(const struct fake_source *source) {
  MiniAVBuffer buffer;
  int picture = told(source, &buffer);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  return picture;
}

/* A queue of two that overflows: the picture goes to the frame behind, unless there is a newer. */
static void test_queue(const struct fake_source *source) {
  deliver(source, 1, true);
  deliver(source, 1, false);
  deliver(source, 1, false);
  deliver(source, 1, false);
  CHECK_EQ(told_and_released(source), 1);
  CHECK_EQ(told_and_released(source), 0);
  CHECK_EQ(alive, 0);
  deliver(source, 2, true);
  deliver(source, 3, true);
  deliver(source, 3, false);
  CHECK_EQ(alive, 1);
  CHECK_EQ(told_and_released(source), 3);
  CHECK_EQ(told_and_released(source), 0);
  CHECK_EQ(alive, 0);
}

/* Every slot is held: the picture waits for a frame that can come. */
static void test_held(const struct fake_source *source) {
  MiniAVBuffer held[2];
  for (int i = 0; i < 2; i++) {
    deliver(source, 1, false);
    CHECK_EQ(told(source, &held[i]), 0);
  }
  deliver(source, 2, true);
  deliver(source, 3, true);
  deliver(source, 3, false);
  CHECK_EQ(alive, 1);
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(MiniAV_ReleaseBuffer(held[i].internal_handle), MINIAV_SUCCESS);
  }
  deliver(source, 3, false);
  deliver(source, 3, false);
  CHECK_EQ(told_and_released(source), 3);
  CHECK_EQ(told_and_released(source), 0);
  CHECK_EQ(alive, 0);
}

/* What waits at the end is given back. */
static void test_stop(const struct fake_source *source) {
  MiniAVBuffer held[2];
  for (int i = 0; i < 2; i++) {
    deliver(source, 1, false);
    CHECK_EQ(told(source, &held[i]), 0);
  }
  deliver(source, 2, true);
  CHECK_EQ(alive, 1);
  CHECK_EQ(fake_source_stop(source), MINIAV_SUCCESS);
  CHECK_EQ(alive, 0);
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(MiniAV_ReleaseBuffer(held[i].internal_handle), MINIAV_SUCCESS);
  }
}

int main(void) {
  use_test_backends();
  struct fake_source source = fake_source_create(MINIAV_KIND_SCREEN, NULL, NULL);
  MiniAVPropertyValue two = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 2}};
  CHECK_EQ(MiniAV_Screen_SetProperty(source.handle, MINIAV_PROPERTY_QUEUE_CAPACITY, &two),
           MINIAV_SUCCESS);
  CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS);
  test_queue(&source);
  test_held(&source);
  test_stop(&source);
  fake_source_destroy(&source);
  return check_report("cursor_carry");
}
