/*
 * Log lines on their way to whoever listens; without a listener nothing is formatted or written.
 *
 * Any thread. A line takes the listeners' lock for the time of a copy, so nothing that runs per
 * frame may log: log the first of a kind, count the others.
 */
#ifndef MINIAV_COMMON_LOG_H
#define MINIAV_COMMON_LOG_H

#include <stdarg.h>

#include "miniav_types.h"

#if defined(__GNUC__)
#define LOG_FORMAT(index) __attribute__((format(printf, index, index + 1)))
#else
#define LOG_FORMAT(index)
#endif

/* source: who speaks, e.g. "audio/miniaudio"; at most 31 bytes are kept. */
void log_write(MiniAVLogLevel level, const char *source, const char *format, ...) LOG_FORMAT(3);

/* Above every level: nobody listens. */
#define LOG_LEVEL_NONE 4

struct waiter;

/* Lines of this level and above go to the waiter; LOG_LEVEL_NONE: none any more. One that is closed
 * gets none. */
void log_watch(struct waiter *waiter, int level);

#endif
