/*
 * A token that lets one thread end what another one waits for.
 *
 * Set once, never cleared. The waiting side is a backend's operation: it polls cancel_requested,
 * sleeps in cancel_wait, or names a hook that wakes its own loop. A backend's operation ends within
 * 250 ms of the request with MINIAV_ERROR_USER_CANCELLED, having undone what it did.
 */
#ifndef MINIAV_COMMON_CANCEL_H
#define MINIAV_COMMON_CANCEL_H

#include <stdatomic.h>

#include "common/thread.h"
#include "miniav_types.h"

struct cancel {
  atomic_bool requested;
  struct mutex mutex;
  struct condition changed;
  void (*hook)(void *user);
  void *hook_user;
  char backend[32];                    /* who served; set by kinds.c */
  char explanation[MINIAV_TEXT_BYTES]; /* why it failed; written by the operation's own thread */
};

void cancel_init(struct cancel *cancel);
void cancel_destroy(struct cancel *cancel);

/* Any thread, any number of times. The hook runs on this thread, under the token's lock. */
void cancel_request(struct cancel *cancel);

/* Says for people why the operation is about to fail: "no answer from pulseaudio in 3 s". Only the
 * thread that runs the operation. It reaches the user in the event or the log. */
void cancel_explain(struct cancel *cancel, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

bool cancel_requested(struct cancel *cancel);

/* Sleeps for the time given, WAIT_FOREVER for no limit; true as soon as it is cancelled. */
bool cancel_wait(struct cancel *cancel, uint32_t timeout_ms);

/* One wait of a loop for something that a condition tells, which looks after the token in between.
 * SUCCESS: look again; USER_CANCELLED; TIMEOUT. Under the mutex; cancel may be NULL. */
MiniAVResultCode cancel_wait_step(struct cancel *cancel, struct condition *condition,
                                  struct mutex *mutex, int64_t deadline_us);

/* Names a function to call at the request (at once, if that has come); NULL takes it back, and when
 * that returns the hook runs no more. */
void cancel_set_hook(struct cancel *cancel, void (*hook)(void *user), void *user);

#endif
