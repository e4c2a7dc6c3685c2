/* A capture that follows the default outlives a moment without one: there may be another soon. */
#ifndef MINIAV_COMMON_DEFAULT_WAIT_H
#define MINIAV_COMMON_DEFAULT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

#define DEFAULT_WAIT_US 3000000

/* All zero: it is there. */
struct default_wait {
  int64_t since_us;
};

/* Call it whenever it was looked; true while it is gone and still waited for. */
static inline bool default_wait_lasts(struct default_wait *wait, bool is_gone) {
  if (!is_gone) {
    wait->since_us = 0;
    return false;
  }
  int64_t now_us = clock_now_us();
  if (wait->since_us == 0) {
    wait->since_us = now_us;
  }
  return now_us - wait->since_us < DEFAULT_WAIT_US;
}

#endif
