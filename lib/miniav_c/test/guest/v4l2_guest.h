/* What the parts of v4l2_guest share: captures of vivid, the kernel's own test camera, and what its
 * pictures must show. Runs in the guest of scripts/guest, as root. */
#ifndef MINIAV_TEST_OS_V4L2_GUEST_H
#define MINIAV_TEST_OS_V4L2_GUEST_H

#include <stdbool.h>

#include "support/check.h"
#include "miniav.h"

#define PATIENCE_MS 20000u                      /* an emulated machine */
#define WEBCAM      "v4l2:platform:vivid-000#0" /* single-planar, sizes listed */
#define HDMI        "v4l2:platform:vivid-001#0" /* multi-planar, a range of sizes */

/* A control of vivid by its name, through the driver itself: no way of ours. */
bool vivid_set(const char *path, const char *name, int value);

/* 100 % colour bars, nothing that moves, no text. */
void vivid_calm(const char *path);

MiniAVVideoInfo video(uint32_t width, uint32_t height, MiniAVPixelFormat format, uint32_t rate);

/* A running capture, or NULL after a failed check. */
MiniAVCameraContextHandle camera(const char *id, const MiniAVVideoInfo *format);
void camera_end(MiniAVCameraContextHandle context);

bool next(MiniAVCameraContextHandle context, MiniAVBuffer *buffer);
void release(const MiniAVBuffer *buffer);

/* The eight bars, in the frame's own format, matrix and range, to two levels. */
void check_bars(const MiniAVBuffer *buffer);

/* A picture of dma-bufs, seen through its descriptors as an importer sees it. */
struct imported {
  MiniAVBuffer buffer; /* the same with planes in memory */
  int fds[MINIAV_MAX_PLANES];
  void *maps[MINIAV_MAX_PLANES];
  size_t lengths[MINIAV_MAX_PLANES];
  uint32_t count;
};
/* False after a failed check; ends in any case with imported_end. */
bool imported_begin(const MiniAVBuffer *buffer, struct imported *imported);
void imported_end(struct imported *imported);

/* Looks through the descriptors for the bars. */
void check_imported(const MiniAVBuffer *buffer);

/* Asks again whenever cameras have come or gone, or a second has passed, for what an event tells of
 * may take a moment more; false, a failed check: it has not come in a minute. */
bool await_cameras(bool (*condition)(void *user), void *user);

/* A sum over every byte of the picture. */
uint64_t picture_sum(const MiniAVBuffer *buffer);

/* The controls of vivid's first device through the camera of this id. */
void check_properties(const char *id);

void test_pictures(void);
void test_planes(void);
void test_life(void);
void test_held(void);
void test_faults(void);
void test_dmabuf(void);
void test_unplug(void);
void test_denied(void);
void test_properties(void);
void test_alsa(void);
void test_pipewire(void);
void test_vgem(void);

#endif
