#include "common/thread.h"

#include <process.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/platform.h"

struct thread_main {
  void (*run)(void *argument);
  void *argument;
};

void mutex_init(struct mutex *mutex) {
  InitializeSRWLock(&mutex->native);
}

void mutex_destroy(struct mutex *mutex) {
  (void)mutex; /* an SRW lock holds nothing */
}

void mutex_lock(struct mutex *mutex) {
  AcquireSRWLockExclusive(&mutex->native);
}

void mutex_unlock(struct mutex *mutex) {
  ReleaseSRWLockExclusive(&mutex->native);
}

void condition_init(struct condition *condition) {
  InitializeConditionVariable(&condition->native);
}

void condition_destroy(struct condition *condition) {
  (void)condition;
}

void condition_wait(struct condition *condition, struct mutex *mutex) {
  SleepConditionVariableSRW(&condition->native, &mutex->native, INFINITE, 0);
}

bool condition_wait_until(struct condition *condition, struct mutex *mutex, int64_t deadline_us) {
  if (deadline_us == INT64_MAX) {
    condition_wait(condition, mutex);
    return true;
  }
  int64_t left_us = deadline_us - clock_now_us();
  if (left_us <= 0) {
    return false;
  }
  int64_t left_ms = (left_us + 999) / 1000;
  DWORD wait_ms = left_ms > 0x7fffffff ? 0x7fffffff : (DWORD)left_ms;
  /* The system rounds to its tick and may wake early: only the clock says that the time has come.
   */
  SleepConditionVariableSRW(&condition->native, &mutex->native, wait_ms, 0);
  return clock_now_us() < deadline_us;
}

void condition_broadcast(struct condition *condition) {
  WakeAllConditionVariable(&condition->native);
}

static unsigned __stdcall thread_entry(void *opaque) {
  struct thread_main main = *(struct thread_main *)opaque;
  free(opaque);
  main.run(main.argument);
  return 0;
}

bool thread_start(const char *name, void (*run)(void *argument), void *argument) {
  (void)name;
  platform_pin_library();
  struct thread_main *main = malloc(sizeof *main);
  if (main == NULL) {
    return false;
  }
  main->run = run;
  main->argument = argument;
  uintptr_t thread = _beginthreadex(NULL, 0, thread_entry, main, 0, NULL);
  if (thread == 0) {
    free(main);
    return false;
  }
  CloseHandle((HANDLE)thread);
  return true;
}

void thread_raise_priority(void) {
  SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL);
}
