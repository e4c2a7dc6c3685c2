#include "screen/linux/x11_source.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdio.h>
#include <string.h>
#include <xcb/composite.h>
#include <xcb/damage.h>
#include <xcb/xfixes.h>

#include "common/linux/x11_query.h"
#include "common/linux/x11_windows.h"

/* -- geometry ------------------------------------------------------------------------------- */

bool x11_region_fits(const MiniAVRect *part, const MiniAVRect *whole) {
  return part->x >= 0 && part->y >= 0 && part->width > 0 && part->height > 0 &&
         part->width <= whole->width && part->height <= whole->height &&
         part->x <= whole->width - part->width && part->y <= whole->height - part->height;
}

static MiniAVResultCode look_at_display(struct x11_source *source, struct cancel *cancel) {
  struct x11_displays displays;
  MiniAVResultCode result = x11_displays_find(source->x11, source->extensions, &displays);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  const struct x11_display *display = x11_display_named(&displays, source->display_id);
  if (display == NULL) {
    if (cancel != NULL) {
      cancel_explain(cancel, "no display has the id \"x11:%.200s\"", source->display_id);
    }
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  MiniAVRect part = {0, 0, display->rectangle.width, display->rectangle.height};
  source->display = part;
  if (source->target == REQUEST_REGION) {
    if (!x11_region_fits(&source->region, &part)) {
      if (cancel != NULL) {
        cancel_explain(cancel,
                       "the region %d,%d,%d,%d leaves the display, which has %d x %d pixels",
                       source->region.x, source->region.y, source->region.width,
                       source->region.height, part.width, part.height);
      }
      return MINIAV_ERROR_INVALID_ARG;
    }
    part = source->region;
  }
  snprintf(source->found_id, sizeof source->found_id, X11_DISPLAY_ID "%s", display->name);
  source->refresh_rate_millihertz = display->refresh_rate_millihertz;
  source->origin_x = source->x = display->rectangle.x + part.x;
  source->origin_y = source->y = display->rectangle.y + part.y;
  source->viewable = true;
  return x11_layout_of(source->x11, source->x11->screen.root_visual, (uint32_t)part.width,
                       (uint32_t)part.height, &source->layout, cancel);
}

static MiniAVResultCode look_at_window(struct x11_source *source, struct cancel *cancel) {
  struct x11 *x11 = source->x11;
  xcb_get_window_attributes_request_t attributes_query = {.window = source->window};
  const struct x11_request attributes_request = {NULL, XCB_GET_WINDOW_ATTRIBUTES, &attributes_query,
                                                 sizeof attributes_query};
  xcb_get_geometry_request_t geometry_query = {.drawable = source->window};
  const struct x11_request geometry_request = {NULL, XCB_GET_GEOMETRY, &geometry_query,
                                               sizeof geometry_query};
  xcb_get_window_attributes_reply_t attributes = {0};
  xcb_get_geometry_reply_t geometry = {0};
  struct x11_reply reply;
  MiniAVResultCode result = x11_ask(x11, &attributes_request, &reply);
  if (result == MINIAV_SUCCESS) {
    memcpy(&attributes, reply.data, sizeof attributes < reply.bytes ? sizeof attributes : 32);
    x11_reply_free(&reply);
    result = x11_ask(x11, &geometry_request, &reply);
  }
  if (result == MINIAV_SUCCESS) {
    memcpy(&geometry, reply.data, sizeof geometry < reply.bytes ? sizeof geometry : 32);
  }
  x11_reply_free(&reply);
  bool is_output = attributes._class == XCB_WINDOW_CLASS_INPUT_OUTPUT;
  if (result == MINIAV_ERROR_SYSTEM_CALL_FAILED || (result == MINIAV_SUCCESS && !is_output)) {
    if (cancel != NULL) {
      cancel_explain(cancel, "there is no such window");
    }
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  source->viewable = attributes.map_state == XCB_MAP_STATE_VIEWABLE;
  source->x = source->y = geometry.border_width; /* of the pixmap, which has the border too */
  return x11_layout_of(x11, attributes.visual, geometry.width, geometry.height, &source->layout,
                       cancel);
}

MiniAVResultCode x11_source_place(struct x11_source *source) {
  MiniAVRect rectangle;
  if (source->target != REQUEST_WINDOW) {
    return MINIAV_SUCCESS;
  }
  MiniAVResultCode result = x11_window_rectangle(source->x11, source->window, &rectangle);
  source->origin_x = rectangle.x;
  source->origin_y = rectangle.y;
  return result;
}

/* -- opening -------------------------------------------------------------------------------- */

static MiniAVResultCode check_target(struct x11_source *source, const char *id,
                                     struct cancel *cancel) {
  if (source->target == REQUEST_WINDOW) {
    source->window = x11_window_from_id(id);
    if (source->window == XCB_WINDOW_NONE) {
      cancel_explain(cancel, "no window has the id \"x11:%.200s\"", id);
      return MINIAV_ERROR_DEVICE_NOT_FOUND;
    }
    if (!source->extensions->has_composite) {
      cancel_explain(cancel, "this X server has no COMPOSITE: windows cannot be seen alone");
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    return MINIAV_SUCCESS;
  }
  if (x11_is_xwayland(source->x11)) {
    cancel_explain(cancel, "XWayland has no picture of the desktop; its windows can be captured");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode x11_source_open(struct x11_source *source, struct x11 *x11,
                                 const struct x11_extensions *extensions,
                                 const struct capture_request *request, struct cancel *cancel) {
  *source = (struct x11_source){
      .x11 = x11, .extensions = extensions, .target = request->target, .region = request->region};
  memcpy(source->display_id, request->device_id, sizeof source->display_id);
  MiniAVResultCode result = check_target(source, request->device_id, cancel);
  if (result == MINIAV_SUCCESS) {
    result = source->target == REQUEST_WINDOW ? look_at_window(source, cancel)
                                              : look_at_display(source, cancel);
  }
  return result;
}

static MiniAVResultCode select_structure(struct x11_source *source) {
  struct {
    xcb_change_window_attributes_request_t header;
    uint32_t mask;
  } query = {.header.value_mask = XCB_CW_EVENT_MASK,
             /* Visibility: a window manager may unmap and map its frame around the window alone, of
              * which the window's own structure says nothing. */
             .mask = XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_VISIBILITY_CHANGE};
  query.header.window = source->window;
  const struct x11_request request = {NULL, XCB_CHANGE_WINDOW_ATTRIBUTES, &query, sizeof query};
  return x11_do(source->x11, &request, -1);
}

static MiniAVResultCode redirect(struct x11_source *source) {
  xcb_composite_redirect_window_request_t query = {.window = source->window,
                                                   .update = XCB_COMPOSITE_REDIRECT_AUTOMATIC};
  const struct x11_request request = {&x11_composite, XCB_COMPOSITE_REDIRECT_WINDOW, &query,
                                      sizeof query};
  source->pixmap = xcb.generate_id(source->x11->connection);
  return x11_do(source->x11, &request, -1);
}

MiniAVResultCode x11_source_watch(struct x11_source *source) {
  bool is_window = source->target == REQUEST_WINDOW;
  MiniAVResultCode result = is_window ? select_structure(source) : MINIAV_SUCCESS;
  if (result == MINIAV_SUCCESS && is_window) {
    result = redirect(source);
  }
  if (result == MINIAV_SUCCESS && source->extensions->has_damage) {
    result = x11_damage_create(&source->damage, source->x11,
                               is_window ? source->window : source->x11->screen.root);
  }
  if (result == MINIAV_SUCCESS && !is_window) {
    x11_displays_watch(source->x11, source->extensions);
  }
  /* What changed since it was found is looked at once more. */
  source->changed = true;
  return result == MINIAV_ERROR_SYSTEM_CALL_FAILED ? MINIAV_ERROR_DEVICE_NOT_FOUND : result;
}

/* -- changes -------------------------------------------------------------------------------- */

void x11_source_event(struct x11_source *source, const xcb_generic_event_t *event) {
  uint8_t type = event->response_type & 0x7F;
  bool is_sent = type != event->response_type; /* by another program (SendEvent), not the server */
  if (source->extensions->has_damage &&
      type == source->extensions->damage_event + XCB_DAMAGE_NOTIFY) {
    x11_damage_note(&source->damage, event);
    source->damaged = true;
  } else if (type == XCB_DESTROY_NOTIFY && !is_sent) {
    source->closed = true;
  } else if (type == XCB_DESTROY_NOTIFY || type == XCB_CONFIGURE_NOTIFY || type == XCB_MAP_NOTIFY ||
             type == XCB_UNMAP_NOTIFY || type == XCB_REPARENT_NOTIFY ||
             type == XCB_VISIBILITY_NOTIFY || x11_is_display_event(source->extensions, event)) {
    source->changed = true;
  }
}

MiniAVResultCode x11_source_update(struct x11_source *source, const char **why) {
  bool is_window = source->target == REQUEST_WINDOW;
  source->changed = false;
  *why = NULL;
  MiniAVResultCode result = source->closed ? MINIAV_ERROR_DEVICE_NOT_FOUND
                            : is_window    ? look_at_window(source, NULL)
                                           : look_at_display(source, NULL);
  if (result == MINIAV_ERROR_DEVICE_NOT_FOUND) {
    *why = is_window ? "the window was closed" : "the display was unplugged";
  } else if (result == MINIAV_ERROR_INVALID_ARG) {
    *why = "the display became smaller than the region";
  } else if (result == MINIAV_ERROR_FORMAT_NOT_SUPPORTED) {
    *why = "the pixels are of another kind now";
  }
  return *why != NULL ? MINIAV_ERROR_DEVICE_LOST : result;
}

/* Damage of a window is counted from its own corner, inside the border. */
MiniAVRect x11_source_rectangle(const struct x11_source *source) {
  bool is_window = source->target == REQUEST_WINDOW;
  return (MiniAVRect){is_window ? 0 : source->x, is_window ? 0 : source->y,
                      (int32_t)source->layout.width, (int32_t)source->layout.height};
}

/* -- pictures ------------------------------------------------------------------------------- */

static void name_pixmap(struct x11_source *source) {
  xcb_composite_name_window_pixmap_request_t name = {.window = source->window,
                                                     .pixmap = source->pixmap};
  const struct x11_request request = {&x11_composite, XCB_COMPOSITE_NAME_WINDOW_PIXMAP, &name,
                                      sizeof name};
  x11_send(source->x11, &request, -1);
}

static void forget_pixmap(struct x11_source *source) {
  xcb_free_pixmap_request_t forget = {.pixmap = source->pixmap};
  const struct x11_request request = {NULL, XCB_FREE_PIXMAP, &forget, sizeof forget};
  x11_send(source->x11, &request, -1);
}

void x11_source_ask(struct x11_source *source, struct x11_pictures *pictures) {
  if (source->target != REQUEST_WINDOW) {
    x11_pictures_ask(pictures, source->x11->screen.root, source->x, source->y);
    return;
  }
  name_pixmap(source);
  x11_pictures_ask(pictures, source->pixmap, source->x, source->y);
  forget_pixmap(source);
}

MiniAVResultCode x11_source_take(struct x11_source *source, struct x11_pictures *pictures,
                                 struct block **block) {
  if (source->target != REQUEST_WINDOW || pictures->asked != NULL) {
    return x11_pictures_take(pictures, source->x11->screen.root, source->x, source->y, block);
  }
  name_pixmap(source);
  MiniAVResultCode result =
      x11_pictures_take(pictures, source->pixmap, source->x, source->y, block);
  forget_pixmap(source);
  return result;
}

#endif
