#include "common/linux/pipewire_video_memory.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/log.h"

/* -- returns -------------------------------------------------------------------------------- */

static struct video_memory closed_stack;

struct video_returns *video_returns_create(void) {
  struct video_returns *returns = calloc(1, sizeof *returns);
  if (returns == NULL) {
    return NULL;
  }
  returns->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (returns->event_fd < 0) {
    free(returns);
    return NULL;
  }
  atomic_init(&returns->references, 1);
  return returns;
}

static void returns_unreference(struct video_returns *returns) {
  if (atomic_fetch_sub_explicit(&returns->references, 1, memory_order_acq_rel) == 1) {
    close(returns->event_fd);
    free(returns);
  }
}

static void drop_all(struct video_memory *memory) {
  while (memory != NULL) {
    struct video_memory *next = memory->next_returned;
    block_release(&memory->block);
    memory = next;
  }
}

void video_returns_close(struct video_returns *returns) {
  if (returns != NULL) {
    drop_all(atomic_exchange_explicit(&returns->first, &closed_stack, memory_order_acq_rel));
    returns_unreference(returns);
  }
}

struct video_memory *video_returns_take(struct video_returns *returns) {
  uint64_t count;
  ssize_t got = read(returns->event_fd, &count, sizeof count);
  (void)got;
  return atomic_exchange_explicit(&returns->first, NULL, memory_order_acq_rel);
}

/* On the stack, with a reference; any thread. */
static void push(struct video_memory *memory) {
  struct video_returns *returns = memory->returns;
  block_reference(&memory->block);
  struct video_memory *first = atomic_load_explicit(&returns->first, memory_order_acquire);
  do {
    if (first == &closed_stack) {
      block_release(&memory->block);
      return;
    }
    memory->next_returned = first;
  } while (!atomic_compare_exchange_weak_explicit(&returns->first, &first, memory,
                                                  memory_order_acq_rel, memory_order_acquire));
  if (first == NULL) {
    uint64_t one = 1;
    ssize_t written = write(returns->event_fd, &one, sizeof one);
    (void)written;
  }
}

static void end_lease(struct block *lease) {
  struct video_memory *memory = SPA_CONTAINER_OF(lease, struct video_memory, lease);
  push(memory);
  block_release(&memory->block);
}

struct block *video_memory_lend(struct video_memory *memory) {
  video_memory_begin_read(memory);
  block_reference(&memory->block);
  memory->lease.data = memory->block.data;
  memory->lease.capacity_bytes = memory->block.capacity_bytes;
  memory->lease.destroy = end_lease;
  atomic_store_explicit(&memory->lease.references, 1, memory_order_relaxed);
  return &memory->lease;
}

/* -- what a descriptor really is ------------------------------------------------------------ */

/* Some producers label a dma-buf MemFd and a memfd DmaBuf: the descriptor is asked. */
static bool is_dmabuf(int fd) {
  struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
  if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) != 0) {
    return false;
  }
  sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ;
  ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
  return true;
}

/* Bytes behind a descriptor; 0 for one that is neither a dma-buf nor a memfd: it might hang when it
 * is read (FUSE), or be no memory at all. */
static uint64_t bytes_of(int fd, bool dmabuf, bool *sealed) {
  if (dmabuf) {
    off_t end = lseek(fd, 0, SEEK_END);
    *sealed = true;
    return end > 0 ? (uint64_t)end : 0;
  }
  struct stat status;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
    return 0;
  }
  *sealed = (seals & F_SEAL_SHRINK) != 0;
  return (uint64_t)status.st_size;
}

/* Where in which file a pointer of libpipewire's points to: /proc/self/maps, proc(5). */
static bool file_of_pointer(const void *pointer, int fd, uint64_t *offset) {
  struct stat status;
  FILE *maps = fopen("/proc/self/maps", "re");
  bool found = false;
  if (maps == NULL || fstat(fd, &status) != 0) {
    if (maps != NULL) {
      fclose(maps);
    }
    return false;
  }
  char line[512];
  while (!found && fgets(line, sizeof line, maps) != NULL) {
    uint64_t start;
    uint64_t end;
    uint64_t at;
    uint64_t inode;
    unsigned major_number;
    unsigned minor_number;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64 " %x:%x %" SCNu64, &start, &end, &at,
               &major_number, &minor_number, &inode) == 6 &&
        (uintptr_t)pointer >= start && (uintptr_t)pointer < end) {
      found = inode == (uint64_t)status.st_ino && major_number == major(status.st_dev) &&
              minor_number == minor(status.st_dev);
      *offset = at + ((uintptr_t)pointer - start);
      break;
    }
  }
  fclose(maps);
  return found;
}

