/*
 * Consumers that wait in MiniAV_WaitBuffer for pictures of the default display.
 *
 *   screen_wait frames COUNT   how pictures came, and how often the capture's own thread slept
 *   screen_wait ends COUNT     ended by another thread, COUNT times each by stop and by destroy
 *   screen_wait settings       how many came in a second at each of two limits
 *   screen_wait until-lost     a line when it has begun, then what ended it
 *
 * Each prints a line of JSON. What is painted meanwhile is somebody else's business.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"
#include "miniav.h"

#define RATE 60

static MiniAVScreenContextHandle open_screen(void) {
  MiniAVScreenContextHandle screen = NULL;
  const MiniAVVideoInfo format = {.frame_rate_numerator = RATE, .frame_rate_denominator = 1};
  const MiniAVPropertyValue hidden = {.type = MINIAV_PROPERTY_TYPE_ENUM,
                                      .value.integer = MINIAV_CURSOR_MODE_HIDDEN};
  if (MiniAV_Screen_CreateContext(&screen) != MINIAV_SUCCESS ||
      MiniAV_Screen_ConfigureDisplay(screen, "", &format) != MINIAV_SUCCESS ||
      MiniAV_Screen_SetProperty(screen, MINIAV_PROPERTY_CURSOR_MODE, &hidden) != MINIAV_SUCCESS ||
      MiniAV_Screen_StartCapture(screen, NULL, NULL, NULL) != MINIAV_SUCCESS) {
    fprintf(stderr, "no screen\n");
    exit(1);
  }
  return screen;
}

/* How often a thread of this process, by its name, has gone to sleep; 0 where there is none. */
static uint64_t sleeps_of(const char *name) {
  DIR *threads = opendir("/proc/self/task");
  uint64_t sleeps = 0;
  for (const struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
    char path[300];
    char line[200];
    bool is_it = false;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
    FILE *status = fopen(path, "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
      char text[64];
      if (sscanf(line, "Name: %63s", text) == 1) {
        is_it = strcmp(text, name) == 0;
      } else if (is_it) {
        sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &sleeps);
      }
    }
    if (status != NULL) {
      fclose(status);
    }
  }
  if (threads != NULL) {
    closedir(threads);
  }
  return sleeps;
}

/* -- frames --------------------------------------------------------------------------------- */

