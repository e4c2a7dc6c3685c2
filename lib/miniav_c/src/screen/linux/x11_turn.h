/*
 * Whose turn it is with a connection: the capture's own thread, or a consumer that waits for a
 * frame and has nothing else to do. Waking a second thread costs about as much as all else of a
 * frame, so such a consumer takes the next picture itself while the thread sleeps on.
 *
 * Invariants
 * - Exactly one has the turn: the thread, or from a x11_turn_take that succeeds until
 *   x11_turn_return that one guest. Whoever has it may use the connection and what else belongs to
 *   the thread.
 * - The thread offers its turn only in x11_turn_sleep, before a tick whose time is known: a guest
 *   always knows what is to be done, and when.
 * - The sleeping thread waits for a timer, which a guest sets without waking it: to the tick after
 *   its own when it takes the turn, and to another time when it returns it only if that one is
 *   wrong by then. So a tick is never missed when no guest comes again, and each costs one setting.
 * - A timer that fires while a guest has the turn means nothing: the thread sleeps on until the
 *   guest has set it again.
 * - x11_interrupt ends the waits of both. The thread goes on when the guest has returned.
 */
#ifndef MINIAV_SCREEN_X11_TURN_H
#define MINIAV_SCREEN_X11_TURN_H

#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/thread.h"

struct x11_turn {
  struct mutex lock; /* guards all below but timer_fd */
  struct condition returned;
  int timer_fd;
  bool offered; /* the thread is inside x11_turn_sleep */
  bool taken;
  int64_t due_us;  /* the tick */
  int64_t then_us; /* and the one after it */
  int64_t set_us;  /* what the timer is set to; 0: to nothing, or it fired and the thread knows */
};

/* False: no descriptor is left. */
bool x11_turn_init(struct x11_turn *turn);
void x11_turn_destroy(struct x11_turn *turn);

/* The thread's: sleeps until a tick, or until the one that a guest set later; then_us is the tick
 * after it. SUCCESS; USER_CANCELLED: interrupted. */
MiniAVResultCode x11_turn_sleep(struct x11_turn *turn, struct x11 *x11, int64_t due_us,
                                int64_t then_us);

/* A guest's: false when the thread is busy, or another guest is there. */
bool x11_turn_take(struct x11_turn *turn);
/* due_us: when the thread has to be there again; 0: at once. then_us: the tick after that. */
void x11_turn_return(struct x11_turn *turn, int64_t due_us, int64_t then_us);

#endif
#endif