/* -- one data ------------------------------------------------------------------------------- */

static bool find_file(const struct spa_data *from, struct pw_mempool *pool,
                      struct video_data *data) {
  if (from->type == SPA_DATA_MemPtr) {
    struct pw_memblock *block =
        from->data != NULL && pool != NULL ? pipewire.mempool_find_ptr(pool, from->data) : NULL;
    if (block == NULL || block->fd < 0 ||
        !file_of_pointer(from->data, block->fd, &data->file_offset)) {
      return false;
    }
    data->fd = fcntl(block->fd, F_DUPFD_CLOEXEC, 3);
    return data->fd >= 0;
  }
  if ((from->type != SPA_DATA_MemFd && from->type != SPA_DATA_DmaBuf) || from->fd < 0 ||
      from->fd > INT32_MAX) {
    return false;
  }
  data->file_offset = from->mapoffset;
  data->fd = fcntl((int)from->fd, F_DUPFD_CLOEXEC, 3);
  return data->fd >= 0;
}

/* Writable, because a script may write into the array that it is handed. PipeWire's own V4L2
 * cameras export their dma-bufs read-only (spa/plugins/v4l2/v4l2-utils.c, mmap_init): those are
 * read here, and copied; a memfd that cannot be mapped so is read as a file. */
static void map(struct video_data *data) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t start = data->file_offset / page * page;
  size_t bytes = (size_t)(data->file_offset - start) + data->capacity_bytes;
  void *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, data->fd, (off_t)start);
  if (mapping == MAP_FAILED && data->is_dmabuf) {
    data->read_only = true;
    mapping = mmap(NULL, bytes, PROT_READ, MAP_SHARED, data->fd, (off_t)start);
  }
  if (mapping != MAP_FAILED) {
    data->mapping = mapping;
    data->mapping_bytes = bytes;
    data->at = (uint8_t *)mapping + (data->file_offset - start);
  }
}

/* Finds what a descriptor is and how much is behind it; false when that is less than it says. */
static bool measure(const struct spa_data *from, struct pw_mempool *pool, struct video_data *data,
                    bool *sealed) {
  data->capacity_bytes = from->maxsize;
  if (from->chunk == NULL || !find_file(from, pool, data)) {
    return false;
  }
  data->is_dmabuf = is_dmabuf(data->fd);
  uint64_t bytes = bytes_of(data->fd, data->is_dmabuf, sealed);
  uint64_t left = data->file_offset <= bytes ? bytes - data->file_offset : 0;
  if (data->capacity_bytes == 0 && from->type == SPA_DATA_DmaBuf) {
    data->capacity_bytes = left <= UINT32_MAX ? (uint32_t)left : UINT32_MAX; /* many say none */
  }
  return data->capacity_bytes > 0 && data->capacity_bytes <= left;
}

static bool is_for_gpu(const struct spa_data *from, const struct video_data *data,
                       enum video_use use) {
  return use != VIDEO_USE_MEMORY &&
         (data->is_dmabuf || (use == VIDEO_USE_GPU && from->type == SPA_DATA_DmaBuf));
}

/* Maps what is not handed on; false when it is nothing that can be read. */
static bool make_readable(struct video_data *data, bool sealed) {
  if (sealed) {
    map(data);
  }
  return !data->is_dmabuf || data->at != NULL;
}

static void take_datas(struct video_memory *memory, const struct spa_buffer *from,
                       struct pw_mempool *pool, enum video_use use) {
  bool sealed[VIDEO_DATAS_MAX] = {false};
  memory->is_for_gpu = use != VIDEO_USE_MEMORY;
  for (uint32_t i = 0; i < memory->data_count; i++) {
    struct video_data *data = &memory->datas[i];
    memory->is_sound = measure(&from->datas[i], pool, data, &sealed[i]) && memory->is_sound;
    memory->is_for_gpu = memory->is_for_gpu && is_for_gpu(&from->datas[i], data, use);
  }
  for (uint32_t i = 0; i < memory->data_count && memory->is_sound && !memory->is_for_gpu; i++) {
    struct video_data *data = &memory->datas[i];
    memory->is_sound = make_readable(data, sealed[i]);
    memory->lendable = memory->lendable && data->at != NULL && !data->read_only;
  }
}

/* -- memory --------------------------------------------------------------------------------- */

