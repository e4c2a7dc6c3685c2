#include "common/linux/x11_windows.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/linux/x11_query.h"

#define WINDOWS_MAX 512u
#define TITLE_BYTES 1024u

MiniAVResultCode x11_windows_begin(struct x11_windows *windows, struct x11 *x11) {
  *windows = (struct x11_windows){.x11 = x11};
  const struct {
    const char *name;
    xcb_atom_t *atom;
  } atoms[] = {{"_NET_CLIENT_LIST_STACKING", &windows->net_client_list_stacking},
               {"_NET_SUPPORTING_WM_CHECK", &windows->net_supporting_wm_check},
               {"_NET_WM_NAME", &windows->net_wm_name},
               {"UTF8_STRING", &windows->utf8_string},
               {"WM_STATE", &windows->wm_state}};
  MiniAVResultCode result = x11_owner_begin(&windows->owner, x11);
  for (size_t i = 0; i < sizeof atoms / sizeof *atoms && result == MINIAV_SUCCESS; i++) {
    result = x11_atom(x11, atoms[i].name, atoms[i].atom);
  }
  return result;
}

/* -- one window ----------------------------------------------------------------------------- */

/* What there is to know of one window. */
struct window {
  xcb_window_t id;
  bool is_output; /* an InputOutput window that exists */
  bool viewable;
};

static MiniAVResultCode window_state(struct x11 *x11, struct window *window) {
  xcb_get_window_attributes_request_t query = {.window = window->id};
  const struct x11_request request = {NULL, XCB_GET_WINDOW_ATTRIBUTES, &query, sizeof query};
  struct x11_reply reply;
  MiniAVResultCode result = x11_ask(x11, &request, &reply);
  if (result == MINIAV_SUCCESS) {
    const xcb_get_window_attributes_reply_t *attributes = (const void *)reply.data;
    window->is_output = attributes->_class == XCB_WINDOW_CLASS_INPUT_OUTPUT;
    window->viewable = attributes->map_state == XCB_MAP_STATE_VIEWABLE;
  }
  x11_reply_free(&reply);
  return result == MINIAV_ERROR_SYSTEM_CALL_FAILED ? MINIAV_SUCCESS : result; /* it is gone */
}

static bool has_property(struct x11 *x11, xcb_window_t window, xcb_atom_t name) {
  struct x11_property property;
  bool found = x11_property_get(x11, window, name, 4, &property);
  x11_reply_free(&property.reply);
  return found;
}

/* Latin-1, which is what STRING means (ICCCM 2.7.1), as UTF-8; cut where the memory ends. */
static void from_latin1(const uint8_t *text, size_t bytes, char *out, size_t capacity) {
  size_t used = 0;
  for (size_t i = 0; i < bytes && text[i] != 0 && used + 3 <= capacity; i++) {
    if (text[i] < 0x80) {
      out[used++] = (char)text[i];
    } else {
      out[used++] = (char)(0xC0 | text[i] >> 6);
      out[used++] = (char)(0x80 | (text[i] & 0x3F));
    }
  }
  out[used] = 0;
}

static bool window_title(const struct x11_windows *windows, xcb_window_t window,
                         char title[MINIAV_TEXT_BYTES]) {
  char text[TITLE_BYTES + 1];
  struct x11_property property;
  title[0] = 0;
  bool found = x11_property_get(windows->x11, window, windows->net_wm_name, TITLE_BYTES, &property);
  if (!found) {
    x11_reply_free(&property.reply);
    found = x11_property_get(windows->x11, window, XCB_ATOM_WM_NAME, TITLE_BYTES, &property);
  }
  if (found && property.type == windows->utf8_string) {
    size_t length = property.bytes < TITLE_BYTES ? property.bytes : TITLE_BYTES;
    memcpy(text, property.data, length);
    text[text_whole(text, length)] = 0;
    text_copy(title, MINIAV_TEXT_BYTES, text);
  } else if (found) {
    from_latin1(property.data, property.bytes, text, sizeof text);
    text_copy(title, MINIAV_TEXT_BYTES, text);
  }
  x11_reply_free(&property.reply);
  return title[0] != 0;
}

/* -- which there are ------------------------------------------------------------------------ */

struct window_ids {
  uint32_t count;
  xcb_window_t ids[WINDOWS_MAX]; /* the top one first */
};

/* The windows that a window manager manages. False: none runs, or it does not tell. */
static bool managed_windows(const struct x11_windows *windows, struct window_ids *found) {
  struct x11 *x11 = windows->x11;
  struct x11_property property;
  xcb_window_t check = XCB_WINDOW_NONE;
  /* The window that stands for the manager goes with it; the lists would stay. */
  if (x11_property_get(x11, x11->screen.root, windows->net_supporting_wm_check, sizeof check,
                       &property) &&
      property.bytes == sizeof check) {
    memcpy(&check, property.data, sizeof check);
  }
  x11_reply_free(&property.reply);
  if (check == XCB_WINDOW_NONE || !has_property(x11, check, windows->net_supporting_wm_check)) {
    return false;
  }
  bool told = x11_property_get(x11, x11->screen.root, windows->net_client_list_stacking,
                               WINDOWS_MAX * sizeof check, &property);
  found->count = 0;
  for (size_t at = property.bytes / sizeof check; told && at > 0; at--) {
    memcpy(&found->ids[found->count++], property.data + (at - 1) * sizeof check, sizeof check);
  }
  x11_reply_free(&property.reply);
  return told;
}

