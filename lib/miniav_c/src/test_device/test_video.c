#include "test_device/test_video.h"

#include <stdlib.h>
#include <string.h>

#define CURSOR_BYTES  (PATTERN_CURSOR_SIZE * PATTERN_CURSOR_SIZE * 4)
#define MIN_BLOCKS    4u
#define SPARE_BLOCKS  3u
#define LAG_INTERVALS 12
#define LAG_MIN_US    50000
#define LAG_MAX_US    100000

MiniAVIntrinsics test_video_intrinsics(uint32_t width, uint32_t height) {
  return (MiniAVIntrinsics){.width = width,
                            .height = height,
                            .focal_x = width,
                            .focal_y = width,
                            .centre_x = width / 2.0,
                            .centre_y = height / 2.0};
}

bool test_video_is_flat_out(const struct test_video *video) {
  return video->setup.info.frame_rate_numerator == 0;
}

/* ---- open and close ------------------------------------------------------------------------ */

static uint32_t block_count(struct capture *capture, size_t bytes) {
  uint32_t count = capture_slot_count(capture) + SPARE_BLOCKS;
  while (count > MIN_BLOCKS && count * (uint64_t)bytes > TEST_VIDEO_POOL_BYTES) {
    count--;
  }
  return count;
}

static bool is_jpeg(const struct test_video *video) {
  return video->setup.info.pixel_format == MINIAV_PIXEL_FORMAT_MJPEG;
}

static bool jpeg_update(struct test_video *video, uint32_t top, uint32_t bottom) {
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  struct jpeg_picture picture = {0};
  uint32_t count = pattern_planes(video->pattern, planes);
  for (uint32_t i = 0; i < count; i++) {
    picture.planes[i] = video->jpeg_canvas + planes[i].offset_bytes;
    picture.strides_bytes[i] = planes[i].stride_bytes;
  }
  return jpeg_writer_update(video->jpeg, &picture, top, bottom);
}

/* Codes the first picture once, of which later ones change a few rows. */
static bool jpeg_open(struct test_video *video) {
  video->jpeg = jpeg_writer_create(video->setup.info.width, video->setup.info.height);
  video->jpeg_canvas = malloc(pattern_bytes(video->pattern));
  if (video->jpeg == NULL || video->jpeg_canvas == NULL) {
    return false;
  }
  pattern_paint(video->pattern, video->jpeg_canvas, &video->jpeg_marks, 0, 0);
  return jpeg_update(video, 0, video->setup.info.height);
}

static void frame_prepare(struct test_video *video) {
  const MiniAVVideoInfo *info = &video->setup.info;
  capture_frame_init(&video->frame, MINIAV_BUFFER_TYPE_VIDEO);
  MiniAVBuffer *buffer = &video->frame.buffer;
  buffer->data.video.info = *info;
  pattern_describe_color(info->pixel_format, buffer);
  if (info->frame_rate_numerator > 0) {
    buffer->duration_us =
        INT64_C(1000000) * info->frame_rate_denominator / info->frame_rate_numerator;
  }
  video->metadata = (MiniAVFrameMetadata){0};
  if (video->setup.has_intrinsics) {
    video->metadata.flags = MINIAV_METADATA_INTRINSICS;
    video->metadata.intrinsics = test_video_intrinsics(info->width, info->height);
  }
  if (video->setup.has_intrinsics || video->setup.is_screen) {
    video->frame.metadata = &video->metadata;
  }
}

