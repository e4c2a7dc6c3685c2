/*
 * The least that a capture of an X server can cost: MIT-SHM pictures at a steady rate, and nothing
 * else. Also what changes the screen meanwhile.
 *
 *   shm_loop capture SECONDS     prints {"cpuPerUnit":MICROSECONDS,"residentBytes":N}
 *   shm_loop paint               changes something 113 times a second until it is ended
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

#define RATE     60
#define PAINTS   113 /* no multiple of RATE: else all of a run has one phase, by chance */
#define NS       1000000000LL
#define PAGE     4096u
#define SEGMENTS 4 /* as a consumer that holds a picture needs */

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * NS + now.tv_nsec;
}

static void sleep_until(long long time_ns) {
  struct timespec until = {time_ns / NS, time_ns % NS};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int capture(xcb_connection_t *connection, const xcb_screen_t *screen, int seconds) {
  size_t bytes = (size_t)screen->width_in_pixels * screen->height_in_pixels * 4;
  uint8_t *pixels[SEGMENTS];
  xcb_shm_seg_t segments[SEGMENTS];
  for (int i = 0; i < SEGMENTS; i++) {
    int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
    pixels[i] = shmat(id, NULL, 0);
    segments[i] = xcb_generate_id(connection);
    xcb_void_cookie_t attached = xcb_shm_attach_checked(connection, segments[i], (uint32_t)id, 0);
    xcb_generic_error_t *error = xcb_request_check(connection, attached);
    shmctl(id, IPC_RMID, NULL);
    if (error != NULL || pixels[i] == (void *)-1) {
      return 1;
    }
  }
  uint64_t sum = 0;
  double before_us = 0;
  long long start_ns = now_ns();
  for (int frame = 0; frame < (seconds + 1) * RATE; frame++) {
    sleep_until(start_ns + frame * NS / RATE);
    if (frame == RATE) { /* the first second maps pages */
      before_us = cpu_us();
    }
    int i = frame % SEGMENTS;
    xcb_shm_get_image_reply_t *reply = xcb_shm_get_image_reply(
        connection,
        xcb_shm_get_image(connection, screen->root, 0, 0, screen->width_in_pixels,
                          screen->height_in_pixels, ~0u, XCB_IMAGE_FORMAT_Z_PIXMAP, segments[i], 0),
        NULL);
    if (reply == NULL) {
      return 1;
    }
    free(reply);
    for (size_t at = 0; at < bytes; at += PAGE) {
      sum += pixels[i][at];
    }
  }
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"cpuPerUnit\":%.1f,\"residentBytes\":%lld,\"sum\":%llu}\n",
         (cpu_us() - before_us) / (seconds * RATE), (long long)usage.ru_maxrss * 1024,
         (unsigned long long)(sum % 1000));
  return 0;
}

static int paint(xcb_connection_t *connection, const xcb_screen_t *screen) {
  xcb_gcontext_t gc = xcb_generate_id(connection);
  xcb_create_gc(connection, gc, screen->root, 0, NULL);
  long long start_ns = now_ns();
  for (int frame = 0; !xcb_connection_has_error(connection); frame++) {
    uint32_t colour = (uint32_t)frame * 0x010203u;
    xcb_rectangle_t area = {(int16_t)(frame * 7 % 1800), (int16_t)(frame * 3 % 1000), 120, 80};
    xcb_change_gc(connection, gc, XCB_GC_FOREGROUND, &colour);
    xcb_poly_fill_rectangle(connection, screen->root, gc, 1, &area);
    xcb_flush(connection);
    sleep_until(start_ns + frame * NS / PAINTS);
  }
  return 0;
}

int main(int count, char **values) {
  xcb_connection_t *connection = xcb_connect(NULL, NULL);
  if (count < 2 || xcb_connection_has_error(connection)) {
    return 2;
  }
  const xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(connection)).data;
  bool captures = strcmp(values[1], "capture") == 0;
  return captures ? capture(connection, screen, count > 2 ? atoi(values[2]) : 5)
                  : paint(connection, screen);
}