/* libpipewire's mapping ends with the stream, what is lent may not. */
static void map_busy(struct video_memory *memory, const struct spa_buffer *from,
                     struct pw_mempool *pool) {
  struct spa_meta_busy *meta = spa_buffer_find_meta_data(from, SPA_META_Busy, sizeof *meta);
  struct pw_memblock *block =
      meta != NULL && pool != NULL ? pipewire.mempool_find_ptr(pool, meta) : NULL;
  uint64_t at;
  bool sealed = false;
  if (block == NULL || block->fd < 0 || !file_of_pointer(&meta->count, block->fd, &at) ||
      at % sizeof meta->count != 0 ||
      bytes_of(block->fd, false, &sealed) < at + sizeof meta->count || !sealed) {
    return;
  }
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t start = at / page * page;
  size_t bytes = (size_t)(at - start) + sizeof meta->count;
  void *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, block->fd, (off_t)start);
  if (mapping != MAP_FAILED) {
    memory->busy_mapping = mapping;
    memory->busy_mapping_bytes = bytes;
    memory->busy = (_Atomic uint32_t *)(void *)((uint8_t *)mapping + (at - start));
  }
}

static void destroy(struct block *block) {
  struct video_memory *memory = SPA_CONTAINER_OF(block, struct video_memory, block);
  if (memory->busy != NULL) {
    if (memory->lent) {
      atomic_fetch_sub_explicit(memory->busy, 1, memory_order_acq_rel);
    }
    munmap(memory->busy_mapping, memory->busy_mapping_bytes);
  }
  for (uint32_t i = 0; i < memory->data_count; i++) {
    if (memory->datas[i].mapping != NULL) {
      munmap(memory->datas[i].mapping, memory->datas[i].mapping_bytes);
    }
    if (memory->datas[i].fd >= 0) {
      close(memory->datas[i].fd);
    }
  }
  returns_unreference(memory->returns);
  free(memory);
}

struct video_memory *video_memory_create(struct pw_buffer *buffer, struct pw_mempool *pool,
                                         enum video_use use, struct video_returns *returns) {
  const struct spa_buffer *from = buffer->buffer;
  struct video_memory *memory = calloc(1, sizeof *memory);
  if (memory == NULL) {
    return NULL;
  }
  atomic_init(&memory->block.references, 1);
  memory->block.destroy = destroy;
  memory->buffer = buffer;
  memory->returns = returns;
  atomic_fetch_add_explicit(&returns->references, 1, memory_order_relaxed);
  memory->is_sound = from->n_datas > 0 && from->n_datas <= VIDEO_DATAS_MAX;
  memory->lendable = memory->is_sound;
  memory->data_count = memory->is_sound ? from->n_datas : 0;
  for (uint32_t i = 0; i < memory->data_count; i++) {
    memory->datas[i].fd = -1;
  }
  take_datas(memory, from, pool, use);
  if (memory->lendable && !memory->is_for_gpu && memory->data_count == 1) {
    memory->block.data = memory->datas[0].at;
    memory->block.capacity_bytes = memory->datas[0].capacity_bytes;
  }
  map_busy(memory, from, pool);
  if (!memory->is_sound) {
    log_write(MINIAV_LOG_LEVEL_DEBUG, "pipewire", "a buffer is not what it says");
  }
  return memory;
}

bool video_memory_read(const struct video_memory *memory, uint32_t data, uint32_t offset_bytes,
                       uint32_t size_bytes, uint8_t *to) {
  const struct video_data *from = &memory->datas[data];
  if (from->at != NULL) {
    memcpy(to, from->at + offset_bytes, size_bytes);
    return true;
  }
  uint64_t at = from->file_offset + offset_bytes;
  size_t done = 0;
  while (done < size_bytes) {
    ssize_t got = pread(from->fd, to + done, size_bytes - done, (off_t)(at + done));
    if (got <= 0) {
      return false; /* it was cut off */
    }
    done += (size_t)got;
  }
  return true;
}

static void sync_dmabufs(const struct video_memory *memory, uint64_t flags) {
  for (uint32_t i = 0; i < memory->data_count && !memory->is_for_gpu; i++) {
    if (memory->datas[i].is_dmabuf) {
      struct dma_buf_sync sync = {.flags = flags | DMA_BUF_SYNC_READ};
      ioctl(memory->datas[i].fd, DMA_BUF_IOCTL_SYNC, &sync);
    }
  }
}

void video_memory_begin_read(const struct video_memory *memory) {
  sync_dmabufs(memory, DMA_BUF_SYNC_START);
}

void video_memory_end_read(const struct video_memory *memory) {
  sync_dmabufs(memory, DMA_BUF_SYNC_END);
}

#endif
