/* The clock of every time stamp and every deadline: monotonic, in microseconds. */
#ifndef MINIAV_COMMON_CLOCK_H
#define MINIAV_COMMON_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, QueryPerformanceCounter or mach time; any thread, no system call on Linux. */
int64_t clock_now_us(void);

/* Now plus a time-out; INT64_MAX for UINT32_MAX milliseconds. */
int64_t clock_deadline_us(uint32_t timeout_ms);

/* Sleeps until that time; returns at once when it has passed. */
void clock_sleep_until_us(int64_t time_us);

#endif
