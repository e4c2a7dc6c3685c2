/* dynlib: a table is filled completely or not at all, from any number of threads, and a failure
 * says what is missing. */
#include "common/dynlib.h"

#include <math.h>

#include "support/check.h"

#if defined(_WIN32)
static const char *const math_files[] = {"no-such-file.dll", "msvcrt.dll", NULL};
#elif defined(__APPLE__)
static const char *const math_files[] = {"no-such-file.dylib", "libSystem.dylib", NULL};
#else
/* glibc's name, and where musl keeps its mathematics. */
static const char *const math_files[] = {"no-such-file.so.9", "libm.so.6", "libc.so", NULL};
#endif
static const char *const absent_files[] = {"no-such-file.so.9", NULL};

struct math_functions {
  __typeof__(&cos) cos;
  __typeof__(&sin) sin;
  int (*no_such_function)(void);
};

static const struct dynlib_symbol good_symbols[] = {
    {"cos", offsetof(struct math_functions, cos), DYNLIB_REQUIRED},
    {"sin", offsetof(struct math_functions, sin), DYNLIB_REQUIRED},
    {"no_such_function", offsetof(struct math_functions, no_such_function), DYNLIB_OPTIONAL},
};

static const struct dynlib_symbol bad_symbols[] = {
    {"cos", offsetof(struct math_functions, cos), DYNLIB_REQUIRED},
    {"no_such_function", offsetof(struct math_functions, no_such_function), DYNLIB_REQUIRED},
};

static int placeholder(void) {
  return 7;
}

static void test_loads(void) {
  static struct math_functions functions = {NULL, NULL, placeholder};
  static struct dynlib library = DYNLIB_INITIALIZER(math_files, good_symbols, &functions);
  char why[128] = "";
  if (!CHECK(dynlib_load(&library, why, sizeof(why)))) {
    fprintf(stderr, "%s\n", why);
    return;
  }
  CHECK_NEAR(functions.cos(0.0), 1.0, 1e-12);
  CHECK_NEAR(functions.sin(0.0), 0.0, 1e-12);
  CHECK(functions.no_such_function == NULL); /* optional: told by NULL, not by what was there */
  CHECK(dynlib_load(&library, NULL, 0));
}

static void test_absent_file(void) {
  static struct math_functions functions = {NULL, NULL, placeholder};
  static struct dynlib library = DYNLIB_INITIALIZER(absent_files, good_symbols, &functions);
  char why[128] = "";
  CHECK(!dynlib_load(&library, why, sizeof(why)));
  CHECK_STR(why, "no-such-file.so.9 cannot be loaded");
  CHECK(!dynlib_load(&library, NULL, 0)); /* tried again */
  CHECK(functions.cos == NULL && functions.no_such_function == placeholder);
  char little[8];
  CHECK(!dynlib_load(&library, little, sizeof(little)));
  CHECK_STR(little, "no-such");
}

static void test_absent_symbol(void) {
  static struct math_functions functions;
  static struct dynlib library = DYNLIB_INITIALIZER(math_files, bad_symbols, &functions);
  char why[128] = "";
  CHECK(!dynlib_load(&library, why, sizeof(why)));
  CHECK(strstr(why, " has no no_such_function") != NULL);
  CHECK(functions.cos == NULL); /* not half a table */
}

#define THREADS 8

static struct math_functions shared_functions;
static struct dynlib shared_library =
    DYNLIB_INITIALIZER(math_files, good_symbols, &shared_functions);
static struct mutex finished_mutex = MUTEX_INITIALIZER;
static struct condition finished_changed;
static int finished;

static void load_and_call(void *argument) {
  (void)argument;
  for (int i = 0; i < 1000; i++) {
    if (!CHECK(dynlib_load(&shared_library, NULL, 0) && shared_functions.cos(0.0) > 0.5)) {
      break;
    }
  }
  mutex_lock(&finished_mutex);
  finished++;
  condition_broadcast(&finished_changed);
  mutex_unlock(&finished_mutex);
}

static void test_threads(void) {
  condition_init(&finished_changed);
  for (int i = 0; i < THREADS; i++) {
    CHECK(thread_start("dynlib-test", load_and_call, NULL));
  }
  mutex_lock(&finished_mutex);
  while (finished < THREADS) {
    condition_wait(&finished_changed, &finished_mutex);
  }
  mutex_unlock(&finished_mutex);
  CHECK_EQ(finished, THREADS);
}

int main(void) {
  test_loads();
  test_absent_file();
  test_absent_symbol();
  test_threads();
  return check_report("dynlib");
}
