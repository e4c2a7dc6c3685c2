#include "test_device/test_capture.h"

#include <stdlib.h>

#include "common/clock.h"

#define LOOK_US        50000 /* how long a fault may stay unseen */
#define NO_BLOCK_US    1000  /* flat out with every block held: how long to let the consumer be */
#define RATE_PRECISION 1000u
#define MAX_LOW_RATE   1000 /* a change to less is a frame rate, to more a sample rate */

/* ---- the thread's waiting -------------------------------------------------------------------- */

static bool is_stopping(struct test_capture *test) {
  return atomic_load_explicit(&test->stopping, memory_order_relaxed);
}

static void wait_until(struct test_capture *test, int64_t time_us) {
  int64_t latest_us = clock_now_us() + LOOK_US;
  time_us = time_us < latest_us ? time_us : latest_us;
  mutex_lock(&test->mutex);
  while (!is_stopping(test) && condition_wait_until(&test->changed, &test->mutex, time_us)) {
  }
  mutex_unlock(&test->mutex);
}

static void wait_for_stop(struct test_capture *test) {
  mutex_lock(&test->mutex);
  while (!is_stopping(test)) {
    condition_wait(&test->changed, &test->mutex);
  }
  mutex_unlock(&test->mutex);
}

/* ---- changes while it runs ------------------------------------------------------------------- */

struct capture_format test_capture_format(const struct test_capture_setup *setup) {
  struct capture_format format = {.audio_result = setup->audio_result};
  if (setup->has_video) {
    format.video = setup->video.info;
  }
  if (setup->has_sound) {
    format.audio = setup->audio;
  }
  return format;
}

/* Makes what comes next like test->setup. */
static bool reopen(struct test_capture *test) {
  const struct test_capture_setup *setup = &test->setup;
  if (setup->has_video && !test_video_reopen(&test->video, &setup->video)) {
    return false;
  }
  return !setup->has_sound || test_sound_reopen(&test->sound, &setup->audio, &setup->tone);
}

static void tell_format(struct test_capture *test) {
  struct capture_format format = test_capture_format(&test->setup);
  capture_format_changed(test->capture, &format);
}

/* value: width << 32 | height, or a rate; it was checked when the fault was set. */
static bool change_format(struct test_capture *test, int64_t value) {
  struct test_capture_setup *setup = &test->setup;
  uint32_t width = (uint32_t)(value >> 32);
  uint32_t low = (uint32_t)(value & UINT32_MAX);
  if (setup->has_video && width != 0) {
    setup->video.info.width = width;
    setup->video.info.height = low;
    setup->video.region = (MiniAVRect){0, 0, 0, 0};
  } else if (setup->has_video && low <= MAX_LOW_RATE) {
    setup->video.info.frame_rate_numerator = low;
    setup->video.info.frame_rate_denominator = 1;
  } else if (setup->has_sound && low > MAX_LOW_RATE) {
    setup->audio.sample_rate = low;
  } else {
    return true; /* a sample rate, and this capture has no sound */
  }
  if (!reopen(test)) {
    return false;
  }
  test->unlimited = setup->video.info;
  tell_format(test);
  return true;
}

/* The rate without a limit, or the limit, whichever is less. */
static void limit_rate(MiniAVVideoInfo *info, double limit) {
  double rate = (double)info->frame_rate_numerator / info->frame_rate_denominator;
  if (limit > 0.0 && limit < rate) {
    uint32_t numerator = (uint32_t)(limit * RATE_PRECISION + 0.5);
    info->frame_rate_numerator = numerator == 0 ? 1 : numerator;
    info->frame_rate_denominator = RATE_PRECISION;
  }
}

/* Both change only test->setup; true when the format is another one then. */
static bool apply_region(struct test_capture *test, const MiniAVRect *region) {
  MiniAVVideoInfo *info = &test->setup.video.info;
  MiniAVVideoInfo before = *info;
  test->setup.video.region = *region;
  info->width = (uint32_t)region->width;
  info->height = (uint32_t)region->height;
  return before.width != info->width || before.height != info->height;
}

bool test_capture_apply_rate(struct test_capture *test, double frames_per_second) {
  MiniAVVideoInfo *info = &test->setup.video.info;
  MiniAVVideoInfo before = *info;
  info->frame_rate_numerator = test->unlimited.frame_rate_numerator;
  info->frame_rate_denominator = test->unlimited.frame_rate_denominator;
  limit_rate(info, frames_per_second);
  return before.frame_rate_numerator != info->frame_rate_numerator ||
         before.frame_rate_denominator != info->frame_rate_denominator;
}

