#include "common/linux/process_tree.h"

#include <dirent.h>
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
  uint32_t threads;
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

/* proc(5): "pid (name) state ppid …", num_threads is the 20th field, starttime the 22nd; a name may
 * hold blanks and brackets. */
static bool read_stat(uint32_t pid, struct process_stat *stat) {
  char text[1024];
  char *at = read_file(pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
  if (at == NULL || at[1] != ' ') {
    return false;
  }
  at += 2;
  stat->state = *at;
  stat->parent = 0;
  stat->threads = 0;
  stat->start_time = 0;
  for (int field = 3; *at != 0 && field <= 22; field++) {
    if (field == 4) {
      stat->parent = (uint32_t)strtoul(at, NULL, 10);
    } else if (field == 20) {
      stat->threads = (uint32_t)strtoul(at, NULL, 10);
    } else if (field == 22) {
      stat->start_time = strtoull(at, NULL, 10);
    }
    at += strcspn(at, " ");
    at += *at == ' ';
  }
  return true;
}

uint32_t process_number(const char *text) {
  uint64_t number = 0;
  for (const char *at = text; *at != 0; at++) {
    if (*at < '0' || *at > '9' || number > UINT32_MAX) {
      return 0;
    }
    number = number * 10 + (uint64_t)(*at - '0');
  }
  return number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* A first thread that has ended is a zombie while the others go on: that is no end of the process.
 */
static bool has_ended(const struct process_stat *stat) {
  return stat->state == 'X' || (stat->state == 'Z' && stat->threads <= 1);
}

uint64_t process_start_time(uint32_t pid) {
  struct process_stat stat;
  return pid != 0 && read_stat(pid, &stat) && !has_ended(&stat) ? stat.start_time : 0;
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

/* -- a tree that is kept ---------------------------------------------------------------------- */

static const struct process_name *find_member(const struct process_tree *tree, uint32_t pid) {
  for (uint32_t i = 0; i < tree->count; i++) {
    if (tree->members[i].pid == pid) {
      return &tree->members[i];
    }
  }
  return NULL;
}

static void add_member(struct process_tree *tree, uint32_t pid, uint64_t start_time) {
  if (tree->count == tree->capacity) {
    uint32_t capacity = tree->capacity == 0 ? 16 : tree->capacity * 2;
    struct process_name *members = realloc(tree->members, capacity * sizeof *members);
    if (members == NULL) {
      return; /* it is looked for again by its living parents */
    }
    tree->members = members;
    tree->capacity = capacity;
  }
  tree->members[tree->count++] = (struct process_name){pid, start_time};
}

/* Adds it when it descends from a member that lives. */
static bool join(struct process_tree *tree, uint32_t pid) {
  struct process_stat stat;
  uint64_t start_time = process_start_time(pid);
  uint32_t at = pid;
  for (uint32_t depth = 0; depth < DEPTH_MAX && start_time != 0 && at != 0; depth++) {
    if (!read_stat(at, &stat)) {
      return false;
    }
    at = stat.parent;
    const struct process_name *member = find_member(tree, at);
    if (member != NULL && process_start_time(at) == member->start_time) {
      add_member(tree, pid, start_time);
      return true;
    }
  }
  return false;
}

void process_tree_init(struct process_tree *tree, uint32_t root) {
  *tree = (struct process_tree){.root = root};
  process_tree_update(tree);
}

void process_tree_free(struct process_tree *tree) {
  free(tree->members);
  free(tree->seen);
  *tree = (struct process_tree){0};
}

/* The root is waited for until it is there once. */
static void update_members(struct process_tree *tree) {
  if (tree->members == NULL) {
    uint64_t start_time = process_start_time(tree->root);
    if (start_time != 0) {
      add_member(tree, tree->root, start_time);
    }
    return;
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < tree->count; i++) {
    if (process_start_time(tree->members[i].pid) == tree->members[i].start_time) {
      tree->members[kept++] = tree->members[i];
    }
  }
  tree->count = kept;
}

static int compare_pids(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a;
  uint32_t right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

/* Every PID, rising; NULL when they cannot be listed. */
static uint32_t *list_pids(uint32_t *count) {
  uint32_t *pids = NULL;
  uint32_t capacity = 0;
  *count = 0;
  DIR *directory = opendir("/proc");
  for (struct dirent *entry = NULL; directory != NULL && (entry = readdir(directory)) != NULL;) {
    uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
    if (*count == capacity && pid != 0) {
      capacity = capacity == 0 ? 256 : capacity * 2;
      uint32_t *more = realloc(pids, capacity * sizeof *more);
      if (more == NULL) {
        break;
      }
      pids = more;
    }
    if (pid != 0) {
      pids[(*count)++] = pid;
    }
  }
  if (directory != NULL) {
    closedir(directory);
  }
  if (pids != NULL) {
    qsort(pids, *count, sizeof *pids, compare_pids);
  }
  return pids;
}

void process_tree_update(struct process_tree *tree) {
  bool began = tree->count == 0;
  update_members(tree);
  began = began && tree->count > 0; /* its children may be older than our last look */
  uint32_t count;
  uint32_t *pids = tree->count > 0 ? list_pids(&count) : NULL;
  if (pids == NULL) {
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    bool is_new = began || bsearch(&pids[i], tree->seen, tree->seen_count, sizeof *pids,
                                   compare_pids) == NULL;
    if (is_new && find_member(tree, pids[i]) == NULL) {
      join(tree, pids[i]);
    }
  }
  free(tree->seen);
  tree->seen = pids;
  tree->seen_count = count;
}

bool process_tree_has(struct process_tree *tree, uint32_t pid) {
  const struct process_name *member = find_member(tree, pid);
  if (member != NULL) {
    return process_start_time(pid) == member->start_time;
  }
  return join(tree, pid);
}

bool process_tree_is_alive(const struct process_tree *tree) {
  return tree->count > 0;
}

/* -- programs ------------------------------------------------------------------------------- */

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
