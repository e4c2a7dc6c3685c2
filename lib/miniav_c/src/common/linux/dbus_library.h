/* libdbus-1, opened at run time and typed from its own headers. */
#ifndef MINIAV_COMMON_DBUS_LIBRARY_H
#define MINIAV_COMMON_DBUS_LIBRARY_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_DBUS)

#include <dbus/dbus.h>

struct dbus_functions {
  __typeof__(&dbus_threads_init_default) threads_init_default;
  __typeof__(&dbus_error_init) error_init;
  __typeof__(&dbus_error_free) error_free;
  __typeof__(&dbus_connection_open_private) connection_open_private;
  __typeof__(&dbus_connection_close) connection_close;
  __typeof__(&dbus_connection_unref) connection_unref;
  __typeof__(&dbus_connection_set_exit_on_disconnect) connection_set_exit_on_disconnect;
  __typeof__(&dbus_connection_get_unix_fd) connection_get_unix_fd;
  __typeof__(&dbus_connection_read_write) connection_read_write;
  __typeof__(&dbus_connection_pop_message) connection_pop_message;
  __typeof__(&dbus_connection_send) connection_send;
  __typeof__(&dbus_connection_has_messages_to_send) connection_has_messages_to_send;
  __typeof__(&dbus_connection_get_is_connected) connection_get_is_connected;
  __typeof__(&dbus_message_new_method_call) message_new_method_call;
  __typeof__(&dbus_message_unref) message_unref;
  __typeof__(&dbus_message_get_type) message_get_type;
  __typeof__(&dbus_message_get_reply_serial) message_get_reply_serial;
  __typeof__(&dbus_message_get_path) message_get_path;
  __typeof__(&dbus_message_get_sender) message_get_sender;
  __typeof__(&dbus_message_get_error_name) message_get_error_name;
  __typeof__(&dbus_message_is_signal) message_is_signal;
  __typeof__(&dbus_message_iter_init) iter_init;
  __typeof__(&dbus_message_iter_init_append) iter_init_append;
  __typeof__(&dbus_message_iter_append_basic) iter_append_basic;
  __typeof__(&dbus_message_iter_open_container) iter_open_container;
  __typeof__(&dbus_message_iter_close_container) iter_close_container;
  __typeof__(&dbus_message_iter_get_arg_type) iter_get_arg_type;
  __typeof__(&dbus_message_iter_get_basic) iter_get_basic;
  __typeof__(&dbus_message_iter_recurse) iter_recurse;
  __typeof__(&dbus_message_iter_next) iter_next;
};

extern struct dbus_functions dbus;

/* Loads it. NOT_SUPPORTED; the log says what is missing. Any thread. */
MiniAVResultCode dbus_load(void);

#endif
#endif
