#include "screen/linux/x11_displays.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/randr.h>

#include "common/linux/x11_query.h"

#define WHOLE_SCREEN    "screen"
#define RESOURCES_BYTES 65536u
#define DEFAULT_DPI     96.0

/* -- refresh rates -------------------------------------------------------------------------- */

static MiniAVResultCode ask_about(struct x11 *x11, uint8_t opcode, uint32_t object,
                                  struct x11_reply *reply) {
  struct {
    uint8_t header[4];
    uint32_t object;
    uint32_t config_timestamp;
  } query = {.object = object};
  bool is_resources = opcode == XCB_RANDR_GET_SCREEN_RESOURCES_CURRENT;
  const struct x11_request request = {&x11_randr, opcode, &query,
                                      sizeof query - (is_resources ? 4 : 0)};
  return x11_ask(x11, &request, reply);
}

static uint32_t crtc_mode(struct x11 *x11, xcb_randr_output_t output) {
  struct x11_reply reply;
  xcb_randr_crtc_t crtc = 0;
  uint32_t mode = 0;
  if (ask_about(x11, XCB_RANDR_GET_OUTPUT_INFO, output, &reply) == MINIAV_SUCCESS) {
    crtc = ((const xcb_randr_get_output_info_reply_t *)(const void *)reply.data)->crtc;
  }
  x11_reply_free(&reply);
  if (crtc != 0 && ask_about(x11, XCB_RANDR_GET_CRTC_INFO, crtc, &reply) == MINIAV_SUCCESS) {
    mode = ((const xcb_randr_get_crtc_info_reply_t *)(const void *)reply.data)->mode;
    x11_reply_free(&reply);
  }
  return mode;
}

/* 0: not known, as on servers that only pretend to have a monitor. */
static uint32_t refresh_of_mode(const struct x11_reply *resources, uint32_t mode) {
  const xcb_randr_get_screen_resources_current_reply_t *head = (const void *)resources->data;
  size_t at = sizeof *head + 4 * ((size_t)head->num_crtcs + head->num_outputs);
  for (uint16_t i = 0; i < head->num_modes; i++, at += sizeof(xcb_randr_mode_info_t)) {
    xcb_randr_mode_info_t info;
    if (at + sizeof info > resources->bytes) {
      return 0;
    }
    memcpy(&info, resources->data + at, sizeof info);
    uint64_t total = (uint64_t)info.htotal * info.vtotal;
    if (info.id == mode && total > 0) {
      uint64_t millihertz = (uint64_t)info.dot_clock * 1000 / total;
      return millihertz <= 1000000 ? (uint32_t)millihertz : 0;
    }
  }
  return 0;
}

/* -- monitors ------------------------------------------------------------------------------- */

static bool atom_name(struct x11 *x11, xcb_atom_t atom, char name[X11_DISPLAY_NAME]) {
  xcb_get_atom_name_request_t query = {.atom = atom};
  const struct x11_request request = {NULL, XCB_GET_ATOM_NAME, &query, sizeof query};
  struct x11_reply reply;
  name[0] = 0;
  if (x11_ask(x11, &request, &reply) == MINIAV_SUCCESS) {
    size_t length = ((const xcb_get_atom_name_reply_t *)(const void *)reply.data)->name_len;
    if (length < X11_DISPLAY_NAME && length <= reply.bytes - 32) {
      memcpy(name, reply.data + 32, length);
      name[length] = 0;
    }
  }
  x11_reply_free(&reply);
  return name[0] != 0;
}

static void add_monitor(struct x11 *x11, const xcb_randr_monitor_info_t *info,
                        xcb_randr_output_t output, const struct x11_reply *resources,
                        struct x11_displays *displays) {
  struct x11_display *display = &displays->displays[displays->count];
  *display = (struct x11_display){.rectangle = {info->x, info->y, info->width, info->height},
                                  .is_primary = info->primary != 0};
  if (info->width == 0 || info->height == 0 || !atom_name(x11, info->name, display->name)) {
    return;
  }
  uint32_t mode = output != 0 && resources->data != NULL ? crtc_mode(x11, output) : 0;
  display->refresh_rate_millihertz = mode != 0 ? refresh_of_mode(resources, mode) : 0;
  displays->count++;
}

static void read_monitors(struct x11 *x11, const struct x11_reply *reply,
                          const struct x11_reply *resources, struct x11_displays *displays) {
  size_t at = sizeof(xcb_randr_get_monitors_reply_t);
  xcb_randr_monitor_info_t info;
  while (at + sizeof info <= reply->bytes && displays->count < X11_DISPLAYS_MAX) {
    memcpy(&info, reply->data + at, sizeof info);
    at += sizeof info;
    xcb_randr_output_t output = 0;
    size_t output_bytes = 4u * (size_t)info.nOutput;
    if (output_bytes > reply->bytes - at) {
      return;
    }
    if (info.nOutput > 0) {
      memcpy(&output, reply->data + at, sizeof output);
    }
    at += output_bytes;
    add_monitor(x11, &info, output, resources, displays);
  }
}

static MiniAVResultCode find_monitors(struct x11 *x11, struct x11_displays *displays) {
  xcb_randr_get_monitors_request_t query = {.window = x11->screen.root, .get_active = 1};
  const struct x11_request request = {&x11_randr, XCB_RANDR_GET_MONITORS, &query, sizeof query};
  struct x11_reply reply;
  struct x11_reply resources = {0};
  MiniAVResultCode result = x11_ask(x11, &request, &reply);
  if (result == MINIAV_SUCCESS) {
    ask_about(x11, XCB_RANDR_GET_SCREEN_RESOURCES_CURRENT, x11->screen.root, &resources);
    read_monitors(x11, &reply, &resources, displays);
  }
  x11_reply_free(&resources);
  x11_reply_free(&reply);
  return result;
}

