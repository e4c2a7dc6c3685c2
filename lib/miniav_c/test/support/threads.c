#include "support/threads.h"

#include <stdatomic.h>

#include "common/clock.h"
#include "common/thread.h"

static atomic_bool over;
static atomic_uint running;

struct body {
  void (*run)(uint32_t index);
  uint32_t index;
};

bool stress_over(void) {
  return atomic_load_explicit(&over, memory_order_relaxed);
}

static void body_main(void *argument) {
  struct body *body = argument;
  body->run(body->index);
  atomic_fetch_sub(&running, 1);
}

void stress_run(void (*run)(uint32_t index), uint32_t count, uint32_t ms) {
  struct body bodies[64];
  atomic_store(&over, false);
  atomic_store(&running, count);
  for (uint32_t i = 0; i < count; i++) {
    bodies[i] = (struct body){run, i};
    if (!thread_start("stress", body_main, &bodies[i])) {
      atomic_fetch_sub(&running, 1);
    }
  }
  clock_sleep_until_us(clock_now_us() + (int64_t)ms * 1000);
  atomic_store(&over, true);
  while (atomic_load(&running) > 0) {
    clock_sleep_until_us(clock_now_us() + 1000);
  }
}

uint32_t random_next(uint32_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

bool wait_until(bool (*condition)(void *user), void *user, uint32_t ms) {
  int64_t deadline_us = clock_deadline_us(ms);
  while (!condition(user)) {
    if (clock_now_us() > deadline_us) {
      return false;
    }
    clock_sleep_until_us(clock_now_us() + 1000);
  }
  return true;
}
