#define _GNU_SOURCE
#include "common/clock.h"

#include <errno.h>
#include <time.h>

#if defined(__APPLE__)
#include <mach/mach_time.h>
#endif

int64_t clock_now_us(void) {
#if defined(__APPLE__)
  /* AVFoundation and Core Audio stamp with mach time, so this is it too. */
  mach_timebase_info_data_t base;
  mach_timebase_info(&base);
  uint64_t ticks = mach_absolute_time();
  uint64_t whole = ticks / base.denom * base.numer;
  uint64_t rest = ticks % base.denom * base.numer / base.denom;
  return (int64_t)((whole + rest) / 1000);
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
#endif
}

void clock_sleep_until_us(int64_t time_us) {
#if defined(__APPLE__)
  int64_t left_us = time_us - clock_now_us();
  if (left_us > 0) {
    struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = (left_us % 1000000) * 1000};
    nanosleep(&left, NULL);
  }
#else
  struct timespec until = {.tv_sec = time_us / 1000000, .tv_nsec = (time_us % 1000000) * 1000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
#endif
}
