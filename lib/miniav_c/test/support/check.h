/* The checks of the C tests. A test is a plain program: it runs CHECK... lines from any thread and
 * returns check_report("name") from main. A failed check prints where it stands and both values,
 * is counted, and lets the test go on. */
#ifndef MINIAV_TEST_SUPPORT_CHECK_H
#define MINIAV_TEST_SUPPORT_CHECK_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Weak: one count for a program of several files. */
__attribute__((weak)) _Atomic long check_passed_count;
__attribute__((weak)) _Atomic long check_failed_count;
__attribute__((weak)) _Atomic int check_reported;

/* A program that ends without a report fails all the same when a check did. */
__attribute__((weak, destructor)) void check_was_reported(void) {
  if (atomic_load(&check_failed_count) > 0 && !atomic_load(&check_reported)) {
    fprintf(stderr, "a check failed, and main returned without check_report\n");
    _Exit(1);
  }
}

/* Counts one result. The functions below return whether the check passed, so that a test can leave
 * a loop or a scenario that makes no sense after a failure: `if (!CHECK(p != NULL)) return;` */
static inline int check_count(int passed) {
  if (passed) {
    atomic_fetch_add_explicit(&check_passed_count, 1, memory_order_relaxed);
  } else {
    atomic_fetch_add_explicit(&check_failed_count, 1, memory_order_relaxed);
  }
  return passed;
}

static inline int check_true(int condition, const char *text, const char *file, int line) {
  if (!condition) {
    fprintf(stderr, "%s:%d: CHECK(%s) is false\n", file, line, text);
  }
  return check_count(condition);
}

static inline int check_equal(long long actual, long long expected, const char *actual_text,
                              const char *expected_text, const char *file, int line) {
  if (actual != expected) {
    fprintf(stderr, "%s:%d: %s is %lld, expected %s = %lld\n", file, line, actual_text, actual,
            expected_text, expected);
  }
  return check_count(actual == expected);
}

static inline int check_near(double actual, double expected, double tolerance,
                             const char *actual_text, const char *expected_text, const char *file,
                             int line) {
  double difference = actual > expected ? actual - expected : expected - actual;
  int passed = difference <= tolerance; /* false for NaN */
  if (!passed) {
    fprintf(stderr, "%s:%d: %s is %.9g, expected %s = %.9g within %.3g\n", file, line, actual_text,
            actual, expected_text, expected, tolerance);
  }
  return check_count(passed);
}

static inline int check_string(const char *actual, const char *expected, const char *actual_text,
                               const char *file, int line) {
  int passed = actual != NULL && expected != NULL && strcmp(actual, expected) == 0;
  if (!passed) {
    fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", file, line, actual_text,
            actual != NULL ? actual : "(null)", expected != NULL ? expected : "(null)");
  }
  return check_count(passed);
}

/* Prints `name: N passed, N failed`; the value is main's exit status. A test that checked nothing
 * has failed. */
static inline int check_report(const char *name) {
  long passed = atomic_load(&check_passed_count);
  long failed = atomic_load(&check_failed_count);
  atomic_store(&check_reported, 1);
  printf("%s: %ld passed, %ld failed\n", name, passed, failed);
  fflush(stdout);
  return failed > 0 || passed == 0 ? 1 : 0;
}

/* The macros exist for the text, the file and the line; everything else is in the functions. */
#define CHECK(condition) check_true((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected)                                                                 \
  check_equal((long long)(actual), (long long)(expected), #actual, #expected, __FILE__, __LINE__)
#define CHECK_NEAR(actual, expected, tolerance)                                                    \
  check_near((double)(actual), (double)(expected), (double)(tolerance), #actual, #expected,        \
             __FILE__, __LINE__)
#define CHECK_STR(actual, expected) check_string((actual), (expected), #actual, __FILE__, __LINE__)

#endif