/* The dots per inch that the desktop told its programs to draw for (xrdb, Xft.dpi). */
static float desktop_scale(struct x11 *x11) {
  static const char key[] = "Xft.dpi:";
  struct x11_property property;
  double dpi = DEFAULT_DPI;
  if (x11_property_get(x11, x11->screen.root, XCB_ATOM_RESOURCE_MANAGER, RESOURCES_BYTES,
                       &property)) {
    const char *text = (const char *)property.data;
    for (size_t i = 0; i + sizeof key < property.bytes; i++) {
      if ((i == 0 || text[i - 1] == '\n') && memcmp(text + i, key, sizeof key - 1) == 0) {
        char number[16] = "";
        size_t left = property.bytes - (i + sizeof key - 1);
        memcpy(number, text + i + sizeof key - 1, left < 15 ? left : 15);
        dpi = atof(number);
      }
    }
  }
  x11_reply_free(&property.reply);
  return dpi >= 24 && dpi <= 960 ? (float)(dpi / DEFAULT_DPI) : 1.0f;
}

static int primary_first(const void *left, const void *right) {
  const struct x11_display *a = left;
  const struct x11_display *b = right;
  if (a->is_primary != b->is_primary) {
    return a->is_primary ? -1 : 1;
  }
  int32_t across = a->rectangle.x - b->rectangle.x;
  return across != 0 ? across : a->rectangle.y - b->rectangle.y;
}

MiniAVResultCode x11_displays_find(struct x11 *x11, const struct x11_extensions *extensions,
                                   struct x11_displays *displays) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  *displays = (struct x11_displays){.scale = desktop_scale(x11)};
  if (extensions->has_monitors) {
    result = find_monitors(x11, displays);
    qsort(displays->displays, displays->count, sizeof *displays->displays, primary_first);
  }
  if (result == MINIAV_SUCCESS && displays->count == 0) {
    struct x11_display whole = {.name = WHOLE_SCREEN};
    result = x11_window_rectangle(x11, x11->screen.root, &whole.rectangle);
    displays->displays[displays->count++] = whole;
  }
  /* Without one that is marked, the leftmost is what a capture without a name shows. */
  displays->displays[0].is_primary = true;
  return result;
}

/* Before it had an extension of its own it named its outputs by itself. */
bool x11_is_xwayland(struct x11 *x11) {
  struct x11_displays displays = {.count = 0};
  if (x11_names_xwayland(x11)) {
    return true;
  }
  return x11_extension(x11, &x11_randr) != NULL &&
         find_monitors(x11, &displays) == MINIAV_SUCCESS && displays.count > 0 &&
         strncmp(displays.displays[0].name, "XWAYLAND", 8) == 0;
}

const struct x11_display *x11_display_named(const struct x11_displays *displays, const char *id) {
  size_t length = sizeof X11_DISPLAY_ID - 1;
  if (id[0] == 0) {
    return displays->count > 0 ? &displays->displays[0] : NULL;
  }
  for (uint32_t i = 0; strncmp(id, X11_DISPLAY_ID, length) == 0 && i < displays->count; i++) {
    if (strcmp(id + length, displays->displays[i].name) == 0) {
      return &displays->displays[i];
    }
  }
  return NULL;
}

void x11_displays_list(const struct x11_displays *displays, struct device_list *devices) {
  for (uint32_t i = 0; i < displays->count; i++) {
    const struct x11_display *display = &displays->displays[i];
    MiniAVDeviceInfo device = {.rectangle = display->rectangle,
                               .scale = displays->scale,
                               .refresh_rate_millihertz = display->refresh_rate_millihertz,
                               .flags = i == 0 ? MINIAV_DEVICE_FLAG_DEFAULT : 0u};
    snprintf(device.device_id, sizeof device.device_id, X11_DISPLAY_ID "%s", display->name);
    text_copy(device.name, sizeof device.name, display->name);
    device_list_add(devices, &device);
  }
}

/* -- changes -------------------------------------------------------------------------------- */

void x11_displays_watch(struct x11 *x11, const struct x11_extensions *extensions) {
  xcb_randr_select_input_request_t query = {.window = x11->screen.root,
                                            .enable = XCB_RANDR_NOTIFY_MASK_SCREEN_CHANGE |
                                                      XCB_RANDR_NOTIFY_MASK_CRTC_CHANGE |
                                                      XCB_RANDR_NOTIFY_MASK_OUTPUT_CHANGE};
  const struct x11_request request = {&x11_randr, XCB_RANDR_SELECT_INPUT, &query, sizeof query};
  /* Monitors that a program defines (RRSetMonitor) are told by a ConfigureNotify alone. */
  struct {
    xcb_change_window_attributes_request_t header;
    uint32_t mask;
  } structure = {.header.window = x11->screen.root,
                 .header.value_mask = XCB_CW_EVENT_MASK,
                 .mask = XCB_EVENT_MASK_STRUCTURE_NOTIFY};
  const struct x11_request structure_request = {NULL, XCB_CHANGE_WINDOW_ATTRIBUTES, &structure,
                                                sizeof structure};
  x11_send(x11, &structure_request, -1);
  if (extensions->has_monitors) {
    x11_send(x11, &request, -1);
  }
}

bool x11_is_display_event(const struct x11_extensions *extensions,
                          const xcb_generic_event_t *event) {
  uint8_t type = event->response_type & 0x7F;
  bool is_randr = type == extensions->randr_event + XCB_RANDR_NOTIFY ||
                  type == extensions->randr_event + XCB_RANDR_SCREEN_CHANGE_NOTIFY;
  return type == XCB_CONFIGURE_NOTIFY || (extensions->has_monitors && is_randr);
}

#endif
