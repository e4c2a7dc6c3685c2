/* A capture over a backend that does nothing by itself: the test is its capture thread. */
#ifndef MINIAV_TEST_SUPPORT_FAKE_SOURCE_H
#define MINIAV_TEST_SUPPORT_FAKE_SOURCE_H

#include "common/capture_internal.h"
#include "miniav.h"
#include "support/check.h"

static inline MiniAVResultCode fake_start(void *state, struct cancel *cancel) {
  (void)state;
  (void)cancel;
  return MINIAV_SUCCESS;
}

static inline void fake_stop(void *state) {
  (void)state;
}

static inline void fake_close(void *state) {
  (void)state;
}

static const struct backend fake_backend = {.name = "fake",
                                            .flags = BACKEND_TELLS_STALLS,
                                            .start = fake_start,
                                            .stop = fake_stop,
                                            .close = fake_close};

struct fake_source {
  MiniAVHandle handle;
  struct capture *capture; /* with a reference, dropped by fake_source_destroy */
  MiniAVKind kind;
};

/* Configured; `backend` may be NULL for the one above. */
static inline struct fake_source fake_source_create(MiniAVKind kind, const struct backend *backend,
                                                    void *state) {
  struct fake_source source = {.kind = kind};
  uint64_t handle = 0;
  CHECK_EQ(capture_create(kind, &handle), MINIAV_SUCCESS);
  source.handle = (MiniAVHandle)(uintptr_t)handle;
  source.capture = capture_acquire(handle, kind);
  mutex_lock(&source.capture->lock);
  source.capture->backend = backend != NULL ? backend : &fake_backend;
  source.capture->backend_name = source.capture->backend->name;
  source.capture->backend_state = state;
  source.capture->state = CAPTURE_CONFIGURED;
  mutex_unlock(&source.capture->lock);
  return source;
}

static inline MiniAVResultCode fake_source_start(const struct fake_source *source,
                                                 MiniAVBufferCallback callback, void *user_data) {
  struct cancel cancel;
  cancel_init(&cancel);
  MiniAVResultCode result =
      capture_start(source->capture->handle, source->kind, callback, user_data, NULL, &cancel);
  cancel_destroy(&cancel);
  return result;
}

static inline MiniAVResultCode fake_source_stop(const struct fake_source *source) {
  return capture_stop(source->capture->handle, source->kind);
}

static inline void fake_source_destroy(const struct fake_source *source) {
  CHECK_EQ(capture_destroy(source->capture->handle, source->kind), MINIAV_SUCCESS);
  capture_release_reference(source->capture);
}

/* One frame of 16 × 8 grey pixels over memory that is not the library's. */
static inline void fake_frame(struct capture_frame *frame) {
  static uint8_t pixels[16 * 8];
  capture_frame_init(frame, MINIAV_BUFFER_TYPE_VIDEO);
  MiniAVBuffer *buffer = &frame->buffer;
  buffer->data.video.info =
      (MiniAVVideoInfo){.width = 16, .height = 8, .pixel_format = MINIAV_PIXEL_FORMAT_GRAY8};
  buffer->data.video.num_planes = 1;
  buffer->data.video.planes[0] = (MiniAVPlane){.data_ptr = pixels,
                                               .width = 16,
                                               .height = 8,
                                               .stride_bytes = 16,
                                               .size_bytes = sizeof pixels};
  buffer->data_size_bytes = sizeof pixels;
}

static inline void fake_deliver(const struct fake_source *source) {
  struct capture_frame frame;
  fake_frame(&frame);
  capture_deliver(source->capture, &frame);
}

#endif
