/*
 * A screen whose dialog is open, and what ends it: for tests against a portal that asks a person
 * who never answers, also under sanitizers.
 *
 *   screen_dialog ID
 *
 * Lines on its input come in pairs, each answered by a line of JSON: `start` or `start-async` opens
 * the dialog; then `stop`, `destroy`, `both` (each on a thread of its own) or `dispose` ends it.
 * Told is what each call answered, how long the ending and the start took from then on, how many
 * threads are left over, and how many descriptors there are. `quit` ends the program.
 */
#if !defined(MINIAV_HAVE_DBUS)

int main(void) {
  return 1;
}

#else

#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/clock.h"
#include "common/thread.h"
#include "miniav.h"

#define LIMIT_MS  20000
#define SETTLE_MS 5000
#define PENDING   INT32_MIN

static MiniAVScreenContextHandle screen;
static MiniAVWaiterHandle waiter;
static atomic_int start_result;
static _Atomic int64_t start_ended_us;

/* -- the start -------------------------------------------------------------------------------- */

static void run_start(void *argument) {
  (void)argument;
  MiniAVResultCode result = MiniAV_Screen_StartCapture(screen, NULL, NULL, NULL);
  atomic_store(&start_ended_us, clock_now_us());
  atomic_store(&start_result, (int)result);
}

static MiniAVResultCode start(const char *id, bool is_async) {
  const MiniAVVideoInfo any = {0};
  const MiniAVPropertyValue hidden = {.type = MINIAV_PROPERTY_TYPE_ENUM,
                                      .value.integer = MINIAV_CURSOR_MODE_HIDDEN};
  atomic_store(&start_result, PENDING);
  MiniAVResultCode result = MiniAV_Screen_CreateContext(&screen);
  if (result == MINIAV_SUCCESS) {
    result = MiniAV_Screen_SetProperty(screen, MINIAV_PROPERTY_CURSOR_MODE, &hidden);
  }
  if (result == MINIAV_SUCCESS) {
    result = MiniAV_Screen_ConfigureDisplay(screen, id, &any);
  }
  if (result != MINIAV_SUCCESS || !is_async) {
    bool runs = result == MINIAV_SUCCESS && thread_start("start", run_start, NULL);
    return runs || result != MINIAV_SUCCESS ? result : MINIAV_ERROR_OUT_OF_MEMORY;
  }
  result = waiter != NULL ? MINIAV_SUCCESS : MiniAV_CreateWaiter(&waiter);
  return result == MINIAV_SUCCESS
             ? MiniAV_Screen_StartCaptureAsync(waiter, 1, screen, NULL, NULL, NULL)
             : result;
}

/* Reads the result of an asynchronous start; the other one tells by itself. */
static void look_at_events(void) {
  MiniAVEvent event;
  while (waiter != NULL && MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    if (event.type == MINIAV_EVENT_OPERATION && event.token == 1) {
      atomic_store(&start_ended_us, clock_now_us());
      atomic_store(&start_result, (int)event.result);
    }
  }
}

/* -- its end ---------------------------------------------------------------------------------- */

static atomic_int stop_result;

static void run_stop(void *argument) {
  (void)argument;
  atomic_store(&stop_result, (int)MiniAV_Screen_StopCapture(screen));
}

static int destroy(void) {
  return (int)MiniAV_Screen_DestroyContext(screen);
}

static int end(const char *how) {
  atomic_store(&stop_result, 0);
  if (strcmp(how, "stop") == 0) {
    return (int)MiniAV_Screen_StopCapture(screen);
  }
  if (strcmp(how, "dispose") == 0) {
    return (int)MiniAV_Dispose();
  }
  if (strcmp(how, "both") == 0) {
    atomic_store(&stop_result, PENDING);
    if (!thread_start("stop", run_stop, NULL)) {
      atomic_store(&stop_result, 0);
    }
  }
  return destroy();
}

/* -- what is left ----------------------------------------------------------------------------- */

static int descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  int count = 0;
  while (folder != NULL && readdir(folder) != NULL) {
    count++;
  }
  if (folder != NULL) {
    closedir(folder);
  }
  return count;
}

/* Threads that have a name of their own, as all of the library's; a sanitizer's has not. */
static int named_threads(void) {
  char own[32] = "";
  int count = 0;
  DIR *folder = opendir("/proc/self/task");
  const struct dirent *entry;
  prctl(PR_GET_NAME, own);
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    char path[300];
    char name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%31s", name) == 1) {
      count += strcmp(name, own) != 0;
    }
    if (file != NULL) {
      fclose(file);
    }
  }
  if (folder != NULL) {
    closedir(folder);
  }
  return count;
}

/* Those on their way out have a moment. */
static int threads_left(void) {
  int64_t deadline_us = clock_deadline_us(SETTLE_MS);
  int left;
  while ((left = named_threads()) > 0 && clock_now_us() < deadline_us) {
    clock_sleep_until_us(clock_now_us() + 5000);
  }
  return left;
}

static void end_and_tell(const char *how) {
  int64_t begun_us = clock_now_us();
  int result = end(how);
  int64_t ended_us = clock_now_us();
  int64_t deadline_us = clock_deadline_us(LIMIT_MS);
  while ((atomic_load(&start_result) == PENDING || atomic_load(&stop_result) == PENDING) &&
         clock_now_us() < deadline_us) {
    look_at_events();
    clock_sleep_until_us(clock_now_us() + 1000);
  }
  if (strcmp(how, "stop") == 0) {
    destroy();
  }
  printf("{\"ended\":\"%s\",\"result\":%d,\"stop\":%d,\"ms\":%" PRId64
         ",\"start\":%d,\"startMs\":%" PRId64 ",\"threads\":%d,\"descriptors\":%d}\n",
         how, result, atomic_load(&stop_result), (ended_us - begun_us) / 1000,
         atomic_load(&start_result), (atomic_load(&start_ended_us) - begun_us) / 1000,
         threads_left(), descriptors());
}

int main(int count, char **words) {
  char line[64];
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (count > 1 && fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "start", 5) == 0) {
      printf("{\"starting\":%d}\n", (int)start(words[1], strcmp(line, "start-async") == 0));
    } else {
      end_and_tell(line);
    }
  }
  if (waiter != NULL) {
    MiniAV_DestroyWaiter(waiter);
  }
  MiniAV_Dispose();
  return 0;
}

#endif
