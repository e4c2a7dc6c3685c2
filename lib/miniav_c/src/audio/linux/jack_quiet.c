#include "audio/linux/jack_quiet.h"

#include "common/dynlib.h"

/* From jack/jack.h; its headers are not among those that the build fetches. */
static struct jack_functions {
  void (*jack_set_error_function)(void (*function)(const char *message));
  void (*jack_set_info_function)(void (*function)(const char *message));
} jack;

static const struct dynlib_symbol jack_symbols[] = {
    {"jack_set_error_function", offsetof(struct jack_functions, jack_set_error_function),
     DYNLIB_REQUIRED},
    {"jack_set_info_function", offsetof(struct jack_functions, jack_set_info_function),
     DYNLIB_REQUIRED},
};

static const char *const jack_files[] = {"libjack.so.0", NULL};
static struct dynlib jack_dynlib = DYNLIB_INITIALIZER(jack_files, jack_symbols, &jack);

static void discard(const char *message) {
  (void)message;
}

void jack_quiet(void) {
  if (dynlib_load(&jack_dynlib, NULL, 0)) {
    jack.jack_set_error_function(discard);
    jack.jack_set_info_function(discard);
  }
}
