/* A call that may hang, on a thread of its own that is left to finish by itself. */
#ifndef MINIAV_AUDIO_JOB_H
#define MINIAV_AUDIO_JOB_H

#include "common/cancel.h"

/* Runs run(argument). When it ends within the time its result is returned and the argument is the
 * caller's again. Otherwise TIMEOUT or USER_CANCELLED (the token may be NULL): the argument belongs
 * to the thread, which calls drop(argument) when run has returned. OUT_OF_MEMORY: not started. */
MiniAVResultCode job_run(MiniAVResultCode (*run)(void *argument), void (*drop)(void *argument),
                         void *argument, uint32_t timeout_ms, struct cancel *cancel);

#endif
