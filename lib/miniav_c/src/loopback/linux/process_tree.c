#include "loopback/linux/process_tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 128u /* of a tree; /proc is read without a lock, and a loop must end */

struct process_stat {
  char state;
  uint32_t parent;
  uint64_t start_time;
};

static bool read_file(uint32_t pid, const char *file, char *text, size_t capacity) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%" PRIu32 "/%s", pid, file);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  ssize_t bytes = read(fd, text, capacity - 1);
  close(fd);
  text[bytes > 0 ? bytes : 0] = 0;
  return bytes > 0;
}

/* proc(5): "pid (name) state ppid …", starttime is the 22nd; a name may hold blanks and brackets.
 */
static bool read_stat(uint32_t pid, struct process_stat *stat) {
  char text[1024];
  char *at = read_file(pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
  if (at == NULL || at[1] != ' ') {
    return false;
  }
  at += 2;
  stat->state = *at;
  stat->parent = 0;
  stat->start_time = 0;
  for (int field = 3; *at != 0 && field <= 22; field++) {
    if (field == 4) {
      stat->parent = (uint32_t)strtoul(at, NULL, 10);
    } else if (field == 22) {
      stat->start_time = strtoull(at, NULL, 10);
    }
    at += strcspn(at, " ");
    at += *at == ' ';
  }
  return true;
}

uint64_t process_start_time(uint32_t pid) {
  struct process_stat stat;
  if (pid == 0 || !read_stat(pid, &stat) || stat.state == 'Z' || stat.state == 'X') {
    return 0;
  }
  return stat.start_time;
}

bool process_is_in_tree(uint32_t pid, uint32_t root) {
  struct process_stat stat;
  for (uint32_t depth = 0; depth < DEPTH_MAX && pid != 0; depth++) {
    if (pid == root) {
      return true;
    }
    if (!read_stat(pid, &stat)) {
      return false;
    }
    pid = stat.parent;
  }
  return false;
}

bool process_binary(uint32_t pid, char *name, size_t capacity) {
  char path[64];
  char target[4096];
  snprintf(path, sizeof path, "/proc/%" PRIu32 "/exe", pid);
  ssize_t bytes = readlink(path, target, sizeof target - 1);
  if (bytes <= 0) {
    return false;
  }
  target[bytes] = 0;
  char *deleted = strstr(target, " (deleted)"); /* updated while it runs */
  if (deleted != NULL && deleted[10] == 0) {
    *deleted = 0;
  }
  const char *slash = strrchr(target, '/');
  snprintf(name, capacity, "%s", slash != NULL ? slash + 1 : target);
  return true;
}

bool process_is_binary(uint32_t pid, const char *name) {
  char binary[256];
  return name[0] != 0 && process_binary(pid, binary, sizeof binary) && strcmp(binary, name) == 0;
}
