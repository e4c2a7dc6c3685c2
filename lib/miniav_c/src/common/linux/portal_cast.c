/* The ScreenCast portal.
 * https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.ScreenCast.html */
#include "common/linux/portal_bus.h"

#if defined(MINIAV_HAVE_DBUS)

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CAST "org.freedesktop.portal.ScreenCast"

#define VERSION_WITH_CURSOR 2u
#define VERSION_WITH_TOKENS 4u

MiniAVResultCode portal_cast_ability(struct portal *portal, struct portal_cast_ability *ability,
                                     struct cancel *cancel) {
  *ability = (struct portal_cast_ability){0};
  MiniAVResultCode result =
      portal_number_property(portal, CAST, "version", &ability->version, cancel);
  if (result == MINIAV_ERROR_NOT_SUPPORTED) { /* it serves what the desktop's backends bring */
    cancel_explain(cancel, "the desktop's own backend of xdg-desktop-portal is missing "
                           "(xdg-desktop-portal-gnome, -kde, -wlr, …): nothing shows screens");
  }
  if (result == MINIAV_SUCCESS) {
    result = portal_number_property(portal, CAST, "AvailableSourceTypes", &ability->source_types,
                                    cancel);
  }
  if (result == MINIAV_SUCCESS && ability->version >= VERSION_WITH_CURSOR) {
    result = portal_number_property(portal, CAST, "AvailableCursorModes", &ability->cursor_modes,
                                    cancel);
  }
  return result;
}

/* What the person's answer means; 2 is what desktops say when they refuse by themselves. */
static MiniAVResultCode answer(uint32_t code, const char *what, struct cancel *cancel) {
  if (code == 0) {
    return MINIAV_SUCCESS;
  }
  cancel_explain(cancel,
                 code == 1 ? "%s: cancelled in the desktop's dialog" : "%s: the desktop refused",
                 what);
  return code == 1 ? MINIAV_ERROR_USER_CANCELLED : MINIAV_ERROR_PERMISSION_DENIED;
}

/* -- session ---------------------------------------------------------------------------------- */

static void found_session(void *user, const char *key, DBusMessageIter *value) {
  struct portal *portal = user;
  /* A string, not an object path, by an old mistake that the documentation keeps. */
  if (strcmp(key, "session_handle") == 0) {
    portal_read_path(value, portal->session_path);
  }
}

static MiniAVResultCode create_session(struct portal *portal, struct cancel *cancel) {
  DBusMessage *call = portal_message(CAST, "CreateSession");
  DBusMessage *response;
  DBusMessageIter arguments;
  DBusMessageIter options;
  char token[32];
  uint32_t code = 0;
  snprintf(token, sizeof token, "miniav%us", portal->tokens + 1);
  if (call != NULL) {
    portal_options_begin(call, &arguments, &options);
    portal_request_begin(portal, &options);
    portal_option_text(&options, "session_handle_token", token);
    portal_options_end(&arguments, &options);
  }
  MiniAVResultCode result =
      portal_request(portal, call, PORTAL_ANSWER_MS, cancel, &code, &response, &options);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (code == 0) {
    portal_options_read(&options, found_session, portal);
  }
  dbus.message_unref(response);
  if (code != 0 || portal->session_path[0] != '/') {
    portal->session_path[0] = 0;
    cancel_explain(cancel, "the desktop portal made no session");
    return MINIAV_ERROR_PORTAL_FAILED;
  }
  return MINIAV_SUCCESS;
}

/* -- sources ---------------------------------------------------------------------------------- */

/* Which modes of the pointer there are, for people. */
static void explain_modes(uint32_t modes, struct cancel *cancel) {
  cancel_explain(cancel, "this desktop's portal does not have that mode of the pointer, but:%s%s%s",
                 (modes & 1u) != 0 ? " hidden" : "", (modes & 2u) != 0 ? " embedded" : "",
                 (modes & 4u) != 0 ? " metadata" : "");
}

