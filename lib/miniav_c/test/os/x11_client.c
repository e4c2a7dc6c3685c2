/*
 * A program with windows of known pixels, for tests of what is captured from an X server.
 *
 *   x11_client        reads commands, a line each, and answers each with a line of JSON when the
 *                     server has done it; the end of the input ends the program.
 *
 *   window NAME X Y WIDTH HEIGHT SEED       makes and maps a window with the pattern SEED
 *   resize NAME WIDTH HEIGHT SEED           and paints it anew
 *   move NAME X Y | raise NAME | lower NAME | map NAME | unmap NAME | destroy NAME
 *   into NAME FRAME                         makes it a child of that window, at its corner
 *   lie NAME                                sends word that it was destroyed, which it was not
 *   fill NAME X Y WIDTH HEIGHT VALUE        pixels of one value (hexadecimal)
 *   title NAME TEXT | pid NAME NUMBER | machine NAME HOST
 *   monitor NAME X Y WIDTH HEIGHT           a display of that name; without a size it goes
 *   pointer X Y                             moves it, in the root window
 *   cursor NAME WIDTH HEIGHT HOT_X HOT_Y    an opaque red pointer over that window
 *   paint NAME WIDTH HEIGHT SEED            the pattern again; the root window is NAME "root"
 *
 * Pixel x, y of the pattern: red (x * 7 + seed * 50), green (y * 5 + seed * 90), blue ((x ^ y) +
 * seed * 30), each modulo 2 to the bits it has.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(MINIAV_HAVE_XCB)

#include <xcb/randr.h>

#include "common/linux/x11_connection.h"
#include "miniav_capture.h"

#define WINDOWS_MAX 8
#define STRIP_BYTES 16000u

static struct x11 *x11;
static uint8_t bits; /* of a colour */

struct named {
  char name[32];
  xcb_window_t id;
};
static struct named windows[WINDOWS_MAX];

/* ---- requests ---------------------------------------------------------------------------------
 */

/* Ends the program at an error: a test must not go on with another picture than it thinks. */
static void server_do(uint8_t opcode, void *bytes, size_t count) {
  const struct x11_request request = {NULL, opcode, bytes, count};
  MiniAVResultCode result = x11_do(x11, &request, -1);
  if (result != MINIAV_SUCCESS) {
    printf("{\"failed\":%d,\"opcode\":%u,\"error\":%u}\n", (int)result, opcode, x11->error_code);
    exit(1);
  }
}

static uint32_t pattern(uint32_t x, uint32_t y, uint32_t seed) {
  uint32_t mask = (1u << bits) - 1;
  uint32_t red = (x * 7 + seed * 50) & mask;
  uint32_t green = (y * 5 + seed * 90) & mask;
  uint32_t blue = ((x ^ y) + seed * 30) & mask;
  return red << 2 * bits | green << bits | blue;
}

static xcb_gcontext_t make_gc(xcb_drawable_t drawable, uint32_t foreground) {
  struct {
    xcb_create_gc_request_t header;
    uint32_t foreground;
    uint32_t no_exposures;
  } create = {.header.drawable = drawable,
              .header.value_mask = XCB_GC_FOREGROUND | XCB_GC_GRAPHICS_EXPOSURES,
              .foreground = foreground,
              .no_exposures = 0};
  create.header.cid = xcb.generate_id(x11->connection);
  server_do(XCB_CREATE_GC, &create, sizeof create);
  return create.header.cid;
}

static void free_gc(xcb_gcontext_t gc) {
  xcb_free_gc_request_t request = {.gc = gc};
  server_do(XCB_FREE_GC, &request, sizeof request);
}

static xcb_pixmap_t make_pixmap(uint16_t width, uint16_t height, uint8_t depth) {
  xcb_create_pixmap_request_t create = {.depth = depth,
                                        .pid = xcb.generate_id(x11->connection),
                                        .drawable = x11->screen.root,
                                        .width = width,
                                        .height = height};
  server_do(XCB_CREATE_PIXMAP, &create, sizeof create);
  return create.pid;
}

static void free_pixmap(xcb_pixmap_t pixmap) {
  xcb_free_pixmap_request_t request = {.pixmap = pixmap};
  server_do(XCB_FREE_PIXMAP, &request, sizeof request);
}

