#if defined(__linux__)

#include "support/processes.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/threads.h"

#define STATE_MS 10000u

static int wait_closed(const int ends[2]) {
  char byte;
  return read(ends[0], &byte, 1) == 0 ? 0 : 1;
}

pid_t fork_waiting(const int ends[2]) {
  pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    _exit(wait_closed(ends));
  }
  return child;
}

static void *end_when_closed(void *user) {
  _exit(wait_closed(user));
}

/* proc(5), /proc/PID/stat: the state follows the name, which may hold brackets itself. */
static bool is_zombie(void *user) {
  char path[64];
  char text[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)*(const pid_t *)user);
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    return false;
  }
  const char *name_end = fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
  fclose(file);
  return name_end != NULL && strlen(name_end) > 2 && name_end[2] == 'Z';
}

pid_t fork_headless(const int ends[2]) {
  pid_t child = fork();
  if (child == 0) {
    static pthread_t thread;
    static int kept[2];
    memcpy(kept, ends, sizeof kept);
    close(kept[1]);
    if (pthread_create(&thread, NULL, end_when_closed, kept) != 0) {
      _exit(1);
    }
    pthread_exit(NULL);
  }
  CHECK(wait_until(is_zombie, &child, STATE_MS)); /* the kernel tells nobody */
  return child;
}

#endif
