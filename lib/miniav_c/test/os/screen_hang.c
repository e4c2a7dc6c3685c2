/*
 * How long a wait for a picture takes while the X server hangs.
 *
 *   screen_hang SERVER_PID
 *
 * Captures the default display, stops the server for three seconds, waits for pictures for a tenth
 * of a second each, and prints how long the longest wait took, in milliseconds. A child lets the
 * server go on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "miniav.h"

#define WAIT_MS  100u
#define STOP_S   3
#define BEGIN_US 500000
#define ALL_US   2500000

static MiniAVScreenContextHandle screen;

/* The longest wait until then, in microseconds. */
static int64_t longest_wait(int64_t until_us) {
  int64_t longest_us = 0;
  while (clock_now_us() < until_us) {
    MiniAVBuffer buffer;
    int64_t before_us = clock_now_us();
    if (MiniAV_WaitBuffer((MiniAVHandle)screen, WAIT_MS, &buffer) == MINIAV_SUCCESS) {
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
    int64_t waited_us = clock_now_us() - before_us;
    longest_us = waited_us > longest_us ? waited_us : longest_us;
  }
  return longest_us;
}

static pid_t stop_for_a_while(pid_t server) {
  kill(server, SIGSTOP);
  pid_t child = fork();
  if (child == 0) {
    sleep(STOP_S);
    kill(server, SIGCONT);
    _exit(0);
  }
  return child;
}

int main(int count, char **values) {
  const MiniAVVideoInfo any = {0};
  if (count < 2 || atoi(values[1]) <= 0 || MiniAV_Screen_CreateContext(&screen) != MINIAV_SUCCESS ||
      MiniAV_Screen_ConfigureDisplay(screen, NULL, &any) != MINIAV_SUCCESS ||
      MiniAV_Screen_StartCapture(screen, NULL, NULL, NULL) != MINIAV_SUCCESS) {
    return 1;
  }
  longest_wait(clock_now_us() + BEGIN_US);
  pid_t child = stop_for_a_while((pid_t)atoi(values[1]));
  int64_t longest_us = longest_wait(clock_now_us() + ALL_US);
  waitpid(child, NULL, 0);
  MiniAVBuffer buffer;
  MiniAVResultCode after = MiniAV_WaitBuffer((MiniAVHandle)screen, 20000, &buffer);
  printf("{\"longestMs\":%lld,\"after\":%d}\n", (long long)(longest_us / 1000), (int)after);
  MiniAV_Screen_DestroyContext(screen);
  return 0;
}
