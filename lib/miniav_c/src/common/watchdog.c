/* One thread that looks a few times a second whether running captures still get something. The
 * list's lock comes before a capture's; adding and removing happen without the capture's. */
#include "common/capture_internal.h"
#include "common/clock.h"
#include "common/handles.h"

#define PERIOD_MS 200u
#define LINGER_MS 1000u

static struct mutex list_mutex = MUTEX_INITIALIZER;
static struct condition list_changed;
static bool prepared;
static bool thread_runs;
static bool stopping;
static struct capture *watched[HANDLE_MAX_CONTEXTS];
static uint32_t watched_count;

static void watchdog_main(void *argument) {
  (void)argument;
  mutex_lock(&list_mutex);
  bool lingered = false;
  while (!stopping && !lingered) {
    bool idle = watched_count == 0;
    bool woken = condition_wait_until(&list_changed, &list_mutex,
                                      clock_deadline_us(idle ? LINGER_MS : PERIOD_MS));
    lingered = idle && !woken && watched_count == 0;
    int64_t now_us = clock_now_us();
    for (uint32_t i = 0; i < watched_count; i++) {
      capture_check_stall(watched[i], now_us);
    }
  }
  thread_runs = false;
  condition_broadcast(&list_changed);
  mutex_unlock(&list_mutex);
}

void watchdog_add(struct capture *capture) {
  mutex_lock(&list_mutex);
  if (!prepared) {
    condition_init(&list_changed);
    prepared = true;
  }
  if (watched_count < HANDLE_MAX_CONTEXTS && !stopping) {
    watched[watched_count++] = capture;
    /* Without a thread nobody is told of stalls; the capture itself is none the worse. */
    thread_runs = thread_runs || thread_start("miniav-watchdog", watchdog_main, NULL);
  }
  mutex_unlock(&list_mutex);
}

void watchdog_remove(struct capture *capture) {
  mutex_lock(&list_mutex);
  for (uint32_t i = 0; i < watched_count; i++) {
    if (watched[i] == capture) {
      watched[i] = watched[--watched_count];
      break;
    }
  }
  mutex_unlock(&list_mutex);
}

void watchdog_stop(void) {
  mutex_lock(&list_mutex);
  stopping = true;
  if (prepared) {
    condition_broadcast(&list_changed);
  }
  while (thread_runs) {
    condition_wait(&list_changed, &list_mutex);
  }
  mutex_unlock(&list_mutex);
}
