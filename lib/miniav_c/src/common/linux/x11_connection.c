#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/x11_setup.h"
#include "common/platform.h"

#define DISPLAY_BYTES      256u
#define RESET_PAUSE_MS     50u /* and twice as long each time */
#define RESET_PAUSE_MAX_MS 400u
#define GUARD_US           250000 /* after the deadline: what waits by itself has ended then */

/* -- connecting ----------------------------------------------------------------------------- */

/* Shared by whoever connects and the thread that waits for the handshake and then guards the
 * deadline; the thread frees it. */
struct handshake {
  struct mutex mutex;
  struct condition changed;
  char display[DISPLAY_BYTES];
  int64_t deadline_us;
  bool done;
  bool abandoned; /* before it was done */
  bool released;  /* the connection is guarded no more */
  xcb_connection_t *connection;
  int screen;
};

static void handshake_free(struct handshake *handshake) {
  condition_destroy(&handshake->changed);
  mutex_destroy(&handshake->mutex);
  free(handshake);
}

/* One at a time: xcb_connect reads Xauthority through libXau, which builds the file's name in a
 * static buffer. While a server hangs in there the others wait for their turn, and run out of time
 * as they would by themselves; only the thread that hangs is left behind, however many come.
 */
static struct mutex turn_mutex = MUTEX_INITIALIZER;
static struct condition turn_changed;
static bool turn_prepared;
static bool turn_taken;

static MiniAVResultCode turn_take(int64_t deadline_us, struct cancel *cancel) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&turn_mutex);
  if (!turn_prepared) {
    condition_init(&turn_changed);
    turn_prepared = true;
  }
  while (turn_taken && result == MINIAV_SUCCESS) {
    result = cancel_wait_step(cancel, &turn_changed, &turn_mutex, deadline_us);
  }
  turn_taken = turn_taken || result == MINIAV_SUCCESS;
  mutex_unlock(&turn_mutex);
  return result;
}

static void turn_leave(void) {
  mutex_lock(&turn_mutex);
  turn_taken = false;
  condition_broadcast(&turn_changed);
  mutex_unlock(&turn_mutex);
}

/* Locked: until whoever has the connection takes it over, or too late. */
static void guard_locked(struct handshake *handshake) {
  bool has_limit = handshake->deadline_us < INT64_MAX;
  int64_t deadline_us = has_limit ? handshake->deadline_us + GUARD_US : INT64_MAX;
  bool in_time = true;
  while (!handshake->abandoned && !handshake->released && in_time) {
    in_time = condition_wait_until(&handshake->changed, &handshake->mutex, deadline_us);
  }
  if (!in_time && !handshake->released) {
    shutdown(xcb.get_file_descriptor(handshake->connection), SHUT_RDWR);
  }
  while (!handshake->abandoned && !handshake->released) {
    condition_wait(&handshake->changed, &handshake->mutex);
  }
}

static void guard_release(struct handshake *guard) {
  if (guard != NULL) {
    mutex_lock(&guard->mutex);
    guard->released = true;
    condition_broadcast(&guard->changed);
    mutex_unlock(&guard->mutex);
  }
}

static void block_pipe_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void handshake_main(void *user) {
  struct handshake *handshake = user;
  block_pipe_signal(); /* libxcb greets the server without MSG_NOSIGNAL */
  int screen = 0;
  xcb_connection_t *connection = xcb.connect(handshake->display, &screen);
  turn_leave();
  mutex_lock(&handshake->mutex);
  handshake->connection = connection;
  handshake->screen = screen;
  handshake->done = true;
  bool abandoned = handshake->abandoned;
  condition_broadcast(&handshake->changed);
  guard_locked(handshake);
  mutex_unlock(&handshake->mutex);
  if (abandoned) {
    xcb.disconnect(connection);
  }
  handshake_free(handshake);
}

static void handshake_wake(void *user) {
  struct handshake *handshake = user;
  mutex_lock(&handshake->mutex);
  condition_broadcast(&handshake->changed);
  mutex_unlock(&handshake->mutex);
}

/* SUCCESS: the connection is there, sound or not, and the handshake is its guard. */
static MiniAVResultCode handshake_wait(struct handshake *handshake, struct cancel *cancel,
                                       xcb_connection_t **connection, int *screen) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (cancel != NULL) {
    cancel_set_hook(cancel, handshake_wake, handshake);
  }
  mutex_lock(&handshake->mutex);
  while (!handshake->done && result == MINIAV_SUCCESS) {
    if (cancel != NULL && cancel_requested(cancel)) {
      result = MINIAV_ERROR_USER_CANCELLED;
    } else if (!condition_wait_until(&handshake->changed, &handshake->mutex,
                                     handshake->deadline_us)) {
      result = handshake->done ? MINIAV_SUCCESS : MINIAV_ERROR_TIMEOUT;
    }
  }
  mutex_unlock(&handshake->mutex);
  if (cancel != NULL) {
    cancel_set_hook(cancel, NULL, NULL);
  }
  mutex_lock(&handshake->mutex);
  bool done = handshake->done;
  handshake->abandoned = !done;
  *connection = done ? handshake->connection : NULL;
  *screen = handshake->screen;
  condition_broadcast(&handshake->changed);
  mutex_unlock(&handshake->mutex);
  return done ? MINIAV_SUCCESS : result;
}

