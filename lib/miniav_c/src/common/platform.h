/* The few things of an operating system that the common code needs besides thread.h and clock.h;
 * one file each in posix/ and windows/. */
#ifndef MINIAV_COMMON_PLATFORM_H
#define MINIAV_COMMON_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed pages at an address that stays reserved for ever; NULL when memory is exhausted. */
void *pages_map(size_t bytes);
/* Gives the pages back to the system; the range stays readable and reads as zeros. */
void pages_discard(void *address, size_t bytes);
size_t pages_size(void);

/* Memory to share with another process: a sealed file that nobody can make smaller; −1 where there
 * is no such thing, or descriptors are exhausted. */
int32_t pages_shared_file(size_t bytes);
void pages_file_close(int32_t file);
/* Puts a part of such a file in the place of pages of pages_map, and takes it away again. */
bool pages_share(void *address, size_t bytes, int32_t file, size_t offset);
void pages_unshare(void *address, size_t bytes);

/* Keeps the library in the process for good, so that its threads outlive an unload (Deno unloads a
 * library when a Worker ends). Called before the first thread starts; idempotent. */
void platform_pin_library(void);

/* The value of an environment variable, copied; false when it is not set or does not fit. */
bool platform_environment(const char *name, char *value, size_t capacity);

/* A connected pair of sockets for wakes: [0] is the consumer's, [1] the library's. Non-blocking,
 * close-on-exec. False where there are none or descriptors are exhausted. */
bool wake_pair_open(int32_t ends[2]);
/* Sends one byte; never blocks, never raises a signal; a full or closed socket is ignored. */
void wake_pair_send(int32_t library_end);
void wake_pair_close(int32_t library_end);
bool wake_pair_supported(void);

#endif
