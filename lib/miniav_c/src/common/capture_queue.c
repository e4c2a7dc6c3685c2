/* What capture threads hand over and consumers take: the queue, its policy, its numbers. */
#include <string.h>

#include "common/capture_internal.h"
#include "common/clock.h"
#include "common/damage.h"
#include "common/frame_check.h"
#include "common/handles.h"

#define CARRIED_FLAGS                                                                              \
  ((uint32_t)MINIAV_BUFFER_FLAG_FORMAT_CHANGED | (uint32_t)MINIAV_BUFFER_FLAG_DISCONTINUITY)

void capture_frame_init(struct capture_frame *frame, MiniAVBufferType type) {
  memset(frame, 0, sizeof *frame);
  frame->buffer.type = type;
  frame->buffer.content_type = MINIAV_BUFFER_CONTENT_TYPE_CPU;
  frame->buffer.color_matrix = MINIAV_COLOR_UNSPECIFIED;
  frame->buffer.color_primaries = MINIAV_COLOR_UNSPECIFIED;
  frame->buffer.color_transfer = MINIAV_COLOR_UNSPECIFIED;
}

/* What a dropped frame leaves to be given back, outside the lock. */
struct leftovers {
  struct block *block;
  void (*release)(void *owner, uint64_t token);
  void *owner;
  uint64_t token;
};

static void give_back(const struct leftovers *leftovers) {
  if (leftovers->release != NULL) {
    leftovers->release(leftovers->owner, leftovers->token);
  }
  block_release(leftovers->block);
}

static struct leftovers leftovers_of_frame(const struct capture_frame *frame) {
  return (struct leftovers){frame->block, frame->release, frame->owner, frame->token};
}

void capture_count_locked(struct capture *capture, enum drop_reason reason, uint64_t count) {
  MiniAVCaptureStats *stats = &capture->stats;
  uint64_t *const reasons[] = {
      [DROP_QUEUE_FULL] = &stats->dropped_queue_full,
      [DROP_BUFFERS_HELD] = &stats->dropped_buffers_held,
      [DROP_STOPPED] = &stats->dropped_stopped,
      [DROP_INVALID] = &stats->dropped_invalid,
      [DROP_LATE] = &stats->dropped_late,
      [DROP_FAILED] = &stats->dropped_failed,
  };
  *reasons[reason] += count;
  stats->dropped += count;
}

static bool is_audio(const MiniAVBuffer *buffer) {
  return buffer->type == MINIAV_BUFFER_TYPE_AUDIO;
}

/* The queued frame that the consumer sees after the missing one: behind the oldest there may be
 * more; behind the newest there is none, and what comes next gets it. */
enum missing { MISSING_OLDEST, MISSING_NEWEST };

static struct slot *next_queued_locked(struct capture *capture, enum missing which) {
  bool is_queued = which == MISSING_OLDEST && capture->queue_count > 0;
  return is_queued ? capture->queue[capture->queue_first] : NULL;
}

/* What a missing frame changed on the screen (NULL: not known) is told with the next one. */
static void carry_damage_locked(struct capture *capture, enum missing which,
                                const MiniAVFrameMetadata *missing) {
  static const MiniAVFrameMetadata unknown = {0};
  const MiniAVFrameMetadata *damage = missing != NULL ? missing : &unknown;
  struct slot *next = next_queued_locked(capture, which);
  if (next != NULL) {
    if (next->buffer.metadata != NULL) {
      damage_add(&next->metadata, damage);
    }
    return;
  }
  if (!capture->has_pending_damage) {
    capture->has_pending_damage = true;
    capture->pending_damage.flags = MINIAV_METADATA_DAMAGE;
    capture->pending_damage.damage_count = 0;
  }
  damage_add(&capture->pending_damage, damage);
}

/* A frame that carried these flags is missing: the next one the consumer sees has them. */
static void carry_locked(struct capture *capture, enum missing which, const MiniAVBuffer *missing,
                         const MiniAVFrameMetadata *metadata) {
  uint32_t flags = (missing->flags & CARRIED_FLAGS) | MINIAV_BUFFER_FLAG_DISCONTINUITY;
  if (!is_audio(missing)) {
    carry_damage_locked(capture, which, metadata);
  }
  struct slot *next = next_queued_locked(capture, which);
  if (next != NULL) {
    next->buffer.flags |= flags;
  } else {
    capture->pending_flags |= flags;
  }
}

