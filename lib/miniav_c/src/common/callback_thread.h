/*
 * The threads of the library that call users' functions: a dispatcher for each running capture with
 * a callback, the notifier, a wake thread for a waiter that has one.
 *
 * Some functions wait until such a thread is outside the user's function: stop, destroy, setting a
 * callback. Called on that very thread they must not wait; nor may they when the thread that they
 * would wait for waits, directly or over others, for the calling one: two callbacks that stop each
 * other's captures would never return.
 *
 * Invariants
 * - `waits_for` says what a callback thread waits for now; all of them are guarded by one lock,
 *   under which nothing else is taken. There is never a circle: whoever would close it is refused.
 * - A record lives as long as anybody waits for it: the waiting call has a reference of its owner.
 */
#ifndef MINIAV_COMMON_CALLBACK_THREAD_H
#define MINIAV_COMMON_CALLBACK_THREAD_H

#include <stdbool.h>

struct callback_thread {
  struct callback_thread *waits_for;
};

/* First and last line of such a thread. */
void callback_thread_begin(struct callback_thread *self);
void callback_thread_end(void);

/* Is this thread that one; is it any? */
bool callback_thread_is(const struct callback_thread *thread);
bool callback_thread_is_any(void);

/* True: the caller may wait for `thread` to leave its callback, and says callback_wait_end when it
 * has. False: it is that thread, or one that it waits for; nothing is to be ended. */
bool callback_wait_begin(struct callback_thread *thread);
void callback_wait_end(void);

#endif