static MiniAVResultCode check_wish(const struct portal_cast_wish *wish,
                                   const struct portal_cast_ability *ability,
                                   struct cancel *cancel) {
  if ((wish->source_types & ability->source_types) == 0) {
    cancel_explain(cancel, "this desktop's portal does not show that kind of source");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  /* Before version 2 nobody can be asked how the pointer comes, and it comes hidden. */
  uint32_t cursor_modes = ability->version >= VERSION_WITH_CURSOR ? ability->cursor_modes : 1;
  if ((wish->cursor_mode & cursor_modes) == 0) {
    explain_modes(cursor_modes, cancel);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (wish->persist_mode != 0 && ability->version < VERSION_WITH_TOKENS) {
    cancel_explain(cancel, "this desktop's portal (ScreenCast version %u) keeps no consent",
                   ability->version);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

static void append_path(DBusMessage *call, const char *path) {
  DBusMessageIter iter;
  dbus.iter_init_append(call, &iter);
  dbus.iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &path);
}

static void append_sources(struct portal *portal, const struct portal_cast_wish *wish,
                           const struct portal_cast_ability *ability, DBusMessage *call) {
  DBusMessageIter arguments;
  DBusMessageIter options;
  append_path(call, portal->session_path);
  portal_options_begin(call, &arguments, &options);
  portal_request_begin(portal, &options);
  portal_option_number(&options, "types", wish->source_types & ability->source_types);
  portal_option_bool(&options, "multiple", false);
  if (ability->version >= VERSION_WITH_CURSOR) {
    portal_option_number(&options, "cursor_mode", wish->cursor_mode);
  }
  if (ability->version >= VERSION_WITH_TOKENS) {
    portal_option_number(&options, "persist_mode", wish->persist_mode);
    if (wish->restore_token != NULL && wish->restore_token[0] != 0) {
      portal_option_text(&options, "restore_token", wish->restore_token);
    }
  }
  portal_options_end(&arguments, &options);
}

static MiniAVResultCode select_sources(struct portal *portal, const struct portal_cast_wish *wish,
                                       const struct portal_cast_ability *ability,
                                       struct cancel *cancel) {
  DBusMessage *call = portal_message(CAST, "SelectSources");
  DBusMessage *response;
  DBusMessageIter results;
  uint32_t code = 0;
  if (call != NULL) {
    append_sources(portal, wish, ability, call);
  }
  MiniAVResultCode result =
      portal_request(portal, call, PORTAL_ANSWER_MS, cancel, &code, &response, &results);
  if (result == MINIAV_SUCCESS) {
    dbus.message_unref(response);
    result = answer(code, "the choice of sources", cancel);
  }
  return result;
}

/* -- start ------------------------------------------------------------------------------------ */

/* (ii) */
static void read_pair(DBusMessageIter *value, int32_t *first, int32_t *second) {
  DBusMessageIter member;
  if (dbus.iter_get_arg_type(value) != DBUS_TYPE_STRUCT) {
    return;
  }
  dbus.iter_recurse(value, &member);
  int32_t *const numbers[] = {first, second};
  for (uint32_t i = 0; i < 2 && dbus.iter_get_arg_type(&member) == DBUS_TYPE_INT32; i++) {
    dbus.iter_get_basic(&member, numbers[i]);
    dbus.iter_next(&member);
  }
}

static void found_of_stream(void *user, const char *key, DBusMessageIter *value) {
  struct portal_stream *stream = user;
  if (strcmp(key, "source_type") == 0) {
    portal_read_number(value, &stream->source_type);
  } else if (strcmp(key, "position") == 0) {
    read_pair(value, &stream->rectangle.x, &stream->rectangle.y);
  } else if (strcmp(key, "size") == 0) {
    read_pair(value, &stream->rectangle.width, &stream->rectangle.height);
  } else if (strcmp(key, "pipewire-serial") == 0 &&
             dbus.iter_get_arg_type(value) == DBUS_TYPE_UINT64) {
    dbus.iter_get_basic(value, &stream->serial);
  }
}

/* a(ua{sv}) */
static void read_streams(DBusMessageIter *value, struct portal_cast *cast) {
  DBusMessageIter entry;
  if (dbus.iter_get_arg_type(value) != DBUS_TYPE_ARRAY) {
    return;
  }
  dbus.iter_recurse(value, &entry);
  for (; dbus.iter_get_arg_type(&entry) == DBUS_TYPE_STRUCT &&
         cast->stream_count < PORTAL_MAX_STREAMS;
       dbus.iter_next(&entry)) {
    struct portal_stream stream = {0};
    DBusMessageIter member;
    dbus.iter_recurse(&entry, &member);
    if (portal_read_number(&member, &stream.node_id)) {
      if (dbus.iter_next(&member)) {
        portal_options_read(&member, found_of_stream, &stream);
      }
      cast->streams[cast->stream_count++] = stream;
    }
  }
}

static void found_of_start(void *user, const char *key, DBusMessageIter *value) {
  struct portal_cast *cast = user;
  if (strcmp(key, "streams") == 0) {
    read_streams(value, cast);
  } else if (strcmp(key, "restore_token") == 0) {
    portal_read_text(value, cast->restore_token);
  }
}

static MiniAVResultCode start(struct portal *portal, uint32_t dialog_ms, struct portal_cast *cast,
                              struct cancel *cancel) {
  DBusMessage *call = portal_message(CAST, "Start");
  DBusMessage *response;
  DBusMessageIter arguments;
  DBusMessageIter options;
  uint32_t code = 0;
  if (call != NULL) {
    const char *no_window = "";
    append_path(call, portal->session_path);
    dbus.iter_init_append(call, &arguments);
    dbus.iter_append_basic(&arguments, DBUS_TYPE_STRING, &no_window);
    portal_options_begin(call, &arguments, &options);
    portal_request_begin(portal, &options);
    portal_options_end(&arguments, &options);
  }
  MiniAVResultCode result =
      portal_request(portal, call, dialog_ms, cancel, &code, &response, &options);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = answer(code, "the screen", cancel);
  if (result == MINIAV_SUCCESS) {
    portal_options_read(&options, found_of_start, cast);
    if (cast->stream_count == 0) {
      cancel_explain(cancel, "the desktop portal gave no stream");
      result = MINIAV_ERROR_PORTAL_FAILED;
    }
  }
  dbus.message_unref(response);
  return result;
}

static MiniAVResultCode open_remote(struct portal *portal, int *fd, struct cancel *cancel) {
  DBusMessage *call = portal_message(CAST, "OpenPipeWireRemote");
  DBusMessageIter arguments;
  DBusMessageIter options;
  if (call != NULL) {
    append_path(call, portal->session_path);
    portal_options_begin(call, &arguments, &options);
    portal_options_end(&arguments, &options);
  }
  return portal_call_remote(portal, call, fd, cancel);
}

MiniAVResultCode portal_cast_start(struct portal *portal, const struct portal_cast_wish *wish,
                                   struct portal_cast *cast, struct cancel *cancel) {
  struct portal_cast_ability ability;
  memset(cast, 0, sizeof *cast);
  cast->fd = -1;
  MiniAVResultCode result = portal_cast_ability(portal, &ability, cancel);
  if (result == MINIAV_SUCCESS) {
    result = check_wish(wish, &ability, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = create_session(portal, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = select_sources(portal, wish, &ability, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = start(portal, wish->dialog_ms, cast, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = open_remote(portal, &cast->fd, cancel);
  }
  if (result == MINIAV_SUCCESS && portal->session_closed) {
    cancel_explain(cancel, "the session was closed on the desktop");
    close(cast->fd);
    cast->fd = -1;
    result = MINIAV_ERROR_PORTAL_FAILED;
  }
  return result;
}

#endif
