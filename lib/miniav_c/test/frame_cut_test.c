/* Parts of pictures: each sample of the part is the one that the whole has there. */
#include "screen/frame_cut.h"

#include <string.h>

#include "common/pixel.h"
#include "support/check.h"

#define WIDTH  37u
#define HEIGHT 23u

static uint8_t pixels[WIDTH * HEIGHT * 8 + 4096];

static void whole(struct capture_frame *frame, MiniAVPixelFormat format) {
  capture_frame_init(frame, MINIAV_BUFFER_TYPE_VIDEO);
  MiniAVBuffer *buffer = &frame->buffer;
  buffer->data.video.info =
      (MiniAVVideoInfo){.width = WIDTH, .height = HEIGHT, .pixel_format = format};
  size_t bytes = pixel_lay_out(buffer, format, WIDTH, HEIGHT, 16, pixels);
  CHECK(bytes > 0 && bytes <= sizeof pixels);
  for (size_t i = 0; i < bytes; i++) {
    pixels[i] = (uint8_t)(i * 31 + i / 256);
  }
}

/* A plane of the part against the same rows and bytes of the whole one's. */
static void compare(const MiniAVPlane *part, const MiniAVPlane *from, uint32_t index,
                    MiniAVPixelFormat format, const MiniAVRect *place) {
  struct plane_shape before = {0};
  struct plane_shape shape;
  uint32_t skip_bytes = 0;
  uint32_t skip_rows = 0;
  if (place->x > 0 && pixel_plane_shape(format, (uint32_t)place->x, 1, index, &before)) {
    skip_bytes = before.row_bytes;
  }
  if (place->y > 0 && pixel_plane_shape(format, 1, (uint32_t)place->y, index, &before)) {
    skip_rows = before.height;
  }
  CHECK(pixel_plane_shape(format, (uint32_t)place->width, (uint32_t)place->height, index, &shape));
  CHECK(part->width == shape.width && part->height == shape.height);
  for (uint32_t row = 0; row < shape.height; row++) {
    const uint8_t *there = (const uint8_t *)from->data_ptr +
                           (size_t)(skip_rows + row) * from->stride_bytes + skip_bytes;
    const uint8_t *here = (const uint8_t *)part->data_ptr + (size_t)row * part->stride_bytes;
    CHECK(here == there && memcmp(here, there, shape.row_bytes) == 0);
  }
}

static void cuts_every_format(void) {
  static const MiniAVRect places[] = {
      {0, 0, (int32_t)WIDTH, (int32_t)HEIGHT}, {4, 6, 11, 7}, {36, 22, 1, 1}, {2, 2, 20, 20}};
  for (int32_t format = 1; format <= MINIAV_PIXEL_FORMAT_X2BGR10; format++) {
    if (pixel_is_compressed((MiniAVPixelFormat)format) ||
        pixel_plane_count((MiniAVPixelFormat)format) == 0) {
      continue;
    }
    for (uint32_t i = 0; i < sizeof places / sizeof *places; i++) {
      struct capture_frame frame;
      struct capture_frame part;
      whole(&frame, (MiniAVPixelFormat)format);
      CHECK(frame_cut_fits(&places[i], (MiniAVPixelFormat)format, WIDTH, HEIGHT));
      part = frame;
      frame_cut(&part, NULL, &places[i]);
      CHECK(pixel_buffer_is_sound(&part.buffer));
      for (uint32_t p = 0; p < frame.buffer.data.video.num_planes; p++) {
        compare(&part.buffer.data.video.planes[p], &frame.buffer.data.video.planes[p], p,
                (MiniAVPixelFormat)format, &places[i]);
      }
    }
  }
}

static bool fits(MiniAVPixelFormat format, int32_t x, int32_t y, int32_t width, int32_t height) {
  return frame_cut_fits(&(MiniAVRect){x, y, width, height}, format, WIDTH, HEIGHT);
}

static void refuses_what_cannot_be_cut(void) {
  CHECK(fits(MINIAV_PIXEL_FORMAT_BGRX32, 1, 1, 36, 22));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_BGRX32, 1, 1, 37, 22));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_BGRX32, 1, 2, 36, 22));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_BGRX32, -1, 0, 4, 4));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_BGRX32, 0, 0, 0, 4));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_BGRX32, INT32_MAX, 0, INT32_MAX, 4));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_NV12, 1, 0, 4, 4));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_NV12, 0, 1, 4, 4));
  CHECK(fits(MINIAV_PIXEL_FORMAT_NV12, 2, 2, 5, 5));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_YUY2, 1, 0, 4, 4));
  CHECK(fits(MINIAV_PIXEL_FORMAT_YUY2, 2, 1, 4, 4));
  CHECK(!fits(MINIAV_PIXEL_FORMAT_MJPEG, 0, 0, 4, 4));
}

static void moves_metadata(void) {
  struct capture_frame frame;
  MiniAVFrameMetadata metadata = {.flags = MINIAV_METADATA_DAMAGE,
                                  .damage_count = 1,
                                  .damage = {{5, 6, 7, 8}},
                                  .cursor_x = 9,
                                  .cursor_y = 10};
  whole(&frame, MINIAV_PIXEL_FORMAT_BGRX32);
  frame_cut(&frame, &metadata, &(MiniAVRect){3, 5, 10, 10});
  CHECK(metadata.damage[0].x == 2 && metadata.damage[0].y == 1);
  CHECK(metadata.cursor_x == 6 && metadata.cursor_y == 5);
  CHECK(frame.buffer.data.video.info.width == 10 && frame.buffer.data.video.info.height == 10);
}

int main(void) {
  cuts_every_format();
  refuses_what_cannot_be_cut();
  moves_metadata();
  return check_report("frame_cut_test");
}
