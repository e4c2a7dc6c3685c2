#include "common/linux/pulse_gate.h"

#include "common/clock.h"

#define PLACES    3u
#define LOOK_MS   20u
#define MAX_TRIES 15u
#define TRUST_US  10000000 /* how long a server that answered is believed to be there */

static struct mutex gate_mutex = MUTEX_INITIALIZER;
static struct condition gate_changed;
static bool gate_prepared;
static uint32_t inside;
static int64_t last_success_us; /* 0: never */

bool pulse_gate_enter(uint32_t timeout_ms, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  mutex_lock(&gate_mutex);
  if (!gate_prepared) {
    condition_init(&gate_changed);
    gate_prepared = true;
  }
  bool ended = false;
  while (inside == PLACES && !ended) {
    condition_wait_until(&gate_changed, &gate_mutex, clock_deadline_us(LOOK_MS));
    ended = clock_now_us() >= deadline_us || (cancel != NULL && cancel_requested(cancel));
  }
  bool entered = inside < PLACES;
  inside += entered ? 1 : 0;
  mutex_unlock(&gate_mutex);
  return entered;
}

void pulse_gate_leave(void) {
  mutex_lock(&gate_mutex);
  inside--;
  condition_broadcast(&gate_changed);
  mutex_unlock(&gate_mutex);
}

void pulse_gate_succeeded(void) {
  mutex_lock(&gate_mutex);
  last_success_us = clock_now_us();
  mutex_unlock(&gate_mutex);
}

bool pulse_gate_try_again(uint32_t tries) {
  mutex_lock(&gate_mutex);
  bool is_known = last_success_us != 0 && clock_now_us() - last_success_us < TRUST_US;
  mutex_unlock(&gate_mutex);
  bool again = is_known && tries < MAX_TRIES;
  if (again) {
    clock_sleep_until_us(clock_now_us() + LOOK_MS * 1000);
  }
  return again;
}
