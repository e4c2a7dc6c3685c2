/*
 * How requests reach a real X server, and its answers us.
 *
 *   x11_requests SERVER        the server of DISPLAY, by its process id, so that it can be stopped
 *   x11_requests again COUNT   connects so many times, on two threads
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

#if defined(MINIAV_HAVE_XCB)

#include <signal.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/x11_connection.h"
#include "common/thread.h"

#define NOBODYS      0x1FFFFFFFu /* no client's XID */
#define BAD_WINDOW   3
#define BAD_DRAWABLE 9
#define UNANSWERED   70000 /* more than the 16 bits of a number in an answer */
#define XIDS         2200000
#define LARGE_BYTES  12000u
#define LARGE_COUNT  200 /* more than a socket and the queue take */
#define STOPPED_US   300000
#define PAUSES       20
#define PAUSE_US     500
#define LONG_US      60000000

static const xcb_extension_t mit_shm = {"MIT-SHM", 0};
static struct x11 *x11;
static atomic_int connecting;
static pid_t server;

static const struct x11_request *no_operation(size_t bytes) {
  static uint8_t query[LARGE_BYTES];
  static struct x11_request request = {NULL, XCB_NO_OPERATION, query, 0};
  request.bytes = bytes;
  return &request;
}

static unsigned int ask_attributes(xcb_window_t window) {
  xcb_get_window_attributes_request_t query = {.window = window};
  return x11_ask_begin(
      x11, &(struct x11_request){NULL, XCB_GET_WINDOW_ATTRIBUTES, &query, sizeof query});
}

static unsigned int ask_geometry(xcb_drawable_t drawable) {
  xcb_get_geometry_request_t query = {.drawable = drawable};
  return x11_ask_begin(x11, &(struct x11_request){NULL, XCB_GET_GEOMETRY, &query, sizeof query});
}

static MiniAVResultCode answer(unsigned int sequence) {
  struct x11_reply reply;
  MiniAVResultCode result = x11_ask_end(x11, sequence, &reply);
  x11_reply_free(&reply);
  return result;
}

/* The answer is the one to this question and to no other. */
static void check_in_step(void) {
  static const char *const names[] = {"PRIMARY", "SECONDARY", "ARC"};
  for (uint32_t i = 0; i < 3; i++) {
    xcb_get_atom_name_request_t query = {.atom = i + 1};
    struct x11_reply reply;
    if (CHECK_EQ(x11_ask(x11, &(struct x11_request){NULL, XCB_GET_ATOM_NAME, &query, sizeof query},
                         &reply),
                 MINIAV_SUCCESS)) {
      CHECK(memcmp(reply.data + 32, names[i], strlen(names[i])) == 0);
    }
    x11_reply_free(&reply);
  }
}

static void test_errors(void) {
  unsigned int first = ask_attributes(NOBODYS);
  unsigned int second = ask_geometry(x11->screen.root);
  unsigned int third = ask_geometry(NOBODYS);
  CHECK_EQ(answer(first), MINIAV_ERROR_SYSTEM_CALL_FAILED);
  CHECK(x11->error_code == BAD_WINDOW || x11->error_code == 0);
  CHECK_EQ(answer(second), MINIAV_SUCCESS);
  CHECK_EQ(x11->error_code, 0);
  CHECK_EQ(answer(third), MINIAV_ERROR_SYSTEM_CALL_FAILED);
  CHECK_EQ(x11->error_code, BAD_DRAWABLE);
  xcb_map_window_request_t map = {.window = NOBODYS};
  const struct x11_request request = {NULL, XCB_MAP_WINDOW, &map, sizeof map};
  CHECK_EQ(x11_do(x11, &request, -1), MINIAV_ERROR_SYSTEM_CALL_FAILED);
  CHECK_EQ(x11->error_code, BAD_WINDOW);
  CHECK_EQ(x11_do(x11, no_operation(4), -1), MINIAV_SUCCESS);
  x11_ask_forget(x11, ask_geometry(x11->screen.root));
  x11_ask_forget(x11, ask_geometry(NOBODYS));
  check_in_step();
}

/* A request of one that the server has not is not sent: it would end the connection. */
static void test_missing_extension(void) {
  static const xcb_extension_t missing = {"NOBODYS-EXTENSION", 0};
  uint8_t query[4] = {0};
  const struct x11_request request = {&missing, 0, query, sizeof query};
  struct x11_reply reply;
  CHECK(x11_extension(x11, &missing) == NULL);
  CHECK_EQ(x11_send(x11, &request, -1), 0u);
  CHECK_EQ(x11_do(x11, &request, -1), MINIAV_ERROR_SYSTEM_CALL_FAILED);
  CHECK_EQ(x11_ask(x11, &request, &reply), MINIAV_ERROR_SYSTEM_CALL_FAILED);
  check_in_step();
}

static void test_unanswered(void) {
  for (int i = 0; i < UNANSWERED; i++) {
    CHECK(x11_send(x11, no_operation(4), -1) != 0);
  }
  check_in_step();
}

/* libxcb asks the server for more, by itself. */
static void test_xids(void) {
  uint32_t pixmap = 0;
  CHECK(x11_send(x11, no_operation(4), -1) != 0); /* is before what libxcb sends */
  for (int i = 0; i < XIDS; i++) {
    pixmap = xcb.generate_id(x11->connection);
  }
  CHECK(pixmap != UINT32_MAX);
  xcb_create_pixmap_request_t create = {
      .depth = 1, .pid = pixmap, .drawable = x11->screen.root, .width = 1, .height = 1};
  xcb_free_pixmap_request_t done = {.pixmap = pixmap};
  const struct x11_request requests[] = {{NULL, XCB_CREATE_PIXMAP, &create, sizeof create},
                                         {NULL, XCB_FREE_PIXMAP, &done, sizeof done}};
  CHECK_EQ(x11_do(x11, &requests[0], -1), MINIAV_SUCCESS);
  CHECK_EQ(x11_do(x11, &requests[1], -1), MINIAV_SUCCESS);
  check_in_step();
}

