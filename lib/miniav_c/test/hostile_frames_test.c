/* Frames that lie: nothing of them reaches a consumer, each is counted and given back once, and
 * what was missed is told with the frame after it. */
#include <stdatomic.h>
#include <string.h>

#include "common/frame_check.h"
#include "support/fake_source.h"
#include "support/test_backends.h"

static uint32_t given_back;

static void give_back(void *owner, uint64_t token) {
  (void)owner;
  CHECK_EQ(token, 7);
  given_back++;
}

static void deliver(const struct fake_source *source, struct capture_frame *frame) {
  frame->release = give_back;
  frame->token = 7;
  capture_deliver(source->capture, frame);
}

static void audio_frame(struct capture_frame *frame) {
  static int16_t samples[2 * 480];
  capture_frame_init(frame, MINIAV_BUFFER_TYPE_AUDIO);
  frame->buffer.data.audio.frame_count = 480;
  frame->buffer.data.audio.channel_count = 2;
  frame->buffer.data.audio.format = MINIAV_AUDIO_FORMAT_S16;
  frame->buffer.data.audio.data = samples;
  frame->buffer.data_size_bytes = sizeof samples;
}

/* -- what is dropped --------------------------------------------------------------------------- */

#define VIDEO_LIES 17u
#define GPU_LIES   3u
#define AUDIO_LIES 9u

static void lie_about_video(MiniAVBuffer *buffer, uint32_t which) {
  MiniAVPlane *plane = &buffer->data.video.planes[0];
  MiniAVVideoInfo *info = &buffer->data.video.info;
  switch (which) {
  case 0:
    buffer->type = MINIAV_BUFFER_TYPE_UNKNOWN;
    break;
  case 1:
    buffer->type = (MiniAVBufferType)3;
    break;
  case 2:
    buffer->content_type = (MiniAVBufferContentType)4;
    break;
  case 3:
    buffer->data.video.num_planes = 0;
    break;
  case 4:
    buffer->data.video.num_planes = 255;
    break;
  case 5:
    plane->data_ptr = NULL;
    break;
  case 6:
    plane->stride_bytes = 15;
    break;
  case 7:
    plane->stride_bytes = UINT32_MAX;
    break;
  case 8:
    plane->size_bytes = 127;
    break;
  case 9:
    plane->width = 17;
    break;
  case 10:
    info->width = UINT32_MAX;
    break;
  case 11:
    info->height = 0;
    break;
  case 12:
    info->pixel_format = (MiniAVPixelFormat)-1;
    break;
  case 13:
    info->pixel_format = MINIAV_PIXEL_FORMAT_I420;
    break;
  case 14:
    buffer->crop = (MiniAVRect){8, 0, 9, 8};
    break;
  case 15:
    buffer->crop = (MiniAVRect){INT32_MAX, 0, INT32_MAX, 8};
    break;
  default:
    buffer->crop = (MiniAVRect){-1, 0, 4, 4};
    break;
  }
}

static void lie_about_handles(MiniAVBuffer *buffer, uint32_t which) {
  buffer->content_type = MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD;
  switch (which) {
  case 0:
    buffer->data.video.num_planes = 5;
    break;
  case 1:
    buffer->num_fds = 5;
    break;
  default:
    buffer->crop = (MiniAVRect){0, 0, 100, 100};
    break;
  }
}

static void lie_about_audio(MiniAVBuffer *buffer, uint32_t which) {
  switch (which) {
  case 0:
    buffer->data.audio.data = NULL;
    break;
  case 1:
    buffer->data.audio.frame_count = 0;
    break;
  case 2:
    buffer->data.audio.frame_count = 481;
    break;
  case 3:
    buffer->data.audio.frame_count = UINT32_MAX;
    break;
  case 4:
    buffer->data.audio.channel_count = 0;
    break;
  case 5:
    buffer->data.audio.channel_count = UINT32_MAX;
    break;
  case 6:
    buffer->data.audio.format = (MiniAVAudioFormat)6;
    break;
  case 7:
    buffer->data_size_bytes = SIZE_MAX;
    break;
  default:
    buffer->content_type = MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD;
    break;
  }
}

