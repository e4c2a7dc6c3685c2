#include "common/linux/portal_bus.h"

#if defined(MINIAV_HAVE_DBUS)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/lists.h"
#include "common/platform.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define LOOK_MS  50 /* how long a cancel may stay unseen */

/* -- messages --------------------------------------------------------------------------------- */

static DBusMessage *bus_message(const char *method) {
  return dbus.message_new_method_call(BUS_NAME, BUS_PATH, BUS_NAME, method);
}

DBusMessage *portal_message(const char *interface, const char *method) {
  return dbus.message_new_method_call(PORTAL_NAME, PORTAL_PATH, interface, method);
}

static void append_text(DBusMessage *message, const char *text) {
  DBusMessageIter iter;
  dbus.iter_init_append(message, &iter);
  dbus.iter_append_basic(&iter, DBUS_TYPE_STRING, &text);
}

void portal_options_begin(DBusMessage *message, DBusMessageIter *arguments,
                          DBusMessageIter *options) {
  dbus.iter_init_append(message, arguments);
  dbus.iter_open_container(arguments, DBUS_TYPE_ARRAY, "{sv}", options);
}

void portal_options_end(DBusMessageIter *arguments, DBusMessageIter *options) {
  dbus.iter_close_container(arguments, options);
}

static void option(DBusMessageIter *options, const char *key, int type, const char *signature,
                   const void *value) {
  DBusMessageIter entry;
  DBusMessageIter variant;
  dbus.iter_open_container(options, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
  dbus.iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
  dbus.iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
  dbus.iter_append_basic(&variant, type, value);
  dbus.iter_close_container(&entry, &variant);
  dbus.iter_close_container(options, &entry);
}

void portal_option_text(DBusMessageIter *options, const char *key, const char *text) {
  option(options, key, DBUS_TYPE_STRING, "s", &text);
}

void portal_option_number(DBusMessageIter *options, const char *key, uint32_t number) {
  option(options, key, DBUS_TYPE_UINT32, "u", &number);
}

void portal_option_bool(DBusMessageIter *options, const char *key, bool value) {
  dbus_bool_t truth = value;
  option(options, key, DBUS_TYPE_BOOLEAN, "b", &truth);
}

bool portal_options_read(const DBusMessageIter *options,
                         void (*found)(void *user, const char *key, DBusMessageIter *value),
                         void *user) {
  DBusMessageIter array = *options;
  DBusMessageIter entry;
  if (dbus.iter_get_arg_type(&array) != DBUS_TYPE_ARRAY) {
    return false;
  }
  dbus.iter_recurse(&array, &entry);
  for (; dbus.iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY; dbus.iter_next(&entry)) {
    DBusMessageIter member;
    DBusMessageIter value;
    const char *key = NULL;
    dbus.iter_recurse(&entry, &member);
    if (dbus.iter_get_arg_type(&member) != DBUS_TYPE_STRING) {
      return false;
    }
    dbus.iter_get_basic(&member, &key);
    if (!dbus.iter_next(&member) || dbus.iter_get_arg_type(&member) != DBUS_TYPE_VARIANT) {
      return false;
    }
    dbus.iter_recurse(&member, &value);
    found(user, key, &value);
  }
  return true;
}

bool portal_read_number(DBusMessageIter *value, uint32_t *number) {
  if (dbus.iter_get_arg_type(value) != DBUS_TYPE_UINT32) {
    return false;
  }
  dbus.iter_get_basic(value, number);
  return true;
}

bool portal_read_text(DBusMessageIter *value, char text[MINIAV_TEXT_BYTES]) {
  const char *read = NULL;
  if (dbus.iter_get_arg_type(value) != DBUS_TYPE_STRING) {
    return false;
  }
  dbus.iter_get_basic(value, &read);
  text_copy(text, MINIAV_TEXT_BYTES, read);
  return true;
}

/* D-Bus specification, "Valid Object Paths". libdbus ends the process that sends another one. */
static bool is_object_path(const char *path) {
  if (path[0] != '/' || strlen(path) >= MINIAV_TEXT_BYTES) {
    return false;
  }
  for (const char *at = path; *at != 0; at++) {
    bool is_name = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                   (*at >= '0' && *at <= '9') || *at == '_';
    bool ends_element = at[1] == '/' || at[1] == 0;
    if (!is_name && (*at != '/' || ends_element)) {
      return false;
    }
  }
  return true;
}

bool portal_read_path(DBusMessageIter *value, char path[MINIAV_TEXT_BYTES]) {
  const char *read = NULL;
  int type = dbus.iter_get_arg_type(value);
  if (type != DBUS_TYPE_STRING && type != DBUS_TYPE_OBJECT_PATH) {
    return false;
  }
  dbus.iter_get_basic(value, &read);
  if (!is_object_path(read)) {
    return false;
  }
  text_copy(path, MINIAV_TEXT_BYTES, read);
  return true;
}

/* -- waiting ---------------------------------------------------------------------------------- */

void portal_note(struct portal *portal, DBusMessage *message) {
  const char *sender = dbus.message_get_sender(message);
  const char *path = dbus.message_get_path(message);
  bool is_portal = sender != NULL && strcmp(sender, portal->owner) == 0 && path != NULL;
  if (is_portal && portal->response == NULL && portal->request_path[0] != 0 &&
      strcmp(path, portal->request_path) == 0 &&
      dbus.message_is_signal(message, "org.freedesktop.portal.Request", "Response")) {
    portal->response = message;
    return;
  }
  if (is_portal && portal->session_path[0] != 0 && strcmp(path, portal->session_path) == 0 &&
      dbus.message_is_signal(message, "org.freedesktop.portal.Session", "Closed")) {
    portal->session_closed = true;
  }
  /* Only this name's changes are subscribed to. */
  if (sender != NULL && strcmp(sender, BUS_NAME) == 0 &&
      dbus.message_is_signal(message, BUS_NAME, "NameOwnerChanged")) {
    portal->owner_gone = true;
  }
  dbus.message_unref(message);
}

/* The next message, the caller's to unref. */
static MiniAVResultCode next_message(struct portal *portal, int64_t deadline_us,
                                     struct cancel *cancel, DBusMessage **message) {
  for (;;) {
    *message = dbus.connection_pop_message(portal->connection);
    if (*message != NULL) {
      return MINIAV_SUCCESS;
    }
    if (!dbus.connection_get_is_connected(portal->connection)) {
      cancel_explain(cancel, "the session bus ended the connection");
      return MINIAV_ERROR_PORTAL_FAILED;
    }
    if (cancel_requested(cancel)) {
      return MINIAV_ERROR_USER_CANCELLED;
    }
    if (clock_now_us() >= deadline_us) {
      return MINIAV_ERROR_TIMEOUT;
    }
    dbus.connection_read_write(portal->connection, LOOK_MS);
  }
}

static MiniAVResultCode code_of_error(const char *name) {
  static const struct {
    const char *name;
    MiniAVResultCode code;
  } known[] = {
      {DBUS_ERROR_SERVICE_UNKNOWN, MINIAV_ERROR_NOT_SUPPORTED},
      {DBUS_ERROR_NAME_HAS_NO_OWNER, MINIAV_ERROR_NOT_SUPPORTED},
      {DBUS_ERROR_UNKNOWN_METHOD, MINIAV_ERROR_NOT_SUPPORTED},
      {DBUS_ERROR_UNKNOWN_INTERFACE, MINIAV_ERROR_NOT_SUPPORTED},
      {DBUS_ERROR_UNKNOWN_OBJECT, MINIAV_ERROR_NOT_SUPPORTED},
      {DBUS_ERROR_UNKNOWN_PROPERTY, MINIAV_ERROR_NOT_SUPPORTED},
      /* What GDBus answers for a property of an interface that the object does not have. */
      {DBUS_ERROR_INVALID_ARGS, MINIAV_ERROR_NOT_SUPPORTED},
      {DBUS_ERROR_ACCESS_DENIED, MINIAV_ERROR_PERMISSION_DENIED},
      {"org.freedesktop.portal.Error.NotAllowed", MINIAV_ERROR_PERMISSION_DENIED},
      {"org.freedesktop.portal.Error.InvalidArgument", MINIAV_ERROR_NOT_SUPPORTED},
      {"org.freedesktop.portal.Error.NotFound", MINIAV_ERROR_DEVICE_NOT_FOUND},
      {"org.freedesktop.portal.Error.Cancelled", MINIAV_ERROR_USER_CANCELLED},
      {DBUS_ERROR_NO_REPLY, MINIAV_ERROR_TIMEOUT},
      {DBUS_ERROR_TIMED_OUT, MINIAV_ERROR_TIMEOUT},
  };
  for (uint32_t i = 0; name != NULL && i < sizeof known / sizeof *known; i++) {
    if (strcmp(name, known[i].name) == 0) {
      return known[i].code;
    }
  }
  return MINIAV_ERROR_PORTAL_FAILED;
}

static MiniAVResultCode explain_error(DBusMessage *error, struct cancel *cancel) {
  const char *name = dbus.message_get_error_name(error);
  char text[MINIAV_TEXT_BYTES] = "";
  DBusMessageIter iter;
  if (dbus.iter_init(error, &iter)) {
    portal_read_text(&iter, text);
  }
  cancel_explain(cancel, "the desktop portal: %.120s (%.80s)", text, name != NULL ? name : "");
  return code_of_error(name);
}

MiniAVResultCode portal_call(struct portal *portal, DBusMessage *call, uint32_t timeout_ms,
                             struct cancel *cancel, DBusMessage **reply) {
  dbus_uint32_t serial = 0;
  *reply = NULL;
  bool sent = call != NULL && dbus.connection_send(portal->connection, call, &serial);
  if (call != NULL) {
    dbus.message_unref(call);
  }
  if (!sent) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  for (;;) {
    DBusMessage *message;
    MiniAVResultCode result = next_message(portal, deadline_us, cancel, &message);
    if (result != MINIAV_SUCCESS) {
      if (result == MINIAV_ERROR_TIMEOUT) {
        cancel_explain(cancel, "no answer from the desktop portal in %u ms", timeout_ms);
      }
      return result;
    }
    int type = dbus.message_get_type(message);
    bool is_answer = type == DBUS_MESSAGE_TYPE_METHOD_RETURN || type == DBUS_MESSAGE_TYPE_ERROR;
    if (!is_answer || dbus.message_get_reply_serial(message) != serial) {
      portal_note(portal, message);
    } else if (type == DBUS_MESSAGE_TYPE_ERROR) {
      result = explain_error(message, cancel);
      dbus.message_unref(message);
      return result;
    } else {
      *reply = message;
      return MINIAV_SUCCESS;
    }
  }
}

static int reply_fd(DBusMessage *reply) {
  DBusMessageIter iter;
  int fd = -1;
  if (dbus.iter_init(reply, &iter) && dbus.iter_get_arg_type(&iter) == DBUS_TYPE_UNIX_FD) {
    dbus.iter_get_basic(&iter, &fd); /* a copy, close-on-exec */
  }
  return fd;
}

MiniAVResultCode portal_call_remote(struct portal *portal, DBusMessage *call, int *fd,
                                    struct cancel *cancel) {
  DBusMessage *reply;
  *fd = -1;
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  *fd = reply_fd(reply);
  dbus.message_unref(reply);
  if (*fd < 0) {
    cancel_explain(cancel, "the desktop portal gave no connection to PipeWire");
    return MINIAV_ERROR_PORTAL_FAILED;
  }
  return MINIAV_SUCCESS;
}

/* -- requests --------------------------------------------------------------------------------- */

void portal_request_begin(struct portal *portal, DBusMessageIter *options) {
  char token[32];
  snprintf(token, sizeof token, "miniav%u", ++portal->tokens);
  snprintf(portal->request_path, sizeof portal->request_path, "%s/request/%s/%s", PORTAL_PATH,
           portal->own_name, token);
  portal_option_text(options, "handle_token", token);
}

/* Takes the dialog away; nobody waits for the answer. */
static void close_request(struct portal *portal) {
  DBusMessage *call = dbus.message_new_method_call(PORTAL_NAME, portal->request_path,
                                                   "org.freedesktop.portal.Request", "Close");
  if (call != NULL) {
    dbus.connection_send(portal->connection, call, NULL);
    dbus.connection_read_write(portal->connection, 0);
    dbus.message_unref(call);
  }
}

static MiniAVResultCode wait_response(struct portal *portal, uint32_t timeout_ms,
                                      struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  while (portal->response == NULL) {
    DBusMessage *message;
    if (portal->owner_gone) {
      cancel_explain(cancel, "the desktop portal ended");
      return MINIAV_ERROR_PORTAL_FAILED;
    }
    if (portal->session_closed) { /* nobody answers any more */
      cancel_explain(cancel, "the session was closed on the desktop");
      return MINIAV_ERROR_PORTAL_FAILED;
    }
    MiniAVResultCode result = next_message(portal, deadline_us, cancel, &message);
    if (result != MINIAV_SUCCESS) {
      if (result == MINIAV_ERROR_TIMEOUT) {
        cancel_explain(cancel, "nobody answered the desktop's dialog in %u ms", timeout_ms);
      }
      close_request(portal);
      return result;
    }
    portal_note(portal, message);
  }
  return MINIAV_SUCCESS;
}

/* Portals before 0.9 choose the path themselves. */
static void take_path(struct portal *portal, DBusMessage *reply) {
  DBusMessageIter iter;
  char path[MINIAV_TEXT_BYTES];
  if (dbus.iter_init(reply, &iter) && portal_read_path(&iter, path)) {
    memcpy(portal->request_path, path, sizeof path);
  }
}

MiniAVResultCode portal_request(struct portal *portal, DBusMessage *call, uint32_t timeout_ms,
                                struct cancel *cancel, uint32_t *code, DBusMessage **response,
                                DBusMessageIter *results) {
  DBusMessage *reply;
  *response = NULL;
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  if (result == MINIAV_SUCCESS) {
    take_path(portal, reply);
    dbus.message_unref(reply);
    result = wait_response(portal, timeout_ms, cancel);
  } else if (result == MINIAV_ERROR_USER_CANCELLED || result == MINIAV_ERROR_TIMEOUT) {
    close_request(portal); /* its answer may be on the way, and the dialog open */
  }
  *response = portal->response;
  portal->response = NULL;
  portal->request_path[0] = 0;
  if (result == MINIAV_SUCCESS &&
      (!dbus.iter_init(*response, results) || !portal_read_number(results, code) ||
       !dbus.iter_next(results) || dbus.iter_get_arg_type(results) != DBUS_TYPE_ARRAY)) {
    cancel_explain(cancel, "the desktop portal sent a Response that is none");
    result = MINIAV_ERROR_PORTAL_FAILED;
  }
  if (result != MINIAV_SUCCESS && *response != NULL) {
    dbus.message_unref(*response);
    *response = NULL;
  }
  return result;
}

MiniAVResultCode portal_number_property(struct portal *portal, const char *interface,
                                        const char *name, uint32_t *number, struct cancel *cancel) {
  DBusMessage *call = portal_message("org.freedesktop.DBus.Properties", "Get");
  DBusMessage *reply;
  if (call != NULL) {
    append_text(call, interface);
    append_text(call, name);
  }
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  DBusMessageIter iter;
  DBusMessageIter value;
  bool is_variant =
      dbus.iter_init(reply, &iter) && dbus.iter_get_arg_type(&iter) == DBUS_TYPE_VARIANT;
  if (is_variant) {
    dbus.iter_recurse(&iter, &value);
  }
  if (!is_variant || !portal_read_number(&value, number)) {
    cancel_explain(cancel, "the desktop portal's property %s is no number", name);
    result = MINIAV_ERROR_PORTAL_FAILED;
  }
  dbus.message_unref(reply);
  return result;
}

/* -- life ------------------------------------------------------------------------------------- */

static MiniAVResultCode connect_bus(struct portal *portal, struct cancel *cancel) {
  char address[512];
  char directory[256];
  if (!platform_environment("DBUS_SESSION_BUS_ADDRESS", address, sizeof address)) {
    if (!platform_environment("XDG_RUNTIME_DIR", directory, sizeof directory)) {
      cancel_explain(cancel, "there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set");
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    snprintf(address, sizeof address, "unix:path=%s/bus", directory);
  }
  if (strncmp(address, "autolaunch:", 11) == 0) { /* would start a bus that nobody else uses */
    cancel_explain(cancel, "there is no session bus: DBUS_SESSION_BUS_ADDRESS is autolaunch:");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  DBusError error;
  dbus.error_init(&error);
  portal->connection = dbus.connection_open_private(address, &error);
  if (portal->connection == NULL) {
    cancel_explain(cancel, "no session bus: %.180s", error.message);
    dbus.error_free(&error);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  dbus.connection_set_exit_on_disconnect(portal->connection, FALSE);
  return MINIAV_SUCCESS;
}

static MiniAVResultCode say_hello(struct portal *portal, struct cancel *cancel) {
  DBusMessage *reply;
  char name[MINIAV_TEXT_BYTES] = "";
  MiniAVResultCode result =
      portal_call(portal, bus_message("Hello"), PORTAL_ANSWER_MS, cancel, &reply);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  DBusMessageIter iter;
  bool is_name = dbus.iter_init(reply, &iter) && portal_read_text(&iter, name) && name[0] == ':';
  dbus.message_unref(reply);
  if (!is_name || strlen(name) > sizeof portal->own_name) {
    return MINIAV_ERROR_PORTAL_FAILED;
  }
  for (char *at = name; *at != 0; at++) {
    *at = *at == '.' ? '_' : *at;
  }
  memcpy(portal->own_name, name + 1, strlen(name));
  return MINIAV_SUCCESS;
}

/* Calls the bus itself; *name gets the answer's text, if there is one. */
static MiniAVResultCode ask_bus(struct portal *portal, const char *method, const char *text,
                                struct cancel *cancel, char name[MINIAV_TEXT_BYTES]) {
  DBusMessage *call = bus_message(method);
  DBusMessage *reply;
  if (call != NULL) {
    append_text(call, text);
  }
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  name[0] = 0;
  if (result == MINIAV_SUCCESS) {
    DBusMessageIter iter;
    if (dbus.iter_init(reply, &iter)) {
      portal_read_text(&iter, name);
    }
    dbus.message_unref(reply);
  }
  return result;
}

/* Starts it, where the bus can, and learns who it is. */
static MiniAVResultCode find_owner(struct portal *portal, struct cancel *cancel) {
  DBusMessage *call =
      dbus.message_new_method_call(PORTAL_NAME, PORTAL_PATH, "org.freedesktop.DBus.Peer", "Ping");
  DBusMessage *reply;
  char name[MINIAV_TEXT_BYTES];
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  if (result == MINIAV_ERROR_NOT_SUPPORTED) {
    cancel_explain(cancel,
                   "the session bus has no desktop portal: xdg-desktop-portal does not run");
  }
  if (result == MINIAV_SUCCESS) {
    dbus.message_unref(reply);
    result = ask_bus(portal, "GetNameOwner", PORTAL_NAME, cancel, name);
  }
  if (result == MINIAV_SUCCESS) {
    text_copy(portal->owner, sizeof portal->owner, name);
    result = ask_bus(portal, "AddMatch", "type='signal',sender='" PORTAL_NAME "'", cancel, name);
  }
  if (result == MINIAV_SUCCESS) {
    result = ask_bus(portal, "AddMatch",
                     "type='signal',sender='" BUS_NAME
                     "',member='NameOwnerChanged',arg0='" PORTAL_NAME "'",
                     cancel, name);
  }
  return result;
}

MiniAVResultCode portal_connect(struct portal *portal, struct cancel *cancel) {
  MiniAVResultCode result = connect_bus(portal, cancel);
  if (result == MINIAV_SUCCESS) {
    result = say_hello(portal, cancel);
  }
  return result == MINIAV_SUCCESS ? find_owner(portal, cancel) : result;
}

#endif