static xcb_pixmap_t make_pattern(uint16_t width, uint16_t height, uint32_t seed) {
  xcb_pixmap_t pixmap = make_pixmap(width, height, x11->screen.root_depth);
  xcb_gcontext_t gc = make_gc(pixmap, 0);
  uint16_t rows = (uint16_t)(STRIP_BYTES / (4u * width));
  size_t capacity = sizeof(xcb_put_image_request_t) + 4u * (size_t)width * rows;
  uint8_t *bytes = malloc(capacity);
  for (uint16_t y = 0; bytes != NULL && y < height; y = (uint16_t)(y + rows)) {
    uint16_t count = rows < height - y ? rows : (uint16_t)(height - y);
    xcb_put_image_request_t put = {.format = XCB_IMAGE_FORMAT_Z_PIXMAP,
                                   .drawable = pixmap,
                                   .gc = gc,
                                   .width = width,
                                   .height = count,
                                   .dst_y = (int16_t)y,
                                   .depth = x11->screen.root_depth};
    memcpy(bytes, &put, sizeof put);
    for (uint32_t i = 0; i < (uint32_t)width * count; i++) {
      uint32_t pixel = pattern(i % width, y + i / width, seed);
      memcpy(bytes + sizeof put + 4 * (size_t)i, &pixel, 4);
    }
    server_do(XCB_PUT_IMAGE, bytes, sizeof put + 4u * (size_t)width * count);
  }
  free(bytes);
  free_gc(gc);
  return pixmap;
}

/* As its background, so that the server itself paints it again wherever it is uncovered. */
static void set_background(xcb_window_t window, uint16_t width, uint16_t height, uint32_t seed) {
  struct {
    xcb_change_window_attributes_request_t header;
    uint32_t pixmap;
  } change = {.header.window = window,
              .header.value_mask = XCB_CW_BACK_PIXMAP,
              .pixmap = make_pattern(width, height, seed)};
  server_do(XCB_CHANGE_WINDOW_ATTRIBUTES, &change, sizeof change);
  free_pixmap(change.pixmap);
}

static void clear(xcb_window_t window) {
  xcb_clear_area_request_t request = {.window = window};
  server_do(XCB_CLEAR_AREA, &request, sizeof request);
}

static void configure(xcb_window_t window, uint16_t mask, uint32_t first, uint32_t second) {
  struct {
    xcb_configure_window_request_t header;
    uint32_t values[2];
  } request = {.header.window = window, .header.value_mask = mask, .values = {first, second}};
  bool has_one = (mask & (mask - 1)) == 0;
  server_do(XCB_CONFIGURE_WINDOW, &request, sizeof request - (has_one ? 4 : 0));
}

static void map(xcb_window_t window, bool on) {
  xcb_map_window_request_t request = {.window = window};
  server_do(on ? XCB_MAP_WINDOW : XCB_UNMAP_WINDOW, &request, sizeof request);
}

static xcb_atom_t atom(const char *name) {
  struct {
    xcb_intern_atom_request_t header;
    char name[40];
  } query = {.header.name_len = (uint16_t)strlen(name)};
  memcpy(query.name, name, strlen(name));
  struct x11_reply reply;
  const struct x11_request request = {NULL, XCB_INTERN_ATOM, &query,
                                      sizeof query.header + strlen(name)};
  if (x11_ask(x11, &request, &reply) != MINIAV_SUCCESS) {
    exit(1);
  }
  xcb_atom_t found = ((const xcb_intern_atom_reply_t *)(const void *)reply.data)->atom;
  x11_reply_free(&reply);
  return found;
}

static void set_property(xcb_window_t window, xcb_atom_t name, xcb_atom_t type, uint8_t format,
                         const void *data, uint32_t count) {
  struct {
    xcb_change_property_request_t header;
    uint8_t data[1024];
  } request = {.header = {.mode = XCB_PROP_MODE_REPLACE,
                          .window = window,
                          .property = name,
                          .type = type,
                          .format = format,
                          .data_len = count}};
  size_t bytes = (size_t)count * format / 8;
  memcpy(request.data, data, bytes);
  server_do(XCB_CHANGE_PROPERTY, &request, sizeof request.header + bytes);
}

static void fill(xcb_window_t window, const int *at, uint32_t value) {
  xcb_gcontext_t gc = make_gc(window, value);
  struct {
    xcb_poly_fill_rectangle_request_t header;
    xcb_rectangle_t rectangle;
  } request = {.header = {.drawable = window, .gc = gc},
               .rectangle = {(int16_t)at[0], (int16_t)at[1], (uint16_t)at[2], (uint16_t)at[3]}};
  server_do(XCB_POLY_FILL_RECTANGLE, &request, sizeof request);
  free_gc(gc);
}

