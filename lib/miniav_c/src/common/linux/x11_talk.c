#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define REPLY_BYTES    32u
#define X_ERROR        0u
#define NAME_MAX_BYTES 32u /* of an extension */

/* -- waiting ---------------------------------------------------------------------------------- */

/* Hands out an event and those that were read with it; counts them. False: the connection is
 * broken. */
static bool hand_out(struct x11 *x11, xcb_generic_event_t *event, uint32_t *events) {
  for (; event != NULL; event = xcb.poll_for_queued_event(x11->connection)) {
    (*events)++;
    if (event->response_type == X_ERROR) {
      x11->failed = event->full_sequence;
      x11->failure = ((const xcb_generic_error_t *)event)->error_code;
    } else if (x11->on_event != NULL) {
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

/* For what of the server: POLLIN, POLLOUT; 0: it is not heard. SUCCESS: that, or the time. */
static MiniAVResultCode wait_until(struct x11 *x11, short what, int64_t until_us) {
  if (x11_is_interrupted(x11)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  int64_t left_us = until_us - clock_now_us();
  struct timespec timeout = {0};
  if (left_us > 0) {
    timeout = (struct timespec){(time_t)(left_us / 1000000), (long)(left_us % 1000000) * 1000};
  }
  struct pollfd wanted[2] = {{.fd = x11->wake_fd, .events = POLLIN},
                             {.fd = x11->fd, .events = what}};
  ppoll(wanted, what != 0 ? 2 : 1, until_us == INT64_MAX ? NULL : &timeout, NULL);
  return x11_is_woken(x11, wanted[0].revents) ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS;
}

MiniAVResultCode x11_why_broken(const struct x11 *x11) {
  return atomic_load(&x11->interrupted)       ? MINIAV_ERROR_USER_CANCELLED
         : clock_now_us() >= x11->deadline_us ? MINIAV_ERROR_TIMEOUT
                                              : MINIAV_ERROR_DEVICE_LOST;
}

/* -- requests --------------------------------------------------------------------------------- */

/* Writes what is queued. SUCCESS; as x11_ask. *heard: it had to wait, and what came is read. */
static MiniAVResultCode flush(struct x11 *x11, bool *heard) {
  uint32_t events = 0;
  *heard = false;
  enum x11_written written = x11_writer_write(&x11->writer);
  while (written == X11_SOCKET_FULL) {
    MiniAVResultCode result = clock_now_us() < x11->deadline_us
                                  ? wait_until(x11, POLLIN | POLLOUT, x11->deadline_us)
                                  : MINIAV_ERROR_TIMEOUT;
    if (result != MINIAV_SUCCESS) {
      return result;
    }
    *heard = true;
    written = pump(x11, &events) ? x11_writer_write(&x11->writer) : X11_SOCKET_BROKEN;
  }
  return written == X11_WRITTEN ? MINIAV_SUCCESS : x11_why_broken(x11);
}

/* A queue that a server does not let us empty is the end of the connection. */
static bool make_room(struct x11 *x11, size_t bytes, int fd) {
  bool heard;
  if (!x11_writer_has_room(&x11->writer, bytes, fd)) {
    flush(x11, &heard);
  }
  bool has_room = x11_writer_has_room(&x11->writer, bytes, fd);
  if (!has_room) {
    shutdown(x11->fd, SHUT_RDWR);
  }
  return has_room;
}

/* Fills in the first bytes: opcodes and length. False: the server has not that extension. */
static bool complete(struct x11 *x11, const struct x11_request *request, size_t bytes) {
  uint8_t *head = request->request;
  head[0] = request->opcode;
  if (request->extension != NULL) {
    const xcb_query_extension_reply_t *found = x11_extension(x11, request->extension);
    head[0] = found != NULL ? found->major_opcode : 0;
    head[1] = request->opcode;
  }
  uint16_t words = (uint16_t)(bytes / 4);
  memcpy(head + 2, &words, sizeof words);
  return head[0] != 0;
}

static unsigned int send_request(struct x11 *x11, const struct x11_request *request,
                                 bool is_answered, int fd) {
  size_t bytes = (request->bytes + 3) / 4 * 4;
  if (complete(x11, request, bytes) && make_room(x11, bytes, fd)) {
    return x11_writer_add(&x11->writer, request->request, request->bytes, is_answered, fd);
  }
  if (fd >= 0) {
    close(fd);
  }
  return 0;
}

/* Of a request whose number is 0: the socket was shut, or the server has not that extension. */
static MiniAVResultCode why_not_sent(struct x11 *x11) {
  uint32_t events = 0;
  return pump(x11, &events) ? MINIAV_ERROR_SYSTEM_CALL_FAILED : x11_why_broken(x11);
}

unsigned int x11_ask_begin(struct x11 *x11, const struct x11_request *request) {
  return send_request(x11, request, true, -1);
}

unsigned int x11_send(struct x11 *x11, const struct x11_request *request, int fd) {
  return send_request(x11, request, false, fd);
}

/* -- answers ---------------------------------------------------------------------------------- */

static MiniAVResultCode take_reply(struct x11 *x11, unsigned int sequence, void *data,
                                   struct x11_reply *reply) {
  if (data == NULL) {
    x11->error_code = x11->failed == sequence ? x11->failure : 0;
    return xcb.connection_has_error(x11->connection) == 0 ? MINIAV_ERROR_SYSTEM_CALL_FAILED
                                                          : x11_why_broken(x11);
  }
  reply->data = data;
  reply->bytes = REPLY_BYTES + (size_t)((const xcb_generic_reply_t *)data)->length * 4;
  return MINIAV_SUCCESS;
}

/* Looks for an answer. SUCCESS: *is_answered says whether it is there. */
static MiniAVResultCode look_for(struct x11 *x11, unsigned int sequence, void **data,
                                 bool *is_answered) {
  uint32_t events = 0;
  /* It reads the socket; what came before the reply lies in the queue then, errors too. */
  *is_answered = xcb.poll_for_reply(x11->connection, sequence, data, NULL) != 0;
  bool is_sound = hand_out(x11, xcb.poll_for_queued_event(x11->connection), &events);
  return *is_answered || is_sound ? MINIAV_SUCCESS : x11_why_broken(x11);
}

void x11_ask_forget(struct x11 *x11, unsigned int sequence) {
  xcb.discard_reply(x11->connection, sequence);
}

MiniAVResultCode x11_ask_end(struct x11 *x11, unsigned int sequence, struct x11_reply *reply) {
  *reply = (struct x11_reply){0};
  x11->error_code = 0;
  if (sequence == 0) {
    return why_not_sent(x11);
  }
  bool heard;
  bool is_new = x11_writer_holds(&x11->writer, sequence);
  MiniAVResultCode result = flush(x11, &heard);
  bool may_be_here = !is_new || heard;
  while (result == MINIAV_SUCCESS) {
    void *data = NULL;
    bool is_answered = false;
    result = may_be_here ? look_for(x11, sequence, &data, &is_answered) : MINIAV_SUCCESS;
    if (is_answered) {
      return take_reply(x11, sequence, data, reply);
    }
    if (result == MINIAV_SUCCESS) {
      result = clock_now_us() >= x11->deadline_us ? MINIAV_ERROR_TIMEOUT
                                                  : wait_until(x11, POLLIN, x11->deadline_us);
    }
    may_be_here = true;
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

/* What the socket does not take yet goes later: there is something to wait for. */
static short write_some(struct x11 *x11) {
  return x11_writer_write(&x11->writer) == X11_SOCKET_FULL ? POLLIN | POLLOUT : POLLIN;
}

MiniAVResultCode x11_wait(struct x11 *x11, int64_t until_us) {
  uint32_t events = 0;
  short what = write_some(x11);
  if (!pump(x11, &events)) {
    return MINIAV_ERROR_DEVICE_LOST;
  }
  /* Events that came together with a reply were read with it: the socket tells of them no more. */
  MiniAVResultCode result = events > 0 ? MINIAV_SUCCESS : wait_until(x11, what, until_us);
  return pump(x11, &events) ? result : MINIAV_ERROR_DEVICE_LOST;
}

MiniAVResultCode x11_rest(struct x11 *x11, int64_t until_us) {
  write_some(x11);
  return wait_until(x11, 0, until_us);
}

MiniAVResultCode x11_sleep(struct x11 *x11, int64_t until_us) {
  uint32_t events = 0;
  MiniAVResultCode result = x11_rest(x11, until_us);
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

MiniAVResultCode x11_do(struct x11 *x11, const struct x11_request *request, int fd) {
  unsigned int sequence = x11_send(x11, request, fd);
  MiniAVResultCode result = sequence != 0 ? synchronise(x11) : why_not_sent(x11);
  if (result == MINIAV_SUCCESS && x11->failed == sequence) {
    x11->error_code = x11->failure;
    result = MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  return result;
}

/* -- extensions ------------------------------------------------------------------------------- */

static MiniAVResultCode query_extension(struct x11 *x11, const char *name,
                                        xcb_query_extension_reply_t *answer) {
  struct {
    xcb_query_extension_request_t header;
    char name[NAME_MAX_BYTES];
  } query = {.header.name_len = (uint16_t)strlen(name)};
  const struct x11_request request = {NULL, XCB_QUERY_EXTENSION, &query,
                                      sizeof query.header + query.header.name_len};
  struct x11_reply reply;
  memcpy(query.name, name, query.header.name_len);
  MiniAVResultCode result = x11_ask(x11, &request, &reply);
  if (result == MINIAV_SUCCESS) {
    memcpy(answer, reply.data, sizeof *answer);
  }
  x11_reply_free(&reply);
  return result;
}

static const xcb_query_extension_reply_t *if_present(const struct x11_extension *extension) {
  return extension->answer.present != 0 ? &extension->answer : NULL;
}

const xcb_query_extension_reply_t *x11_extension(struct x11 *x11,
                                                 const xcb_extension_t *extension) {
  for (uint32_t i = 0; i < x11->extension_count; i++) {
    if (x11->extensions[i].extension == extension) {
      return if_present(&x11->extensions[i]);
    }
  }
  struct x11_extension *found = &x11->extensions[x11->extension_count];
  if (x11->extension_count == X11_EXTENSIONS_MAX ||
      query_extension(x11, extension->name, &found->answer) != MINIAV_SUCCESS) {
    return NULL;
  }
  found->extension = extension;
  x11->extension_count++;
  return if_present(found);
}

#endif
