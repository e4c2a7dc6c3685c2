/* Requests on a socket whose libxcb is a few functions of this file: their order and bytes, sockets
 * that are full or gone, descriptors, and what is put in so that numbers stay clear. */
#if defined(MINIAV_HAVE_XCB)

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/linux/x11_writer.h"
#include "support/check.h"

#define REQUEST_BYTES 12u
#define UNANSWERED    32768u

/* What libxcb would know. */
static struct {
  int ours;
  int servers;
  uint64_t number;
  uint32_t takes;
  void (*return_socket)(void *);
  void *closure;
  unsigned int discarded;
  uint32_t discards;
} world;

static struct x11_writer writer;

static int fake_descriptor(xcb_connection_t *connection) {
  (void)connection;
  return world.ours;
}

static int fake_take(xcb_connection_t *connection, void (*return_socket)(void *), void *closure,
                     int flags, uint64_t *sent) {
  (void)connection;
  CHECK_EQ(flags, 0);
  world.return_socket = return_socket;
  world.closure = closure;
  world.takes++;
  *sent = world.number;
  return world.ours >= 0;
}

static int fake_writev(xcb_connection_t *connection, struct iovec *vector, int count,
                       uint64_t requests) {
  (void)connection;
  (void)vector;
  CHECK_EQ(count, 0);
  world.number += requests;
  return 1;
}

static void fake_discard(xcb_connection_t *connection, unsigned int number) {
  (void)connection;
  CHECK_EQ(number, (unsigned int)world.number); /* it is known */
  world.discarded = number;
  world.discards++;
}

static void begin(uint64_t number) {
  int pair[2];
  CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
  memset(&world, 0, sizeof world);
  world.ours = pair[0];
  world.servers = pair[1];
  world.number = number;
  xcb.get_file_descriptor = fake_descriptor;
  xcb.take_socket = fake_take;
  xcb.writev = fake_writev;
  xcb.discard_reply = fake_discard;
  x11_writer_init(&writer, NULL);
}

static void end(void) {
  x11_writer_destroy(&writer);
  close(world.ours);
  close(world.servers);
}

/* A request that says which one it is. */
static unsigned int add(uint32_t mark, bool is_answered) {
  uint32_t request[REQUEST_BYTES / 4] = {1, mark, mark * 3};
  return x11_writer_add(&writer, request, sizeof request, is_answered, -1);
}

/* How many of those marks come next, from `mark` on; anything else in between fails. */
static uint32_t read_marks(uint32_t mark) {
  uint32_t request[REQUEST_BYTES / 4];
  uint32_t count = 0;
  while (recv(world.servers, request, sizeof request, MSG_PEEK) == (ssize_t)sizeof request) {
    CHECK_EQ(recv(world.servers, request, sizeof request, 0), (ssize_t)sizeof request);
    CHECK_EQ(request[1], mark + count);
    CHECK_EQ(request[2], (mark + count) * 3);
    count++;
  }
  return count;
}

static void test_order(void) {
  const uint8_t seven[7] = {9, 9, 9, 9, 9, 9, 9};
  uint8_t bytes[64];
  begin(41);
  CHECK_EQ(add(5, false), 42u);
  CHECK_EQ(x11_writer_add(&writer, seven, sizeof seven, true, -1), 43u);
  CHECK_EQ(world.number, 41u); /* told when it is written, and not before */
  CHECK(x11_writer_holds(&writer, 42));
  CHECK(x11_writer_holds(&writer, 43));
  CHECK(!x11_writer_holds(&writer, 41));
  CHECK(!x11_writer_holds(&writer, 44));
  CHECK_EQ(recv(world.servers, bytes, sizeof bytes, 0), -1);
  CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
  CHECK_EQ(world.number, 43u);
  CHECK(!x11_writer_holds(&writer, 43));
  CHECK_EQ(recv(world.servers, bytes, sizeof bytes, 0), (ssize_t)REQUEST_BYTES + 8);
  CHECK_EQ(memcmp(bytes + REQUEST_BYTES, seven, sizeof seven), 0);
  CHECK_EQ(bytes[REQUEST_BYTES + 7], 0);
  CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
  CHECK_EQ(recv(world.servers, bytes, sizeof bytes, 0), -1); /* not twice */
  CHECK_EQ(world.takes, 1u);
  end();
}

