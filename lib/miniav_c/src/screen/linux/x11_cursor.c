#include "screen/linux/x11_cursor.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <xcb/xfixes.h>

/* XInput 2.2, XI2proto.txt: its header comes with no package that is always there. */
#define INPUT_SELECT_EVENTS 46u
#define INPUT_RAW_MOTION    17u
#define INPUT_ALL_MASTERS   1u

unsigned int x11_cursor_ask(struct x11 *x11) {
  uint8_t query[4] = {0};
  const struct x11_request request = {&x11_xfixes, XCB_XFIXES_GET_CURSOR_IMAGE, query,
                                      sizeof query};
  return x11_ask_begin(x11, &request);
}

MiniAVResultCode x11_cursor_take(struct x11 *x11, unsigned int question,
                                 struct x11_cursor *cursor) {
  *cursor = (struct x11_cursor){.width = 0};
  MiniAVResultCode result = x11_ask_end(x11, question, &cursor->reply);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  const xcb_xfixes_get_cursor_image_reply_t *image = (const void *)cursor->reply.data;
  cursor->x = image->x;
  cursor->y = image->y;
  cursor->hotspot_x = image->xhot;
  cursor->hotspot_y = image->yhot;
  cursor->serial = image->cursor_serial;
  size_t bytes = (size_t)image->width * image->height * 4;
  bool fits = image->width <= X11_CURSOR_MAX_SIDE && image->height <= X11_CURSOR_MAX_SIDE &&
              bytes > 0 && bytes <= cursor->reply.bytes - sizeof *image;
  if (fits) {
    cursor->width = image->width;
    cursor->height = image->height;
    cursor->pixels = cursor->reply.data + sizeof *image;
  }
  return MINIAV_SUCCESS;
}

void x11_cursor_free(struct x11_cursor *cursor) {
  x11_reply_free(&cursor->reply);
  cursor->pixels = NULL;
  cursor->width = 0;
}

void x11_cursor_watch(struct x11 *x11, const struct x11_extensions *extensions) {
  xcb_xfixes_select_cursor_input_request_t shapes = {
      .window = x11->screen.root, .event_mask = XCB_XFIXES_CURSOR_NOTIFY_MASK_DISPLAY_CURSOR};
  const struct x11_request shapes_request = {&x11_xfixes, XCB_XFIXES_SELECT_CURSOR_INPUT, &shapes,
                                             sizeof shapes};
  struct {
    uint8_t header[4];
    uint32_t window;
    uint16_t mask_count;
    uint16_t unused;
    uint16_t device;
    uint16_t mask_words;
    uint32_t mask;
  } motion = {.window = x11->screen.root,
              .mask_count = 1,
              .device = INPUT_ALL_MASTERS,
              .mask_words = 1,
              .mask = 1u << INPUT_RAW_MOTION};
  const struct x11_request motion_request = {&x11_input, INPUT_SELECT_EVENTS, &motion,
                                             sizeof motion};
  if (extensions->has_cursor) {
    x11_send(x11, &shapes_request, -1);
  }
  if (extensions->has_motion) {
    x11_send(x11, &motion_request, -1);
  }
}

bool x11_is_cursor_event(const struct x11_extensions *extensions,
                         const xcb_generic_event_t *event) {
  uint8_t type = event->response_type & 0x7F;
  const xcb_ge_generic_event_t *generic = (const void *)event;
  bool is_motion = type == XCB_GE_GENERIC && extensions->has_motion &&
                   generic->extension == extensions->input_opcode;
  return is_motion ||
         (extensions->has_cursor && type == extensions->xfixes_event + XCB_XFIXES_CURSOR_NOTIFY);
}

/* -- painting ------------------------------------------------------------------------------- */

/* Where each colour lies in a 32-bit word of the format as this machine reads it. */
struct word_layout {
  uint32_t red_shift;
  uint32_t green_shift;
  uint32_t blue_shift;
  uint32_t bits;
};

static struct word_layout word_of(MiniAVPixelFormat format) {
  switch (format) {
  case MINIAV_PIXEL_FORMAT_RGBX32:
    return (struct word_layout){0, 8, 16, 8};
  case MINIAV_PIXEL_FORMAT_XRGB32:
    return (struct word_layout){8, 16, 24, 8};
  case MINIAV_PIXEL_FORMAT_XBGR32:
    return (struct word_layout){24, 16, 8, 8};
  case MINIAV_PIXEL_FORMAT_X2RGB10:
    return (struct word_layout){20, 10, 0, 10};
  case MINIAV_PIXEL_FORMAT_X2BGR10:
    return (struct word_layout){0, 10, 20, 10};
  default:
    return (struct word_layout){16, 8, 0, 8};
  }
}

