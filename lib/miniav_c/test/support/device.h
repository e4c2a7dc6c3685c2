/* Short forms for tests that run captures of the test devices. */
#ifndef MINIAV_TEST_SUPPORT_DEVICE_H
#define MINIAV_TEST_SUPPORT_DEVICE_H

#include "miniav.h"
#include "support/check.h"
#include "support/strip.h"
#include "support/test_backends.h"

#define PATIENCE_MS 5000u

static inline MiniAVVideoInfo video(uint32_t width, uint32_t height, MiniAVPixelFormat format,
                                    uint32_t rate) {
  return (MiniAVVideoInfo){.width = width,
                           .height = height,
                           .pixel_format = format,
                           .frame_rate_numerator = rate,
                           .frame_rate_denominator = rate == 0 ? 0 : 1};
}

/* The next buffer, waiting as long as a test may. */
static inline bool next(const void *context, MiniAVBuffer *buffer) {
  MiniAVHandle handle = (MiniAVHandle)(uintptr_t)context;
  return CHECK_EQ(MiniAV_WaitBuffer(handle, PATIENCE_MS, buffer), MINIAV_SUCCESS);
}

static inline void release(const MiniAVBuffer *buffer) {
  CHECK_EQ(MiniAV_ReleaseBuffer(buffer->internal_handle), MINIAV_SUCCESS);
}

static inline void fault(const char *id, MiniAVTestFault which, int64_t value) {
  CHECK_EQ(MiniAV_TestSetFault(id, which, value), MINIAV_SUCCESS);
}

static inline MiniAVCameraContextHandle camera(const char *id, const MiniAVVideoInfo *format) {
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, id, format), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  return context;
}

/* The strip, the time stamp and the sequence tell the same. */
static inline void check_strip(const MiniAVBuffer *buffer) {
  struct strip strip;
  if (CHECK(strip_read(buffer, &strip))) {
    CHECK_EQ(strip.counter, buffer->sequence);
    CHECK_EQ(strip.time_us, buffer->timestamp_us);
  }
}

#endif
