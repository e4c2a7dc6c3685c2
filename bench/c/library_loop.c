/*
 * The same pictures through the library, in C: library_loop SECONDS prints as shm_loop does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "miniav.h"

#define RATE 60
#define PAGE 4096u

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static MiniAVScreenContextHandle open_screen(void) {
  MiniAVScreenContextHandle screen = 0;
  MiniAVVideoInfo format = {0};
  format.frame_rate_numerator = RATE;
  format.frame_rate_denominator = 1;
  MiniAVPropertyValue hidden = {0};
  hidden.type = MINIAV_PROPERTY_TYPE_ENUM;
  hidden.value.integer = MINIAV_CURSOR_MODE_HIDDEN;
  if (MiniAV_Screen_CreateContext(&screen) != MINIAV_SUCCESS ||
      MiniAV_Screen_ConfigureDisplay(screen, "", &format) != MINIAV_SUCCESS ||
      MiniAV_Screen_SetProperty(screen, MINIAV_PROPERTY_CURSOR_MODE, &hidden) != MINIAV_SUCCESS ||
      MiniAV_Screen_StartCapture(screen, NULL, NULL, NULL) != MINIAV_SUCCESS) {
    return 0;
  }
  return screen;
}

int main(int count, char **values) {
  int seconds = count > 1 ? atoi(values[1]) : 5;
  MiniAVScreenContextHandle screen = open_screen();
  double before_us = 0;
  uint64_t sum = 0;
  for (int frame = 0; frame < (seconds + 1) * RATE; frame++) {
    MiniAVBuffer buffer = {0};
    if (frame == RATE) {
      before_us = cpu_us();
    }
    if (MiniAV_WaitBuffer(screen, 10000, &buffer) != MINIAV_SUCCESS) {
      return 1;
    }
    const MiniAVPlane *plane = &buffer.data.video.planes[0];
    const uint8_t *pixels = plane->data_ptr;
    for (size_t at = 0; at < plane->size_bytes; at += PAGE) {
      sum += pixels[at];
    }
    MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"cpuPerUnit\":%.1f,\"residentBytes\":%lld,\"sum\":%llu}\n",
         (cpu_us() - before_us) / (seconds * RATE), (long long)usage.ru_maxrss * 1024,
         (unsigned long long)(sum % 1000));
  MiniAV_Screen_DestroyContext(screen);
  return 0;
}
