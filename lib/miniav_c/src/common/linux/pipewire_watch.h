/*
 * Telling of changes of a list that is made from PipeWire's graph, and of its default: a connection
 * of its own, made again whenever the daemon comes back.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_WATCH_H
#define MINIAV_COMMON_PIPEWIRE_WATCH_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/device_changes.h"
#include "common/linux/pipewire_connection.h"

struct pipewire_watch {
  /* Set by the user. */
  MiniAVKind kind;
  const char *backend; /* the prefix of ids */
  /* Lists the devices as enumerate does, on the loop thread, locked. */
  void (*list)(const struct pipewire_graph *graph, struct device_list *devices);
  /* What is listed while there is no connection; NULL: nothing. */
  void (*list_without)(struct device_list *devices);
  /* NULL: to the daemon. */
  MiniAVResultCode (*connect)(const struct pipewire_listener *listener, struct cancel *cancel,
                              struct pipewire_connection **connection);
  uint32_t retry_ms; /* 0: often */
  /* The rest is pipewire_watch.c's. */
  struct mutex lock;
  struct condition changed;
  bool running;
  bool quit;
  bool connection_lost;
  struct pipewire_connection *connection;
  struct cancel cancel; /* of connecting */
  struct device_changes changes;
};

#define PIPEWIRE_WATCH_INITIALIZER(kind_, backend_, list_)                                         \
  { .kind = kind_, .backend = backend_, .list = list_, .lock = MUTEX_INITIALIZER }

/* As backend->watch; one caller at a time. */
void pipewire_watch(struct pipewire_watch *watch, bool on);

#endif
#endif
