#include "audio/linux/jack_client.h"

#include <stdatomic.h>
#include <string.h>

#include "common/dynlib.h"

typedef void (*shutdown_function)(void *argument);

/* From jack/jack.h; its headers are not among those that the build fetches. */
static struct jack_functions {
  void (*jack_set_error_function)(void (*function)(const char *message));
  void (*jack_set_info_function)(void (*function)(const char *message));
  void (*jack_on_shutdown)(void *client, shutdown_function function, void *argument);
} jack;

static const struct dynlib_symbol jack_symbols[] = {
    {"jack_set_error_function", offsetof(struct jack_functions, jack_set_error_function),
     DYNLIB_REQUIRED},
    {"jack_set_info_function", offsetof(struct jack_functions, jack_set_info_function),
     DYNLIB_REQUIRED},
    {"jack_on_shutdown", offsetof(struct jack_functions, jack_on_shutdown), DYNLIB_REQUIRED},
};

static const char *const jack_files[] = {"libjack.so.0", NULL};
static struct dynlib jack_dynlib = DYNLIB_INITIALIZER(jack_files, jack_symbols, &jack);
static _Atomic(shutdown_function) tell_gone;

static void discard(const char *message) {
  (void)message;
}

void jack_quiet(void) {
  if (dynlib_load(&jack_dynlib, NULL, 0)) {
    jack.jack_set_error_function(discard);
    jack.jack_set_info_function(discard);
  }
}

static void on_shutdown(void *argument) {
  const ma_device *device = argument;
  atomic_load (&tell_gone)(device->pUserData);
}

/* Stands in for jack_on_shutdown in miniaudio's table of functions. */
static void register_shutdown(void *client, shutdown_function function, void *device) {
  (void)function;
  jack.jack_on_shutdown(client, on_shutdown, device);
}

void jack_client_prepare(ma_context *context, void (*gone)(void *user)) {
  if (!dynlib_load(&jack_dynlib, NULL, 0)) {
    return;
  }
  atomic_store(&tell_gone, gone);
  void (*stand_in)(void *, shutdown_function, void *) = register_shutdown;
  memcpy(&context->jack.jack_on_shutdown, &stand_in, sizeof(stand_in));
}

void jack_client_abandon(ma_device *device) {
  device->jack.pClient = NULL;
}
