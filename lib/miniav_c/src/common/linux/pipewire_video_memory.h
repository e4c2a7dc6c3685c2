/*
 * The memory of a PipeWire buffer, held by ourselves: libpipewire unmaps its own at remove_buffer,
 * and a frame that is still held would then fault.
 *
 * Invariants
 * - A memory is a foreign block: the stream has one reference from add_buffer to remove_buffer,
 *   the lease one more while it is out. Its mappings end with the last.
 * - The lease is the block that frames hold: one picture of the buffer, in as many frames as show
 *   it. Its end sends the memory back; it is begun again only after that was drained.
 * - `lendable` is only what no other process can take away and a script may write to: memfds sealed
 *   against shrinking, and dma-bufs. Those that may only be read are copied; everything else has no
 *   mapping here and is copied with pread, which cannot fault.
 * - `buffer` is the loop thread's: NULL once libpipewire has taken the buffer back, so that a
 *   release that comes later names nothing.
 * - A release only pushes the memory on the lock-free stack of `returns` and signals its eventfd;
 *   the loop thread takes the whole stack. What is on the stack is referenced by it; a closed stack
 *   takes nothing more.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_MEMORY_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_MEMORY_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/blocks.h"
#include "common/linux/pipewire_library.h"
#include "common/linux/pipewire_video_layout.h"

struct video_memory;

/* Counted by the stream and by each memory. */
struct video_returns {
  atomic_uint references;
  _Atomic(struct video_memory *) first;
  int event_fd;
};

struct video_data {
  int fd; /* of our own; -1: none */
  uint64_t file_offset;
  uint32_t capacity_bytes;
  bool is_dmabuf;
  bool read_only;
  uint8_t *at; /* the first byte; NULL where only the file is read */
  void *mapping;
  size_t mapping_bytes;
};

struct video_memory {
  struct block block;
  struct block lease;
  struct video_returns *returns;
  struct video_memory *next_returned;
  struct pw_buffer *buffer;
  uint32_t data_count;
  struct video_data datas[VIDEO_DATAS_MAX];
  bool is_sound;   /* false: its numbers lie; nothing of it is touched */
  bool is_for_gpu; /* it is handed on, and neither mapped nor read here */
  bool lendable;
  bool lent; /* the loop thread's: the lease is out */
  /* Of our own mapping, or NULL: how many hold the buffer. libpipewire counts us when it comes, and
   * again when it is queued back; what is never queued back (the stream ended, the buffers changed)
   * is counted when the memory goes: else its owner finds it busy for ever (stream.c, EBUSY). */
  _Atomic uint32_t *busy;
  void *busy_mapping;
  size_t busy_mapping_bytes;
};

struct video_returns *video_returns_create(void);
/* Ends the stream's hold; nothing is pushed any more. */
void video_returns_close(struct video_returns *returns);
/* Loop thread: all that came back, linked by next_returned, each with a reference to be dropped. */
struct video_memory *video_returns_take(struct video_returns *returns);

/* What a buffer is for. */
enum video_use {
  VIDEO_USE_MEMORY, /* to be read here */
  VIDEO_USE_DMABUF, /* to be handed on, where it really is a dma-buf */
  VIDEO_USE_GPU /* the same where the source says that it is one: of a layout that was agreed on,
                   which nobody here could read */
};

/* What stands behind a buffer; NULL when memory is exhausted. */
struct video_memory *video_memory_create(struct pw_buffer *buffer, struct pw_mempool *pool,
                                         enum video_use use, struct video_returns *returns);

/* Copies bytes of a data out, whatever the other process does meanwhile. False: they are not there.
 */
bool video_memory_read(const struct video_memory *memory, uint32_t data, uint32_t offset_bytes,
                       uint32_t size_bytes, uint8_t *to);

/* Tells a dma-buf that the CPU begins or ends to read. */
void video_memory_begin_read(const struct video_memory *memory);
void video_memory_end_read(const struct video_memory *memory);

/* Loop thread, not lent: the lease, with one reference. */
struct block *video_memory_lend(struct video_memory *memory);

#endif
#endif
