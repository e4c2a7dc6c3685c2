/*
 * Captures of screens that come and go, for sanitizers.
 *
 *   screen_stress SECONDS ID...     a display's id, or a window's ("x11:window/…"); one thread each
 *
 * Opens, starts, takes, holds, stops in every order for that long, then prints how many pictures
 * came. What is painted meanwhile is somebody else's business.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"
#include "miniav.h"

#define HELD    6
#define MORE_US 20000000 /* until the first picture, on a machine that is busy */

static int64_t end_us;
static atomic_int threads_left;
static atomic_int pictures;
static atomic_int failures;

static MiniAVResultCode configure(MiniAVScreenContextHandle screen, const char *id, int round) {
  const MiniAVVideoInfo any = {0};
  if (strstr(id, ":window/") != NULL) {
    return MiniAV_Screen_ConfigureWindow(screen, id, &any);
  }
  return round % 3 == 0 ? MiniAV_Screen_ConfigureRegion(screen, id, 3, 5, 51, 33, &any)
                        : MiniAV_Screen_ConfigureDisplay(screen, id, &any);
}

/* Of every byte of a picture. */
static uint32_t sum(const MiniAVBuffer *buffer) {
  const uint8_t *bytes = buffer->data.video.planes[0].data_ptr;
  uint32_t total = 0;
  for (size_t i = 0; i < buffer->data_size_bytes; i++) {
    total = total * 31 + bytes[i];
  }
  return total;
}

struct held {
  MiniAVBuffer buffer;
  uint32_t sum; /* when it was taken */
};

/* A picture that is held is never another one. */
static void release(struct held *held) {
  if (held->buffer.internal_handle != NULL) {
    atomic_fetch_add(&failures, sum(&held->buffer) != held->sum);
    MiniAV_ReleaseBuffer(held->buffer.internal_handle);
    held->buffer.internal_handle = NULL;
  }
}

static void take(MiniAVScreenContextHandle screen, int count, struct held *held) {
  for (int i = 0; i < count; i++) {
    MiniAVBuffer buffer;
    if (MiniAV_WaitBuffer((MiniAVHandle)screen, 50, &buffer) != MINIAV_SUCCESS) {
      continue;
    }
    atomic_fetch_add(&pictures, 1);
    release(&held[i % HELD]);
    held[i % HELD] = (struct held){buffer, sum(&buffer)};
  }
}

static bool goes_on(void) {
  int64_t more_us = atomic_load(&pictures) == 0 ? MORE_US : 0;
  return clock_now_us() < end_us + more_us;
}

static void run(void *argument) {
  const char *id = argument;
  for (int round = 0; goes_on(); round++) {
    MiniAVScreenContextHandle screen;
    struct held held[HELD] = {{.sum = 0}};
    if (MiniAV_Screen_CreateContext(&screen) != MINIAV_SUCCESS) {
      break;
    }
    const MiniAVPropertyValue mode = {.type = MINIAV_PROPERTY_TYPE_ENUM,
                                      .value.integer = round % 3};
    const MiniAVPropertyValue repeat = {.type = MINIAV_PROPERTY_TYPE_BOOLEAN,
                                        .value.integer = round % 2};
    MiniAV_Screen_SetProperty(screen, MINIAV_PROPERTY_CURSOR_MODE, &mode);
    MiniAV_Screen_SetProperty(screen, MINIAV_PROPERTY_REPEAT_LAST_FRAME, &repeat);
    if (configure(screen, id, round) == MINIAV_SUCCESS &&
        MiniAV_Screen_StartCapture(screen, NULL, NULL, NULL) == MINIAV_SUCCESS) {
      const MiniAVPropertyValue limit = {.type = MINIAV_PROPERTY_TYPE_NUMBER,
                                         .value.number = 10 + round % 100};
      take(screen, round % 7, held);
      MiniAV_Screen_SetProperty(screen, MINIAV_PROPERTY_FRAME_RATE_LIMIT, &limit);
      take(screen, round % 5, held);
      if (round % 4 != 0) {
        MiniAV_Screen_StopCapture(screen);
      }
    }
    MiniAV_Screen_DestroyContext(screen);
    for (int i = 0; i < HELD; i++) {
      release(&held[i]); /* still ours */
    }
  }
  atomic_fetch_sub(&threads_left, 1);
}

int main(int count, char **values) {
  if (count < 3) {
    return 2;
  }
  end_us = clock_now_us() + (int64_t)(atof(values[1]) * 1e6);
  atomic_store(&threads_left, count - 2);
  for (int i = 2; i < count; i++) {
    if (!thread_start("stress", run, values[i])) {
      return 1;
    }
  }
  while (atomic_load(&threads_left) > 0) {
    clock_sleep_until_us(clock_now_us() + 10000);
  }
  printf("{\"pictures\":%d,\"failures\":%d}\n", atomic_load(&pictures), atomic_load(&failures));
  return atomic_load(&pictures) > 0 && atomic_load(&failures) == 0 ? 0 : 1;
}
