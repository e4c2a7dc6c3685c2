/* The memory that the camera lends, and what it pretends that it is. */
#include "source.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dumb_buffers.h"

static bool memory_is(const struct source *source, const char *what) {
  return strcmp(source->memory, what) == 0;
}

static int make_memory(struct source *source, uint32_t bytes) {
  if (source->vgem) {
    int dumb = dumb_buffer(bytes);
    if (dumb < 0) {
      fprintf(stderr, "no vgem\n");
      exit(1);
    }
    return dumb;
  }
  int fd = memfd_create("camera", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || ftruncate(fd, bytes) != 0) {
    perror("memfd");
    exit(1);
  }
  if (!memory_is(source, "unsealed")) {
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  }
  return fd;
}

static void lie_about_memory(const struct source *source, struct spa_data *data) {
  int ends[2];
  if (memory_is(source, "short")) {
    data->maxsize += 1u << 20;
  } else if (memory_is(source, "huge")) {
    data->maxsize = UINT32_MAX;
    data->mapoffset = UINT32_MAX - 4095;
  } else if (memory_is(source, "moved")) {
    data->mapoffset = 4096;
  } else if (memory_is(source, "pipe") && pipe(ends) == 0) {
    data->fd = ends[0];
  }
}

void on_add_buffer(void *user, struct pw_buffer *buffer) {
  struct source *source = user;
  buffer->user_data = calloc(1, sizeof(struct painted));
  for (uint32_t i = 0; i < buffer->buffer->n_datas; i++) {
    struct spa_data *data = &buffer->buffer->datas[i];
    uint32_t bytes = source_data_bytes(source, i);
    int fd = make_memory(source, bytes);
    data->type = source->is_for_gpu || source->vgem ? SPA_DATA_DmaBuf : SPA_DATA_MemFd;
    data->flags = SPA_DATA_FLAG_READWRITE;
    data->fd = fd;
    data->mapoffset = 0;
    data->maxsize = bytes;
    data->data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(data->data, PATTERN_PADDING_BYTE, bytes);
    if (memory_is(source, "readonly")) {
      fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
    }
    if (source->memfd_count < 64) {
      source->memfds[source->memfd_count++] = fd;
    }
    lie_about_memory(source, data);
  }
}

void on_remove_buffer(void *user, struct pw_buffer *buffer) {
  struct source *source = user;
  for (uint32_t i = 0; i < buffer->buffer->n_datas; i++) {
    struct spa_data *data = &buffer->buffer->datas[i];
    uint32_t bytes = source_data_bytes(source, i);
    munmap(data->data, bytes);
    close((int)data->fd);
  }
  free(buffer->user_data);
  source->memfd_count = 0;
}

void source_truncate(const struct source *source) {
  for (uint32_t i = 0; i < source->memfd_count; i++) {
    if (ftruncate(source->memfds[i], 0) != 0) {
      perror("ftruncate");
    }
  }
}

#endif
