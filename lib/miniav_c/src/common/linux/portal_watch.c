/* The watch over a portal's session. */
#include "common/linux/portal_bus.h"

#if defined(MINIAV_HAVE_DBUS)

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool wants_quit(struct portal *portal) {
  mutex_lock(&portal->lock);
  bool quit = portal->quit;
  mutex_unlock(&portal->lock);
  return quit;
}

const char *portal_look(struct portal *portal) {
  DBusMessage *message;
  bool connected = dbus.connection_read_write(portal->connection, 0);
  while ((message = dbus.connection_pop_message(portal->connection)) != NULL) {
    portal_note(portal, message);
  }
  if (portal->session_closed) {
    return "the session was closed on the desktop";
  }
  if (portal->owner_gone) {
    return "the desktop portal ended";
  }
  return connected ? NULL : "the session bus is gone";
}

static void watch_main(void *argument) {
  struct portal *portal = argument;
  int bus_fd = -1;
  dbus.connection_get_unix_fd(portal->connection, &bus_fd);
  const char *why = portal_look(portal); /* what was read along with an answer */
  while (why == NULL && !wants_quit(portal)) {
    struct pollfd fds[] = {{.fd = bus_fd, .events = POLLIN},
                           {.fd = portal->wake_fd, .events = POLLIN}};
    poll(fds, 2, -1);
    why = portal_look(portal);
  }
  if (why != NULL && !wants_quit(portal)) {
    portal->closed(portal->user, why);
  }
  mutex_lock(&portal->lock);
  portal->runs = false;
  condition_broadcast(&portal->changed);
  mutex_unlock(&portal->lock);
}

MiniAVResultCode portal_watch(struct portal *portal, void (*closed)(void *user, const char *why),
                              void *user) {
  portal->closed = closed;
  portal->user = user;
  portal->quit = false;
  portal->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  portal->runs = portal->wake_fd >= 0;
  if (portal->runs && !thread_start("miniav-portal", watch_main, portal)) {
    portal->runs = false;
  }
  return portal->runs ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

bool portal_closed_session(const struct portal *portal) {
  return portal->session_closed;
}

void portal_end_watch(struct portal *portal) {
  uint64_t one = 1;
  mutex_lock(&portal->lock);
  portal->quit = true;
  if (portal->runs && write(portal->wake_fd, &one, sizeof one) != sizeof one) {
    abort(); /* an eventfd of ours that is full or bad */
  }
  while (portal->runs) {
    condition_wait(&portal->changed, &portal->lock);
  }
  mutex_unlock(&portal->lock);
  if (portal->wake_fd >= 0) {
    close(portal->wake_fd);
    portal->wake_fd = -1;
  }
}

#endif
