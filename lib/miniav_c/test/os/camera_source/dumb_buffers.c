#include "dumb_buffers.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROW_PIXELS 4096u
#define CARDS      8

/* The kernel's include/uapi/drm/drm.h and drm_mode.h, whose headers are not everywhere. */
struct version {
  int numbers[3];
  size_t name_length;
  char *name;
  size_t date_length;
  char *date;
  size_t about_length;
  char *about;
};

struct create_dumb {
  uint32_t height;
  uint32_t width;
  uint32_t bits;
  uint32_t flags;
  uint32_t handle;
  uint32_t pitch;
  uint64_t size;
};

struct prime_handle {
  uint32_t handle;
  uint32_t flags;
  int32_t fd;
};

static int open_vgem(void) {
  for (int i = 0; i < CARDS; i++) {
    char path[32];
    char name[16] = "";
    struct version version = {.name_length = sizeof name - 1, .name = name};
    snprintf(path, sizeof path, "/dev/dri/card%d", i);
    int card = open(path, O_RDWR | O_CLOEXEC);
    if (card >= 0 && ioctl(card, _IOWR('d', 0x00, struct version), &version) == 0 &&
        strcmp(name, "vgem") == 0) {
      return card;
    }
    if (card >= 0) {
      close(card);
    }
  }
  return -1;
}

int dumb_buffer(uint32_t bytes) {
  uint32_t row_bytes = ROW_PIXELS * 4;
  struct create_dumb create = {
      .width = ROW_PIXELS, .height = (bytes + row_bytes - 1) / row_bytes, .bits = 32};
  int fd = -1;
  int card = open_vgem();
  if (card >= 0 && ioctl(card, _IOWR('d', 0xb2, struct create_dumb), &create) == 0) {
    struct prime_handle prime = {.handle = create.handle, .flags = O_RDWR | O_CLOEXEC};
    fd = ioctl(card, _IOWR('d', 0x2d, struct prime_handle), &prime) == 0 ? prime.fd : -1;
  }
  if (card >= 0) {
    close(card); /* the descriptor keeps the memory */
  }
  return fd;
}
