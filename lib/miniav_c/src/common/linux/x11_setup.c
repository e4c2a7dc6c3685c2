#include "common/linux/x11_setup.h"

#if defined(MINIAV_HAVE_XCB)

/* A cursor over the bytes of the setup; nothing outside them is read. */
struct cursor {
  const uint8_t *at;
  size_t left;
};

static const void *take(struct cursor *cursor, size_t bytes) {
  if (bytes > cursor->left) {
    cursor->left = 0;
    return NULL;
  }
  const void *taken = cursor->at;
  cursor->at += bytes;
  cursor->left -= bytes;
  return taken;
}

static struct cursor setup_formats(const struct x11 *x11) {
  struct cursor cursor = {(const uint8_t *)x11->setup, x11->setup_bytes};
  take(&cursor, sizeof *x11->setup);
  take(&cursor, ((size_t)x11->setup->vendor_len + 3) & ~(size_t)3);
  return cursor;
}

bool x11_pixmap_format(const struct x11 *x11, uint8_t depth, xcb_format_t *format) {
  struct cursor cursor = setup_formats(x11);
  for (uint8_t i = 0; i < x11->setup->pixmap_formats_len; i++) {
    const xcb_format_t *at = take(&cursor, sizeof *at);
    if (at != NULL && at->depth == depth) {
      *format = *at;
      return true;
    }
  }
  return false;
}

/* Walks over the visuals of a screen; stops at `id`. */
static bool walk_screen(struct cursor *cursor, const xcb_screen_t *screen, xcb_visualid_t id,
                        xcb_visualtype_t *visual, uint8_t *depth) {
  for (uint8_t i = 0; i < screen->allowed_depths_len; i++) {
    const xcb_depth_t *at = take(cursor, sizeof *at);
    for (uint16_t j = 0; at != NULL && j < at->visuals_len; j++) {
      const xcb_visualtype_t *type = take(cursor, sizeof *type);
      if (type != NULL && visual != NULL && type->visual_id == id) {
        *visual = *type;
        *depth = at->depth;
        return true;
      }
    }
  }
  return false;
}

static struct cursor setup_screens(const struct x11 *x11) {
  struct cursor cursor = setup_formats(x11);
  take(&cursor, sizeof(xcb_format_t) * x11->setup->pixmap_formats_len);
  return cursor;
}

bool x11_find_screen(struct x11 *x11, int number) {
  struct cursor cursor = setup_screens(x11);
  for (int i = 0; i < x11->setup->roots_len; i++) {
    const xcb_screen_t *screen = take(&cursor, sizeof *screen);
    if (screen == NULL) {
      return false;
    }
    if (i == number) {
      x11->screen = *screen;
      return true;
    }
    walk_screen(&cursor, screen, 0, NULL, NULL);
  }
  return false;
}

bool x11_visual(const struct x11 *x11, xcb_visualid_t id, xcb_visualtype_t *visual,
                uint8_t *depth) {
  struct cursor cursor = setup_screens(x11);
  for (int i = 0; i < x11->setup->roots_len; i++) {
    const xcb_screen_t *screen = take(&cursor, sizeof *screen);
    if (screen == NULL) {
      return false;
    }
    if (walk_screen(&cursor, screen, id, visual, depth)) {
      return true;
    }
  }
  return false;
}

#endif