/* Takes the oldest queued slot out; it is the caller's and still QUEUED. */
static struct slot *unqueue_oldest_locked(struct capture *capture) {
  struct slot *slot = capture->queue[capture->queue_first];
  capture->queue_first = (capture->queue_first + 1) % SLOTS_PER_TABLE;
  capture->queue_count--;
  return slot;
}

static void enqueue_locked(struct capture *capture, struct slot *slot,
                           const struct capture_frame *frame, uint64_t sequence) {
  slot_fill(slot, frame);
  slot->buffer.sequence = sequence;
  slot->buffer.user_data = capture->user_data;
  slot->buffer.flags |= capture->pending_flags;
  capture->pending_flags = 0;
  if (capture->has_pending_damage && !is_audio(&slot->buffer)) {
    if (slot->buffer.metadata != NULL) {
      damage_add(&slot->metadata, &capture->pending_damage);
    }
    capture->has_pending_damage = false;
  }
  if (capture->has_intrinsics && !is_audio(&slot->buffer)) {
    if (slot->buffer.metadata == NULL) {
      memset(&slot->metadata, 0, sizeof slot->metadata);
      slot->buffer.metadata = &slot->metadata;
    }
    slot->metadata.flags |= MINIAV_METADATA_INTRINSICS;
    slot->metadata.intrinsics = capture->intrinsics;
  }
  uint32_t at = (capture->queue_first + capture->queue_count++) % SLOTS_PER_TABLE;
  capture->queue[at] = slot;
}

/* Queues the frame or not; what is dropped for it goes to *dropped_slot or *leftovers. */
static void admit_locked(struct capture *capture, const struct capture_frame *frame, bool is_sound,
                         struct slot **dropped_slot, struct leftovers *leftovers) {
  uint64_t sequence = capture->stats.produced++;
  struct slot *slot = NULL;
  *leftovers = leftovers_of_frame(frame);
  if (!capture->accepting) {
    capture_count_locked(capture, DROP_STOPPED, 1);
    return;
  }
  capture->last_delivery_us = clock_now_us();
  capture->stats.last_timestamp_us = frame->buffer.timestamp_us;
  if (!is_sound) {
    capture_count_locked(capture, DROP_INVALID, 1);
    carry_locked(capture, MISSING_NEWEST, &frame->buffer, NULL);
    return;
  }
  if (capture->queue_count < capture->queue_limit) {
    slot = slot_reserve(capture->table);
  }
  if (slot == NULL && capture->queue_count > 0) {
    struct slot *oldest = unqueue_oldest_locked(capture);
    capture_count_locked(capture, DROP_QUEUE_FULL, 1);
    carry_locked(capture, MISSING_OLDEST, &oldest->buffer, oldest->buffer.metadata);
    slot = slot_reserve(capture->table);
    if (slot != NULL) {
      *dropped_slot = oldest;
    } else {
      /* Every other slot is held: the oldest frame's own slot takes the new one. Its handle was
       * never given out, so the generation may stay. */
      struct leftovers old = {oldest->block, oldest->release, oldest->owner, oldest->token};
      enqueue_locked(capture, oldest, frame, sequence);
      *leftovers = old;
      return;
    }
  }
  if (slot == NULL) {
    capture_count_locked(capture, DROP_BUFFERS_HELD, 1);
    carry_locked(capture, MISSING_NEWEST, &frame->buffer, frame->metadata);
    return;
  }
  enqueue_locked(capture, slot, frame, sequence);
  *leftovers = (struct leftovers){0};
}

struct waiter *capture_take_wake_locked(struct capture *capture, bool for_good) {
  condition_broadcast(&capture->changed);
  if (capture->waiter == NULL || !(capture->armed || for_good)) {
    return NULL; /* one that is added later is woken then */
  }
  capture->armed = false;
  waiter_reference(capture->waiter);
  return capture->waiter;
}

static void deliver_checked(struct capture *capture, const struct capture_frame *frame,
                            bool is_sound) {
  struct slot *dropped_slot = NULL;
  struct leftovers leftovers;
  mutex_lock(&capture->lock);
  admit_locked(capture, frame, is_sound, &dropped_slot, &leftovers);
  if (capture->stalled && capture->accepting) {
    capture->stalled = false;
    MiniAVEvent event = {.type = MINIAV_EVENT_RESUMED};
    capture_post_locked(capture, NODE_RESUMED, &event);
  }
  struct waiter *waiter = capture_take_wake_locked(capture, false);
  mutex_unlock(&capture->lock);
  if (dropped_slot != NULL) {
    slot_drop(dropped_slot);
  }
  give_back(&leftovers);
  if (waiter != NULL) {
    waiter_signal(waiter);
    waiter_release(waiter);
  }
}

