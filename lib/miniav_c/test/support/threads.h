/* Helpers of the stress tests: start many threads, let them run for a time, wait for all. */
#ifndef MINIAV_TEST_SUPPORT_THREADS_H
#define MINIAV_TEST_SUPPORT_THREADS_H

#include <stdbool.h>
#include <stdint.h>

/* True once the time of the stress is over. */
bool stress_over(void);

/* Runs body(index) on `count` threads until body returns; stress_over() turns true after `ms`
 * milliseconds. Returns when all have ended. */
void stress_run(void (*body)(uint32_t index), uint32_t count, uint32_t ms);

/* A small generator of its own for each thread; seed is never 0. */
uint32_t random_next(uint32_t *seed);

/* Waits until condition(user) holds, at most ms milliseconds; whether it holds. */
bool wait_until(bool (*condition)(void *user), void *user, uint32_t ms);

#endif
