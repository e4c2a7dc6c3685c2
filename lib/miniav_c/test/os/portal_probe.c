/*
 * What a desktop portal answers, for tests that run it inside a rig with one. One line of JSON for
 * each step; the last one has "end" in it.
 *
 *   portal_probe ability | present | permission
 *   portal_probe camera [OPTION...]
 *   portal_probe cast [types N] [cursor N] [persist N] [token TEXT] [hold] [OPTION...]
 *
 * OPTION: `dialog MS`, how long the person may take; `cancel FILE`: the token is cancelled when
 * that file is there, and the last line's ms count from then.
 * hold waits until the session is closed from outside, and then closes the portal.
 */
#if !defined(MINIAV_HAVE_DBUS)

int main(void) {
  return 1;
}

#else

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/portal.h"
#include "common/thread.h"
#include "miniav.h"

struct options {
  struct portal_cast_wish wish;
  const char *cancel_file;
  bool hold;
};

static struct cancel cancel;
static _Atomic int64_t begun_us;
static struct mutex closed_lock = MUTEX_INITIALIZER;
static struct condition closed_changed;
static bool closed;

static void cancel_later(void *argument) {
  while (access(argument, F_OK) != 0) {
    clock_sleep_until_us(clock_now_us() + 10000);
  }
  atomic_store(&begun_us, clock_now_us());
  cancel_request(&cancel);
}

static void on_closed(void *user, const char *why) {
  (void)user;
  printf("{\"closed\":\"%s\"}\n", why);
  fflush(stdout);
  mutex_lock(&closed_lock);
  closed = true;
  condition_broadcast(&closed_changed);
  mutex_unlock(&closed_lock);
}

/* A socket with somebody, or nobody any more, at its other end; closes it. */
static bool is_socket(int fd) {
  int type = 0;
  socklen_t bytes = sizeof type;
  bool is = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM;
  close(fd);
  return is;
}

static void print_cast(const struct portal_cast *cast) {
  printf("{\"token\":\"%s\",\"socket\":%s,\"streams\":[", cast->restore_token,
         is_socket(cast->fd) ? "true" : "false");
  for (uint32_t i = 0; i < cast->stream_count; i++) {
    const struct portal_stream *stream = &cast->streams[i];
    printf("%s{\"node\":%" PRIu32 ",\"serial\":%" PRIu64 ",\"type\":%" PRIu32
           ",\"x\":%d,\"y\":%d,\"width\":%d,\"height\":%d}",
           i > 0 ? "," : "", stream->node_id, stream->serial, stream->source_type,
           stream->rectangle.x, stream->rectangle.y, stream->rectangle.width,
           stream->rectangle.height);
  }
  printf("]}\n");
  fflush(stdout);
}

static MiniAVResultCode hold(struct portal *portal) {
  MiniAVResultCode result = portal_watch(portal, on_closed, NULL);
  mutex_lock(&closed_lock);
  while (result == MINIAV_SUCCESS && !closed) {
    condition_wait(&closed_changed, &closed_lock);
  }
  mutex_unlock(&closed_lock);
  return result;
}

static MiniAVResultCode run_cast(struct portal *portal, const struct options *options) {
  struct portal_cast cast;
  MiniAVResultCode result = portal_cast_start(portal, &options->wish, &cast, &cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  print_cast(&cast);
  return options->hold ? hold(portal) : portal_watch(portal, on_closed, NULL);
}

static MiniAVResultCode run_camera(struct portal *portal, const struct options *options) {
  int fd;
  MiniAVResultCode result = portal_camera_access(portal, options->wish.dialog_ms, &cancel);
  if (result == MINIAV_SUCCESS) {
    result = portal_camera_remote(portal, &fd, &cancel);
  }
  if (result == MINIAV_SUCCESS) {
    printf("{\"socket\":%s}\n", is_socket(fd) ? "true" : "false");
  }
  return result;
}

static MiniAVResultCode run(struct portal *portal, const char *command,
                            const struct options *options) {
  struct portal_cast_ability ability = {0};
  MiniAVPermission permission = MINIAV_PERMISSION_UNKNOWN;
  bool present = false;
  MiniAVResultCode result;
  if (strcmp(command, "cast") == 0) {
    return run_cast(portal, options);
  }
  if (strcmp(command, "camera") == 0) {
    return run_camera(portal, options);
  }
  if (strcmp(command, "ability") == 0) {
    result = portal_cast_ability(portal, &ability, &cancel);
    printf("{\"version\":%" PRIu32 ",\"types\":%" PRIu32 ",\"cursors\":%" PRIu32 "}\n",
           ability.version, ability.source_types, ability.cursor_modes);
  } else if (strcmp(command, "present") == 0) {
    result = portal_camera_is_present(portal, &present, &cancel);
    printf("{\"present\":%s}\n", present ? "true" : "false");
  } else {
    result = portal_camera_permission(portal, &permission, &cancel);
    printf("{\"permission\":%d}\n", (int)permission);
  }
  return result;
}

static struct options read_options(int count, char **words) {
  struct options options = {.wish = {.source_types = 1, .cursor_mode = 1, .dialog_ms = 20000}};
  for (int i = 2; i < count; i++) {
    const char *value = i + 1 < count ? words[i + 1] : "0";
    uint32_t number = (uint32_t)strtoul(value, NULL, 10);
    if (strcmp(words[i], "types") == 0) {
      options.wish.source_types = number;
    } else if (strcmp(words[i], "cursor") == 0) {
      options.wish.cursor_mode = number;
    } else if (strcmp(words[i], "persist") == 0) {
      options.wish.persist_mode = number;
    } else if (strcmp(words[i], "token") == 0) {
      options.wish.restore_token = value;
    } else if (strcmp(words[i], "dialog") == 0) {
      options.wish.dialog_ms = number;
    } else if (strcmp(words[i], "cancel") == 0) {
      options.cancel_file = value;
    } else if (strcmp(words[i], "hold") == 0) {
      options.hold = true;
    }
  }
  return options;
}

int main(int count, char **words) {
  struct options options = read_options(count, words);
  struct portal *portal = NULL;
  cancel_init(&cancel);
  condition_init(&closed_changed);
  atomic_store(&begun_us, clock_now_us());
  if (options.cancel_file != NULL &&
      !thread_start("cancel", cancel_later, (void *)(uintptr_t)options.cancel_file)) {
    return 1;
  }
  MiniAVResultCode result = portal_open(&portal, &cancel);
  if (result == MINIAV_SUCCESS) {
    result = run(portal, count > 1 ? words[1] : "ability", &options);
  }
  int64_t ended_us = clock_now_us();
  portal_close(portal);
  printf("{\"end\":true,\"result\":%d,\"text\":\"%s\",\"ms\":%" PRId64 ",\"closeMs\":%" PRId64
         "}\n",
         (int)result, cancel.explanation, (ended_us - atomic_load(&begun_us)) / 1000,
         (clock_now_us() - ended_us) / 1000);
  return 0;
}

#endif
