/* What the portal's parts share: the connection, calls and requests on it. See portal.h. */
#ifndef MINIAV_COMMON_PORTAL_BUS_H
#define MINIAV_COMMON_PORTAL_BUS_H

#include "common/linux/portal.h"

#if defined(MINIAV_HAVE_DBUS)

#include "common/linux/dbus_library.h"
#include "common/thread.h"

#define PORTAL_NAME      "org.freedesktop.portal.Desktop"
#define PORTAL_PATH      "/org/freedesktop/portal/desktop"
#define PORTAL_ANSWER_MS 3000u /* for what shows no dialog */

struct portal {
  DBusConnection *connection;
  char own_name[64]; /* unique name as it stands in paths: "1_42" */
  char owner[64];    /* the portal's unique name */
  uint32_t tokens;

  /* The request that is under way: at most one. */
  char request_path[MINIAV_TEXT_BYTES];
  DBusMessage *response;

  char session_path[MINIAV_TEXT_BYTES];
  bool session_closed;
  bool owner_gone; /* the portal's process has ended */

  /* The watch. */
  void (*closed)(void *user, const char *why);
  void *user;
  int wake_fd; /* -1: there is none */
  struct mutex lock;
  struct condition changed;
  bool runs; /* under the lock */
  bool quit; /* under the lock */
};

/* The bus, our name on it, and the portal's. */
MiniAVResultCode portal_connect(struct portal *portal, struct cancel *cancel);
/* When it returns `closed` is called no more; fine when there is no watch. */
void portal_end_watch(struct portal *portal);
/* Reads what has come; why the session, or all of it, is over; NULL: it is not. */
const char *portal_look(struct portal *portal);

/* A call of the portal; NULL when memory is exhausted. */
DBusMessage *portal_message(const char *interface, const char *method);

/* Sends `call`, which is consumed and may be NULL (OUT_OF_MEMORY), and waits for its answer, the
 * caller's to unref. An error is explained, and told by its name: NOT_SUPPORTED, PERMISSION_DENIED,
 * USER_CANCELLED, PORTAL_FAILED; TIMEOUT. */
MiniAVResultCode portal_call(struct portal *portal, DBusMessage *call, uint32_t timeout_ms,
                             struct cancel *cancel, DBusMessage **reply);

/* An entry "handle_token" with a new token, by which the request's path is known before the call.
 */
void portal_request_begin(struct portal *portal, DBusMessageIter *options);

/* The call of a request and its Response: *code is 0 (done), 1 (the person said no) or 2 (ended
 * otherwise); *results is a{sv}, inside *response, which is the caller's to unref. */
MiniAVResultCode portal_request(struct portal *portal, DBusMessage *call, uint32_t timeout_ms,
                                struct cancel *cancel, uint32_t *code, DBusMessage **response,
                                DBusMessageIter *results);

/* Notes what is not the answer to a call; consumes the message. */
void portal_note(struct portal *portal, DBusMessage *message);

/* a{sv} of a message: appending … */
void portal_options_begin(DBusMessage *message, DBusMessageIter *arguments,
                          DBusMessageIter *options);
void portal_options_end(DBusMessageIter *arguments, DBusMessageIter *options);
void portal_option_text(DBusMessageIter *options, const char *key, const char *text);
void portal_option_number(DBusMessageIter *options, const char *key, uint32_t number);
void portal_option_bool(DBusMessageIter *options, const char *key, bool value);

/* … and reading. Calls found(user, key, value) for each entry; false: it is no a{sv}. */
bool portal_options_read(const DBusMessageIter *options,
                         void (*found)(void *user, const char *key, DBusMessageIter *value),
                         void *user);
/* A value of the type, else false; text is cut to MINIAV_TEXT_BYTES. */
bool portal_read_number(DBusMessageIter *value, uint32_t *number);
bool portal_read_text(DBusMessageIter *value, char text[MINIAV_TEXT_BYTES]);
/* The path of an object, which may come as a string; false: it is none, or longer than a text. */
bool portal_read_path(DBusMessageIter *value, char path[MINIAV_TEXT_BYTES]);

/* A property of the portal that is a number. */
MiniAVResultCode portal_number_property(struct portal *portal, const char *interface,
                                        const char *name, uint32_t *number, struct cancel *cancel);

/* Sends and frees a call that is answered by PipeWire's descriptor, which becomes the caller's; -1
 * unless SUCCESS. call NULL: OUT_OF_MEMORY. */
MiniAVResultCode portal_call_remote(struct portal *portal, DBusMessage *call, int *fd,
                                    struct cancel *cancel);

#endif
#endif
