/* Pictures as dma-bufs: descriptors that another device may take. */
#include <linux/dma-buf.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "v4l2_guest.h"

#define FOURCC_NV12 0x3231564eu

bool imported_begin(const MiniAVBuffer *buffer, struct imported *imported) {
  *imported = (struct imported){.buffer = *buffer};
  imported->buffer.content_type = MINIAV_BUFFER_CONTENT_TYPE_CPU;
  for (uint32_t i = 0; i < buffer->num_fds; i++) {
    int fd = buffer->plane_fds[i];
    off_t end = lseek(fd, 0, SEEK_END);
    struct dma_buf_sync begin = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
    size_t length = end > 0 ? (size_t)end : 0;
    CHECK_EQ(ioctl(fd, DMA_BUF_IOCTL_SYNC, &begin), 0); /* a real one */
    void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
    if (!CHECK(map != MAP_FAILED)) {
      return false;
    }
    imported->fds[i] = fd;
    imported->maps[i] = map;
    imported->lengths[i] = length;
    imported->count++;
    CHECK_EQ((uintptr_t)buffer->data.video.planes[i].data_ptr, fd);
    MiniAVPlane *plane = &imported->buffer.data.video.planes[i];
    plane->data_ptr = (uint8_t *)map + buffer->plane_offsets_bytes[i];
    plane->stride_bytes = buffer->plane_strides_bytes[i];
    plane->size_bytes = plane->stride_bytes * plane->height;
  }
  return true;
}

void imported_end(struct imported *imported) {
  for (uint32_t i = 0; i < imported->count; i++) {
    struct dma_buf_sync end = {.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ};
    CHECK_EQ(ioctl(imported->fds[i], DMA_BUF_IOCTL_SYNC, &end), 0);
    munmap(imported->maps[i], imported->lengths[i]);
  }
}

void check_imported(const MiniAVBuffer *buffer) {
  struct imported imported;
  if (imported_begin(buffer, &imported)) {
    check_bars(&imported.buffer);
  }
  imported_end(&imported);
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