void capture_deliver(struct capture *capture, const struct capture_frame *frame) {
  bool is_sound = frame_is_sound(frame);
  if (frame->metadata == NULL) {
    deliver_checked(capture, frame, is_sound);
    return;
  }
  MiniAVFrameMetadata metadata;
  struct capture_frame clean = *frame;
  frame_clean_metadata(frame->metadata, &frame->buffer.data.video.info, &metadata);
  clean.metadata = is_sound && !is_audio(&frame->buffer) ? &metadata : NULL;
  deliver_checked(capture, &clean, is_sound);
}

void capture_count_drop(struct capture *capture, enum drop_reason reason, uint64_t count) {
  mutex_lock(&capture->lock);
  capture->stats.produced += count;
  capture_count_locked(capture, reason, count);
  capture->pending_flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
  if (capture->kind == MINIAV_KIND_SCREEN) {
    carry_damage_locked(capture, MISSING_NEWEST, NULL);
  }
  mutex_unlock(&capture->lock);
}

struct slot *capture_pop_locked(struct capture *capture) {
  if (capture->queue_count == 0) {
    return NULL;
  }
  struct slot *slot = unqueue_oldest_locked(capture);
  capture->stats.delivered++;
  slot_lease(slot);
  return slot;
}

static MiniAVResultCode take_locked(struct capture *capture, MiniAVBuffer *buffer) {
  if (capture->closed) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  if (capture->state != CAPTURE_RUNNING) {
    return MINIAV_ERROR_NOT_RUNNING;
  }
  if (capture->callback != NULL) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  struct slot *slot = capture_pop_locked(capture);
  if (slot != NULL) {
    *buffer = slot->buffer; /* nobody can release it before its handle is known */
    return MINIAV_SUCCESS;
  }
  if (capture->lost) {
    return MINIAV_ERROR_DEVICE_LOST;
  }
  if (!capture->accepting) {
    return MINIAV_ERROR_NOT_RUNNING; /* a stop is under way */
  }
  capture->armed = true;
  return MINIAV_ERROR_NO_BUFFER;
}

MiniAVResultCode capture_take(struct capture *capture, MiniAVBuffer *buffer) {
  mutex_lock(&capture->lock);
  MiniAVResultCode result = take_locked(capture, buffer);
  mutex_unlock(&capture->lock);
  return result;
}

MiniAVResultCode capture_wait_take(struct capture *capture, uint32_t timeout_ms,
                                   MiniAVBuffer *buffer) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&capture->lock);
  MiniAVResultCode result = take_locked(capture, buffer);
  bool time_left = timeout_ms > 0;
  while (result == MINIAV_ERROR_NO_BUFFER && time_left) {
    time_left = condition_wait_until(&capture->changed, &capture->lock, deadline_us);
    result = take_locked(capture, buffer);
  }
  mutex_unlock(&capture->lock);
  return result == MINIAV_ERROR_NO_BUFFER ? MINIAV_ERROR_TIMEOUT : result;
}

void capture_drop_all(struct capture *capture, enum drop_reason reason) {
  struct slot *slot;
  do {
    slot = NULL;
    mutex_lock(&capture->lock);
    if (capture->queue_count > 0) {
      slot = unqueue_oldest_locked(capture);
      capture_count_locked(capture, reason, 1);
    }
    mutex_unlock(&capture->lock);
    if (slot != NULL) {
      slot_drop(slot);
    }
  } while (slot != NULL);
}

MiniAVResultCode capture_stats(uint64_t handle, MiniAVKind kind, MiniAVCaptureStats *stats) {
  struct capture *capture = capture_acquire(handle, kind);
  if (capture == NULL) {
    return MINIAV_ERROR_INVALID_HANDLE;
  }
  mutex_lock(&capture->lock);
  *stats = capture->stats;
  stats->queued = capture->queue_count;
  uint64_t released = atomic_load(&capture->table->released);
  stats->released = released;
  stats->outstanding = stats->delivered - released;
  mutex_unlock(&capture->lock);
  capture_release_reference(capture);
  return MINIAV_SUCCESS;
}

uint32_t capture_slot_count(struct capture *capture) {
  return capture->table->count;
}

float capture_audio_gain(struct capture *capture) {
  return atomic_load_explicit(&capture->mute, memory_order_relaxed)
             ? 0.0f
             : atomic_load_explicit(&capture->gain, memory_order_relaxed);
}

uint32_t capture_chunk_duration_us(struct capture *capture) {
  return atomic_load_explicit(&capture->chunk_duration_us, memory_order_relaxed);
}