/* Colour times alpha over what is there; both of full scale `most`. */
static uint32_t blend(uint32_t below, uint32_t shift, uint32_t bits, uint32_t over,
                      uint32_t alpha) {
  uint32_t most = (1u << bits) - 1;
  uint32_t own = (below >> shift) & most;
  uint32_t above = (over * most + 127) / 255;
  uint32_t sum = above + (own * (255 - alpha) + 127) / 255;
  return (sum < most ? sum : most) << shift;
}

static uint32_t paint_pixel(const struct word_layout *word, uint32_t below, uint32_t over) {
  uint32_t alpha = over >> 24;
  uint32_t most = (1u << word->bits) - 1;
  uint32_t colours = most << word->red_shift | most << word->green_shift | most << word->blue_shift;
  return (below & ~colours) | blend(below, word->red_shift, word->bits, over >> 16 & 255, alpha) |
         blend(below, word->green_shift, word->bits, over >> 8 & 255, alpha) |
         blend(below, word->blue_shift, word->bits, over & 255, alpha);
}

static int32_t larger(int32_t a, int32_t b) {
  return a > b ? a : b;
}

static int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}

MiniAVRect x11_cursor_paint(const struct x11_cursor *cursor, const struct x11_layout *layout,
                            uint8_t *picture, int32_t origin_x, int32_t origin_y) {
  struct word_layout word = word_of(layout->format);
  int32_t left = cursor->x - cursor->hotspot_x - origin_x;
  int32_t top = cursor->y - cursor->hotspot_y - origin_y;
  int32_t first_x = larger(left, 0);
  int32_t first_y = larger(top, 0);
  int32_t end_x = smaller(left + (int32_t)cursor->width, (int32_t)layout->width);
  int32_t end_y = smaller(top + (int32_t)cursor->height, (int32_t)layout->height);
  if (end_x <= first_x || end_y <= first_y) {
    return (MiniAVRect){0};
  }
  for (int32_t y = first_y; y < end_y; y++) {
    for (int32_t x = first_x; x < end_x; x++) {
      uint32_t over;
      uint32_t below;
      uint8_t *at = picture + (size_t)y * layout->stride_bytes + (size_t)x * 4;
      size_t source = ((size_t)(y - top) * cursor->width + (size_t)(x - left)) * 4;
      memcpy(&over, cursor->pixels + source, sizeof over);
      memcpy(&below, at, sizeof below);
      below = over == 0 ? below : paint_pixel(&word, below, over);
      memcpy(at, &below, sizeof below);
    }
  }
  return (MiniAVRect){first_x, first_y, end_x - first_x, end_y - first_y};
}

/* Metadata's pictures are of plain alpha, a server's are of colour times alpha. */
static void copy_pixels(const struct x11_cursor *cursor, uint8_t *out) {
  for (size_t i = 0; i < (size_t)cursor->width * cursor->height; i++) {
    uint32_t word;
    memcpy(&word, cursor->pixels + i * 4, sizeof word);
    uint32_t alpha = word >> 24;
    for (uint32_t shift = 0; shift < 24; shift += 8) {
      uint32_t colour = word >> shift & 255;
      uint32_t plain = alpha == 0 ? 0 : (colour * 255 + alpha / 2) / alpha;
      *out++ = (uint8_t)(plain < 255 ? plain : 255);
    }
    *out++ = (uint8_t)alpha;
  }
}

void x11_cursor_describe(const struct x11_cursor *cursor, const struct x11_layout *layout,
                         int32_t origin_x, int32_t origin_y, uint8_t *pixels,
                         MiniAVFrameMetadata *metadata) {
  metadata->flags |= MINIAV_METADATA_CURSOR;
  metadata->cursor_x = cursor->x - origin_x;
  metadata->cursor_y = cursor->y - origin_y;
  metadata->cursor_hotspot_x = cursor->hotspot_x;
  metadata->cursor_hotspot_y = cursor->hotspot_y;
  metadata->cursor_visible =
      cursor->width > 0 && metadata->cursor_x >= 0 && metadata->cursor_y >= 0 &&
      metadata->cursor_x < (int32_t)layout->width && metadata->cursor_y < (int32_t)layout->height;
  metadata->cursor_serial = cursor->serial;
  if (pixels != NULL && cursor->width > 0) {
    copy_pixels(cursor, pixels);
    metadata->flags |= MINIAV_METADATA_CURSOR_PIXELS;
    metadata->cursor_width = cursor->width;
    metadata->cursor_height = cursor->height;
    metadata->cursor_stride_bytes = cursor->width * 4;
    metadata->cursor_format = MINIAV_PIXEL_FORMAT_BGRA32;
    metadata->cursor_pixels = pixels;
  }
}

#endif
