#include "camera/linux/v4l2_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "camera/linux/v4l2_device.h"
#include "common/registry.h"
#include "common/thread.h"

/* A device makes several nodes, and udev gives each its rights after that. */
#define SETTLE_MS 100

/* `running` is guarded by mutex; the descriptors are set before the thread starts and closed after
 * it has ended, by whoever calls v4l2_watch, one at a time. */
static struct mutex watch_mutex = MUTEX_INITIALIZER;
static struct condition watch_changed;
static bool has_condition;
static bool running;
static int inotify_fd = -1;
static int stop_fd = -1;

/* What was listed last. */
struct listing {
  uint64_t hash; /* FNV-1a of all ids */
  char first[MINIAV_TEXT_BYTES];
};

static void list(struct listing *listing) {
  uint32_t numbers[V4L2_MAX_NODES];
  uint32_t count = v4l2_nodes(numbers);
  memset(listing, 0, sizeof *listing);
  listing->hash = UINT64_C(14695981039346656037);
  for (uint32_t i = 0; i < count; i++) {
    char path[32];
    snprintf(path, sizeof path, "/dev/video%u", numbers[i]);
    struct v4l2_device device;
    if (v4l2_open_path(path, &device) != MINIAV_SUCCESS) {
      continue;
    }
    v4l2_close(&device);
    if (listing->first[0] == 0) {
      text_copy(listing->first, sizeof listing->first, device.id);
    }
    for (const char *at = device.id; *at != 0; at++) {
      listing->hash = (listing->hash ^ (uint8_t)*at) * UINT64_C(1099511628211);
    }
  }
}

/* Reads what has come; whether nodes of cameras came or went, or may have other rights now. */
static void read_events(bool *moved, bool *touched) {
  _Alignas(struct inotify_event) char bytes[4096];
  ssize_t count;
  while ((count = read(inotify_fd, bytes, sizeof bytes)) > 0) {
    for (ssize_t at = 0; at < count;) {
      const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);
      at += (ssize_t)sizeof *event + event->len;
      bool is_node = event->len > 0 && strncmp(event->name, "video", 5) == 0;
      bool overflow = (event->mask & IN_Q_OVERFLOW) != 0;
      *moved = *moved || overflow || (is_node && (event->mask & IN_ATTRIB) == 0);
      *touched = *touched || overflow || is_node;
    }
  }
}

static void tell(struct listing *known, bool moved) {
  struct listing now;
  list(&now);
  if (moved || now.hash != known->hash) {
    registry_devices_changed(MINIAV_KIND_CAMERA);
  }
  if (strcmp(now.first, known->first) != 0) {
    char id[MINIAV_TEXT_BYTES] = "";
    if (now.first[0] != 0) {
      device_id_join(id, "v4l2", now.first);
    }
    registry_default_changed(MINIAV_KIND_CAMERA, id);
  }
  *known = now;
}

static void run(void *argument) {
  (void)argument;
  struct listing known;
  list(&known);
  bool moved = false;
  bool touched = false;
  for (;;) {
    struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = inotify_fd, .events = POLLIN}};
    int ready = poll(fds, 2, touched ? SETTLE_MS : -1);
    if (ready > 0 && fds[0].revents != 0) {
      break;
    }
    if (ready > 0) {
      read_events(&moved, &touched);
    } else if (ready == 0) {
      tell(&known, moved);
      moved = false;
      touched = false;
    }
  }
  mutex_lock(&watch_mutex);
  running = false;
  condition_broadcast(&watch_changed);
  mutex_unlock(&watch_mutex);
}

static void close_all(void) {
  if (inotify_fd >= 0) {
    close(inotify_fd);
  }
  if (stop_fd >= 0) {
    close(stop_fd);
  }
  inotify_fd = -1;
  stop_fd = -1;
}

static void begin(void) {
  inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB;
  running = inotify_fd >= 0 && stop_fd >= 0 && inotify_add_watch(inotify_fd, "/dev", mask) >= 0;
  if (!running || !thread_start("miniav-v4l2-dev", run, NULL)) {
    running = false;
    close_all();
  }
}

void v4l2_watch(bool on) {
  mutex_lock(&watch_mutex);
  if (!has_condition) {
    condition_init(&watch_changed);
    has_condition = true;
  }
  if (on) {
    begin();
  } else if (running) {
    uint64_t one = 1;
    ssize_t written = write(stop_fd, &one, sizeof one);
    (void)written;
    while (running) {
      condition_wait(&watch_changed, &watch_mutex);
    }
  }
  if (!on) {
    close_all();
  }
  mutex_unlock(&watch_mutex);
}
