/* The Camera portal.
 * https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.Camera.html */
#include "common/linux/portal_bus.h"

#if defined(MINIAV_HAVE_DBUS)

#include <string.h>

#include "common/linux/sandbox.h"

#define CAMERA "org.freedesktop.portal.Camera"
#define STORE  "org.freedesktop.impl.portal.PermissionStore"

MiniAVResultCode portal_camera_is_present(struct portal *portal, bool *present,
                                          struct cancel *cancel) {
  DBusMessage *call = portal_message("org.freedesktop.DBus.Properties", "Get");
  DBusMessage *reply;
  if (call != NULL) {
    DBusMessageIter iter;
    const char *interface = CAMERA;
    const char *name = "IsCameraPresent";
    dbus.iter_init_append(call, &iter);
    dbus.iter_append_basic(&iter, DBUS_TYPE_STRING, &interface);
    dbus.iter_append_basic(&iter, DBUS_TYPE_STRING, &name);
  }
  *present = false;
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  DBusMessageIter iter;
  DBusMessageIter value;
  if (dbus.iter_init(reply, &iter) && dbus.iter_get_arg_type(&iter) == DBUS_TYPE_VARIANT) {
    dbus.iter_recurse(&iter, &value);
    dbus_bool_t truth = FALSE;
    if (dbus.iter_get_arg_type(&value) == DBUS_TYPE_BOOLEAN) {
      dbus.iter_get_basic(&value, &truth);
    }
    *present = truth;
  }
  dbus.message_unref(reply);
  return MINIAV_SUCCESS;
}

/* Every way in which the dialog ends without a yes is told as 1 (xdg-desktop-portal 1.16,
 * camera.c). One that is stored holds for good, and nobody is asked again; a sandbox cannot look
 * there, and takes it for such a one. */
static MiniAVResultCode explain_refusal(struct portal *portal, struct cancel *cancel) {
  MiniAVPermission stored = MINIAV_PERMISSION_UNKNOWN;
  portal_camera_permission(portal, &stored, cancel);
  if (stored == MINIAV_PERMISSION_UNDETERMINED) {
    cancel_explain(cancel, "the desktop's dialog was closed without an answer");
    return MINIAV_ERROR_USER_CANCELLED;
  }
  cancel_explain(cancel, "the camera was refused in the desktop's dialog or settings");
  return MINIAV_ERROR_PERMISSION_DENIED;
}

MiniAVResultCode portal_camera_access(struct portal *portal, uint32_t dialog_ms,
                                      struct cancel *cancel) {
  DBusMessage *call = portal_message(CAMERA, "AccessCamera");
  DBusMessage *response;
  DBusMessageIter arguments;
  DBusMessageIter options;
  uint32_t code = 0;
  if (call != NULL) {
    portal_options_begin(call, &arguments, &options);
    portal_request_begin(portal, &options);
    portal_options_end(&arguments, &options);
  }
  MiniAVResultCode result =
      portal_request(portal, call, dialog_ms, cancel, &code, &response, &options);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  dbus.message_unref(response);
  return code == 0 ? MINIAV_SUCCESS : explain_refusal(portal, cancel);
}

MiniAVResultCode portal_camera_remote(struct portal *portal, int *fd, struct cancel *cancel) {
  DBusMessage *call = portal_message(CAMERA, "OpenPipeWireRemote");
  DBusMessageIter arguments;
  DBusMessageIter options;
  if (call != NULL) {
    portal_options_begin(call, &arguments, &options);
    portal_options_end(&arguments, &options);
  }
  return portal_call_remote(portal, call, fd, cancel);
}

/* a{sas}: for each program what it may. */
static MiniAVPermission read_permission(DBusMessageIter *programs, const char *own) {
  DBusMessageIter entry;
  if (dbus.iter_get_arg_type(programs) != DBUS_TYPE_ARRAY) {
    return MINIAV_PERMISSION_UNKNOWN;
  }
  dbus.iter_recurse(programs, &entry);
  for (; dbus.iter_get_arg_type(&entry) == DBUS_TYPE_DICT_ENTRY; dbus.iter_next(&entry)) {
    DBusMessageIter member;
    DBusMessageIter word;
    char program[MINIAV_TEXT_BYTES] = "?";
    char text[MINIAV_TEXT_BYTES] = "";
    dbus.iter_recurse(&entry, &member);
    portal_read_text(&member, program);
    if (strcmp(program, own) != 0 || !dbus.iter_next(&member) ||
        dbus.iter_get_arg_type(&member) != DBUS_TYPE_ARRAY) {
      continue;
    }
    dbus.iter_recurse(&member, &word);
    portal_read_text(&word, text);
    return strcmp(text, "yes") == 0  ? MINIAV_PERMISSION_GRANTED
           : strcmp(text, "no") == 0 ? MINIAV_PERMISSION_DENIED
                                     : MINIAV_PERMISSION_UNDETERMINED;
  }
  return MINIAV_PERMISSION_UNDETERMINED;
}

MiniAVResultCode portal_camera_permission(struct portal *portal, MiniAVPermission *permission,
                                          struct cancel *cancel) {
  char own[MINIAV_TEXT_BYTES];
  *permission = MINIAV_PERMISSION_UNKNOWN;
  if (!sandbox_application(own)) {
    return MINIAV_SUCCESS;
  }
  DBusMessage *call = dbus.message_new_method_call(
      STORE, "/org/freedesktop/impl/portal/PermissionStore", STORE, "Lookup");
  DBusMessage *reply;
  if (call != NULL) {
    DBusMessageIter iter;
    const char *table = "devices";
    const char *id = "camera";
    dbus.iter_init_append(call, &iter);
    dbus.iter_append_basic(&iter, DBUS_TYPE_STRING, &table);
    dbus.iter_append_basic(&iter, DBUS_TYPE_STRING, &id);
  }
  MiniAVResultCode result = portal_call(portal, call, PORTAL_ANSWER_MS, cancel, &reply);
  if (result == MINIAV_ERROR_DEVICE_NOT_FOUND) { /* nobody was asked yet */
    *permission = MINIAV_PERMISSION_UNDETERMINED;
    return MINIAV_SUCCESS;
  }
  /* There is no store, or a sandbox without a way to it. */
  if (result == MINIAV_ERROR_NOT_SUPPORTED || result == MINIAV_ERROR_PERMISSION_DENIED) {
    return MINIAV_SUCCESS;
  }
  if (result == MINIAV_SUCCESS) {
    DBusMessageIter iter;
    if (dbus.iter_init(reply, &iter)) {
      *permission = read_permission(&iter, own);
    }
    dbus.message_unref(reply);
  }
  return result;
}

#endif
