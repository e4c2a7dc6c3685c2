#ifndef MINIAV_DIVISOR_H
#define MINIAV_DIVISOR_H

#include <stdint.h>

/* The greatest one of both; of 0 and b it is b. */
static inline uint32_t common_divisor(uint32_t a, uint32_t b) {
  while (b != 0) {
    uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

#endif
