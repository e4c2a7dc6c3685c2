/* What the fuzzers share: numbers out of the fuzzer's bytes, and a check that ends the program. */
#ifndef MINIAV_FUZZ_INPUT_H
#define MINIAV_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
  const uint8_t *bytes;
  size_t left;
};

/* Zeros when the input is at its end. */
static inline void input_take(struct input *input, void *out, size_t size) {
  size_t taken = size < input->left ? size : input->left;
  memset(out, 0, size);
  if (taken > 0) {
    memcpy(out, input->bytes, taken);
    input->bytes += taken;
    input->left -= taken;
  }
}

static inline uint8_t input_byte(struct input *input) {
  uint8_t byte;
  input_take(input, &byte, sizeof byte);
  return byte;
}

static inline uint32_t input_number(struct input *input) {
  uint32_t number;
  input_take(input, &number, sizeof number);
  return number;
}

static inline void must(int condition, const char *what) {
  if (!condition) {
    fprintf(stderr, "must: %s\n", what);
    abort();
  }
}

/* libFuzzer's entry points. */
int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
