/* Processes as /proc tells of them. Numbers are those of our own namespace. Any thread. */
#ifndef MINIAV_LOOPBACK_PROCESS_TREE_H
#define MINIAV_LOOPBACK_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When a process started, in ticks since boot: with the PID it names one process for ever. 0: there
 * is none; a zombie is none. */
uint64_t process_start_time(uint32_t pid);

/* Whether pid is root or descends from it. A process whose parent has ended descends from nobody.
 */
bool process_is_in_tree(uint32_t pid, uint32_t root);

/* The file name of its executable ("firefox"); false when it may not be known. */
bool process_binary(uint32_t pid, char *name, size_t capacity);

/* Whether its executable has that file name. */
bool process_is_binary(uint32_t pid, const char *name);

#endif