static void test_lies(void) {
  struct fake_source source = fake_source_create(MINIAV_KIND_SCREEN, NULL, NULL);
  CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS);
  struct capture_frame frame;
  MiniAVBuffer buffer;
  uint32_t lies = 0;
  given_back = 0;
  for (uint32_t i = 0; i < VIDEO_LIES + GPU_LIES + AUDIO_LIES; i++, lies++) {
    if (i < VIDEO_LIES + GPU_LIES) {
      fake_frame(&frame);
    } else {
      audio_frame(&frame);
    }
    CHECK(frame_is_sound(&frame));
    if (i < VIDEO_LIES) {
      lie_about_video(&frame.buffer, i);
    } else if (i < VIDEO_LIES + GPU_LIES) {
      lie_about_handles(&frame.buffer, i - VIDEO_LIES);
    } else {
      lie_about_audio(&frame.buffer, i - VIDEO_LIES - GPU_LIES);
    }
    deliver(&source, &frame);
    CHECK_EQ(MiniAV_TakeBuffer(source.handle, &buffer), MINIAV_ERROR_NO_BUFFER);
    CHECK_EQ(given_back, lies + 1);
  }
  MiniAVCaptureStats stats;
  CHECK_EQ(capture_stats(source.capture->handle, source.kind, &stats), MINIAV_SUCCESS);
  CHECK_EQ(stats.dropped_invalid, lies);
  CHECK_EQ(stats.produced, lies);
  fake_source_destroy(&source);
}

/* A plane beside its block. */
static void test_blocks(void) {
  struct block_pool *pool = block_pool_create(1, 128);
  struct block *block = block_pool_take(pool);
  size_t capacity = block->capacity_bytes;
  struct capture_frame frame;
  fake_frame(&frame);
  frame.block = block;
  CHECK(!frame_is_sound(&frame));
  MiniAVPlane *plane = &frame.buffer.data.video.planes[0];
  plane->data_ptr = block->data;
  CHECK(frame_is_sound(&frame));
  plane->data_ptr = block->data + capacity - 128;
  CHECK(frame_is_sound(&frame));
  plane->data_ptr = block->data + capacity - 127;
  CHECK(!frame_is_sound(&frame));
  plane->data_ptr = block->data;
  plane->size_bytes = (uint32_t)capacity + 1;
  CHECK(!frame_is_sound(&frame));
  audio_frame(&frame);
  frame.block = block;
  CHECK(!frame_is_sound(&frame));
  frame.buffer.data.audio.data = block->data;
  CHECK(frame_is_sound(&frame));
  block_release(block);
  block_pool_close(pool);
}

/* -- metadata ---------------------------------------------------------------------------------- */

static MiniAVFrameMetadata through(const struct fake_source *source, MiniAVFrameMetadata metadata) {
  struct capture_frame frame;
  MiniAVBuffer buffer;
  MiniAVFrameMetadata seen = {0};
  fake_frame(&frame);
  frame.metadata = &metadata;
  deliver(source, &frame);
  if (CHECK_EQ(MiniAV_TakeBuffer(source->handle, &buffer), MINIAV_SUCCESS)) {
    CHECK_EQ(MiniAV_CopyMetadata(buffer.internal_handle, &seen), MINIAV_SUCCESS);
    uint8_t pixels[64];
    MiniAVResultCode copied =
        MiniAV_CopyCursorPixels(buffer.internal_handle, pixels, sizeof pixels);
    CHECK_EQ(copied, seen.cursor_width > 0 ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED);
    CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  }
  return seen;
}

