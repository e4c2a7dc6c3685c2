#include "common/linux/x11_query.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>

MiniAVResultCode x11_atom(struct x11 *x11, const char *name, xcb_atom_t *atom) {
  struct {
    xcb_intern_atom_request_t header;
    char name[40];
  } query = {.header.only_if_exists = 0};
  size_t length = strlen(name);
  query.header.name_len = (uint16_t)length;
  memcpy(query.name, name, length);
  const struct x11_request request = {NULL, XCB_INTERN_ATOM, &query, sizeof query.header + length};
  struct x11_reply reply;
  MiniAVResultCode result = x11_ask(x11, &request, &reply);
  if (result == MINIAV_SUCCESS) {
    *atom = ((const xcb_intern_atom_reply_t *)(const void *)reply.data)->atom;
  }
  x11_reply_free(&reply);
  return result;
}

bool x11_property_get(struct x11 *x11, xcb_window_t window, xcb_atom_t name, uint32_t max_bytes,
                      struct x11_property *property) {
  xcb_get_property_request_t query = {.window = window,
                                      .property = name,
                                      .type = XCB_GET_PROPERTY_TYPE_ANY,
                                      .long_length = (max_bytes + 3) / 4};
  const struct x11_request request = {NULL, XCB_GET_PROPERTY, &query, sizeof query};
  *property = (struct x11_property){.type = XCB_ATOM_NONE};
  if (x11_ask(x11, &request, &property->reply) != MINIAV_SUCCESS) {
    return false;
  }
  const xcb_get_property_reply_t *reply = (const void *)property->reply.data;
  uint64_t bytes = (uint64_t)reply->value_len * (reply->format / 8);
  if (reply->type == XCB_ATOM_NONE || bytes > property->reply.bytes - sizeof *reply ||
      bytes > 4 * (uint64_t)query.long_length) {
    return false;
  }
  property->type = reply->type;
  property->data = property->reply.data + sizeof *reply;
  property->bytes = (size_t)bytes;
  return bytes > 0;
}

MiniAVResultCode x11_window_rectangle(struct x11 *x11, xcb_window_t window, MiniAVRect *rectangle) {
  xcb_get_geometry_request_t geometry_query = {.drawable = window};
  const struct x11_request geometry_request = {NULL, XCB_GET_GEOMETRY, &geometry_query,
                                               sizeof geometry_query};
  xcb_translate_coordinates_request_t place_query = {.src_window = window,
                                                     .dst_window = x11->screen.root};
  const struct x11_request place_request = {NULL, XCB_TRANSLATE_COORDINATES, &place_query,
                                            sizeof place_query};
  struct x11_reply reply;
  *rectangle = (MiniAVRect){0};
  MiniAVResultCode result = x11_ask(x11, &geometry_request, &reply);
  if (result == MINIAV_SUCCESS) {
    const xcb_get_geometry_reply_t *geometry = (const void *)reply.data;
    rectangle->width = geometry->width;
    rectangle->height = geometry->height;
    x11_reply_free(&reply);
    result = x11_ask(x11, &place_request, &reply);
  }
  if (result == MINIAV_SUCCESS) {
    const xcb_translate_coordinates_reply_t *place = (const void *)reply.data;
    rectangle->x = place->dst_x;
    rectangle->y = place->dst_y;
  }
  x11_reply_free(&reply);
  return result;
}

#endif