static MiniAVResultCode children(struct x11 *x11, xcb_window_t parent, struct window_ids *found) {
  xcb_query_tree_request_t query = {.window = parent};
  const struct x11_request request = {NULL, XCB_QUERY_TREE, &query, sizeof query};
  struct x11_reply reply;
  found->count = 0;
  MiniAVResultCode result = x11_ask(x11, &request, &reply);
  if (result == MINIAV_SUCCESS) {
    size_t count = ((const xcb_query_tree_reply_t *)(const void *)reply.data)->children_len;
    size_t came = (reply.bytes - sizeof(xcb_query_tree_reply_t)) / sizeof(xcb_window_t);
    count = count < came ? count : came;
    for (size_t at = count; at > 0 && found->count < WINDOWS_MAX; at--) {
      memcpy(&found->ids[found->count++],
             reply.data + sizeof(xcb_query_tree_reply_t) + (at - 1) * sizeof(xcb_window_t),
             sizeof(xcb_window_t));
    }
  }
  x11_reply_free(&reply);
  return result;
}

/* The client's window inside a frame that an old window manager put around it. */
static xcb_window_t client_inside(const struct x11_windows *windows, xcb_window_t frame,
                                  struct window_ids *scratch) {
  if (has_property(windows->x11, frame, windows->wm_state)) {
    return frame;
  }
  if (children(windows->x11, frame, scratch) == MINIAV_SUCCESS) {
    for (uint32_t i = 0; i < scratch->count; i++) {
      if (has_property(windows->x11, scratch->ids[i], windows->wm_state)) {
        return scratch->ids[i];
      }
    }
  }
  return frame;
}

static MiniAVResultCode top_level_windows(const struct x11_windows *windows,
                                          struct window_ids *found) {
  struct window_ids *scratch = malloc(sizeof *scratch);
  if (scratch == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = children(windows->x11, windows->x11->screen.root, found);
  uint32_t kept = 0;
  for (uint32_t i = 0; result == MINIAV_SUCCESS && i < found->count; i++) {
    struct window window = {.id = found->ids[i]};
    char title[MINIAV_TEXT_BYTES];
    result = window_state(windows->x11, &window);
    if (result != MINIAV_SUCCESS || !window.is_output || !window.viewable) {
      continue;
    }
    xcb_window_t client = client_inside(windows, window.id, scratch);
    if (client != window.id || window_title(windows, client, title) ||
        has_property(windows->x11, client, windows->wm_state)) {
      found->ids[kept++] = client;
    }
  }
  found->count = kept;
  free(scratch);
  return result;
}

/* -- the list ------------------------------------------------------------------------------- */

static MiniAVResultCode add(const struct x11_windows *windows, const struct window *window,
                            bool owned_only, struct device_list *devices) {
  MiniAVDeviceInfo device = {.scale = 1.0f};
  uint32_t pid = 0;
  MiniAVResultCode result = x11_window_rectangle(windows->x11, window->id, &device.rectangle);
  if (result != MINIAV_SUCCESS) {
    return result == MINIAV_ERROR_SYSTEM_CALL_FAILED ? MINIAV_SUCCESS : result;
  }
  x11_window_owner(&windows->owner, window->id, &pid, NULL);
  if (owned_only && pid == 0) {
    return MINIAV_SUCCESS;
  }
  device.process_id = pid;
  snprintf(device.device_id, sizeof device.device_id, X11_WINDOW_ID "%u", window->id);
  if (!window_title(windows, window->id, device.name)) {
    snprintf(device.name, sizeof device.name, "window %u", window->id);
  }
  device_list_add(devices, &device);
  return MINIAV_SUCCESS;
}

MiniAVResultCode x11_windows_list(const struct x11_windows *windows, bool owned_only,
                                  struct device_list *devices) {
  struct window_ids *found = malloc(sizeof *found);
  if (found == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (!managed_windows(windows, found)) {
    result = top_level_windows(windows, found);
  }
  for (int visible = 1; visible >= 0; visible--) {
    for (uint32_t i = 0; i < found->count && result == MINIAV_SUCCESS; i++) {
      struct window window = {.id = found->ids[i]};
      result = window_state(windows->x11, &window);
      if (result == MINIAV_SUCCESS && window.is_output && window.viewable == (visible == 1)) {
        result = add(windows, &window, owned_only, devices);
      }
    }
  }
  free(found);
  return result;
}

xcb_window_t x11_window_from_id(const char *id) {
  size_t length = sizeof X11_WINDOW_ID - 1;
  uint64_t number = 0;
  if (strncmp(id, X11_WINDOW_ID, length) != 0) {
    return XCB_WINDOW_NONE;
  }
  for (const char *at = id + length; *at != 0; at++) {
    if (*at < '0' || *at > '9' || number > UINT32_MAX) {
      return XCB_WINDOW_NONE;
    }
    number = number * 10 + (uint64_t)(*at - '0');
  }
  return number <= UINT32_MAX ? (xcb_window_t)number : XCB_WINDOW_NONE;
}

#endif
