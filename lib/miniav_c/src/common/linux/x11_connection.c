#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/platform.h"

#define DISPLAY_BYTES 256u
#define REPLY_BYTES   32u

/* -- signals -------------------------------------------------------------------------------- */

void x11_block_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void x11_hold_signals(struct x11_signals *signals) {
  sigset_t pending;
  sigset_t pipe_set;
  sigemptyset(&pipe_set);
  sigaddset(&pipe_set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_set, &signals->before);
  /* Only what was blocked can have been pending. */
  signals->was_pending = sigismember(&signals->before, SIGPIPE) == 1 && sigpending(&pending) == 0 &&
                         sigismember(&pending, SIGPIPE) == 1;
}

void x11_release_signals(const struct x11_signals *signals, const struct x11 *x11) {
  sigset_t pipe_set;
  const struct timespec now = {0};
  sigemptyset(&pipe_set);
  sigaddset(&pipe_set, SIGPIPE);
  bool is_ours = !signals->was_pending && xcb.connection_has_error(x11->connection) != 0;
  while (is_ours && sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

static void flush(struct x11 *x11) {
  struct x11_signals signals;
  if (x11->signals_blocked) {
    xcb.flush(x11->connection);
    return;
  }
  x11_hold_signals(&signals);
  xcb.flush(x11->connection);
  x11_release_signals(&signals, x11);
}

/* -- connecting ----------------------------------------------------------------------------- */

/* Shared by whoever connects and the thread that waits for the handshake; the last frees it. */
struct handshake {
  struct mutex mutex;
  struct condition changed;
  char display[DISPLAY_BYTES];
  bool done;
  bool abandoned;
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

static void handshake_main(void *user) {
  struct handshake *handshake = user;
  x11_block_signals();
  int screen = 0;
  xcb_connection_t *connection = xcb.connect(handshake->display, &screen);
  turn_leave();
  mutex_lock(&handshake->mutex);
  handshake->connection = connection;
  handshake->screen = screen;
  handshake->done = true;
  bool abandoned = handshake->abandoned;
  condition_broadcast(&handshake->changed);
  mutex_unlock(&handshake->mutex);
  if (abandoned) {
    xcb.disconnect(connection);
    handshake_free(handshake);
  }
}

static void handshake_wake(void *user) {
  struct handshake *handshake = user;
  mutex_lock(&handshake->mutex);
  condition_broadcast(&handshake->changed);
  mutex_unlock(&handshake->mutex);
}

/* Takes over the handshake. */
static MiniAVResultCode handshake_wait(struct handshake *handshake, int64_t deadline_us,
                                       struct cancel *cancel, xcb_connection_t **connection,
                                       int *screen) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (cancel != NULL) {
    cancel_set_hook(cancel, handshake_wake, handshake);
  }
  mutex_lock(&handshake->mutex);
  while (!handshake->done && result == MINIAV_SUCCESS) {
    if (cancel != NULL && cancel_requested(cancel)) {
      result = MINIAV_ERROR_USER_CANCELLED;
    } else if (!condition_wait_until(&handshake->changed, &handshake->mutex, deadline_us)) {
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
  *connection = handshake->connection;
  *screen = handshake->screen;
  mutex_unlock(&handshake->mutex);
  if (!done) {
    *connection = NULL;
    return result;
  }
  handshake_free(handshake);
  return MINIAV_SUCCESS;
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
                                    xcb_connection_t **connection, int *screen) {
  struct handshake *handshake = calloc(1, sizeof *handshake);
  if (handshake == NULL) {
    turn_leave();
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_init(&handshake->mutex);
  condition_init(&handshake->changed);
  memcpy(handshake->display, display, sizeof handshake->display);
  if (!thread_start("miniav-x11-open", handshake_main, handshake)) {
    turn_leave();
    handshake_free(handshake);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return handshake_wait(handshake, deadline_us, cancel, connection, screen);
}

static MiniAVResultCode reach(const char *display, int64_t deadline_us, struct cancel *cancel,
                              xcb_connection_t **connection, int *screen) {
  MiniAVResultCode result = turn_take(deadline_us, cancel);
  if (result == MINIAV_SUCCESS) {
    result = shake_hands(display, deadline_us, cancel, connection, screen);
  }
  if (result == MINIAV_ERROR_TIMEOUT && cancel != NULL) {
    cancel_explain(cancel, "no answer from the X server at DISPLAY=%.64s", display);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  int error = xcb.connection_has_error(*connection);
  if (error != 0) {
    if (cancel != NULL) {
      cancel_explain(cancel, "DISPLAY=%.64s: %s", display, connection_error(error));
    }
    xcb.disconnect(*connection);
    return error == XCB_CONN_CLOSED_MEM_INSUFFICIENT ? MINIAV_ERROR_OUT_OF_MEMORY
                                                     : MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

/* -- what the server says of itself ---------------------------------------------------------- */

/* A cursor over the bytes of the setup; nothing outside them is read. */
struct cursor {
  const uint8_t *at;
  size_t left;
};

static const void *take(struct cursor *cursor, size_t bytes) {
  if (bytes > cursor->left) {
    cursor->left = 0;
    return NULL;
  }
  const void *taken = cursor->at;
  cursor->at += bytes;
  cursor->left -= bytes;
  return taken;
}

static bool find_screen(struct x11 *x11, int number);

static struct cursor setup_formats(const struct x11 *x11) {
  struct cursor cursor = {(const uint8_t *)x11->setup, x11->setup_bytes};
  take(&cursor, sizeof *x11->setup);
  take(&cursor, ((size_t)x11->setup->vendor_len + 3) & ~(size_t)3);
  return cursor;
}

bool x11_pixmap_format(const struct x11 *x11, uint8_t depth, xcb_format_t *format) {
  struct cursor cursor = setup_formats(x11);
  for (uint8_t i = 0; i < x11->setup->pixmap_formats_len; i++) {
    const xcb_format_t *at = take(&cursor, sizeof *at);
    if (at != NULL && at->depth == depth) {
      *format = *at;
      return true;
    }
  }
  return false;
}

/* Walks over the visuals of a screen; stops at `id`. */
static bool walk_screen(struct cursor *cursor, const xcb_screen_t *screen, xcb_visualid_t id,
                        xcb_visualtype_t *visual, uint8_t *depth) {
  for (uint8_t i = 0; i < screen->allowed_depths_len; i++) {
    const xcb_depth_t *at = take(cursor, sizeof *at);
    for (uint16_t j = 0; at != NULL && j < at->visuals_len; j++) {
      const xcb_visualtype_t *type = take(cursor, sizeof *type);
      if (type != NULL && visual != NULL && type->visual_id == id) {
        *visual = *type;
        *depth = at->depth;
        return true;
      }
    }
  }
  return false;
}

static struct cursor setup_screens(const struct x11 *x11) {
  struct cursor cursor = setup_formats(x11);
  take(&cursor, sizeof(xcb_format_t) * x11->setup->pixmap_formats_len);
  return cursor;
}

static bool find_screen(struct x11 *x11, int number) {
  struct cursor cursor = setup_screens(x11);
  for (int i = 0; i < x11->setup->roots_len; i++) {
    const xcb_screen_t *screen = take(&cursor, sizeof *screen);
    if (screen == NULL) {
      return false;
    }
    if (i == number) {
      x11->screen = *screen;
      return true;
    }
    walk_screen(&cursor, screen, 0, NULL, NULL);
  }
  return false;
}

bool x11_visual(const struct x11 *x11, xcb_visualid_t id, xcb_visualtype_t *visual,
                uint8_t *depth) {
  struct cursor cursor = setup_screens(x11);
  for (int i = 0; i < x11->setup->roots_len; i++) {
    const xcb_screen_t *screen = take(&cursor, sizeof *screen);
    if (screen == NULL) {
      return false;
    }
    if (walk_screen(&cursor, screen, id, visual, depth)) {
      return true;
    }
  }
  return false;
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
  MiniAVResultCode result = reach(display, deadline_us, cancel, &connection, &number);
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
    xcb.disconnect(connection);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  x11->connection = connection;
  x11->fd = xcb.get_file_descriptor(connection);
  x11->wake_fd = wake_fd;
  x11->setup = xcb.get_setup(connection);
  x11->setup_bytes = 8 + (size_t)x11->setup->length * 4;
  x11_set_limits(x11, deadline_us, cancel);
  if (!find_screen(x11, number)) {
    x11_disconnect(x11);
    return MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  *out = x11;
  return MINIAV_SUCCESS;
}

static void interrupt_hook(void *user) {
  x11_interrupt(user);
}

void x11_set_limits(struct x11 *x11, int64_t deadline_us, struct cancel *cancel) {
  if (x11->cancel != NULL) {
    cancel_set_hook(x11->cancel, NULL, NULL);
  }
  x11->deadline_us = deadline_us;
  x11->cancel = cancel;
  if (cancel != NULL) {
    cancel_set_hook(cancel, interrupt_hook, x11);
  }
}

void x11_disconnect(struct x11 *x11) {
  if (x11 == NULL) {
    return;
  }
  x11_set_limits(x11, INT64_MAX, NULL);
  xcb.disconnect(x11->connection);
  close(x11->wake_fd);
  free(x11);
}

void x11_interrupt(struct x11 *x11) {
  uint64_t one = 1;
  atomic_store(&x11->interrupted, true);
  ssize_t written = write(x11->wake_fd, &one, sizeof one);
  (void)written; /* a full counter wakes too */
}

void x11_continue(struct x11 *x11) {
  uint64_t count;
  atomic_store(&x11->interrupted, false);
  ssize_t taken = read(x11->wake_fd, &count, sizeof count);
  (void)taken;
}

bool x11_is_interrupted(const struct x11 *x11) {
  return atomic_load(&x11->interrupted);
}

/* -- talking -------------------------------------------------------------------------------- */

static unsigned int send_request(struct x11 *x11, const struct x11_request *request, bool is_void,
                                 int fd) {
  const xcb_protocol_request_t description = {
      .count = 2, .ext = request->extension, .opcode = request->opcode, .isvoid = is_void};
  /* Two before the first are libxcb's own. */
  struct iovec parts[4] = {{0}};
  parts[2] = (struct iovec){request->request, request->bytes};
  parts[3] = (struct iovec){NULL, (0 - request->bytes) & 3};
  int flags = is_void ? 0 : XCB_REQUEST_CHECKED;
  if (fd >= 0) {
    return xcb.send_request_with_fds(x11->connection, flags, parts + 2, &description, 1, &fd);
  }
  return xcb.send_request(x11->connection, flags, parts + 2, &description);
}

/* Hands out an event and those that were read with it; counts them. False: the connection is
 * broken. */
static bool hand_out(struct x11 *x11, xcb_generic_event_t *event, uint32_t *events) {
  for (; event != NULL; event = xcb.poll_for_queued_event(x11->connection)) {
    (*events)++;
    if (x11->on_event != NULL) {
      x11->on_event(x11->user, event);
    }
    free(event);
  }
  return xcb.connection_has_error(x11->connection) == 0;
}

/* Reads what has come, once, as far as it makes whole packets. */
static bool pump(struct x11 *x11, uint32_t *events) {
  return hand_out(x11, xcb.poll_for_event(x11->connection), events);
}

/* Without `listens` the server is not heard. SUCCESS: something has come, or the time. */
static MiniAVResultCode wait_until(struct x11 *x11, bool listens, int64_t until_us) {
  if (x11_is_interrupted(x11)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  int64_t left_us = until_us - clock_now_us();
  struct timespec timeout = {0};
  if (left_us > 0) {
    timeout = (struct timespec){(time_t)(left_us / 1000000), (long)(left_us % 1000000) * 1000};
  }
  struct pollfd wanted[2] = {{.fd = x11->wake_fd, .events = POLLIN},
                             {.fd = x11->fd, .events = POLLIN}};
  ppoll(wanted, listens ? 2 : 1, until_us == INT64_MAX ? NULL : &timeout, NULL);
  return x11_is_interrupted(x11) ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS;
}

static MiniAVResultCode take_reply(struct x11 *x11, void *data, xcb_generic_error_t *error,
                                   struct x11_reply *reply) {
  if (data == NULL) {
    x11->error_code = error != NULL ? error->error_code : 0;
    bool is_error = error != NULL;
    free(error);
    return is_error ? MINIAV_ERROR_SYSTEM_CALL_FAILED : MINIAV_ERROR_DEVICE_LOST;
  }
  reply->data = data;
  reply->bytes = REPLY_BYTES + (size_t)((const xcb_generic_reply_t *)data)->length * 4;
  return MINIAV_SUCCESS;
}

unsigned int x11_ask_begin(struct x11 *x11, const struct x11_request *request) {
  return send_request(x11, request, false, -1);
}

void x11_ask_forget(struct x11 *x11, unsigned int sequence) {
  xcb.discard_reply(x11->connection, sequence);
}

MiniAVResultCode x11_ask_end(struct x11 *x11, unsigned int sequence, struct x11_reply *reply) {
  *reply = (struct x11_reply){0};
  x11->error_code = 0;
  flush(x11);
  MiniAVResultCode result = MINIAV_SUCCESS;
  while (result == MINIAV_SUCCESS) {
    void *data = NULL;
    xcb_generic_error_t *error = NULL;
    uint32_t events = 0;
    /* It reads the socket; what came before the reply lies in the queue then. */
    bool is_answered = xcb.poll_for_reply(x11->connection, sequence, &data, &error) != 0;
    bool is_sound = hand_out(x11, xcb.poll_for_queued_event(x11->connection), &events);
    if (is_answered) {
      return take_reply(x11, data, error, reply);
    }
    if (!is_sound) {
      return MINIAV_ERROR_DEVICE_LOST;
    }
    result = clock_now_us() >= x11->deadline_us ? MINIAV_ERROR_TIMEOUT
                                                : wait_until(x11, true, x11->deadline_us);
  }
  x11_ask_forget(x11, sequence);
  if (result == MINIAV_ERROR_TIMEOUT && x11->cancel != NULL) {
    cancel_explain(x11->cancel, "the X server does not answer");
  }
  return result;
}

MiniAVResultCode x11_ask(struct x11 *x11, const struct x11_request *request,
                         struct x11_reply *reply) {
  return x11_ask_end(x11, x11_ask_begin(x11, request), reply);
}

void x11_reply_free(struct x11_reply *reply) {
  free(reply->data);
  *reply = (struct x11_reply){0};
}

unsigned int x11_send(struct x11 *x11, const struct x11_request *request, int fd) {
  return send_request(x11, request, true, fd);
}

MiniAVResultCode x11_wait(struct x11 *x11, int64_t until_us) {
  uint32_t events = 0;
  flush(x11);
  if (!pump(x11, &events)) {
    return MINIAV_ERROR_DEVICE_LOST;
  }
  /* Events that came together with a reply were read with it: the socket tells of them no more. */
  MiniAVResultCode result = events > 0 ? MINIAV_SUCCESS : wait_until(x11, true, until_us);
  return pump(x11, &events) ? result : MINIAV_ERROR_DEVICE_LOST;
}

MiniAVResultCode x11_sleep(struct x11 *x11, int64_t until_us) {
  uint32_t events = 0;
  flush(x11);
  MiniAVResultCode result = wait_until(x11, false, until_us);
  return pump(x11, &events) ? result : MINIAV_ERROR_DEVICE_LOST;
}

MiniAVResultCode x11_hear(struct x11 *x11) {
  uint32_t events = 0;
  return pump(x11, &events) ? MINIAV_SUCCESS : MINIAV_ERROR_DEVICE_LOST;
}

static MiniAVResultCode synchronise(struct x11 *x11) {
  xcb_get_input_focus_request_t focus = {0};
  struct x11_reply reply;
  const struct x11_request request = {NULL, XCB_GET_INPUT_FOCUS, &focus, sizeof focus};
  MiniAVResultCode result = x11_ask(x11, &request, &reply);
  x11_reply_free(&reply);
  return result;
}

/* Remembers the error of one request among the events, and hands on the rest. */
struct error_watch {
  unsigned int sequence;
  uint8_t error_code;
  void (*next)(void *user, const xcb_generic_event_t *event);
  void *user;
};

static void watch_errors(void *user, const xcb_generic_event_t *event) {
  struct error_watch *watch = user;
  const xcb_generic_error_t *error = (const void *)event;
  if (event->response_type == 0 && event->full_sequence == watch->sequence) {
    watch->error_code = error->error_code;
  } else if (watch->next != NULL) {
    watch->next(watch->user, event);
  }
}

MiniAVResultCode x11_do(struct x11 *x11, const struct x11_request *request, int fd) {
  struct error_watch watch = {.next = x11->on_event, .user = x11->user};
  watch.sequence = x11_send(x11, request, fd);
  x11->on_event = watch_errors;
  x11->user = &watch;
  MiniAVResultCode result = synchronise(x11);
  x11->on_event = watch.next;
  x11->user = watch.user;
  if (result == MINIAV_SUCCESS && watch.error_code != 0) {
    x11->error_code = watch.error_code;
    result = MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  return result;
}

const xcb_query_extension_reply_t *x11_extension(struct x11 *x11, xcb_extension_t *extension) {
  xcb.prefetch_extension_data(x11->connection, extension);
  if (synchronise(x11) != MINIAV_SUCCESS) {
    return NULL;
  }
  /* The answer is here: this does not wait. */
  const xcb_query_extension_reply_t *found = xcb.get_extension_data(x11->connection, extension);
  return found != NULL && found->present != 0 ? found : NULL;
}

#endif
