#include "screen/linux/x11_pictures.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <xcb/shm.h>

#include "common/pixel.h"

#define STRIP_BYTES (1u << 20)
#define ALL_PLANES  0xFFFFFFFFu

/* -- formats -------------------------------------------------------------------------------- */

static MiniAVPixelFormat format_of(const xcb_visualtype_t *visual, uint8_t depth, bool is_little) {
  uint32_t red = visual->red_mask;
  uint32_t blue = visual->blue_mask;
  if (depth == 30 && is_little && visual->green_mask == 0xFFC00u) {
    return red == 0x3FF00000u && blue == 0x3FFu   ? MINIAV_PIXEL_FORMAT_X2RGB10
           : red == 0x3FFu && blue == 0x3FF00000u ? MINIAV_PIXEL_FORMAT_X2BGR10
                                                  : MINIAV_PIXEL_FORMAT_UNKNOWN;
  }
  if ((depth != 24 && depth != 32) || visual->green_mask != 0xFF00u) {
    return MINIAV_PIXEL_FORMAT_UNKNOWN;
  }
  if (red == 0xFF0000u && blue == 0xFFu) {
    return is_little ? MINIAV_PIXEL_FORMAT_BGRX32 : MINIAV_PIXEL_FORMAT_XRGB32;
  }
  if (red == 0xFFu && blue == 0xFF0000u) {
    return is_little ? MINIAV_PIXEL_FORMAT_RGBX32 : MINIAV_PIXEL_FORMAT_XBGR32;
  }
  return MINIAV_PIXEL_FORMAT_UNKNOWN;
}

