#include "common/clock.h"

int64_t clock_deadline_us(uint32_t timeout_ms) {
  return timeout_ms == UINT32_MAX ? INT64_MAX : clock_now_us() + (int64_t)timeout_ms * 1000;
}
