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
  struct block *cursor_block;
  struct block *outdated; /* an older picture of the pointer */
  void (*release)(void *owner, uint64_t token);
  void *owner;
  uint64_t token;
};

static void give_back(const struct leftovers *leftovers) {
  if (leftovers->release != NULL) {
    leftovers->release(leftovers->owner, leftovers->token);
  }
  block_release(leftovers->block);
  block_release(leftovers->cursor_block);
  block_release(leftovers->outdated);
}

static struct leftovers leftovers_of_frame(const struct capture_frame *frame) {
  return (struct leftovers){.block = frame->block,
                            .cursor_block = frame->cursor_block,
                            .release = frame->release,
                            .owner = frame->owner,
                            .token = frame->token};
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

/* Only a screen that was started with sound has a second lane. */
static struct lane *lane_for(struct capture *capture, const MiniAVBuffer *buffer) {
  bool beside = is_audio(buffer) && capture->lanes[LANE_SOUND].table != NULL;
  return &capture->lanes[beside ? LANE_SOUND : LANE_MAIN];
}

uint32_t capture_queued_locked(const struct capture *capture) {
  return capture->lanes[LANE_MAIN].count + capture->lanes[LANE_SOUND].count;
}

void capture_flag_locked(struct capture *capture, uint32_t flags) {
  capture->lanes[LANE_MAIN].pending_flags |= flags;
  if (!capture->sound.by_library) {
    capture->lanes[LANE_SOUND].pending_flags |= flags;
  }
}

/* The queued frame that the consumer sees after the missing one: behind the oldest there may be
 * more; behind the newest there is none, and what comes next gets it. */
enum missing { MISSING_OLDEST, MISSING_NEWEST };

static struct slot *next_queued(struct lane *lane, enum missing which) {
  bool is_queued = which == MISSING_OLDEST && lane->count > 0;
  return is_queued ? lane->queue[lane->first] : NULL;
}

/* What a missing frame changed on the screen (NULL: not known) is told with the next one. */
static void carry_damage_locked(struct capture *capture, enum missing which,
                                const MiniAVFrameMetadata *missing) {
  static const MiniAVFrameMetadata unknown = {0};
  const MiniAVFrameMetadata *damage = missing != NULL ? missing : &unknown;
  struct slot *next = next_queued(&capture->lanes[LANE_MAIN], which);
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

/* The pointer's picture of a missing frame is told with the next one. *cursor_block: that frame's;
 * afterwards what is still to be given back. */
static void carry_pointer_locked(struct capture *capture, enum missing which,
                                 const MiniAVFrameMetadata *missing, struct block **cursor_block) {
  struct pointer_picture picture;
  if (!pointer_picture_take(&picture, missing, cursor_block)) {
    return;
  }
  struct slot *next = next_queued(&capture->lanes[LANE_MAIN], which);
  if (next == NULL) {
    *cursor_block = capture->pending_pointer.block;
    capture->pending_pointer = picture;
  } else if (next->buffer.metadata == NULL ||
             !pointer_picture_give(&picture, &next->metadata, &next->cursor_block)) {
    *cursor_block = picture.block; /* it has a newer one */
  }
}

/* Gives a frame that is queued the picture that waits for it; one that is older than the frame's
 * own comes back. */
static struct block *tell_pointer_locked(struct capture *capture, struct slot *slot) {
  struct pointer_picture *pending = &capture->pending_pointer;
  bool tells =
      slot->buffer.metadata != NULL && (slot->metadata.flags & MINIAV_METADATA_CURSOR) != 0;
  if (pending->block == NULL || !tells ||
      pointer_picture_give(pending, &slot->metadata, &slot->cursor_block)) {
    return NULL;
  }
  struct block *outdated = pending->block;
  pending->block = NULL;
  return outdated;
}

/* A frame that carried these flags is missing: the next one the consumer sees has them. */
static void carry_locked(struct capture *capture, enum missing which, const MiniAVBuffer *missing,
                         const MiniAVFrameMetadata *metadata, struct block **cursor_block) {
  uint32_t flags = (missing->flags & CARRIED_FLAGS) | MINIAV_BUFFER_FLAG_DISCONTINUITY;
  if (!is_audio(missing)) {
    carry_damage_locked(capture, which, metadata);
    carry_pointer_locked(capture, which, metadata, cursor_block);
  }
  struct lane *lane = lane_for(capture, missing);
  struct slot *next = next_queued(lane, which);
  if (next != NULL) {
    next->buffer.flags |= flags;
  } else {
    lane->pending_flags |= flags;
  }
}

/* Takes the oldest queued slot out; it is the caller's and still QUEUED. */
static struct slot *unqueue_oldest(struct lane *lane) {
  struct slot *slot = lane->queue[lane->first];
  lane->first = (lane->first + 1) % SLOTS_PER_TABLE;
  lane->count--;
  return slot;
}

/* What is to be given back for it. */
static struct block *enqueue_locked(struct capture *capture, struct lane *lane, struct slot *slot,
                                    const struct capture_frame *frame, uint64_t sequence) {
  slot_fill(slot, frame);
  slot->buffer.sequence = sequence;
  slot->buffer.user_data = capture->user_data;
  slot->buffer.flags |= lane->pending_flags;
  lane->pending_flags = 0;
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
  uint32_t at = (lane->first + lane->count++) % SLOTS_PER_TABLE;
  lane->queue[at] = slot;
  return tell_pointer_locked(capture, slot);
}

/* Queues the frame or not; what is dropped for it goes to *dropped_slot or *leftovers. */
static void admit_locked(struct capture *capture, const struct capture_frame *frame, bool is_wanted,
                         bool is_sound, struct slot **dropped_slot, struct leftovers *leftovers) {
  struct lane *lane = lane_for(capture, &frame->buffer);
  uint64_t sequence = lane->produced++;
  struct slot *slot = NULL;
  capture->stats.produced++;
  *leftovers = leftovers_of_frame(frame);
  if (!is_wanted) {
    capture_count_locked(capture, DROP_STOPPED, 1);
    return;
  }
  if (lane == &capture->lanes[LANE_MAIN]) {
    capture->last_delivery_us = clock_now_us(); /* sound is no sign of life of a picture */
  }
  capture->stats.last_timestamp_us = frame->buffer.timestamp_us;
  if (!is_sound) {
    capture_count_locked(capture, DROP_INVALID, 1);
    carry_locked(capture, MISSING_NEWEST, &frame->buffer, NULL, &leftovers->cursor_block);
    return;
  }
  if (lane->count < lane->limit) {
    slot = slot_reserve(lane->table);
  }
  if (slot == NULL && lane->count > 0) {
    struct slot *oldest = unqueue_oldest(lane);
    capture_count_locked(capture, DROP_QUEUE_FULL, 1);
    carry_locked(capture, MISSING_OLDEST, &oldest->buffer, oldest->buffer.metadata,
                 &oldest->cursor_block);
    slot = slot_reserve(lane->table);
    if (slot != NULL) {
      *dropped_slot = oldest;
    } else {
      /* Every other slot is held: the oldest frame's own slot takes the new one. Its handle was
       * never given out, so the generation may stay. */
      *leftovers = (struct leftovers){.block = oldest->block,
                                      .cursor_block = oldest->cursor_block,
                                      .release = oldest->release,
                                      .owner = oldest->owner,
                                      .token = oldest->token};
      leftovers->outdated = enqueue_locked(capture, lane, oldest, frame, sequence);
      return;
    }
  }
  if (slot == NULL) {
    capture_count_locked(capture, DROP_BUFFERS_HELD, 1);
    carry_locked(capture, MISSING_NEWEST, &frame->buffer, frame->metadata,
                 &leftovers->cursor_block);
    return;
  }
  *leftovers = (struct leftovers){0};
  leftovers->outdated = enqueue_locked(capture, lane, slot, frame, sequence);
}

struct waiter *capture_take_wake_locked(struct capture *capture, bool for_good) {
  if (capture->waiter == NULL || !(capture->armed || for_good)) {
    return NULL; /* one that is added later is woken then */
  }
  capture->armed = false;
  waiter_reference(capture->waiter);
  return capture->waiter;
}

/* Whose a frame is that `source` delivers. */
static struct capture *receiver_of(struct capture *source) {
  return source->sound_of != NULL ? source->sound_of : source;
}

static void deliver_checked(struct capture *source, const struct capture_frame *frame,
                            bool is_sound) {
  struct capture *capture = receiver_of(source);
  struct slot *dropped_slot = NULL;
  struct leftovers leftovers;
  mutex_lock(&capture->lock);
  bool is_wanted = capture->accepting && (source == capture || capture->sound.accepting);
  admit_locked(capture, frame, is_wanted, is_sound, &dropped_slot, &leftovers);
  if (capture->stalled && is_wanted &&
      lane_for(capture, &frame->buffer) == &capture->lanes[LANE_MAIN]) {
    capture->stalled = false;
    MiniAVEvent event = {.type = MINIAV_EVENT_RESUMED};
    capture_post_locked(capture, NODE_RESUMED, &event);
  }
  struct waiter *waiter = capture_take_wake_locked(capture, false);
  mutex_unlock(&capture->lock);
  condition_broadcast(&capture->changed); /* not under the lock, which those who wake take */
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

void capture_count_drop(struct capture *source, enum drop_reason reason, uint64_t count) {
  struct capture *capture = receiver_of(source);
  bool is_beside = source != capture;
  mutex_lock(&capture->lock);
  capture->stats.produced += count;
  capture_count_locked(capture, reason, count);
  if (is_beside) {
    capture->lanes[LANE_SOUND].produced += count;
    capture->lanes[LANE_SOUND].pending_flags |= MINIAV_BUFFER_FLAG_DISCONTINUITY;
  } else {
    capture->lanes[LANE_MAIN].produced += count;
    capture_flag_locked(capture, MINIAV_BUFFER_FLAG_DISCONTINUITY);
  }
  if (capture->kind == MINIAV_KIND_SCREEN && !is_beside) {
    carry_damage_locked(capture, MISSING_NEWEST, NULL);
  }
  mutex_unlock(&capture->lock);
}

/* Whose oldest frame was captured first; NULL: nothing is queued. */
static struct lane *next_lane_locked(struct capture *capture) {
  struct lane *main_lane = &capture->lanes[LANE_MAIN];
  struct lane *sound = &capture->lanes[LANE_SOUND];
  if (main_lane->count == 0 || sound->count == 0) {
    return main_lane->count > 0 ? main_lane : sound->count > 0 ? sound : NULL;
  }
  int64_t main_us = main_lane->queue[main_lane->first]->buffer.timestamp_us;
  return sound->queue[sound->first]->buffer.timestamp_us < main_us ? sound : main_lane;
}

struct slot *capture_pop_locked(struct capture *capture) {
  struct lane *lane = next_lane_locked(capture);
  if (lane == NULL) {
    return NULL;
  }
  struct slot *slot = unqueue_oldest(lane);
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

/* Locked, and unlocked for its time: lets the backend use this thread. Sound that comes beside a
 * picture would wait for that. False: it does not want to; nothing was delivered. */
static bool drive_locked(struct capture *capture, int64_t deadline_us) {
  const struct backend *backend = capture->backend;
  if (backend->drive == NULL || capture->driving || capture->sound.wanted) {
    return false;
  }
  void *state = capture->backend_state;
  capture->driving = true;
  mutex_unlock(&capture->lock);
  bool delivered = backend->drive(state, deadline_us);
  mutex_lock(&capture->lock);
  capture->driving = false;
  if (!capture->accepting) {
    condition_broadcast(&capture->changed); /* a stop waits for us */
  }
  return delivered;
}

MiniAVResultCode capture_wait_take(struct capture *capture, uint32_t timeout_ms,
                                   MiniAVBuffer *buffer) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&capture->lock);
  MiniAVResultCode result = take_locked(capture, buffer);
  bool time_left = timeout_ms > 0;
  while (result == MINIAV_ERROR_NO_BUFFER && time_left) {
    bool delivered = drive_locked(capture, deadline_us);
    result = take_locked(capture, buffer); /* also what came just before we were locked again */
    if (result == MINIAV_ERROR_NO_BUFFER && !delivered) {
      time_left = condition_wait_until(&capture->changed, &capture->lock, deadline_us);
      result = take_locked(capture, buffer);
    }
  }
  mutex_unlock(&capture->lock);
  return result == MINIAV_ERROR_NO_BUFFER ? MINIAV_ERROR_TIMEOUT : result;
}

void capture_drop_all(struct capture *capture, enum drop_reason reason) {
  struct slot *slot;
  struct block *picture;
  do {
    slot = NULL;
    mutex_lock(&capture->lock);
    struct lane *lane = next_lane_locked(capture);
    if (lane != NULL) {
      slot = unqueue_oldest(lane);
      capture_count_locked(capture, reason, 1);
    }
    picture = capture->pending_pointer.block;
    capture->pending_pointer.block = NULL;
    mutex_unlock(&capture->lock);
    block_release(picture);
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
  stats->queued = capture_queued_locked(capture);
  uint64_t released = 0;
  for (uint32_t i = 0; i < LANE_COUNT; i++) {
    struct slot_table *table = capture->lanes[i].table;
    released += table != NULL ? atomic_load(&table->released) : 0;
  }
  stats->released = released;
  stats->outstanding = stats->delivered - released;
  mutex_unlock(&capture->lock);
  capture_release_reference(capture);
  return MINIAV_SUCCESS;
}

uint32_t capture_slot_count(struct capture *source) {
  const struct capture *capture = receiver_of(source);
  return capture->lanes[source == capture ? LANE_MAIN : LANE_SOUND].table->count;
}

float capture_audio_gain(struct capture *source) {
  struct capture *capture = receiver_of(source);
  return atomic_load_explicit(&capture->mute, memory_order_relaxed)
             ? 0.0f
             : atomic_load_explicit(&capture->gain, memory_order_relaxed);
}

uint32_t capture_chunk_duration_us(struct capture *source) {
  return atomic_load_explicit(&receiver_of(source)->chunk_duration_us, memory_order_relaxed);
}
