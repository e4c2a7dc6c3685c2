/*
 * Threads, locks and conditions over POSIX threads and Win32, nothing more.
 *
 * Conditions wait on the monotonic clock, so that a clock that is set never stretches a wait.
 * A struct mutex that is zeroed by MUTEX_INITIALIZER needs no set-up; a condition needs
 * condition_init. Neither is ever destroyed while a thread may still touch it.
 */
#ifndef MINIAV_COMMON_THREAD_H
#define MINIAV_COMMON_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
struct mutex {
  SRWLOCK native;
};
struct condition {
  CONDITION_VARIABLE native;
};
#define MUTEX_INITIALIZER                                                                          \
  { SRWLOCK_INIT }
#else
#include <pthread.h>
struct mutex {
  pthread_mutex_t native;
};
struct condition {
  pthread_cond_t native;
};
#define MUTEX_INITIALIZER                                                                          \
  { PTHREAD_MUTEX_INITIALIZER }
#endif

#define WAIT_FOREVER UINT32_MAX

void mutex_init(struct mutex *mutex);
void mutex_destroy(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

void condition_init(struct condition *condition);
void condition_destroy(struct condition *condition);
void condition_wait(struct condition *condition, struct mutex *mutex);
/* Until `deadline_us` on clock_now_us(), INT64_MAX for no limit. False when that time has come. */
bool condition_wait_until(struct condition *condition, struct mutex *mutex, int64_t deadline_us);
void condition_broadcast(struct condition *condition);

/* Starts a detached thread that runs `run(argument)`; whoever must know that it ended is told by
 * `run` itself, under a lock. name has at most 15 bytes. Pins the library in the process first. */
bool thread_start(const char *name, void (*run)(void *argument), void *argument);

/* Asks the system for the priority of a media thread; no harm when it refuses. */
void thread_raise_priority(void);

#endif
