#include "screen/linux/x11_watch.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/registry.h"
#include "screen/linux/x11_displays.h"

#define RETRY_MS 1000u
#define STOP_MS  150u

static struct mutex lock = MUTEX_INITIALIZER; /* guards these */
static struct condition changed;
static bool running;
static bool quit;
static struct x11 *connected;

/* The thread's. */
static struct x11_displays known;
static bool is_known;

static bool same(const struct x11_display *a, const struct x11_display *b) {
  return strcmp(a->name, b->name) == 0 &&
         memcmp(&a->rectangle, &b->rectangle, sizeof a->rectangle) == 0 &&
         a->refresh_rate_millihertz == b->refresh_rate_millihertz;
}

/* By what people see, not by the order in which the server lists. */
static bool same_list(const struct x11_displays *a, const struct x11_displays *b) {
  if (a->count != b->count) {
    return false;
  }
  for (uint32_t i = 0; i < a->count; i++) {
    bool found = false;
    for (uint32_t j = 0; j < b->count && !found; j++) {
      found = same(&a->displays[i], &b->displays[j]);
    }
    if (!found) {
      return false;
    }
  }
  return true;
}

static void tell(const struct x11_displays *now) {
  const char *was_default = known.count > 0 ? known.displays[0].name : "";
  const char *is_default = now->count > 0 ? now->displays[0].name : "";
  bool default_moved = is_known && strcmp(was_default, is_default) != 0;
  bool list_changed = is_known && !same_list(&known, now);
  char id[MINIAV_TEXT_BYTES] = "";
  if (now->count > 0) {
    snprintf(id, sizeof id, "x11:" X11_DISPLAY_ID "%s", is_default);
  }
  known = *now;
  is_known = true;
  if (list_changed) {
    registry_devices_changed(MINIAV_KIND_SCREEN);
  }
  if (default_moved) {
    registry_default_changed(MINIAV_KIND_SCREEN, id);
  }
}

static void on_event(void *user, const xcb_generic_event_t *event) {
  (void)event;
  *(bool *)user = true;
}

static void follow(struct x11 *x11) {
  struct x11_extensions extensions;
  bool dirty = true;
  MiniAVResultCode result = x11_extensions_find(x11, &extensions);
  x11->on_event = on_event;
  x11->user = &dirty;
  x11_displays_watch(x11, &extensions);
  while (result == MINIAV_SUCCESS) {
    struct x11_displays now;
    if (dirty) {
      dirty = false;
      result = x11_displays_find(x11, &extensions, &now);
      if (result == MINIAV_SUCCESS) {
        tell(&now);
      }
    } else {
      result = x11_wait(x11, INT64_MAX);
    }
  }
}

static void watch_main(void *unused) {
  (void)unused;
  mutex_lock(&lock);
  while (!quit) {
    struct x11 *x11 = NULL;
    mutex_unlock(&lock);
    MiniAVResultCode result = x11_connect(RETRY_MS, NULL, &x11);
    mutex_lock(&lock);
    connected = x11;
    if (result == MINIAV_SUCCESS && !quit) {
      mutex_unlock(&lock);
      x11_set_limits(x11, INT64_MAX, NULL);
      follow(x11);
      mutex_lock(&lock);
    }
    connected = NULL;
    bool is_over = quit;
    mutex_unlock(&lock);
    x11_disconnect(x11);
    if (!is_over) {
      tell(&(struct x11_displays){.count = 0});
    }
    mutex_lock(&lock);
    if (!quit) {
      condition_wait_until(&changed, &lock, clock_deadline_us(RETRY_MS));
    }
  }
  running = false;
  condition_broadcast(&changed);
  mutex_unlock(&lock);
}

void x11_watch(bool on) {
  mutex_lock(&lock);
  if (on) {
    condition_init(&changed);
    quit = false;
    is_known = false;
    running = thread_start("miniav-x11-list", watch_main, NULL);
  } else {
    quit = true;
    if (connected != NULL) {
      x11_interrupt(connected);
    }
    condition_broadcast(&changed);
    int64_t deadline_us = clock_deadline_us(STOP_MS);
    while (running && condition_wait_until(&changed, &lock, deadline_us)) {
    }
    if (running && connected != NULL) { /* inside libxcb, in the middle of a reply */
      shutdown(connected->fd, SHUT_RDWR);
    }
    while (running) {
      condition_wait(&changed, &lock);
    }
    condition_destroy(&changed);
  }
  mutex_unlock(&lock);
}

#endif
