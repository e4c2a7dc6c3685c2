/*
 * The pictures of one running capture of a test device: pattern, pool, clock, counter.
 *
 * Frames are leased straight from the pool. A block is painted whole the first time it is taken
 * (not before start: most of a pool is never used, and its pages then cost nothing), afterwards
 * only its moving parts. One thread at a time; only open and reopen allocate.
 */
#ifndef MINIAV_TEST_DEVICE_TEST_VIDEO_H
#define MINIAV_TEST_DEVICE_TEST_VIDEO_H

#include "common/capture.h"
#include "test_device/faults.h"
#include "test_device/jpeg_writer.h"
#include "test_device/pacer.h"
#include "test_device/pattern.h"

/* A pool of large pictures stays under this many bytes, so that 8K has fewer blocks than slots:
 * then frames are dropped as "buffers held" before the queue is full. */
#define TEST_VIDEO_POOL_BYTES (UINT64_C(1) << 30)

struct test_video_setup {
  MiniAVVideoInfo info; /* a frame rate of 0 is flat out */
  MiniAVRect region;    /* of the canvas; width 0: the picture is the canvas */
  uint32_t canvas_width;
  uint32_t canvas_height;
  enum pattern_theme theme;
  bool is_screen;               /* has damage and a pointer */
  MiniAVCursorMode cursor_mode; /* screens */
  bool has_intrinsics;
};

struct test_video {
  struct capture *capture;
  struct test_video_setup setup;
  struct pattern *pattern;
  struct jpeg_writer *jpeg;        /* MJPEG only */
  uint8_t *jpeg_canvas;            /* its one picture, and … */
  struct pattern_marks jpeg_marks; /* … what moves in it */
  struct block_pool *pool;
  struct pattern_marks marks[BLOCK_POOL_MAX];
  struct pacer pacer;
  uint64_t counter;
  MiniAVRect last_box; /* of the frame before, for damage */
  MiniAVRect last_cursor;
  bool whole_damage; /* the frame before is not known to the consumer */
  struct capture_frame frame;
  MiniAVFrameMetadata metadata;
};

/* What a camera of this picture size would be calibrated to. */
MiniAVIntrinsics test_video_intrinsics(uint32_t width, uint32_t height);

/* False when memory is exhausted; nothing is open then. */
bool test_video_open(struct test_video *video, struct capture *capture,
                     const struct test_video_setup *setup);
/* Blocks that are leased live on. Also after a failed open. */
void test_video_close(struct test_video *video);

/* Another picture from the next frame on; counter and clock go on. False: as it was. */
bool test_video_reopen(struct test_video *video, const struct test_video_setup *setup);

/* Frame 0, or the next one, belongs to start_us. */
void test_video_start_clock(struct test_video *video, int64_t start_us);
/* After a time without frames: goes on with the first tick that is not before now_us. */
void test_video_skip_to(struct test_video *video, int64_t now_us);
bool test_video_is_flat_out(const struct test_video *video);

/* When the next frame is captured; flat out: always now. */
int64_t test_video_due_us(const struct test_video *video, int64_t now_us);

/* Makes the frame that is due and delivers it, or counts it as dropped; false when every block is
 * held. now_us is later than due by late_us on purpose. */
bool test_video_emit(struct test_video *video, struct test_device *device, int64_t now_us,
                     int64_t late_us);

#endif