static void set_cursor(xcb_window_t window, const int *at) {
  xcb_pixmap_t shape = make_pixmap((uint16_t)at[0], (uint16_t)at[1], 1);
  fill(shape, (const int[]){0, 0, at[0], at[1]}, 1);
  xcb_create_cursor_request_t create = {.cid = xcb.generate_id(x11->connection),
                                        .source = shape,
                                        .mask = shape,
                                        .fore_red = 0xFFFF,
                                        .x = (uint16_t)at[2],
                                        .y = (uint16_t)at[3]};
  server_do(XCB_CREATE_CURSOR, &create, sizeof create);
  free_pixmap(shape);
  struct {
    xcb_change_window_attributes_request_t header;
    uint32_t cursor;
  } change = {.header.window = window, .header.value_mask = XCB_CW_CURSOR, .cursor = create.cid};
  server_do(XCB_CHANGE_WINDOW_ATTRIBUTES, &change, sizeof change);
}

/* As a mouse does; what a program does to the pointer (WarpPointer) is told to nobody. XTEST 2.2.
 */
static void move_pointer(int x, int y) {
  static xcb_extension_t test_extension = {"XTEST", 0};
  struct {
    uint8_t header[4];
    uint8_t type;
    uint8_t detail;
    uint16_t unused;
    uint32_t time;
    uint32_t root;
    uint32_t padding[2];
    int16_t x;
    int16_t y;
    uint32_t more_padding[2];
  } fake = {.type = XCB_MOTION_NOTIFY, .root = x11->screen.root, .x = (int16_t)x, .y = (int16_t)y};
  const struct x11_request request = {&test_extension, 2, &fake, sizeof fake};
  if (x11_extension(x11, &test_extension) == NULL || x11_do(x11, &request, -1) != MINIAV_SUCCESS) {
    exit(1);
  }
}

static void set_monitor(const char *name, const int *at) {
  static xcb_extension_t randr = {"RANDR", 0};
  struct {
    xcb_randr_set_monitor_request_t header;
    xcb_randr_monitor_info_t info;
  } set = {.header.window = x11->screen.root,
           .info = {.name = atom(name),
                    .x = (int16_t)at[0],
                    .y = (int16_t)at[1],
                    .width = (uint16_t)at[2],
                    .height = (uint16_t)at[3],
                    .width_in_millimeters = 100,
                    .height_in_millimeters = 100}};
  xcb_randr_delete_monitor_request_t gone = {.window = x11->screen.root, .name = set.info.name};
  const struct x11_request set_request = {&randr, XCB_RANDR_SET_MONITOR, &set, sizeof set};
  const struct x11_request gone_request = {&randr, XCB_RANDR_DELETE_MONITOR, &gone, sizeof gone};
  const struct x11_request *request = at[2] > 0 ? &set_request : &gone_request;
  if (x11_extension(x11, &randr) == NULL || x11_do(x11, request, -1) != MINIAV_SUCCESS) {
    exit(1);
  }
}

/* ---- commands ---------------------------------------------------------------------------------
 */

static struct named *find(const char *name) {
  for (int i = 0; i < WINDOWS_MAX; i++) {
    if (strcmp(windows[i].name, name) == 0) {
      return &windows[i];
    }
  }
  printf("{\"failed\":\"no window %s\"}\n", name);
  exit(1);
}

static xcb_window_t make_window(const char *name, const int *at) {
  struct named *entry = find("");
  struct {
    xcb_create_window_request_t header;
    uint32_t background;
  } create = {.header = {.parent = x11->screen.root,
                         .x = (int16_t)at[0],
                         .y = (int16_t)at[1],
                         .width = (uint16_t)at[2],
                         .height = (uint16_t)at[3],
                         ._class = XCB_WINDOW_CLASS_INPUT_OUTPUT,
                         .visual = x11->screen.root_visual,
                         .value_mask = XCB_CW_BACK_PIXEL}};
  create.header.depth = x11->screen.root_depth;
  create.header.wid = entry->id = xcb.generate_id(x11->connection);
  server_do(XCB_CREATE_WINDOW, &create, sizeof create);
  snprintf(entry->name, sizeof entry->name, "%s", name);
  set_property(entry->id, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, 8, name, (uint32_t)strlen(name));
  set_background(entry->id, (uint16_t)at[2], (uint16_t)at[3], (uint32_t)at[4]);
  map(entry->id, true);
  return entry->id;
}

static void destroy(struct named *entry) {
  xcb_destroy_window_request_t request = {.window = entry->id};
  server_do(XCB_DESTROY_WINDOW, &request, sizeof request);
  *entry = (struct named){.id = 0};
}

static void put_into(xcb_window_t window, xcb_window_t frame) {
  xcb_reparent_window_request_t request = {.window = window, .parent = frame};
  server_do(XCB_REPARENT_WINDOW, &request, sizeof request);
}

