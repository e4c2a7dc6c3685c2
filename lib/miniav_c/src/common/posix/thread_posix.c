#define _GNU_SOURCE
#include "common/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/platform.h"

struct thread_main {
  void (*run)(void *argument);
  void *argument;
  char name[16];
};

void mutex_init(struct mutex *mutex) {
  pthread_mutex_init(&mutex->native, NULL);
}

void mutex_destroy(struct mutex *mutex) {
  pthread_mutex_destroy(&mutex->native);
}

void mutex_lock(struct mutex *mutex) {
  pthread_mutex_lock(&mutex->native);
}

void mutex_unlock(struct mutex *mutex) {
  pthread_mutex_unlock(&mutex->native);
}

void condition_init(struct condition *condition) {
#if defined(__APPLE__)
  pthread_cond_init(&condition->native, NULL);
#else
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition->native, &attributes);
  pthread_condattr_destroy(&attributes);
#endif
}

void condition_destroy(struct condition *condition) {
  pthread_cond_destroy(&condition->native);
}

void condition_wait(struct condition *condition, struct mutex *mutex) {
  pthread_cond_wait(&condition->native, &mutex->native);
}

bool condition_wait_until(struct condition *condition, struct mutex *mutex, int64_t deadline_us) {
  if (deadline_us == INT64_MAX) {
    condition_wait(condition, mutex);
    return true;
  }
#if defined(__APPLE__)
  /* macOS has no monotonic conditions, only a relative wait. */
  int64_t left_us = deadline_us - clock_now_us();
  if (left_us <= 0) {
    return false;
  }
  struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = (left_us % 1000000) * 1000};
  return pthread_cond_timedwait_relative_np(&condition->native, &mutex->native, &left) != ETIMEDOUT;
#else
  if (deadline_us < 0) {
    deadline_us = 0;
  }
  struct timespec until = {.tv_sec = deadline_us / 1000000,
                           .tv_nsec = (deadline_us % 1000000) * 1000};
  return pthread_cond_timedwait(&condition->native, &mutex->native, &until) != ETIMEDOUT;
#endif
}

void condition_broadcast(struct condition *condition) {
  pthread_cond_broadcast(&condition->native);
}

static void *thread_entry(void *opaque) {
  struct thread_main main = *(struct thread_main *)opaque;
  free(opaque);
#if defined(__APPLE__)
  pthread_setname_np(main.name);
#else
  pthread_setname_np(pthread_self(), main.name);
#endif
  main.run(main.argument);
  return NULL;
}

bool thread_start(const char *name, void (*run)(void *argument), void *argument) {
  platform_pin_library();
  struct thread_main *main = calloc(1, sizeof *main);
  if (main == NULL) {
    return false;
  }
  main->run = run;
  main->argument = argument;
  strncpy(main->name, name, sizeof main->name - 1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int failed = pthread_create(&thread, &attributes, thread_entry, main);
  pthread_attr_destroy(&attributes);
  if (failed != 0) {
    free(main);
  }
  return failed == 0;
}

void thread_raise_priority(void) {
  struct sched_param parameters = {.sched_priority = sched_get_priority_min(SCHED_FIFO) + 4};
  pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
}
