/*
 * Cameras used hard, for runs under the sanitizers in a rig of a real PipeWire.
 *
 *   camera_probe stress SECONDS THREADS [ID]
 *
 * Every thread opens, starts, takes, holds, stops and destroys, in an order and with pauses that
 * differ; a second thread of each stops and destroys at any moment. What is held is read before the
 * release, also after everything else is gone. Prints a line of JSON; ends with 1 when a frame that
 * was held has changed or nothing came at all.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"
#include "miniav.h"

#define HELD_MAX    9u
#define THREADS_MAX 8u

struct held {
  MiniAVBuffer buffer;
  uint64_t sum;
};

static atomic_uint running;
static atomic_uint_least64_t frames;
static atomic_uint_least64_t opens;
static atomic_uint failures[32]; /* by result code */
static atomic_uint_least64_t changed;
static int64_t end_us;
static const char *device_id;

/* One context that two threads use. */
struct shared {
  _Atomic(MiniAVCameraContextHandle) context;
  atomic_bool quit;
  atomic_bool ended;
  uint32_t seed;
  uint32_t disturbing_seed;
};

static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static void nap(uint32_t *seed, uint32_t most_us) {
  clock_sleep_until_us(clock_now_us() + next_random(seed) % most_us);
}

static uint64_t sum_of(const MiniAVBuffer *buffer) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < buffer->data.video.num_planes; i++) {
    const MiniAVPlane *plane = &buffer->data.video.planes[i];
    const uint8_t *bytes = plane->data_ptr;
    for (uint32_t at = 0; at < plane->size_bytes; at += 61) {
      sum = sum * 31 + bytes[at];
    }
  }
  return sum;
}

static void give_back(struct held *held, uint32_t *count, uint32_t left) {
  while (*count > left) {
    struct held *last = &held[--*count];
    if (sum_of(&last->buffer) != last->sum) {
      atomic_fetch_add(&changed, 1);
    }
    MiniAV_ReleaseBuffer(last->buffer.internal_handle);
  }
}

static void take(MiniAVCameraContextHandle context, uint32_t count, struct held *held,
                 uint32_t *held_count, uint32_t *seed) {
  for (uint32_t i = 0; i < count; i++) {
    struct held *to = &held[*held_count];
    if (MiniAV_WaitBuffer(context, 200, &to->buffer) != MINIAV_SUCCESS) {
      return;
    }
    atomic_fetch_add(&frames, 1);
    to->sum = sum_of(&to->buffer);
    (*held_count)++;
    uint32_t keep = next_random(seed) % HELD_MAX;
    if (*held_count > keep) {
      give_back(held, held_count, keep);
    }
  }
}

static void use_once(struct shared *shared, struct held *held, uint32_t *held_count) {
  MiniAVCameraContextHandle context = NULL;
  if (MiniAV_Camera_CreateContext(&context) != MINIAV_SUCCESS) {
    return;
  }
  atomic_store(&shared->context, context);
  MiniAVResultCode code = MiniAV_Camera_Configure(context, device_id, NULL);
  if (code == MINIAV_SUCCESS) {
    code = MiniAV_Camera_StartCapture(context, NULL, NULL);
  }
  if (code != MINIAV_SUCCESS) {
    atomic_fetch_add(&failures[(uint32_t)-code % 32], 1);
  } else {
    atomic_fetch_add(&opens, 1);
    take(context, next_random(&shared->seed) % 20, held, held_count, &shared->seed);
    if (next_random(&shared->seed) % 2 == 0) {
      MiniAV_Camera_StopCapture(context);
    }
  }
  atomic_store(&shared->context, NULL);
  MiniAV_Camera_DestroyContext(context);
}

/* Stops and destroys what the other one uses. */
static void disturb_main(void *argument) {
  struct shared *shared = argument;
  uint32_t seed = shared->disturbing_seed;
  while (!atomic_load(&shared->quit)) {
    nap(&seed, 1500000);
    MiniAVCameraContextHandle context = atomic_load(&shared->context);
    if (context != NULL && next_random(&seed) % 3 == 0) {
      MiniAV_Camera_DestroyContext(context);
    } else if (context != NULL) {
      MiniAV_Camera_StopCapture(context);
    }
  }
  atomic_store(&shared->ended, true);
}

static void use_main(void *argument) {
  struct shared *shared = argument;
  struct held held[HELD_MAX + 1];
  uint32_t held_count = 0;
  shared->disturbing_seed = shared->seed ^ 0x5bd1e995u;
  thread_start("disturb", disturb_main, shared);
  while (clock_now_us() < end_us) {
    use_once(shared, held, &held_count);
    if (next_random(&shared->seed) % 4 == 0) {
      give_back(held, &held_count, 0);
    }
  }
  atomic_store(&shared->quit, true);
  while (!atomic_load(&shared->ended)) {
    clock_sleep_until_us(clock_now_us() + 5000);
  }
  give_back(held, &held_count, 0);
  atomic_fetch_sub(&running, 1);
}

static void on_log(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)user_data;
  fprintf(stderr, "log %d %s\n", level, message);
}

int main(int count, char **arguments) {
  static struct shared shared[THREADS_MAX];
  if (count < 4 || strcmp(arguments[1], "stress") != 0) {
    fprintf(stderr, "camera_probe stress SECONDS THREADS [ID]\n");
    return 2;
  }
  if (getenv("MINIAV_PROBE_LOG") != NULL) {
    MiniAV_SetLogCallback(on_log, NULL);
    MiniAV_SetLogLevel(MINIAV_LOG_LEVEL_DEBUG);
  }
  uint32_t threads = (uint32_t)strtoul(arguments[3], NULL, 10);
  threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
  device_id = count > 4 ? arguments[4] : NULL;
  end_us = clock_now_us() + (int64_t)(strtod(arguments[2], NULL) * 1e6);
  atomic_store(&running, threads);
  for (uint32_t i = 0; i < threads; i++) {
    shared[i].seed = 77u + i * 1013u;
    thread_start("use", use_main, &shared[i]);
  }
  while (atomic_load(&running) > 0) {
    clock_sleep_until_us(clock_now_us() + 20000);
  }
  MiniAVResultCode disposed = MiniAV_Dispose();
  printf("{\"frames\":%" PRIu64 ",\"opens\":%" PRIu64 ",\"changed\":%" PRIu64 ",\"dispose\":%d",
         (uint64_t)atomic_load(&frames), (uint64_t)atomic_load(&opens),
         (uint64_t)atomic_load(&changed), (int)disposed);
  for (int code = 1; code < 32; code++) {
    if (atomic_load(&failures[code]) > 0) {
      printf(",\"%s\":%u", MiniAV_GetErrorString((MiniAVResultCode)-code),
             atomic_load(&failures[code]));
    }
  }
  printf("}\n");
  return atomic_load(&changed) == 0 && atomic_load(&frames) > 0 ? 0 : 1;
}
