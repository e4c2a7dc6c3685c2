/* Turns of the thread and of guests, with a connection that is none: whoever has the turn deals
 * with the tick that is due and says when the next one is; no tick is lost, the thread comes early
 * only when it is called, and two never have the turn at once. */
#if defined(MINIAV_HAVE_XCB)

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "screen/linux/x11_turn.h"
#include "support/check.h"

#define TICKS       2000
#define INTERVAL_US 500
#define GUESTS      3

static struct x11_turn turn;
static struct x11 x11;
static atomic_bool over;
static atomic_int running;
static atomic_int settings; /* interrupts that the thread has seen */
/* The turn guards these. */
static int64_t due_us;
static int ticks;
static int by_guests;
static int called; /* returns that called the thread at once */
static int early;  /* how often it was there before the tick */

static void tick(void) {
  int64_t now_us = clock_now_us();
  ticks++;
  due_us += INTERVAL_US;
  if (due_us < now_us) {
    due_us = now_us;
  }
}

static void thread_main(void *unused) {
  (void)unused;
  while (ticks < TICKS) {
    if (x11_turn_sleep(&turn, &x11, due_us, due_us + INTERVAL_US) != MINIAV_SUCCESS) {
      x11_continue(&x11);
      atomic_fetch_add(&settings, 1);
    } else if (clock_now_us() < due_us) {
      early++;
    } else if (ticks < TICKS) {
      tick();
    }
  }
  atomic_store(&over, true);
  atomic_fetch_sub(&running, 1);
}

static void guest_main(void *seed) {
  uint32_t random = (uint32_t)(uintptr_t)seed * 7919u + 1;
  while (!atomic_load(&over)) {
    random = random * 1664525u + 1013904223u;
    if (!x11_turn_take(&turn)) {
      clock_sleep_until_us(clock_now_us() + (random >> 24));
      continue;
    }
    int64_t next_us = due_us;
    while (clock_now_us() < due_us && !x11_is_interrupted(&x11)) {
      clock_sleep_until_us(due_us < clock_now_us() + 100 ? due_us : clock_now_us() + 100);
    }
    if (clock_now_us() >= due_us && ticks < TICKS) {
      tick();
      by_guests++;
      next_us = due_us;
    }
    bool calls = random >> 28 == 0;
    called += calls;
    x11_turn_return(&turn, calls ? 0 : next_us, due_us + INTERVAL_US);
  }
  atomic_fetch_sub(&running, 1);
}

static bool is_readable(void) {
  struct pollfd wanted = {.fd = x11.wake_fd, .events = POLLIN};
  return poll(&wanted, 1, 0) == 1;
}

/* The timer is the last guest's, and a return without a time wakes the thread at once. */
static void test_alone(void) {
  int64_t before_us = clock_now_us();
  CHECK_EQ(x11_turn_sleep(&turn, &x11, before_us + 20000, before_us + 30000), MINIAV_SUCCESS);
  CHECK(clock_now_us() >= before_us + 20000);
  CHECK_EQ(x11_turn_sleep(&turn, &x11, before_us, before_us + 10000), MINIAV_SUCCESS);
  CHECK(!x11_turn_take(&turn));
  x11_interrupt(&x11);
  CHECK_EQ(x11_turn_sleep(&turn, &x11, clock_now_us() + 60000000, 0), MINIAV_ERROR_USER_CANCELLED);
  CHECK(!x11_turn_take(&turn));
  CHECK(is_readable()); /* until x11_continue, for whoever else waits */
  x11_continue(&x11);
  CHECK(!is_readable());
}

/* x11_interrupt may write after the interrupt has been seen and is over: that wakes once. */
static void test_late_write(void) {
  const uint64_t one = 1;
  CHECK(write(x11.wake_fd, &one, sizeof one) > 0);
  int64_t time_us = clock_now_us() + 20000;
  CHECK_EQ(x11_turn_sleep(&turn, &x11, time_us, time_us + 10000), MINIAV_SUCCESS);
  CHECK(clock_now_us() >= time_us);
  CHECK(!is_readable());
}

static void test_together(void) {
  int interrupts = 0;
  due_us = clock_now_us();
  atomic_store(&running, 1 + GUESTS);
  CHECK(thread_start("turns", thread_main, NULL));
  for (uintptr_t i = 0; i < GUESTS; i++) {
    CHECK(thread_start("guest", guest_main, (void *)i));
  }
  while (!atomic_load(&over)) {
    if (!x11_is_interrupted(&x11)) {
      x11_interrupt(&x11);
      interrupts++;
    }
    clock_sleep_until_us(clock_now_us() + 5000);
  }
  while (atomic_load(&running) > 0) {
    clock_sleep_until_us(clock_now_us() + 1000);
  }
  CHECK_EQ(ticks, TICKS);
  CHECK(early <= called);
  CHECK(called > 0);
  CHECK(by_guests > 0);
  CHECK(atomic_load(&settings) <= interrupts);
  CHECK(atomic_load(&settings) >= interrupts - 1); /* the last one may come too late */
}

int main(void) {
  x11.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(x11_turn_init(&turn));
  test_alone();
  test_late_write();
  test_together();
  x11_turn_destroy(&turn);
  close(x11.wake_fd);
  return check_report("x11_turn_test");
}

#else
int main(void) {
  return 0;
}
#endif