MiniAVResultCode x11_layout_of(const struct x11 *x11, xcb_visualid_t visual_id, uint32_t width,
                               uint32_t height, struct x11_layout *layout, struct cancel *cancel) {
  xcb_visualtype_t visual;
  xcb_format_t pixmap;
  uint8_t depth = 0;
  bool is_little = x11->setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST;
  MiniAVPixelFormat format = MINIAV_PIXEL_FORMAT_UNKNOWN;
  if (x11_visual(x11, visual_id, &visual, &depth) && x11_pixmap_format(x11, depth, &pixmap) &&
      pixmap.bits_per_pixel == 32) {
    format = format_of(&visual, depth, is_little);
  }
  if (format == MINIAV_PIXEL_FORMAT_UNKNOWN) {
    if (cancel != NULL) {
      cancel_explain(cancel, "pixels of depth %u of this X server are not understood", depth);
    }
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  if (width == 0 || height == 0 || width > PIXEL_MAX_SIDE || height > PIXEL_MAX_SIDE) {
    return MINIAV_ERROR_INVALID_ARG;
  }
  *layout = (struct x11_layout){.format = format,
                                .width = width,
                                .height = height,
                                .stride_bytes = width * 4, /* 32 bits a pixel: nothing is padded */
                                .picture_bytes = (size_t)width * 4 * height};
  return MINIAV_SUCCESS;
}

/* -- blocks --------------------------------------------------------------------------------- */

static void detach(struct x11_pictures *pictures) {
  xcb_shm_detach_request_t query = {.shmseg = pictures->segment};
  const struct x11_request request = {&x11_shm, XCB_SHM_DETACH, &query, sizeof query};
  if (pictures->segment != 0) {
    x11_send(pictures->x11, &request, -1);
    pictures->segment = 0;
  }
}

void x11_pictures_close(struct x11_pictures *pictures) {
  x11_pictures_forget(pictures);
  detach(pictures);
  block_pool_close(pictures->pool);
  pictures->pool = NULL;
  pictures->layout = (struct x11_layout){.width = 0}; /* no picture has that */
}

static MiniAVResultCode attach(struct x11_pictures *pictures, int32_t file) {
  xcb_shm_attach_fd_request_t query = {.shmseg = xcb.generate_id(pictures->x11->connection)};
  const struct x11_request request = {&x11_shm, XCB_SHM_ATTACH_FD, &query, sizeof query};
  MiniAVResultCode result = x11_do(pictures->x11, &request, file); /* closes it */
  pictures->segment = result == MINIAV_SUCCESS ? query.shmseg : 0;
  return result;
}

MiniAVResultCode x11_pictures_prepare(struct x11_pictures *pictures,
                                      const struct x11_layout *layout) {
  x11_pictures_close(pictures);
  pictures->cursor_offset = (layout->picture_bytes + 63) & ~(size_t)63;
  size_t bytes = pictures->cursor_offset + X11_CURSOR_BYTES;
  int32_t file = -1;
  if (pictures->shares_memory && bytes * pictures->block_count < UINT32_MAX) { /* of offsets */
    pictures->pool = block_pool_create_shared(pictures->block_count, bytes, &file);
  }
  if (pictures->pool != NULL) {
    MiniAVResultCode result = attach(pictures, file);
    if (result == MINIAV_SUCCESS) {
      pictures->layout = *layout;
      return result;
    }
    x11_pictures_close(pictures);
    if (result != MINIAV_ERROR_SYSTEM_CALL_FAILED) {
      return result;
    }
    pictures->shares_memory = false; /* a server that cannot map it: it runs elsewhere */
  }
  pictures->pool = block_pool_create(pictures->block_count, bytes);
  if (pictures->pool == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  pictures->layout = *layout;
  return MINIAV_SUCCESS;
}

/* -- pictures ------------------------------------------------------------------------------- */

void x11_pictures_ask(struct x11_pictures *pictures, xcb_drawable_t drawable, int32_t x,
                      int32_t y) {
  struct block *block = pictures->segment != 0 ? block_pool_take(pictures->pool) : NULL;
  if (block == NULL) {
    return;
  }
  xcb_shm_get_image_request_t query = {.drawable = drawable,
                                       .x = (int16_t)x,
                                       .y = (int16_t)y,
                                       .width = (uint16_t)pictures->layout.width,
                                       .height = (uint16_t)pictures->layout.height,
                                       .plane_mask = ALL_PLANES,
                                       .format = XCB_IMAGE_FORMAT_Z_PIXMAP,
                                       .shmseg = pictures->segment,
                                       .offset = (uint32_t)(block->index * block->capacity_bytes)};
  const struct x11_request request = {&x11_shm, XCB_SHM_GET_IMAGE, &query, sizeof query};
  pictures->asked = block;
  pictures->question = x11_ask_begin(pictures->x11, &request);
}

void x11_pictures_forget(struct x11_pictures *pictures) {
  if (pictures->asked != NULL) {
    x11_ask_forget(pictures->x11, pictures->question);
    block_release(pictures->asked);
    pictures->asked = NULL;
  }
}

static MiniAVResultCode take_asked(struct x11_pictures *pictures, struct block **block) {
  struct x11_reply reply;
  MiniAVResultCode result = x11_ask_end(pictures->x11, pictures->question, &reply);
  x11_reply_free(&reply);
  *block = pictures->asked;
  pictures->asked = NULL;
  return result;
}

static MiniAVResultCode take_copied(struct x11_pictures *pictures, xcb_drawable_t drawable,
                                    int32_t x, int32_t y, const struct block *block) {
  const struct x11_layout *layout = &pictures->layout;
  uint32_t strip = STRIP_BYTES / layout->stride_bytes;
  MiniAVResultCode result = MINIAV_SUCCESS;
  for (uint32_t row = 0; row < layout->height && result == MINIAV_SUCCESS;) {
    uint32_t rows = strip < layout->height - row ? strip : layout->height - row;
    size_t bytes = (size_t)rows * layout->stride_bytes;
    xcb_get_image_request_t query = {.format = XCB_IMAGE_FORMAT_Z_PIXMAP,
                                     .drawable = drawable,
                                     .x = (int16_t)x,
                                     .y = (int16_t)(y + (int32_t)row),
                                     .width = (uint16_t)layout->width,
                                     .height = (uint16_t)rows,
                                     .plane_mask = ALL_PLANES};
    const struct x11_request request = {NULL, XCB_GET_IMAGE, &query, sizeof query};
    struct x11_reply reply;
    result = x11_ask(pictures->x11, &request, &reply);
    if (result == MINIAV_SUCCESS && reply.bytes - sizeof(xcb_get_image_reply_t) < bytes) {
      result = MINIAV_ERROR_SYSTEM_CALL_FAILED;
    }
    if (result == MINIAV_SUCCESS) {
      memcpy(block->data + (size_t)row * layout->stride_bytes,
             reply.data + sizeof(xcb_get_image_reply_t), bytes);
    }
    x11_reply_free(&reply);
    row += rows;
  }
  return result;
}

MiniAVResultCode x11_pictures_take(struct x11_pictures *pictures, xcb_drawable_t drawable,
                                   int32_t x, int32_t y, struct block **out) {
  struct block *block = NULL;
  MiniAVResultCode result = MINIAV_ERROR_NO_BUFFER;
  *out = NULL;
  if (pictures->asked == NULL) {
    x11_pictures_ask(pictures, drawable, x, y);
  }
  if (pictures->asked != NULL) {
    result = take_asked(pictures, &block);
  } else if (pictures->segment == 0 && (block = block_pool_take(pictures->pool)) != NULL) {
    result = take_copied(pictures, drawable, x, y, block);
  }
  if (result == MINIAV_SUCCESS) {
    *out = block;
  } else {
    block_release(block);
  }
  return result;
}

#endif
