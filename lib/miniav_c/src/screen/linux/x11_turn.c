#include "screen/linux/x11_turn.h"

#if defined(MINIAV_HAVE_XCB)

#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define NEVER   0
#define AT_ONCE 1 /* a time that has passed */

/* Locked, so that the last one to set it is the last one to say when. */
static void set_timer_locked(struct x11_turn *turn, int64_t time_us) {
  if (turn->set_us == time_us) {
    return;
  }
  turn->set_us = time_us;
  const struct itimerspec when = {
      .it_value = {(time_t)(time_us / 1000000), (long)(time_us % 1000000) * 1000}};
  timerfd_settime(turn->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

bool x11_turn_init(struct x11_turn *turn) {
  *turn = (struct x11_turn){.timer_fd = -1};
  mutex_init(&turn->lock);
  condition_init(&turn->returned);
  turn->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return turn->timer_fd >= 0;
}

void x11_turn_destroy(struct x11_turn *turn) {
  if (turn->timer_fd >= 0) {
    close(turn->timer_fd);
  }
  condition_destroy(&turn->returned);
  mutex_destroy(&turn->lock);
}

/* Until the timer, or an interrupt; may come too early. */
static void wait_for_timer(const struct x11_turn *turn, const struct x11 *x11) {
  struct pollfd wanted[2] = {{.fd = turn->timer_fd, .events = POLLIN},
                             {.fd = x11->wake_fd, .events = POLLIN}};
  poll(wanted, 2, -1);
  x11_is_woken(x11, wanted[1].revents);
}

/* Locked: whether the sleep is over, and how. A timer that fired as a guest came is not for us. */
static bool is_over_locked(struct x11_turn *turn, struct x11 *x11, MiniAVResultCode *result) {
  uint64_t expirations;
  bool interrupted = x11_is_interrupted(x11);
  turn->offered = !interrupted;
  while (interrupted && turn->taken) {
    condition_wait(&turn->returned, &turn->lock);
  }
  *result = interrupted ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS;
  if (interrupted || (!turn->taken && clock_now_us() >= turn->due_us)) {
    return true;
  }
  if (read(turn->timer_fd, &expirations, sizeof expirations) > 0) { /* else it was set anew */
    turn->set_us = NEVER;
  }
  return false;
}

MiniAVResultCode x11_turn_sleep(struct x11_turn *turn, struct x11 *x11, int64_t due_us,
                                int64_t then_us) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&turn->lock);
  turn->due_us = due_us;
  turn->then_us = then_us;
  turn->offered = true;
  set_timer_locked(turn, due_us);
  do {
    mutex_unlock(&turn->lock);
    wait_for_timer(turn, x11);
    mutex_lock(&turn->lock);
  } while (!is_over_locked(turn, x11, &result));
  turn->offered = false;
  mutex_unlock(&turn->lock);
  return result;
}

bool x11_turn_take(struct x11_turn *turn) {
  mutex_lock(&turn->lock);
  bool is_free = turn->offered && !turn->taken;
  if (is_free) {
    turn->taken = true;
    set_timer_locked(turn, turn->then_us);
  }
  mutex_unlock(&turn->lock);
  return is_free;
}

void x11_turn_return(struct x11_turn *turn, int64_t due_us, int64_t then_us) {
  mutex_lock(&turn->lock);
  turn->taken = false;
  turn->due_us = due_us;
  turn->then_us = then_us;
  set_timer_locked(turn, due_us > 0 ? due_us : AT_ONCE);
  condition_broadcast(&turn->returned);
  mutex_unlock(&turn->lock);
}

#endif