bool test_video_open(struct test_video *video, struct capture *capture,
                     const struct test_video_setup *setup) {
  *video = (struct test_video){.capture = capture, .setup = *setup, .whole_damage = true};
  struct pattern_plan plan = {
      .format = setup->info.pixel_format,
      .width = setup->info.width,
      .height = setup->info.height,
      .theme = setup->theme,
      .cursor = setup->is_screen && setup->cursor_mode == MINIAV_CURSOR_MODE_EMBEDDED,
  };
  if (setup->region.width > 0) {
    plan.canvas_width = setup->canvas_width;
    plan.canvas_height = setup->canvas_height;
    plan.origin_x = (uint32_t)setup->region.x;
    plan.origin_y = (uint32_t)setup->region.y;
  }
  video->pattern = pattern_create(&plan);
  if (video->pattern == NULL || (is_jpeg(video) && !jpeg_open(video))) {
    test_video_close(video);
    return false;
  }
  /* The pointer's picture lies behind the planes of each block, to live as long as the frame. */
  size_t bytes = is_jpeg(video) ? 2 * jpeg_writer_bytes(video->jpeg) + 8192
                                : pattern_bytes(video->pattern) + CURSOR_BYTES;
  video->pool = block_pool_create(block_count(capture, bytes), bytes);
  if (video->pool == NULL) {
    test_video_close(video);
    return false;
  }
  frame_prepare(video);
  return true;
}

void test_video_close(struct test_video *video) {
  block_pool_close(video->pool);
  jpeg_writer_destroy(video->jpeg);
  free(video->jpeg_canvas);
  pattern_destroy(video->pattern);
  video->pool = NULL;
  video->jpeg = NULL;
  video->jpeg_canvas = NULL;
  video->pattern = NULL;
}

bool test_video_reopen(struct test_video *video, const struct test_video_setup *setup) {
  struct test_video next;
  if (!test_video_open(&next, video->capture, setup)) {
    return false;
  }
  next.counter = video->counter;
  next.pacer = video->pacer;
  const MiniAVVideoInfo *was = &video->setup.info;
  const MiniAVVideoInfo *is = &setup->info;
  if (was->frame_rate_numerator != is->frame_rate_numerator ||
      was->frame_rate_denominator != is->frame_rate_denominator) {
    test_video_start_clock(&next, video->pacer.tick_us);
  }
  test_video_close(video);
  *video = next;
  video->frame.metadata = video->frame.metadata != NULL ? &video->metadata : NULL;
  return true;
}

/* ---- clock --------------------------------------------------------------------------------- */

void test_video_start_clock(struct test_video *video, int64_t start_us) {
  const MiniAVVideoInfo *info = &video->setup.info;
  if (test_video_is_flat_out(video)) {
    pacer_init(&video->pacer, start_us, 1, 1);
  } else {
    pacer_init(&video->pacer, start_us, info->frame_rate_numerator, info->frame_rate_denominator);
  }
}

void test_video_skip_to(struct test_video *video, int64_t now_us) {
  pacer_advance(&video->pacer, pacer_ticks_before(&video->pacer, now_us));
  video->whole_damage = true;
}

int64_t test_video_due_us(const struct test_video *video, int64_t now_us) {
  return test_video_is_flat_out(video) ? now_us : video->pacer.tick_us;
}

static int64_t lag_limit_us(const struct test_video *video) {
  int64_t interval_us = (int64_t)video->pacer.whole_us + 1;
  int64_t limit_us = LAG_INTERVALS * interval_us;
  limit_us = limit_us < LAG_MIN_US ? LAG_MIN_US : limit_us > LAG_MAX_US ? LAG_MAX_US : limit_us;
  return limit_us < 2 * interval_us ? 2 * interval_us : limit_us;
}

static void drop(struct test_video *video, enum drop_reason reason, uint64_t count) {
  capture_count_drop(video->capture, reason, count);
  video->counter += count;
  video->whole_damage = true;
}

/* A device does not wait for a thread that was not run: what it missed is lost, all but the last
 * frame that is due. */
static void drop_missed(struct test_video *video, int64_t now_us) {
  if (now_us - video->pacer.tick_us > lag_limit_us(video)) {
    uint64_t missed = pacer_ticks_before(&video->pacer, now_us) - 1;
    pacer_advance(&video->pacer, missed);
    drop(video, DROP_LATE, missed);
  }
}

/* ---- frames -------------------------------------------------------------------------------- */