static void go_on_later(void *unused) {
  (void)unused;
  clock_sleep_until_us(clock_now_us() + STOPPED_US);
  kill(server, SIGCONT);
}

static void interrupt_later(void *unused) {
  (void)unused;
  clock_sleep_until_us(clock_now_us() + STOPPED_US);
  x11_interrupt(x11);
}

/* What x11_interrupt writes after its interrupt is over ends one wait and no other. */
static void test_late_write(void) {
  const uint64_t one = 1;
  int64_t before_us = clock_now_us();
  CHECK(write(x11->wake_fd, &one, sizeof one) > 0);
  CHECK_EQ(x11_rest(x11, before_us + LONG_US), MINIAV_SUCCESS);
  int64_t now_us = clock_now_us();
  CHECK(now_us - before_us < LONG_US);
  CHECK_EQ(x11_rest(x11, now_us + STOPPED_US), MINIAV_SUCCESS);
  CHECK(clock_now_us() - now_us >= STOPPED_US);
}

/* A server that hangs for a while gets all of it in order when it goes on. */
static void test_stopped(void) {
  kill(server, SIGSTOP);
  CHECK(thread_start("later", go_on_later, NULL));
  int64_t before_us = clock_now_us();
  for (int i = 0; i < LARGE_COUNT; i++) {
    CHECK(x11_send(x11, no_operation(LARGE_BYTES), -1) != 0);
  }
  check_in_step();
  CHECK(clock_now_us() - before_us >= STOPPED_US);
}

/* Until the socket takes no more; what is left lies in the queue. */
static void fill_socket(void) {
  while (x11_writer_write(&x11->writer) == X11_WRITTEN) {
    CHECK(x11_send(x11, no_operation(LARGE_BYTES), -1) != 0);
  }
}

/* A wait for room ends as any other, and nothing is lost by that. */
static void test_interrupted(void) {
  kill(server, SIGSTOP);
  fill_socket();
  CHECK(thread_start("later", interrupt_later, NULL));
  CHECK_EQ(answer(ask_geometry(x11->screen.root)), MINIAV_ERROR_USER_CANCELLED);
  x11_continue(x11);
  int64_t now_us = clock_now_us();
  CHECK_EQ(x11_sleep(x11, now_us + 1000), MINIAV_SUCCESS);
  CHECK_EQ(x11_wait(x11, now_us + 1000), MINIAV_SUCCESS);
  CHECK(clock_now_us() - now_us < LONG_US);
  kill(server, SIGCONT);
  check_in_step();
}

/* One that hangs for good is given up at the deadline, and the queue's end is the connection's. */
static void test_given_up(void) {
  kill(server, SIGSTOP);
  fill_socket();
  int64_t now_us = clock_now_us();
  x11_set_limits(x11, now_us + STOPPED_US, NULL);
  CHECK_EQ(answer(ask_geometry(x11->screen.root)), MINIAV_ERROR_TIMEOUT);
  CHECK(clock_now_us() - now_us >= STOPPED_US);
  unsigned int sequence = 1;
  for (int i = 0; i < LARGE_COUNT && sequence != 0; i++) {
    sequence = x11_send(x11, no_operation(LARGE_BYTES), -1);
  }
  CHECK_EQ(sequence, 0u);
  CHECK(clock_now_us() - now_us < LONG_US);
  CHECK(answer(ask_geometry(x11->screen.root)) != MINIAV_SUCCESS);
  kill(server, SIGCONT);
}

static void connect_often(void *count) {
  for (uintptr_t i = 0; i < (uintptr_t)count; i++) {
    struct x11 *mine = NULL;
    if (CHECK_EQ(x11_connect(X11_OPEN_MS, NULL, &mine), MINIAV_SUCCESS)) {
      CHECK(x11_extension(mine, &mit_shm) != NULL);
      x11_disconnect(mine);
    }
    clock_sleep_until_us(clock_now_us() + (int64_t)i % PAUSES * PAUSE_US);
  }
  atomic_fetch_sub(&connecting, 1);
}

/* One comes while the other, the last client, goes. */
static int connect_again(int count) {
  atomic_store(&connecting, 2);
  CHECK(thread_start("again", connect_often, (void *)(uintptr_t)count));
  connect_often((void *)(uintptr_t)count);
  while (atomic_load(&connecting) > 0) {
    clock_sleep_until_us(clock_now_us() + 1000);
  }
  return check_report("x11_requests");
}

int main(int count, char **values) {
  if (count > 2 && strcmp(values[1], "again") == 0) {
    return connect_again(atoi(values[2]));
  }
  server = count > 1 ? (pid_t)atoi(values[1]) : 0;
  if (server <= 0 || x11_connect(X11_OPEN_MS, NULL, &x11) != MINIAV_SUCCESS) {
    fprintf(stderr, "no server\n");
    return 2;
  }
  x11_set_limits(x11, INT64_MAX, NULL); /* nobody shuts the socket any more */
  x11_set_limits(x11, clock_now_us() + LONG_US, NULL);
  test_errors();
  test_missing_extension();
  test_unanswered();
  test_xids();
  test_late_write();
  test_stopped();
  test_interrupted();
  test_given_up();
  x11_disconnect(x11);
  return check_report("x11_requests");
}

#else
int main(void) {
  return 2;
}
#endif
