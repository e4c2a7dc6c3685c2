#include "screen/linux/x11_extensions.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <sys/socket.h>

const xcb_extension_t x11_shm = {"MIT-SHM", 0};
const xcb_extension_t x11_damage = {"DAMAGE", 0};
const xcb_extension_t x11_xfixes = {"XFIXES", 0};
const xcb_extension_t x11_composite = {"Composite", 0};
const xcb_extension_t x11_randr = {"RANDR", 0};
const xcb_extension_t x11_input = {"XInputExtension", 0};
static const xcb_extension_t xwayland = {"XWAYLAND", 0};

#define QUERY_VERSION          0u
#define INPUT_XI_QUERY_VERSION 47u

/* Of XFIXES, DAMAGE, COMPOSITE and RANDR; whether the server has at least that version. */
static bool has_version(struct x11 *x11, const xcb_extension_t *extension, uint32_t major,
                        uint32_t minor) {
  struct {
    uint8_t header[4];
    uint32_t version[2];
  } query = {.version = {major, minor}};
  uint32_t version[2] = {0, 0};
  const struct x11_request request = {extension, QUERY_VERSION, &query, sizeof query};
  struct x11_reply reply;
  if (x11_ask(x11, &request, &reply) == MINIAV_SUCCESS) {
    memcpy(version, reply.data + 8, sizeof version);
  }
  x11_reply_free(&reply);
  return version[0] > major || (version[0] == major && version[1] >= minor);
}

/* MIT-SHM's and XInput's answers have 16 bits. */
static bool has_short_version(struct x11 *x11, const struct x11_request *request, uint16_t major,
                              uint16_t minor) {
  uint16_t version[2] = {0, 0};
  struct x11_reply reply;
  if (x11_ask(x11, request, &reply) == MINIAV_SUCCESS) {
    memcpy(version, reply.data + 8, sizeof version);
  }
  x11_reply_free(&reply);
  return version[0] > major || (version[0] == major && version[1] >= minor);
}

static bool is_local(const struct x11 *x11) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  return getsockname(x11->fd, (struct sockaddr *)&address, &length) == 0 &&
         address.ss_family == AF_UNIX;
}

static bool can_share(struct x11 *x11) {
  uint8_t query[4] = {0};
  const struct x11_request request = {&x11_shm, QUERY_VERSION, query, sizeof query};
  return is_local(x11) && x11_extension(x11, &x11_shm) != NULL &&
         has_short_version(x11, &request, 1, 2);
}

static bool can_tell_motion(struct x11 *x11, struct x11_extensions *extensions) {
  struct {
    uint8_t header[4];
    uint16_t version[2];
  } query = {.version = {2, 2}};
  const struct x11_request request = {&x11_input, INPUT_XI_QUERY_VERSION, &query, sizeof query};
  const xcb_query_extension_reply_t *found = x11_extension(x11, &x11_input);
  extensions->input_opcode = found != NULL ? found->major_opcode : 0;
  return found != NULL && has_short_version(x11, &request, 2, 1);
}

MiniAVResultCode x11_extensions_find(struct x11 *x11, struct x11_extensions *extensions) {
  *extensions = (struct x11_extensions){.shares_memory = can_share(x11)};
  const xcb_query_extension_reply_t *xfixes = x11_extension(x11, &x11_xfixes);
  extensions->has_cursor = xfixes != NULL && has_version(x11, &x11_xfixes, 2, 0);
  extensions->xfixes_event = xfixes != NULL ? xfixes->first_event : 0;
  const xcb_query_extension_reply_t *damage = x11_extension(x11, &x11_damage);
  extensions->has_damage =
      extensions->has_cursor && damage != NULL && has_version(x11, &x11_damage, 1, 0);
  extensions->damage_event = damage != NULL ? damage->first_event : 0;
  extensions->has_composite =
      x11_extension(x11, &x11_composite) != NULL && has_version(x11, &x11_composite, 0, 2);
  const xcb_query_extension_reply_t *randr = x11_extension(x11, &x11_randr);
  extensions->has_monitors = randr != NULL && has_version(x11, &x11_randr, 1, 5);
  extensions->randr_event = randr != NULL ? randr->first_event : 0;
  extensions->has_motion = can_tell_motion(x11, extensions);
  return xcb.connection_has_error(x11->connection) == 0 ? MINIAV_SUCCESS : x11_why_broken(x11);
}

bool x11_names_xwayland(struct x11 *x11) {
  return x11_extension(x11, &xwayland) != NULL;
}

#endif