static void test_metadata(void) {
  struct fake_source source = fake_source_create(MINIAV_KIND_SCREEN, NULL, NULL);
  CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS);
  static uint8_t pixels[64];
  MiniAVFrameMetadata metadata = {.flags = MINIAV_METADATA_DAMAGE | MINIAV_METADATA_CURSOR_PIXELS,
                                  .damage_count = 4,
                                  .cursor_width = 4,
                                  .cursor_height = 4,
                                  .cursor_stride_bytes = 16,
                                  .cursor_format = MINIAV_PIXEL_FORMAT_BGRA32,
                                  .cursor_pixels = pixels};
  metadata.damage[0] = (MiniAVRect){-5, -5, 10, 10};
  metadata.damage[1] = (MiniAVRect){INT32_MIN, 0, INT32_MIN, 8};
  metadata.damage[2] = (MiniAVRect){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
  metadata.damage[3] = (MiniAVRect){10, 4, INT32_MAX, INT32_MAX};
  MiniAVFrameMetadata seen = through(&source, metadata);
  CHECK_EQ(seen.damage_count, 2);
  CHECK(memcmp(&seen.damage[0], &(MiniAVRect){0, 0, 5, 5}, sizeof(MiniAVRect)) == 0);
  CHECK(memcmp(&seen.damage[1], &(MiniAVRect){10, 4, 6, 4}, sizeof(MiniAVRect)) == 0);
  CHECK_EQ(seen.cursor_width, 4);
  metadata.damage_count = UINT32_MAX;
  seen = through(&source, metadata);
  CHECK_EQ(seen.flags & MINIAV_METADATA_DAMAGE, 0);
  CHECK_EQ(seen.damage_count, 0);
  metadata.damage_count = 0;
  metadata.cursor_stride_bytes = 15;
  seen = through(&source, metadata);
  CHECK_EQ(seen.flags & MINIAV_METADATA_CURSOR_PIXELS, 0);
  CHECK_EQ(seen.cursor_width, 0);
  metadata.cursor_stride_bytes = UINT32_MAX;
  metadata.cursor_height = UINT32_MAX;
  seen = through(&source, metadata);
  CHECK_EQ(seen.cursor_width, 0);
  fake_source_destroy(&source);
}

/* -- what was missed --------------------------------------------------------------------------- */

static void take(const struct fake_source *source, uint32_t flags, uint32_t damage_count) {
  MiniAVBuffer buffer;
  if (CHECK_EQ(MiniAV_TakeBuffer(source->handle, &buffer), MINIAV_SUCCESS)) {
    CHECK_EQ(buffer.flags, flags);
    CHECK_EQ(buffer.metadata->damage_count, damage_count);
    CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  }
}

/* Frames are queued when a later one is missing: it is the one after that must say so. */
static void test_missed_is_told_behind(void) {
  struct fake_source source = fake_source_create(MINIAV_KIND_SCREEN, NULL, NULL);
  CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS);
  MiniAVFrameMetadata metadata = {
      .flags = MINIAV_METADATA_DAMAGE, .damage_count = 1, .damage = {{0, 0, 2, 2}}};
  struct capture_frame frame;
  for (uint32_t i = 0; i < 4; i++) {
    fake_frame(&frame);
    frame.metadata = &metadata;
    if (i == 1) {
      frame.buffer.data.video.planes[0].stride_bytes = 1;
      frame.buffer.flags = MINIAV_BUFFER_FLAG_FORMAT_CHANGED;
    } else if (i == 3) {
      capture_count_drop(source.capture, DROP_LATE, 1);
    }
    deliver(&source, &frame);
  }
  take(&source, 0, 1);
  take(&source, MINIAV_BUFFER_FLAG_DISCONTINUITY | MINIAV_BUFFER_FLAG_FORMAT_CHANGED, 0);
  take(&source, MINIAV_BUFFER_FLAG_DISCONTINUITY, 0);
  fake_source_destroy(&source);
}

int main(void) {
  use_test_backends();
  test_lies();
  test_blocks();
  test_metadata();
  test_missed_is_told_behind();
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("hostile_frames");
}