static void lie(xcb_window_t window) {
  xcb_destroy_notify_event_t event = {
      .response_type = XCB_DESTROY_NOTIFY, .event = window, .window = window};
  xcb_send_event_request_t request = {.destination = window,
                                      .event_mask = XCB_EVENT_MASK_STRUCTURE_NOTIFY};
  memcpy(request.event, &event, sizeof event);
  server_do(XCB_SEND_EVENT, &request, sizeof request);
}

static void set_text(const char *command, xcb_window_t window, const char *text) {
  uint32_t length = (uint32_t)strlen(text);
  if (strcmp(command, "title") == 0) {
    set_property(window, atom("_NET_WM_NAME"), atom("UTF8_STRING"), 8, text, length);
  } else if (strcmp(command, "machine") == 0) {
    set_property(window, XCB_ATOM_WM_CLIENT_MACHINE, XCB_ATOM_STRING, 8, text, length);
  } else {
    uint32_t pid = (uint32_t)strtoul(text, NULL, 10);
    set_property(window, atom("_NET_WM_PID"), XCB_ATOM_CARDINAL, 32, &pid, 1);
  }
}

static void run_on(const char *command, struct named *entry, const char *rest) {
  xcb_window_t window = entry->id;
  int at[5] = {0};
  uint32_t value = 0;
  sscanf(rest, "%d %d %d %d", &at[0], &at[1], &at[2], &at[3]);
  if (strcmp(command, "resize") == 0) {
    set_background(window, (uint16_t)at[0], (uint16_t)at[1], (uint32_t)at[2]);
    configure(window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, (uint32_t)at[0],
              (uint32_t)at[1]);
    clear(window);
  } else if (strcmp(command, "paint") == 0) {
    set_background(window, (uint16_t)at[0], (uint16_t)at[1], (uint32_t)at[2]);
    clear(window);
  } else if (strcmp(command, "move") == 0) {
    configure(window, XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y, (uint32_t)at[0], (uint32_t)at[1]);
  } else if (strcmp(command, "raise") == 0 || strcmp(command, "lower") == 0) {
    configure(window, XCB_CONFIG_WINDOW_STACK_MODE, command[0] == 'l', 0);
  } else if (strcmp(command, "map") == 0 || strcmp(command, "unmap") == 0) {
    map(window, command[0] == 'm');
  } else if (strcmp(command, "destroy") == 0) {
    destroy(entry);
  } else if (strcmp(command, "into") == 0) {
    put_into(window, find(rest)->id);
  } else if (strcmp(command, "lie") == 0) {
    lie(window);
  } else if (strcmp(command, "fill") == 0) {
    sscanf(rest, "%*d %*d %*d %*d %x", &value);
    fill(window, at, value);
  } else if (strcmp(command, "cursor") == 0) {
    set_cursor(window, at);
  } else {
    set_text(command, window, rest);
  }
}

static void run(char *line) {
  char command[16] = "";
  char name[32] = "";
  int used = 0;
  int at[5] = {0};
  xcb_window_t window = 0;
  if (sscanf(line, "%15s %31s %n", command, name, &used) < 2) {
    exit(1);
  }
  const char *rest = line + used;
  if (strcmp(command, "pointer") == 0) {
    sscanf(line, "%*s %d %d", &at[0], &at[1]);
    move_pointer(at[0], at[1]);
  } else if (strcmp(command, "monitor") == 0) {
    sscanf(rest, "%d %d %d %d", &at[0], &at[1], &at[2], &at[3]);
    set_monitor(name, at);
  } else if (strcmp(command, "window") == 0) {
    sscanf(rest, "%d %d %d %d %d", &at[0], &at[1], &at[2], &at[3], &at[4]);
    window = make_window(name, at);
  } else {
    run_on(command, find(name), rest);
  }
  int64_t now_us = 0;
  MiniAV_GetTime(&now_us);
  printf("{\"done\":\"%s\",\"window\":%u,\"time\":%lld}\n", command, window, (long long)now_us);
  fflush(stdout);
}

int main(void) {
  struct cancel cancel;
  char line[512];
  cancel_init(&cancel);
  MiniAVResultCode result = x11_connect(20000, &cancel, &x11);
  if (result != MINIAV_SUCCESS) {
    printf("{\"failed\":%d,\"why\":\"%s\"}\n", (int)result, cancel.explanation);
    return 1;
  }
  x11_set_limits(x11, INT64_MAX, NULL);
  bits = x11->screen.root_depth == 30 ? 10 : 8;
  windows[0] = (struct named){"root", x11->screen.root};
  printf("{\"ready\":true,\"pid\":%d}\n", (int)getpid());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    run(line);
  }
  return 0;
}

#else

int main(void) {
  return 2;
}

#endif
