/* Pictures as dma-bufs: descriptors that another device may take. */
#include <linux/dma-buf.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "v4l2_guest.h"

#define FOURCC_NV12 0x3231564eu

void check_imported(const MiniAVBuffer *buffer) {
  MiniAVBuffer seen = *buffer;
  void *maps[MINIAV_MAX_PLANES] = {0};
  size_t lengths[MINIAV_MAX_PLANES] = {0};
  for (uint32_t i = 0; i < buffer->num_fds; i++) {
    off_t end = lseek(buffer->plane_fds[i], 0, SEEK_END);
    struct dma_buf_sync begin = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
    CHECK_EQ(ioctl(buffer->plane_fds[i], DMA_BUF_IOCTL_SYNC, &begin), 0); /* a real one */
    lengths[i] = end > 0 ? (size_t)end : 0;
    maps[i] = mmap(NULL, lengths[i], PROT_READ, MAP_SHARED, buffer->plane_fds[i], 0);
    if (!CHECK(maps[i] != MAP_FAILED)) {
      return;
    }
    CHECK_EQ((uintptr_t)buffer->data.video.planes[i].data_ptr, buffer->plane_fds[i]);
    seen.data.video.planes[i].data_ptr = (uint8_t *)maps[i] + buffer->plane_offsets_bytes[i];
    seen.data.video.planes[i].stride_bytes = buffer->plane_strides_bytes[i];
  }
  check_bars(&seen);
  for (uint32_t i = 0; i < buffer->num_fds; i++) {
    struct dma_buf_sync end = {.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ};
    CHECK_EQ(ioctl(buffer->plane_fds[i], DMA_BUF_IOCTL_SYNC, &end), 0);
    munmap(maps[i], lengths[i]);
  }
}

static void check_device(const char *id) {
  MiniAVVideoInfo wanted = video(320, 180, MINIAV_PIXEL_FORMAT_NV12, 0);
  wanted.output_preference = MINIAV_OUTPUT_PREFERENCE_GPU;
  MiniAVCameraContextHandle context = camera(id, &wanted);
  MiniAVVideoInfo agreed;
  MiniAVBuffer buffer;
  if (context == NULL) {
    return;
  }
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &agreed), MINIAV_SUCCESS);
  CHECK_EQ(agreed.output_preference, MINIAV_OUTPUT_PREFERENCE_GPU);
  for (int i = 0; i < 20 && next(context, &buffer); i++) {
    CHECK_EQ(buffer.content_type, MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD);
    CHECK_EQ(buffer.drm_fourcc, FOURCC_NV12);
    CHECK_EQ(buffer.drm_modifier, 0);
    CHECK_EQ(buffer.num_fds, 2);
    check_imported(&buffer);
    release(&buffer);
  }
  CHECK(next(context, &buffer));
  camera_end(context);
  check_imported(&buffer); /* lent until it is released */
  int fd = buffer.plane_fds[0];
  release(&buffer);
  CHECK(lseek(fd, 0, SEEK_END) < 0);
}

void test_dmabuf(void) {
  vivid_calm("/dev/video0");
  vivid_calm("/dev/video1");
  check_device(WEBCAM);
  check_device(HDMI);
}