static void cursor_draw(uint8_t *out) {
  for (uint32_t y = 0; y < PATTERN_CURSOR_SIZE; y++) {
    for (uint32_t x = 0; x < PATTERN_CURSOR_SIZE; x++) {
      int32_t pixel = pattern_cursor_pixel(x, y);
      memset(out, pixel < 0 ? 0 : pixel, 3);
      out[3] = pixel < 0 ? 0 : 255;
      out += 4;
    }
  }
}

static void describe_cursor(struct test_video *video, uint8_t *pixels) {
  MiniAVFrameMetadata *metadata = &video->metadata;
  metadata->flags |= MINIAV_METADATA_CURSOR;
  if (video->whole_damage) {
    metadata->flags |= MINIAV_METADATA_CURSOR_PIXELS;
  } else {
    metadata->flags &= ~(uint32_t)MINIAV_METADATA_CURSOR_PIXELS;
  }
  pattern_cursor_position(video->pattern, video->counter, &metadata->cursor_x, &metadata->cursor_y);
  metadata->cursor_visible = metadata->cursor_x >= 0 && metadata->cursor_y >= 0 &&
                             metadata->cursor_x < (int32_t)video->setup.info.width &&
                             metadata->cursor_y < (int32_t)video->setup.info.height;
  metadata->cursor_width = PATTERN_CURSOR_SIZE;
  metadata->cursor_height = PATTERN_CURSOR_SIZE;
  metadata->cursor_stride_bytes = PATTERN_CURSOR_SIZE * 4;
  metadata->cursor_format = MINIAV_PIXEL_FORMAT_BGRA32;
  metadata->cursor_serial = 1;
  metadata->cursor_pixels = pixels;
}

static void add_damage(MiniAVFrameMetadata *metadata, const MiniAVRect *rectangle) {
  if (rectangle->width > 0 && rectangle->height > 0) {
    metadata->damage[metadata->damage_count++] = *rectangle;
  }
}

static void describe_damage(struct test_video *video) {
  MiniAVFrameMetadata *metadata = &video->metadata;
  bool cursor = video->setup.cursor_mode == MINIAV_CURSOR_MODE_EMBEDDED;
  MiniAVRect box = pattern_box(video->pattern, video->counter);
  MiniAVRect arrow = cursor ? pattern_cursor(video->pattern, video->counter) : (MiniAVRect){0};
  metadata->flags |= MINIAV_METADATA_DAMAGE;
  metadata->damage_count = 0;
  if (video->whole_damage) {
    add_damage(metadata, &(MiniAVRect){0, 0, (int32_t)video->setup.info.width,
                                       (int32_t)video->setup.info.height});
  } else {
    MiniAVRect strip = pattern_strip(video->pattern);
    add_damage(metadata, &strip);
    add_damage(metadata, &video->last_box);
    add_damage(metadata, &box);
    add_damage(metadata, &video->last_cursor);
    add_damage(metadata, &arrow);
  }
  video->last_box = box;
  video->last_cursor = arrow;
}

/* Strides and sizes that no reader may believe. */
static void lie(struct test_video *video) {
  MiniAVBuffer *buffer = &video->frame.buffer;
  MiniAVPlane *plane = &buffer->data.video.planes[video->counter % buffer->data.video.num_planes];
  switch (is_jpeg(video) ? 2 : video->counter % 3) {
  case 0:
    plane->stride_bytes = 1;
    break;
  case 1:
    plane->stride_bytes = plane->stride_bytes * 4 + 64;
    plane->size_bytes = plane->stride_bytes;
    break;
  default:
    plane->size_bytes = is_jpeg(video) ? 0 : plane->stride_bytes / 2;
  }
}