static bool display_name(char display[DISPLAY_BYTES]) {
  return platform_environment("DISPLAY", display, DISPLAY_BYTES) && display[0] != 0;
}

/* The socket of a local display, xcb's own path; false for other machines' displays. */
static bool local_socket(const char *display, struct sockaddr_un *address) {
  char *end;
  if (display[0] != ':' || display[1] < '0' || display[1] > '9') {
    return false;
  }
  long number = strtol(display + 1, &end, 10);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  snprintf(address->sun_path, sizeof address->sun_path, "/tmp/.X11-unix/X%ld", number);
  return *end == 0 || *end == '.';
}

static bool connects(struct sockaddr_un *address, size_t bytes) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return false;
  }
  int failed = connect(fd, (const struct sockaddr *)address, (socklen_t)bytes);
  bool connected = failed == 0 || errno == EAGAIN; /* a server that lets others wait is one */
  close(fd);
  return connected;
}

MiniAVResultCode x11_probe(char *why, size_t why_bytes) {
  char display[DISPLAY_BYTES];
  struct sockaddr_un address;
  if (xcb_load(why, why_bytes) != MINIAV_SUCCESS) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (!display_name(display)) {
    snprintf(why, why_bytes, "there is no X server: DISPLAY is not set");
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  if (!local_socket(display, &address) || connects(&address, sizeof address)) {
    return MINIAV_SUCCESS;
  }
  struct sockaddr_un abstract = {.sun_family = AF_UNIX};
  size_t length = strlen(address.sun_path);
  memcpy(abstract.sun_path + 1, address.sun_path, length);
  if (connects(&abstract, offsetof(struct sockaddr_un, sun_path) + 1 + length)) {
    return MINIAV_SUCCESS;
  }
  snprintf(why, why_bytes, "no X server answers at DISPLAY=%.64s", display);
  return MINIAV_ERROR_DEVICE_NOT_FOUND;
}

static const char *connection_error(int code) {
  switch (code) {
  case XCB_CONN_CLOSED_PARSE_ERR:
    return "DISPLAY is no display's name";
  case XCB_CONN_CLOSED_INVALID_SCREEN:
    return "the X server has no such screen";
  case XCB_CONN_CLOSED_MEM_INSUFFICIENT:
    return "memory is exhausted";
  default:
    return "no X server answers there, or it refuses this user";
  }
}

/* The turn is ours, and handed on in any case. */
static MiniAVResultCode shake_hands(const char *display, int64_t deadline_us, struct cancel *cancel,
                                    xcb_connection_t **connection, int *screen,
                                    struct handshake **guard) {
  struct handshake *handshake = calloc(1, sizeof *handshake);
  if (handshake == NULL) {
    turn_leave();
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_init(&handshake->mutex);
  condition_init(&handshake->changed);
  memcpy(handshake->display, display, sizeof handshake->display);
  handshake->deadline_us = deadline_us;
  if (!thread_start("miniav-x11-open", handshake_main, handshake)) {
    turn_leave();
    handshake_free(handshake);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = handshake_wait(handshake, cancel, connection, screen);
  *guard = result == MINIAV_SUCCESS ? handshake : NULL;
  return result;
}

/* *error: libxcb's, of a connection that is none. */
static MiniAVResultCode reach_once(const char *display, int64_t deadline_us, struct cancel *cancel,
                                   xcb_connection_t **connection, int *screen,
                                   struct handshake **guard, int *error) {
  MiniAVResultCode result = turn_take(deadline_us, cancel);
  if (result == MINIAV_SUCCESS) {
    result = shake_hands(display, deadline_us, cancel, connection, screen, guard);
  }
  *error = result == MINIAV_SUCCESS ? xcb.connection_has_error(*connection) : 0;
  if (*error != 0) {
    guard_release(*guard);
    xcb.disconnect(*connection);
    result = *error == XCB_CONN_CLOSED_MEM_INSUFFICIENT ? MINIAV_ERROR_OUT_OF_MEMORY
                                                        : MINIAV_ERROR_NOT_SUPPORTED;
  }
  return result;
}

/* False: cancelled. */
static bool pause_for(struct cancel *cancel, uint32_t pause_ms) {
  if (cancel != NULL) {
    return !cancel_wait(cancel, pause_ms);
  }
  clock_sleep_until_us(clock_deadline_us(pause_ms));
  return true;
}

/* A server whose last client has gone begins anew (Xserver(1), -noreset), and for that moment hangs
 * up on who comes: most often on ourselves, after the connection before. libxcb says the same of a
 * user whom the server refuses, who waits a little longer for that. */
static MiniAVResultCode reach(const char *display, int64_t deadline_us, struct cancel *cancel,
                              xcb_connection_t **connection, int *screen,
                              struct handshake **guard) {
  int error;
  MiniAVResultCode result =
      reach_once(display, deadline_us, cancel, connection, screen, guard, &error);
  for (uint32_t pause_ms = RESET_PAUSE_MS;
       error == XCB_CONN_ERROR && pause_ms <= RESET_PAUSE_MAX_MS &&
       clock_deadline_us(pause_ms) < deadline_us;
       pause_ms *= 2) {
    if (!pause_for(cancel, pause_ms)) {
      return MINIAV_ERROR_USER_CANCELLED;
    }
    result = reach_once(display, deadline_us, cancel, connection, screen, guard, &error);
  }
  if (result == MINIAV_ERROR_TIMEOUT && cancel != NULL) {
    cancel_explain(cancel, "no answer from the X server at DISPLAY=%.64s", display);
  } else if (error != 0 && cancel != NULL) {
    cancel_explain(cancel, "DISPLAY=%.64s: %s", display, connection_error(error));
  }
  return result;
}

/* -- life ----------------------------------------------------------------------------------- */

MiniAVResultCode x11_connect(uint32_t timeout_ms, struct cancel *cancel, struct x11 **out) {
  char why[160];
  char display[DISPLAY_BYTES];
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  *out = NULL;
  if (x11_probe(why, sizeof why) != MINIAV_SUCCESS || !display_name(display)) {
    if (cancel != NULL) {
      cancel_explain(cancel, "%s", why);
    }
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  int number = 0;
  xcb_connection_t *connection = NULL;
  struct handshake *guard = NULL;
  MiniAVResultCode result = reach(display, deadline_us, cancel, &connection, &number, &guard);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct x11 *x11 = calloc(1, sizeof *x11);
  int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (x11 == NULL || wake_fd < 0) {
    free(x11);
    if (wake_fd >= 0) {
      close(wake_fd);
    }
    guard_release(guard);
    xcb.disconnect(connection);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  x11->connection = connection;
  x11_writer_init(&x11->writer, connection);
  x11->fd = xcb.get_file_descriptor(connection);
  x11->wake_fd = wake_fd;
  x11->guard = guard;
  x11->setup = xcb.get_setup(connection);
  x11->setup_bytes = 8 + (size_t)x11->setup->length * 4;
  x11_set_limits(x11, deadline_us, cancel);
  if (!x11_find_screen(x11, number)) {
    x11_disconnect(x11);
    return MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  *out = x11;
  return MINIAV_SUCCESS;
}

/* Whoever waits inside libxcb is freed too; nobody needs the connection any more. */
static void cancel_hook(void *user) {
  struct x11 *x11 = user;
  x11_interrupt(x11);
  shutdown(x11->fd, SHUT_RDWR);
}

void x11_set_limits(struct x11 *x11, int64_t deadline_us, struct cancel *cancel) {
  if (x11->cancel != NULL) {
    cancel_set_hook(x11->cancel, NULL, NULL);
  }
  if (deadline_us == INT64_MAX) {
    guard_release(x11->guard);
    x11->guard = NULL;
  }
  x11->deadline_us = deadline_us;
  x11->cancel = cancel;
  if (cancel != NULL) {
    cancel_set_hook(cancel, cancel_hook, x11);
  }
}

void x11_disconnect(struct x11 *x11) {
  if (x11 == NULL) {
    return;
  }
  x11_set_limits(x11, INT64_MAX, NULL);
  xcb.disconnect(x11->connection);
  x11_writer_destroy(&x11->writer);
  close(x11->wake_fd);
  free(x11);
}

static void wake(const struct x11 *x11) {
  uint64_t one = 1;
  ssize_t written = write(x11->wake_fd, &one, sizeof one);
  (void)written; /* a full counter wakes too */
}

/* Takes away what was written, unless it tells of an interrupt: others may wait for that. */
static void take_wake(const struct x11 *x11) {
  uint64_t count;
  ssize_t taken = read(x11->wake_fd, &count, sizeof count);
  (void)taken;
  if (x11_is_interrupted(x11)) {
    wake(x11);
  }
}

void x11_interrupt(struct x11 *x11) {
  atomic_store(&x11->interrupted, true);
  wake(x11);
}

void x11_continue(struct x11 *x11) {
  atomic_store(&x11->interrupted, false);
  take_wake(x11);
}

bool x11_is_woken(const struct x11 *x11, short revents) {
  if (revents != 0 && !x11_is_interrupted(x11)) {
    take_wake(x11);
  }
  return x11_is_interrupted(x11);
}

bool x11_is_interrupted(const struct x11 *x11) {
  return atomic_load(&x11->interrupted);
}

#endif
