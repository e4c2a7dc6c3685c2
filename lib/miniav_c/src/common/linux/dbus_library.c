#include "common/linux/dbus_library.h"

#include "common/dynlib.h"

#if defined(MINIAV_HAVE_DBUS)

#include "common/log.h"

struct dbus_functions dbus;

/* The one place that needs a name twice, so that none can be mistyped. */
#define SYMBOL(prefix, name)                                                                       \
  { prefix #name, offsetof(struct dbus_functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol dbus_symbols[] = {
    SYMBOL("dbus_", threads_init_default),
    SYMBOL("dbus_", error_init),
    SYMBOL("dbus_", error_free),
    SYMBOL("dbus_", connection_open_private),
    SYMBOL("dbus_", connection_close),
    SYMBOL("dbus_", connection_unref),
    SYMBOL("dbus_", connection_set_exit_on_disconnect),
    SYMBOL("dbus_", connection_get_unix_fd),
    SYMBOL("dbus_", connection_read_write),
    SYMBOL("dbus_", connection_pop_message),
    SYMBOL("dbus_", connection_send),
    SYMBOL("dbus_", connection_has_messages_to_send),
    SYMBOL("dbus_", connection_get_is_connected),
    SYMBOL("dbus_", message_new_method_call),
    SYMBOL("dbus_", message_unref),
    SYMBOL("dbus_", message_get_type),
    SYMBOL("dbus_", message_get_reply_serial),
    SYMBOL("dbus_", message_get_path),
    SYMBOL("dbus_", message_get_sender),
    SYMBOL("dbus_", message_get_error_name),
    SYMBOL("dbus_", message_is_signal),
    SYMBOL("dbus_message_", iter_init),
    SYMBOL("dbus_message_", iter_init_append),
    SYMBOL("dbus_message_", iter_append_basic),
    SYMBOL("dbus_message_", iter_open_container),
    SYMBOL("dbus_message_", iter_close_container),
    SYMBOL("dbus_message_", iter_get_arg_type),
    SYMBOL("dbus_message_", iter_get_basic),
    SYMBOL("dbus_message_", iter_recurse),
    SYMBOL("dbus_message_", iter_next),
};

static const char *const dbus_files[] = {"libdbus-1.so.3", NULL};
static struct dynlib dbus_dynlib = DYNLIB_INITIALIZER(dbus_files, dbus_symbols, &dbus);

MiniAVResultCode dbus_load(void) {
  char why[128];
  if (!dynlib_load(&dbus_dynlib, why, sizeof why)) {
    log_write(MINIAV_LOG_LEVEL_DEBUG, "dbus", "%s", why);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  /* May be called again; before the first connection (dbus-threads.c). */
  return dbus.threads_init_default() ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

#endif