static int run_frames(int count) {
  MiniAVScreenContextHandle screen = open_screen();
  MiniAVBuffer buffer = {.struct_size = sizeof buffer};
  int64_t first_us = 0;
  uint64_t gaps = 0; /* numbers that did not come */
  uint64_t next = 0;
  uint64_t undamaged = 0;
  uint64_t thread_sleeps = 0;
  for (int i = 0; i < count; i++) {
    if (i == 10) { /* by then the rate is steady */
      thread_sleeps = sleeps_of("miniav-x11");
    }
    if (MiniAV_WaitBuffer((MiniAVHandle)screen, 10000, &buffer) != MINIAV_SUCCESS) {
      return 1;
    }
    first_us = i == 0 ? buffer.timestamp_us : first_us;
    gaps += buffer.sequence - next;
    next = buffer.sequence + 1;
    undamaged += buffer.metadata == NULL || buffer.metadata->damage_count == 0;
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  thread_sleeps = sleeps_of("miniav-x11") - thread_sleeps;
  double seconds = (double)(buffer.timestamp_us - first_us) / 1e6;
  MiniAV_Screen_DestroyContext(screen);
  printf("{\"gaps\":%" PRIu64 ",\"undamaged\":%" PRIu64 ",\"seconds\":%.6f,"
         "\"threadSleeps\":%" PRIu64 "}\n",
         gaps, undamaged, seconds, thread_sleeps);
  return 0;
}

/* -- ends ----------------------------------------------------------------------------------- */

struct consumer {
  MiniAVScreenContextHandle screen;
  atomic_int frames;
  atomic_int result; /* what ended it; MINIAV_SUCCESS: it still waits */
};

static void consume(void *argument) {
  struct consumer *consumer = argument;
  MiniAVBuffer buffer = {.struct_size = sizeof buffer};
  MiniAVResultCode result;
  while ((result = MiniAV_WaitBuffer((MiniAVHandle)consumer->screen, UINT32_MAX, &buffer)) ==
         MINIAV_SUCCESS) {
    MiniAV_ReleaseBuffer(buffer.internal_handle);
    atomic_fetch_add(&consumer->frames, 1);
  }
  atomic_store(&consumer->result, (int)result);
}

static void begin_consumer(struct consumer *consumer) {
  consumer->screen = open_screen();
  atomic_store(&consumer->frames, 0);
  atomic_store(&consumer->result, MINIAV_SUCCESS);
  if (!thread_start("consumer", consume, consumer)) {
    exit(1);
  }
}

static void wait_for_end(struct consumer *consumer) {
  while (atomic_load(&consumer->result) == MINIAV_SUCCESS) {
    clock_sleep_until_us(clock_now_us() + 200);
  }
}

static int run_ends(int count) {
  struct consumer consumer;
  int64_t longest_us = 0;
  int told[2] = {0, 0}; /* NOT_RUNNING after a stop, INVALID_HANDLE or that after a destroy */
  for (int i = 0; i < 2 * count; i++) {
    bool stops = i % 2 == 0;
    begin_consumer(&consumer);
    while (atomic_load(&consumer.frames) < 2) {
      clock_sleep_until_us(clock_now_us() + 1000);
    }
    clock_sleep_until_us(clock_now_us() + i * 1237 % 17000); /* at any time of a tick */
    int64_t before_us = clock_now_us();
    if (stops) {
      MiniAV_Screen_StopCapture(consumer.screen);
    } else {
      MiniAV_Screen_DestroyContext(consumer.screen);
    }
    int64_t took_us = clock_now_us() - before_us;
    longest_us = took_us > longest_us ? took_us : longest_us;
    wait_for_end(&consumer);
    int result = atomic_load(&consumer.result);
    told[i % 2] += result == (int)MINIAV_ERROR_NOT_RUNNING ||
                   (!stops && result == (int)MINIAV_ERROR_INVALID_HANDLE);
    if (stops) {
      MiniAV_Screen_DestroyContext(consumer.screen);
    }
  }
  printf("{\"stopped\":%d,\"destroyed\":%d,\"longestMs\":%.1f}\n", told[0], told[1],
         (double)longest_us / 1000.0);
  return 0;
}

/* -- settings ------------------------------------------------------------------------------- */

static int frames_in_a_second(struct consumer *consumer, double limit) {
  const MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_NUMBER, .value.number = limit};
  if (MiniAV_Screen_SetProperty(consumer->screen, MINIAV_PROPERTY_FRAME_RATE_LIMIT, &value) !=
      MINIAV_SUCCESS) {
    exit(1);
  }
  int before = atomic_load(&consumer->frames);
  clock_sleep_until_us(clock_now_us() + 1000000);
  return atomic_load(&consumer->frames) - before;
}

static int run_settings(void) {
  struct consumer consumer;
  begin_consumer(&consumer);
  int slow = frames_in_a_second(&consumer, 5);
  int fast = frames_in_a_second(&consumer, 40);
  MiniAV_Screen_DestroyContext(consumer.screen);
  wait_for_end(&consumer);
  printf("{\"slow\":%d,\"fast\":%d}\n", slow, fast);
  return 0;
}

static int run_until_lost(void) {
  struct consumer consumer;
  begin_consumer(&consumer);
  while (atomic_load(&consumer.frames) < 2) {
    clock_sleep_until_us(clock_now_us() + 1000);
  }
  printf("{\"begun\":true}\n");
  fflush(stdout);
  wait_for_end(&consumer);
  MiniAV_Screen_DestroyContext(consumer.screen);
  printf("{\"ended\":\"%s\"}\n", MiniAV_GetErrorString((MiniAVResultCode)consumer.result));
  return 0;
}

int main(int count, char **values) {
  const char *mode = count > 1 ? values[1] : "";
  int number = count > 2 ? atoi(values[2]) : 0;
  int code = strcmp(mode, "frames") == 0       ? run_frames(number)
             : strcmp(mode, "ends") == 0       ? run_ends(number)
             : strcmp(mode, "settings") == 0   ? run_settings()
             : strcmp(mode, "until-lost") == 0 ? run_until_lost()
                                               : 2;
  MiniAV_Dispose();
  return code;
}