/* What test_capture_limit_rate and test_capture_move_region left for the thread. */
static bool do_as_told(struct test_capture *test) {
  mutex_lock(&test->mutex);
  MiniAVRect region = test->region;
  double limit = test->rate_limit;
  bool limit_told = test->rate_limit_told;
  test->region.width = 0;
  test->rate_limit_told = false;
  mutex_unlock(&test->mutex);
  bool changed = region.width > 0 && apply_region(test, &region);
  changed = (limit_told && test_capture_apply_rate(test, limit)) || changed;
  if (!test_video_reopen(&test->video, &test->setup.video)) {
    return false;
  }
  if (changed) {
    tell_format(test);
  }
  return true;
}

static bool move_to(struct test_capture *test, struct test_device *device) {
  test->device = device;
  test->losses_seen = atomic_load(&device->losses);
  test->changes_seen = atomic_load(&device->changes);
  test->setup.video.theme = device->theme;
  test->setup.tone = device->tone;
  if (!reopen(test)) {
    return false;
  }
  capture_default_moved(test->capture, device->id);
  return true;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static bool is_lost(struct test_capture *test) {
  return atomic_load(&test->device->losses) != test->losses_seen;
}

/* Does what faults and properties ask for; false when nothing comes any more. */
static bool look_around(struct test_capture *test) {
  bool memory = true;
  if (test->setup.follows_default && !is_lost(test)) {
    struct test_device *now = test_device_default(test->kind);
    /* Looked at again: the default may have moved because the device went away. */
    if (now != NULL && now != test->device && !is_lost(test)) {
      memory = move_to(test, now);
    }
  }
  if (is_lost(test)) {
    capture_lost(test->capture, MINIAV_ERROR_DEVICE_LOST, "the test device was taken away");
    return false;
  }
  uint32_t changes = atomic_load(&test->device->changes);
  if (memory && changes != test->changes_seen) {
    test->changes_seen = changes;
    memory = change_format(test, atomic_load(&test->device->change_value));
  }
  uint32_t told = atomic_load(&test->told);
  if (memory && told != test->told_seen) {
    test->told_seen = told;
    memory = do_as_told(test);
  }
  if (!memory) {
    capture_lost(test->capture, MINIAV_ERROR_OUT_OF_MEMORY, "no memory for the new format");
  }
  return memory;
}

/* True while nothing may come. */
static bool is_stalled(struct test_capture *test) {
  if (atomic_load_explicit(&test->device->stalled, memory_order_relaxed)) {
    test->was_stalled = true;
    return true;
  }
  if (test->was_stalled) {
    int64_t now_us = clock_now_us();
    test->was_stalled = false;
    if (test->setup.has_video) {
      test_video_skip_to(&test->video, now_us);
    }
    if (test->setup.has_sound) {
      test_sound_skip_to(&test->sound, now_us);
    }
  }
  return false;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Delivers what is due now; the time of what comes next. */
static int64_t deliver_due(struct test_capture *test) {
  int64_t late_us = atomic_load_explicit(&test->device->late_us, memory_order_relaxed);
  int64_t now_us = clock_now_us();
  int64_t next_us = INT64_MAX;
  if (test->setup.has_video) {
    bool held = false;
    if (test_video_due_us(&test->video, now_us) + late_us <= now_us ||
        test_video_is_flat_out(&test->video)) {
      held = !test_video_emit(&test->video, test->device, now_us, late_us);
    }
    next_us = test_video_due_us(&test->video, held ? now_us + NO_BLOCK_US : now_us) +
              (test_video_is_flat_out(&test->video) ? 0 : late_us);
  }
  if (test->setup.has_sound) {
    if (test_sound_due_us(&test->sound) + late_us <= now_us) {
      test_sound_emit(&test->sound, test->device, now_us, late_us);
    }
    int64_t sound_us = test_sound_due_us(&test->sound) + late_us;
    next_us = sound_us < next_us ? sound_us : next_us;
  }
  return next_us;
}

static void run(void *argument) {
  struct test_capture *test = argument;
  int64_t start_us = clock_now_us();
  if (!test->setup.has_video || !test_video_is_flat_out(&test->video)) {
    thread_raise_priority(); /* flat out it would leave nobody else a processor */
  }
  if (test->setup.has_video) {
    test_video_start_clock(&test->video, start_us);
  }
  if (test->setup.has_sound) {
    test_sound_start_clock(&test->sound, start_us);
  }
  bool alive = true;
  while (!is_stopping(test) && (alive = look_around(test))) {
    int64_t next_us = is_stalled(test) ? INT64_MAX : deliver_due(test);
    if (next_us > clock_now_us()) {
      wait_until(test, next_us);
    }
  }
  if (!alive) {
    wait_for_stop(test);
  }
  mutex_lock(&test->mutex);
  test->running = false;
  condition_broadcast(&test->changed);
  mutex_unlock(&test->mutex);
}

/* ---- life ------------------------------------------------------------------------------------ */

MiniAVResultCode test_capture_admit(MiniAVKind kind, const char *id, struct cancel *cancel,
                                    struct test_device **device) {
  *device = test_device_find(kind, id);
  if (*device != NULL && !test_device_pass(kind, *device, MINIAV_TEST_HANG_CONFIGURE, cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  if (*device == NULL || atomic_load(&(*device)->unplugged)) {
    cancel_explain(cancel, "no test device has the id \"%.100s\" now", id);
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  if (test_permission_request(kind) == MINIAV_PERMISSION_DENIED) {
    cancel_explain(cancel, "the test device was told to deny permission");
    return MINIAV_ERROR_PERMISSION_DENIED;
  }
  return (MiniAVResultCode)atomic_load(&(*device)->fail_open);
}

struct test_capture *test_capture_create(struct capture *capture, struct test_device *device,
                                         const struct test_capture_setup *setup) {
  struct test_capture *test = calloc(1, sizeof *test);
  if (test == NULL) {
    return NULL;
  }
  test->capture = capture;
  test->kind = device->kind;
  test->device = device;
  test->setup = *setup;
  test->unlimited = setup->video.info;
  if (setup->follows_default) {
    capture_set_device(capture, device->id);
  }
  mutex_init(&test->mutex);
  condition_init(&test->changed);
  return test;
}

/* The device as it is at start: it may have gone, or the default have changed, since open. */
static MiniAVResultCode find_again(struct test_capture *test, struct cancel *cancel) {
  if (test->setup.follows_default) {
    struct test_device *now = test_device_default(test->kind);
    if (now != NULL && now != test->device) {
      test->device = now;
      test->setup.video.theme = now->theme;
      test->setup.tone = now->tone;
      capture_default_moved(test->capture, now->id);
    }
  }
  test->losses_seen = atomic_load(&test->device->losses);
  test->changes_seen = atomic_load(&test->device->changes);
  if (!test_device_pass(test->kind, test->device, MINIAV_TEST_HANG_START, cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  if (atomic_load(&test->device->unplugged)) {
    cancel_explain(cancel, "the test device was taken away");
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return (MiniAVResultCode)atomic_load(&test->device->fail_start);
}

static void close_sources(struct test_capture *test) {
  if (test->setup.has_video) {
    test_video_close(&test->video);
  }
  if (test->setup.has_sound) {
    test_sound_close(&test->sound);
  }
}

static bool open_sources(struct test_capture *test) {
  const struct test_capture_setup *setup = &test->setup;
  test->video = (struct test_video){0};
  test->sound = (struct test_sound){0};
  if ((setup->has_video && !test_video_open(&test->video, test->capture, &setup->video)) ||
      (setup->has_sound &&
       !test_sound_open(&test->sound, test->capture, &setup->audio, &setup->tone,
                        capture_chunk_duration_us(test->capture)))) {
    close_sources(test);
    return false;
  }
  return true;
}

MiniAVResultCode test_capture_start(void *state, struct cancel *cancel) {
  struct test_capture *test = state;
  MiniAVResultCode result = find_again(test, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (!open_sources(test)) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  atomic_store(&test->stopping, false);
  test->was_stalled = false;
  test->running = true;
  if (!thread_start("miniav-test", run, test)) {
    test->running = false;
    close_sources(test);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return MINIAV_SUCCESS;
}

void test_capture_stop(void *state) {
  struct test_capture *test = state;
  mutex_lock(&test->mutex);
  atomic_store(&test->stopping, true);
  condition_broadcast(&test->changed);
  while (test->running) {
    condition_wait(&test->changed, &test->mutex);
  }
  mutex_unlock(&test->mutex);
  close_sources(test);
}

void test_capture_close(void *state) {
  struct test_capture *test = state;
  condition_destroy(&test->changed);
  mutex_destroy(&test->mutex);
  free(test);
}

bool test_capture_is_running(struct test_capture *test) {
  mutex_lock(&test->mutex);
  bool running = test->running;
  mutex_unlock(&test->mutex);
  return running;
}

void test_capture_limit_rate(struct test_capture *test, double frames_per_second) {
  if (!test_capture_is_running(test)) {
    if (test_capture_apply_rate(test, frames_per_second)) {
      tell_format(test);
    }
    return;
  }
  mutex_lock(&test->mutex);
  test->rate_limit = frames_per_second;
  test->rate_limit_told = true;
  mutex_unlock(&test->mutex);
  atomic_fetch_add(&test->told, 1);
}

void test_capture_move_region(struct test_capture *test, const MiniAVRect *region) {
  if (!test_capture_is_running(test)) {
    if (apply_region(test, region)) {
      tell_format(test);
    }
    return;
  }
  mutex_lock(&test->mutex);
  test->region = *region;
  mutex_unlock(&test->mutex);
  atomic_fetch_add(&test->told, 1);
}