static bool fill_jpeg(struct test_video *video, struct block *block, int64_t time_us) {
  MiniAVRect old = video->jpeg_marks.box;
  pattern_paint(video->pattern, video->jpeg_canvas, &video->jpeg_marks, video->counter, time_us);
  MiniAVRect now = video->jpeg_marks.box;
  MiniAVRect strip = pattern_strip(video->pattern);
  if (!jpeg_update(video, 0, (uint32_t)strip.height) ||
      !jpeg_update(video, (uint32_t)old.y, (uint32_t)(old.y + old.height)) ||
      !jpeg_update(video, (uint32_t)now.y, (uint32_t)(now.y + now.height))) {
    return false;
  }
  MiniAVBuffer *buffer = &video->frame.buffer;
  size_t bytes = jpeg_writer_assemble(video->jpeg, block->data, block->capacity_bytes);
  buffer->data.video.num_planes = 1;
  buffer->data.video.planes[0] = (MiniAVPlane){.data_ptr = block->data,
                                               .width = video->setup.info.width,
                                               .height = video->setup.info.height,
                                               .size_bytes = (uint32_t)bytes};
  buffer->data_size_bytes = bytes;
  return bytes > 0;
}

static void fill_raw(struct test_video *video, struct block *block, int64_t time_us) {
  struct pattern_marks *marks = &video->marks[block->index];
  size_t bytes = pattern_bytes(video->pattern);
  if (!marks->rendered) {
    cursor_draw(block->data + bytes);
  }
  pattern_paint(video->pattern, block->data, marks, video->counter, time_us);
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  MiniAVBuffer *buffer = &video->frame.buffer;
  uint32_t count = pattern_planes(video->pattern, planes);
  buffer->data.video.num_planes = (uint8_t)count;
  for (uint32_t i = 0; i < count; i++) {
    buffer->data.video.planes[i] = (MiniAVPlane){.data_ptr = block->data + planes[i].offset_bytes,
                                                 .width = planes[i].width,
                                                 .height = planes[i].height,
                                                 .stride_bytes = planes[i].stride_bytes,
                                                 .offset_bytes = (uint32_t)planes[i].offset_bytes,
                                                 .size_bytes = (uint32_t)planes[i].size_bytes};
  }
  buffer->data_size_bytes = bytes;
  if (video->setup.is_screen) {
    describe_damage(video);
    if (video->setup.cursor_mode == MINIAV_CURSOR_MODE_METADATA) {
      describe_cursor(video, block->data + bytes);
    }
  }
}

static void deliver(struct test_video *video, struct test_device *device, struct block *block,
                    int64_t time_us) {
  struct capture_frame *frame = &video->frame;
  frame->block = block;
  frame->cursor_block = NULL;
  if ((video->metadata.flags & MINIAV_METADATA_CURSOR_PIXELS) != 0) {
    frame->cursor_block = block;
    block_reference(block);
  }
  frame->buffer.timestamp_us = time_us;
  frame->buffer.flags =
      test_device_consume(&device->corrupted) ? (uint32_t)MINIAV_BUFFER_FLAG_CORRUPTED : 0;
  bool lies = test_device_consume(&device->bad_strides);
  if (lies) {
    lie(video);
  }
  video->counter++;
  video->whole_damage = lies;
  capture_deliver(video->capture, frame);
}

bool test_video_emit(struct test_video *video, struct test_device *device, int64_t now_us,
                     int64_t late_us) {
  bool flat_out = test_video_is_flat_out(video);
  if (!flat_out) {
    drop_missed(video, now_us - late_us);
  }
  int64_t time_us = test_video_due_us(video, now_us);
  pacer_advance(&video->pacer, flat_out ? 0 : 1);
  if (test_device_consume(&device->skips)) {
    drop(video, DROP_LATE, 1);
    return true;
  }
  struct block *block = block_pool_take(video->pool);
  if (block == NULL) {
    drop(video, DROP_BUFFERS_HELD, 1);
    return false;
  }
  if (!is_jpeg(video)) {
    fill_raw(video, block, time_us);
  } else if (!fill_jpeg(video, block, time_us)) {
    block_release(block);
    drop(video, DROP_FAILED, 1);
    return true;
  }
  deliver(video, device, block, time_us);
  return true;
}
