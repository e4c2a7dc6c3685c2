#include "common/linux/x11_owner.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <unistd.h>

#include "common/linux/process_tree.h"
#include "common/linux/x11_query.h"

#define HOST_BYTES 256u

/* X-Resource 1.2, resproto.txt; its header comes with no package that is always there. */
#define RES_QUERY_VERSION    0
#define RES_QUERY_CLIENT_IDS 4
#define RES_LOCAL_CLIENT_PID 2u

static const xcb_extension_t resource_extension = {"X-Resource", 0};

struct res_query_version {
  uint8_t header[4];
  uint8_t major;
  uint8_t minor;
  uint16_t unused;
};

struct res_query_client_ids {
  uint8_t header[4];
  uint32_t count;
  uint32_t client;
  uint32_t mask;
};

struct res_client_id {
  uint32_t client;
  uint32_t mask;
  uint32_t value_bytes;
};

#define RES_IDS_OFFSET 32u

/* The PID that the server knows of the client of a resource; 0: it knows none. */
static uint32_t pid_of_client(struct x11 *x11, uint32_t resource) {
  struct res_query_client_ids query = {
      .count = 1, .client = resource, .mask = RES_LOCAL_CLIENT_PID};
  const struct x11_request request = {&resource_extension, RES_QUERY_CLIENT_IDS, &query,
                                      sizeof query};
  struct x11_reply reply;
  uint32_t pid = 0;
  if (x11_ask(x11, &request, &reply) == MINIAV_SUCCESS) {
    size_t at = RES_IDS_OFFSET;
    struct res_client_id id;
    while (pid == 0 && reply.bytes - at >= sizeof id + sizeof pid) {
      memcpy(&id, reply.data + at, sizeof id);
      at += sizeof id;
      if ((id.mask & RES_LOCAL_CLIENT_PID) != 0 && id.value_bytes >= sizeof pid) {
        memcpy(&pid, reply.data + at, sizeof pid);
      }
      size_t padded = ((size_t)id.value_bytes + 3) & ~(size_t)3;
      at = padded <= reply.bytes - at ? at + padded : reply.bytes;
    }
  }
  x11_reply_free(&reply);
  return pid;
}

static bool server_tells(struct x11 *x11) {
  if (x11_extension(x11, &resource_extension) == NULL) {
    return false;
  }
  struct res_query_version query = {.major = 1, .minor = 2};
  const struct x11_request request = {&resource_extension, RES_QUERY_VERSION, &query, sizeof query};
  struct x11_reply reply;
  uint16_t version[2] = {0, 0};
  if (x11_ask(x11, &request, &reply) == MINIAV_SUCCESS) {
    memcpy(version, reply.data + 8, sizeof version);
  }
  x11_reply_free(&reply);
  bool knows_ids = version[0] > 1 || (version[0] == 1 && version[1] >= 2);
  return knows_ids && pid_of_client(x11, x11->setup->resource_id_base) == (uint32_t)getpid();
}

MiniAVResultCode x11_owner_begin(struct x11_owner *owner, struct x11 *x11) {
  *owner = (struct x11_owner){.x11 = x11};
  MiniAVResultCode result = x11_atom(x11, "_NET_WM_PID", &owner->net_wm_pid);
  owner->server_tells = result == MINIAV_SUCCESS && server_tells(x11);
  return result;
}

static bool is_of_this_host(const struct x11_owner *owner, xcb_window_t window) {
  char host[HOST_BYTES] = "";
  struct x11_property machine;
  bool same = false;
  if (x11_property_get(owner->x11, window, XCB_ATOM_WM_CLIENT_MACHINE, HOST_BYTES, &machine) &&
      gethostname(host, sizeof host - 1) == 0) {
    size_t length = strlen(host);
    same = length > 0 && machine.bytes >= length && memcmp(machine.data, host, length) == 0 &&
           (machine.bytes == length || machine.data[length] == 0);
  }
  x11_reply_free(&machine.reply);
  return same;
}

/* What the window itself says, where the server cannot tell. */
static const char *declared_owner(const struct x11_owner *owner, xcb_window_t window,
                                  uint32_t *pid) {
  struct x11_property property;
  uint32_t declared = 0;
  if (x11_property_get(owner->x11, window, owner->net_wm_pid, sizeof declared, &property) &&
      property.bytes == sizeof declared) {
    memcpy(&declared, property.data, sizeof declared);
  }
  x11_reply_free(&property.reply);
  if (declared == 0) {
    return "neither the X server nor the window tells whose it is (_NET_WM_PID)";
  }
  if (!is_of_this_host(owner, window)) {
    return "the window does not say that its program runs on this machine (WM_CLIENT_MACHINE)";
  }
  if (process_start_time(declared) == 0) {
    return "the window names a process that is not there";
  }
  *pid = declared;
  return NULL;
}

MiniAVResultCode x11_window_owner(const struct x11_owner *owner, xcb_window_t window, uint32_t *pid,
                                  struct cancel *cancel) {
  MiniAVRect rectangle;
  const char *why = NULL;
  *pid = 0;
  MiniAVResultCode result = x11_window_rectangle(owner->x11, window, &rectangle);
  if (result == MINIAV_ERROR_SYSTEM_CALL_FAILED) {
    why = "there is no such window";
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  } else if (result == MINIAV_SUCCESS && owner->server_tells) {
    *pid = pid_of_client(owner->x11, window);
    why = *pid == 0 ? "the window's program runs on another machine" : NULL;
  } else if (result == MINIAV_SUCCESS) {
    why = declared_owner(owner, window, pid);
  }
  if (why != NULL && cancel != NULL) {
    cancel_explain(cancel, "%s", why);
  }
  return result == MINIAV_SUCCESS && why != NULL ? MINIAV_ERROR_NOT_SUPPORTED : result;
}

#endif
