/* Processes as /proc tells of them. Numbers are those of our own namespace. Any thread. */
#ifndef MINIAV_COMMON_PROCESS_TREE_H
#define MINIAV_COMMON_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A PID as text: a decimal number and nothing else, else 0. */
uint32_t process_number(const char *text);

/* When a process started, in ticks since boot: with the PID it names one process for ever. 0: there
 * is none; a zombie is none. */
uint64_t process_start_time(uint32_t pid);

/* Whether pid is root or descends from it. A process whose parent has ended descends from nobody.
 */
bool process_is_in_tree(uint32_t pid, uint32_t root);

struct process_name {
  uint32_t pid;
  uint64_t start_time;
};

/*
 * The processes of a tree as they come and go: a descendant stays one when its parents end, if it
 * was there at one process_tree_update before that. One thread at a time; zeroed is empty.
 */
struct process_tree {
  uint32_t root;
  struct process_name *members; /* the root too; all lived at the last update */
  uint32_t count;
  uint32_t capacity;
  uint32_t *seen; /* every PID at the last update, rising: who was there already joins no more */
  uint32_t seen_count;
};

void process_tree_init(struct process_tree *tree, uint32_t root);
void process_tree_free(struct process_tree *tree);
/* Looks for new members. Reads the list of all processes and what is new in it. */
void process_tree_update(struct process_tree *tree);
/* Whether it is a member now; asked anew. */
bool process_tree_has(struct process_tree *tree, uint32_t pid);
/* Whether the root or a descendant lived at the last update. */
bool process_tree_is_alive(const struct process_tree *tree);

/* The file name of its executable ("firefox"); false when it may not be known. */
bool process_binary(uint32_t pid, char *name, size_t capacity);

/* Whether its executable has that file name. */
bool process_is_binary(uint32_t pid, const char *name);

#endif
