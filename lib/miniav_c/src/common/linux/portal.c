/* A portal from its beginning to its end. */
#include "common/linux/portal_bus.h"

#if defined(MINIAV_HAVE_DBUS)

#include <stdlib.h>
#include <unistd.h>

/* Ends with the connection too, but that is noticed later. */
static void close_session(struct portal *portal) {
  DBusMessage *call = NULL;
  if (portal->session_path[0] != 0 && !portal->session_closed) {
    call = dbus.message_new_method_call(PORTAL_NAME, portal->session_path,
                                        "org.freedesktop.portal.Session", "Close");
  }
  if (call != NULL) {
    dbus.connection_send(portal->connection, call, NULL);
    dbus.connection_read_write(portal->connection, 0);
    dbus.message_unref(call);
  }
}

void portal_end_session(struct portal *portal) {
  portal_end_watch(portal);
  close_session(portal);
  portal->session_path[0] = 0;
  portal->session_closed = false;
}

bool portal_is_alive(struct portal *portal) {
  return portal_look(portal) == NULL;
}

void portal_close(struct portal *portal) {
  if (portal == NULL) {
    return;
  }
  portal_end_watch(portal);
  if (portal->connection != NULL) {
    close_session(portal);
    dbus.connection_close(portal->connection);
    dbus.connection_unref(portal->connection);
  }
  if (portal->response != NULL) {
    dbus.message_unref(portal->response);
  }
  condition_destroy(&portal->changed);
  mutex_destroy(&portal->lock);
  free(portal);
}

MiniAVResultCode portal_open(struct portal **opened, struct cancel *cancel) {
  MiniAVResultCode result = dbus_load();
  if (result != MINIAV_SUCCESS) {
    cancel_explain(cancel, "libdbus-1.so.3 is missing");
    return result;
  }
  struct portal *portal = calloc(1, sizeof *portal);
  if (portal == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  portal->wake_fd = -1;
  mutex_init(&portal->lock);
  condition_init(&portal->changed);
  result = portal_connect(portal, cancel);
  if (result != MINIAV_SUCCESS) {
    portal_close(portal);
    return result;
  }
  *opened = portal;
  return MINIAV_SUCCESS;
}

#endif
