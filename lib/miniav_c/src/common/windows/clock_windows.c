#include "common/clock.h"

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

int64_t clock_now_us(void) {
  LARGE_INTEGER frequency;
  LARGE_INTEGER ticks;
  QueryPerformanceFrequency(&frequency);
  QueryPerformanceCounter(&ticks);
  int64_t seconds = ticks.QuadPart / frequency.QuadPart;
  int64_t rest = ticks.QuadPart % frequency.QuadPart;
  return seconds * 1000000 + rest * 1000000 / frequency.QuadPart;
}

void clock_sleep_until_us(int64_t time_us) {
  int64_t left_us = time_us - clock_now_us();
  if (left_us > 0) {
    /* A high-resolution timer (Windows 10 1803) is not bound to the 15.6 ms tick of Sleep. */
    HANDLE timer = CreateWaitableTimerExW(NULL, NULL, 2 /* HIGH_RESOLUTION */, TIMER_ALL_ACCESS);
    LARGE_INTEGER due = {.QuadPart = -left_us * 10};
    if (timer != NULL && SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE)) {
      WaitForSingleObject(timer, INFINITE);
    } else {
      Sleep((DWORD)((left_us + 999) / 1000));
    }
    if (timer != NULL) {
      CloseHandle(timer);
    }
  }
}
