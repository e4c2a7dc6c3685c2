#include "audio/miniaudio/wake.h"

#if defined(_WIN32)

bool wake_init(struct wake *wake) {
  atomic_init(&wake->pending, false);
  wake->event = CreateEventW(NULL, FALSE, FALSE, NULL);
  return wake->event != NULL;
}

void wake_destroy(struct wake *wake) {
  CloseHandle(wake->event);
}

static void signal_send(struct wake *wake) {
  SetEvent(wake->event);
}

static bool signal_wait(struct wake *wake, uint32_t timeout_ms) {
  return WaitForSingleObject(wake->event, timeout_ms) == WAIT_OBJECT_0;
}

#else

#include <errno.h>
#include <time.h>

bool wake_init(struct wake *wake) {
  atomic_init(&wake->pending, false);
  return sem_init(&wake->semaphore, 0, 0) == 0;
}

void wake_destroy(struct wake *wake) {
  sem_destroy(&wake->semaphore);
}

static void signal_send(struct wake *wake) {
  sem_post(&wake->semaphore); /* async-signal-safe (POSIX), so it neither locks nor allocates */
}

/* sem_timedwait has the clock that can be set; sem_clockwait is younger than glibc 2.28. When the
 * clock is set back this waits longer, for a wake that data bring anyway. */
static bool signal_wait(struct wake *wake, uint32_t timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (time_t)(timeout_ms / 1000u);
  until.tv_nsec += (long)(timeout_ms % 1000u) * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000L;
  }
  int result = 0;
  do {
    result = sem_timedwait(&wake->semaphore, &until);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

#endif

void wake_give(struct wake *wake) {
  if (!atomic_exchange_explicit(&wake->pending, true, memory_order_acq_rel)) {
    signal_send(wake);
  }
}

bool wake_wait(struct wake *wake, uint32_t timeout_ms) {
  bool woken = signal_wait(wake, timeout_ms);
  if (woken) {
    /* Cleared before the waiter looks at anything: what comes from now on wakes it again. */
    atomic_exchange_explicit(&wake->pending, false, memory_order_acq_rel);
  }
  return woken;
}
