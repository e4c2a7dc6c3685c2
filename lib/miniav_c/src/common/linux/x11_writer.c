#include "common/linux/x11_writer.h"

#if defined(MINIAV_HAVE_XCB)

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNANSWERED_MAX 32768u

void x11_writer_init(struct x11_writer *writer, xcb_connection_t *connection) {
  writer->connection = connection;
  writer->owns_socket = false;
  writer->number = 0;
  writer->untold = writer->unanswered = 0;
  writer->descriptor = -1;
  writer->bytes = 0;
}

static void close_descriptor(struct x11_writer *writer) {
  if (writer->descriptor >= 0) {
    close(writer->descriptor);
    writer->descriptor = -1;
  }
}

void x11_writer_destroy(struct x11_writer *writer) {
  close_descriptor(writer);
}

/* -- writing -------------------------------------------------------------------------------- */

static void tell(struct x11_writer *writer) {
  if (writer->untold > 0) {
    xcb.writev(writer->connection, NULL, 0, writer->untold);
    writer->untold = 0;
  }
}

static ssize_t write_some(struct x11_writer *writer) {
  union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
  struct iovec part = {writer->queue, writer->bytes};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (writer->descriptor >= 0) {
    memcpy(CMSG_DATA(&control.header), &writer->descriptor, sizeof writer->descriptor);
    message.msg_control = &control;
    message.msg_controllen = sizeof control.bytes;
  }
  return sendmsg(xcb.get_file_descriptor(writer->connection), &message,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum x11_written x11_writer_write(struct x11_writer *writer) {
  tell(writer);
  while (writer->bytes > 0) {
    ssize_t count = write_some(writer);
    if (count > 0) {
      close_descriptor(writer);
      writer->bytes -= (size_t)count;
      memmove(writer->queue, writer->queue + count, writer->bytes);
    } else if (count < 0 && errno == EAGAIN) {
      return X11_SOCKET_FULL;
    } else if (count < 0 && errno != EINTR) {
      shutdown(xcb.get_file_descriptor(writer->connection), SHUT_RDWR); /* so that libxcb sees it */
      return X11_SOCKET_BROKEN;
    }
  }
  return X11_WRITTEN;
}

/* -- the socket ----------------------------------------------------------------------------- */

/* libxcb wants to write: before what we queued nothing of its own may go. A server that does not
 * read keeps us here as libxcb itself would be kept, until the socket is shut. */
static void give_back(void *user) {
  struct x11_writer *writer = user;
  struct pollfd wanted = {.fd = xcb.get_file_descriptor(writer->connection), .events = POLLOUT};
  while (x11_writer_write(writer) == X11_SOCKET_FULL) {
    poll(&wanted, 1, -1);
  }
  writer->owns_socket = false;
}

static bool take(struct x11_writer *writer) {
  if (!writer->owns_socket) {
    writer->owns_socket =
        xcb.take_socket(writer->connection, give_back, writer, 0, &writer->number) != 0;
  }
  return writer->owns_socket;
}

/* -- the queue ------------------------------------------------------------------------------ */

bool x11_writer_has_room(const struct x11_writer *writer, size_t bytes, int descriptor) {
  return bytes <= X11_REQUEST_MAX_BYTES &&
         writer->bytes + bytes + X11_SPARE_BYTES <= sizeof writer->queue &&
         (descriptor < 0 || writer->descriptor < 0);
}

static void append(struct x11_writer *writer, const void *request, size_t bytes, bool is_answered) {
  size_t padded = (bytes + 3) / 4 * 4;
  memcpy(writer->queue + writer->bytes, request, bytes);
  memset(writer->queue + writer->bytes + bytes, 0, padded - bytes);
  writer->bytes += padded;
  writer->number++;
  writer->untold++;
  writer->unanswered = is_answered ? 0 : writer->unanswered + 1;
}

/* A request whose answer nobody wants. */
static void append_sync(struct x11_writer *writer) {
  const xcb_get_input_focus_request_t focus = {.major_opcode = XCB_GET_INPUT_FOCUS, .length = 1};
  append(writer, &focus, sizeof focus, true);
  tell(writer); /* of what is thrown away libxcb has to know */
  if ((unsigned int)writer->number != 0) {
    xcb.discard_reply(writer->connection, (unsigned int)writer->number);
  }
}

unsigned int x11_writer_add(struct x11_writer *writer, const void *request, size_t bytes,
                            bool is_answered, int descriptor) {
  if (!take(writer)) {
    if (descriptor >= 0) {
      close(descriptor);
    }
    return 0;
  }
  if (writer->unanswered >= UNANSWERED_MAX || (unsigned int)(writer->number + 1) == 0) {
    append_sync(writer);
  }
  append(writer, request, bytes, is_answered);
  if (descriptor >= 0) {
    writer->descriptor = descriptor;
  }
  return (unsigned int)writer->number;
}

bool x11_writer_holds(const struct x11_writer *writer, unsigned int number) {
  return (unsigned int)writer->number - number < writer->untold;
}

#endif
