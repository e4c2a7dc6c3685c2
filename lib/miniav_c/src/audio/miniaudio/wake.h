/*
 * A wake-up that an audio thread may give: no lock, no allocation, at most one call of the system,
 * and none while one is outstanding. One thread waits.
 */
#ifndef MINIAV_AUDIO_WAKE_H
#define MINIAV_AUDIO_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
#include "common/thread.h"
#else
#include <semaphore.h>
#endif

struct wake {
  atomic_bool pending;
#if defined(_WIN32)
  HANDLE event;
#else
  sem_t semaphore;
#endif
};

bool wake_init(struct wake *wake);
void wake_destroy(struct wake *wake);

/* Any thread. */
void wake_give(struct wake *wake);

/* Until a wake is given or the time is over; false for the latter. What was written before the wake
 * was given is visible. */
bool wake_wait(struct wake *wake, uint32_t timeout_ms);

#endif