/* Until neither the socket nor the queue takes more; then the server reads all of it. */
static void test_full(void) {
  int small = 4096;
  uint32_t added = 0;
  uint32_t seen = 0;
  begin(0);
  CHECK_EQ(setsockopt(world.ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  enum x11_written written = X11_WRITTEN;
  while (written == X11_WRITTEN || x11_writer_has_room(&writer, REQUEST_BYTES, -1)) {
    CHECK_EQ(add(added, true), added + 1);
    added++;
    written = x11_writer_write(&writer);
  }
  CHECK_EQ(written, X11_SOCKET_FULL);
  CHECK_EQ(world.number, added); /* an answer to the first may come while the last waits */
  while (seen < added) {
    uint32_t count = read_marks(seen);
    seen += count;
    CHECK(count > 0);
    x11_writer_write(&writer);
  }
  CHECK_EQ(seen, added);
  CHECK(x11_writer_has_room(&writer, X11_REQUEST_MAX_BYTES, -1));
  CHECK(!x11_writer_has_room(&writer, X11_REQUEST_MAX_BYTES + 1, -1));
  end();
}

static int received_descriptor(void) {
  uint8_t bytes[64];
  union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {bytes, sizeof bytes};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control.bytes};
  int descriptor = -1;
  CHECK(recvmsg(world.servers, &message, MSG_CMSG_CLOEXEC) > 0);
  if (message.msg_controllen >= CMSG_LEN(sizeof descriptor)) {
    memcpy(&descriptor, CMSG_DATA(&control.header), sizeof descriptor);
  }
  return descriptor;
}

static void test_descriptors(void) {
  int ends[2];
  struct stat sent;
  struct stat came;
  const uint32_t request = 7;
  begin(0);
  CHECK_EQ(pipe(ends), 0);
  CHECK_EQ(fstat(ends[0], &sent), 0);
  CHECK(x11_writer_add(&writer, &request, sizeof request, false, ends[0]) != 0);
  CHECK(!x11_writer_has_room(&writer, sizeof request, ends[1])); /* one a write */
  CHECK(x11_writer_has_room(&writer, sizeof request, -1));
  CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
  CHECK_EQ(fcntl(ends[0], F_GETFD), -1);
  int descriptor = received_descriptor();
  CHECK_EQ(fstat(descriptor, &came), 0);
  CHECK_EQ(came.st_ino, sent.st_ino);
  close(descriptor);
  CHECK(x11_writer_has_room(&writer, sizeof request, ends[1]));
  CHECK(x11_writer_add(&writer, &request, sizeof request, false, ends[1]) != 0);
  end();
  CHECK_EQ(fcntl(ends[1], F_GETFD), -1); /* never written, closed all the same */
}

static void drain(void) {
  uint8_t bytes[4096];
  while (recv(world.servers, bytes, sizeof bytes, 0) > 0) {
  }
}

static void test_unanswered(void) {
  const uint8_t sync[4] = {XCB_GET_INPUT_FOCUS, 0, 1, 0};
  uint8_t bytes[4 + REQUEST_BYTES];
  begin(0);
  for (uint32_t i = 1; i <= UNANSWERED; i++) {
    CHECK_EQ(add(i, false), i);
    CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
    drain();
  }
  CHECK_EQ(world.discards, 0u);
  CHECK_EQ(add(0, false), UNANSWERED + 2);
  CHECK_EQ(world.discards, 1u);
  CHECK_EQ(world.discarded, UNANSWERED + 1);
  CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
  CHECK_EQ(recv(world.servers, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
  CHECK_EQ(memcmp(bytes, sync, sizeof sync), 0);
  CHECK_EQ(world.number, UNANSWERED + 2);
  end();
}

/* After 2^32 requests: weeks of a fast one. */
static void test_number_zero(void) {
  begin(UINT64_C(0x1FFFFFFFD));
  CHECK_EQ(add(0, true), 0xFFFFFFFEu);
  CHECK_EQ(add(0, true), 0xFFFFFFFFu);
  CHECK_EQ(add(0, true), 1u);
  CHECK_EQ(add(0, true), 2u);
  CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
  CHECK_EQ(world.number, UINT64_C(0x200000002));
  CHECK_EQ(world.discards, 0u);
  end();
}

/* libxcb writes something of its own. */
static void test_given_back(void) {
  begin(0);
  CHECK_EQ(add(0, false), 1u);
  CHECK_EQ(add(1, false), 2u);
  world.return_socket(world.closure);
  CHECK_EQ(read_marks(0), 2u);
  CHECK_EQ(world.number, 2u);
  world.number = 7;
  CHECK_EQ(add(2, false), 8u);
  CHECK_EQ(world.takes, 2u);
  CHECK_EQ(x11_writer_write(&writer), X11_WRITTEN);
  CHECK_EQ(read_marks(2), 1u);
  end();
}

/* No signal comes of it, and libxcb sees the end too. */
static void test_gone(void) {
  uint8_t byte;
  begin(0);
  add(0, false);
  close(world.servers);
  CHECK_EQ(x11_writer_write(&writer), X11_SOCKET_BROKEN);
  CHECK_EQ(x11_writer_write(&writer), X11_SOCKET_BROKEN);
  CHECK_EQ(recv(world.ours, &byte, 1, 0), 0);
  close(world.ours);
  world.ours = world.servers = -1;
  int left = dup(STDIN_FILENO);
  writer.owns_socket = false;
  CHECK_EQ(x11_writer_add(&writer, &byte, 1, false, left), 0u);
  CHECK_EQ(fcntl(left, F_GETFD), -1);
  x11_writer_destroy(&writer);
}

int main(void) {
  test_order();
  test_full();
  test_descriptors();
  test_unanswered();
  test_number_zero();
  test_given_back();
  test_gone();
  return check_report("x11_writer_test");
}

#else
int main(void) {
  return 0;
}
#endif
