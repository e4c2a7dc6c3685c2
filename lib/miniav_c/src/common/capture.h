/*
 * One capture: the state machine, queue, statistics and events that all four kinds share.
 *
 *   created ─configure→ configured ─start→ running ─stop→ configured
 *                                     └─(lost)─stop→ configured        destroy: from everywhere
 *
 * Invariants
 * - `lock` guards everything but what says otherwise; it is held for copies and list operations
 *   only: never while a backend, a callback, a system call or another capture is entered.
 *   Order of locks: capture → waiter. Nothing is taken under a waiter's lock.
 * - Long operations (configure, start, stop, close) exclude each other by `busy`, not by the lock.
 *   Stop and destroy request the cancel token of the one that is busy and then wait for it.
 * - `closed` is set by destroy under the lock; whoever resolved the handle earlier sees it there. A
 *   start that had resolved it ends in INVALID_HANDLE and leaves nothing behind.
 * - `accepting` is true from just before backend->start until stop begins or the source is lost;
 *   capture_deliver gives everything else back at once, counted as dropped_stopped.
 * - produced = delivered + dropped + queued at every moment the lock is free; released is counted
 * in the slot table without the lock, and outstanding is delivered - released.
 * - The callback runs only on the dispatcher thread; `dispatching` is true while that exists. Stop
 *   waits for it to end, except on that very thread or one that it waits for (callback_thread.h):
 *   there stop and destroy are noted (`deferred_*`) and done by the dispatcher when the callback
 *   has returned.
 * - Pictures and the sound beside them are queued apart (screen_sound.h); every other capture has
 *   one queue.
 * - The object is freed when its handle has no reference; the dispatcher, each waiting call and
 * each pending operation hold one.
 */
#ifndef MINIAV_COMMON_CAPTURE_H
#define MINIAV_COMMON_CAPTURE_H

#include "common/backend.h"
#include "common/blocks.h"
#include "miniav_capture.h"

enum drop_reason {
  DROP_QUEUE_FULL,
  DROP_BUFFERS_HELD,
  DROP_STOPPED,
  DROP_INVALID,
  DROP_LATE,
  DROP_FAILED
};

/*
 * What a capture thread hands over. buffer: type, content_type, timestamp_us, data,
 * data_size_bytes, flags, duration_us, sample_rate, colour, rotation, crop, drm_*, plane_*; the
 * rest is filled in. Ownership: capture_deliver takes over one reference of `block`, and one of
 * `cursor_block`, and calls release(owner, token) exactly once, when the buffer is released or
 * dropped, from any thread, possibly before capture_deliver returns and possibly long after close:
 * it must not block and must not enter the capture. Each may be NULL. metadata is copied.
 */
struct capture_frame {
  MiniAVBuffer buffer;
  struct block *block;
  struct block *cursor_block; /* what metadata->cursor_pixels lies in, when that is not `block` */
  void (*release)(void *owner, uint64_t token);
  void *owner;
  uint64_t token;
  const MiniAVFrameMetadata *metadata;
};

/* -- for backends; any thread of the backend, no lock of the backend that stop also takes --------
 */

/* Zeroes a frame and sets what is the same for all of its type. */
void capture_frame_init(struct capture_frame *frame, MiniAVBufferType type);

/* Queues a frame for the consumer, or drops the oldest, or this one; never waits for a consumer.
 * One that cannot be true (frame_check.h) is dropped as DROP_INVALID. */
void capture_deliver(struct capture *capture, const struct capture_frame *frame);

/* Counts buffers that the source lost or the backend had to drop before they became frames; audio
 * then has a DISCONTINUITY. */
void capture_count_drop(struct capture *capture, enum drop_reason reason, uint64_t count);

/* The source is gone for good: nothing more is accepted, the event goes out. Once per start. */
void capture_lost(struct capture *capture, MiniAVResultCode reason, const char *text);

/* In open: the device that a request for "" means now, without the prefix. */
void capture_set_device(struct capture *capture, const char *device_id);

/* What comes from now on. While start runs it is what was agreed on; later the event goes out and
 * the next frame is flagged. */
void capture_format_changed(struct capture *capture, const struct capture_format *format);

/* A capture of the default device moved to another one; the next buffer is a DISCONTINUITY. */
void capture_default_moved(struct capture *capture, const char *device_id);

void capture_property_changed(struct capture *capture, MiniAVPropertyKey key);

/* For backends that tell stalls themselves (BACKEND_TELLS_STALLS). */
void capture_stalled(struct capture *capture);
void capture_resumed(struct capture *capture);

/* Buffers that the consumer may hold and queue at once: the size of the slot table (2…64), fixed
 * from just before start to the end of stop; in open it is what is set until then. A pool for this
 * capture needs two blocks more. */
uint32_t capture_slot_count(struct capture *capture);

/* Of this capture, settable while it runs; what AUDIO_GAIN, AUDIO_MUTE, CHUNK_DURATION say. */
float capture_audio_gain(struct capture *capture); /* 0 while muted */
uint32_t capture_chunk_duration_us(struct capture *capture);

#endif
