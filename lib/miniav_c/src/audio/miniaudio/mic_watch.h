/*
 * Those who watch the microphones of one sound system, and the thread that runs its loop while
 * there are any.
 */
#ifndef MINIAV_AUDIO_MIC_WATCH_H
#define MINIAV_AUDIO_MIC_WATCH_H

#include "audio/miniaudio/mic_list.h"
#include "audio/miniaudio/mic_system.h"
#include "common/thread.h"

enum mic_change {
  MIC_CHANGE_NONE = 0, /* the first call for a watcher: what is the default now */
  MIC_CHANGE_LIST = 1u << 0,
  MIC_CHANGE_DEFAULT = 1u << 1
};

/* default_id is bare, "" when there is none. Called on the watching thread under its lock: it must
 * not wait and not begin or end a watch. */
struct mic_watcher {
  void (*changed)(void *user, uint32_t change, const char *default_id);
  void *user;
  bool told; /* private, as the next */
  struct mic_watcher *next;
};

struct mic_watch {
  enum mic_system system;
  void (*loop)(struct mic_watch *watch); /* runs while it is wanted, on the thread */
  struct mutex mutex;
  bool initialized;
  struct condition changed; /* somebody began or ended */
  struct mic_watcher *watchers;
  bool running; /* the thread */
  void (*wake)(void *user);
  void *wake_user;
  /* the watching thread's */
  bool listed;
  struct mic_list last;
};

/* The watcher lives until mic_watch_remove returns; then it is called no more. Neither waits for
 * the sound system. */
void mic_watch_add(struct mic_watch *watch, struct mic_watcher *watcher);
void mic_watch_remove(struct mic_watch *watch, struct mic_watcher *watcher);

/* -- for the loop ------------------------------------------------------------------------------ */

/* A list has been made; it becomes the watch's. */
void mic_watch_compare(struct mic_watch *watch, struct mic_list *list);
/* Whether anybody watches still. */
bool mic_watch_wanted(struct mic_watch *watch);
/* Whether somebody began who has not been called yet: a list is due. */
bool mic_watch_has_untold(struct mic_watch *watch);
/* Sleeps; false when nobody watches any more. */
bool mic_watch_sleep(struct mic_watch *watch, uint32_t timeout_ms);
/* What ends the loop's wait when nobody watches any more; NULL takes it back. Called under the
 * watch's lock. */
void mic_watch_set_wake(struct mic_watch *watch, void (*wake)(void *user), void *user);

#endif
