#include "common/linux/pipewire_video_meta.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/buffer/meta.h>
#include <spa/param/video/raw.h>

#define PIXEL_BYTES 4u

void video_meta_copy(void *to, const void *from, size_t bytes) {
  const volatile uint32_t *words = from;
  uint32_t *out = to;
  for (size_t i = 0; i < bytes / sizeof *out; i++) {
    out[i] = words[i];
  }
}

/* -- damage ----------------------------------------------------------------------------------- */

static int32_t within(int64_t value, uint32_t side) {
  return (int32_t)(value < 0 ? 0 : value > side ? side : value);
}

/* The part of it that is in the picture; false when there is none. */
static bool clip(const struct spa_region *region, const MiniAVVideoInfo *info, MiniAVRect *to) {
  int32_t left = within(region->position.x, info->width);
  int32_t top = within(region->position.y, info->height);
  int32_t right = within((int64_t)region->position.x + region->size.width, info->width);
  int32_t bottom = within((int64_t)region->position.y + region->size.height, info->height);
  *to = (MiniAVRect){left, top, right - left, bottom - top};
  return right > left && bottom > top;
}

enum video_said video_damage_read(const void *meta, size_t bytes, const MiniAVVideoInfo *info,
                                  MiniAVFrameMetadata *to) {
  const struct spa_meta_region *regions = meta;
  size_t count = bytes / sizeof *regions;
  to->damage_count = 0;
  for (size_t i = 0; i < count; i++) {
    struct spa_meta_region is;
    video_meta_copy(&is, &regions[i], sizeof is);
    if (!spa_meta_region_is_valid(&is)) {
      break;
    }
    /* One that is outside is of another picture: whatever changed in this one is not told. */
    if (to->damage_count == MINIAV_MAX_DAMAGE_RECTANGLES ||
        !clip(&is.region, info, &to->damage[to->damage_count])) {
      to->damage_count = 0;
      return VIDEO_SAID_LIES;
    }
    to->damage_count++;
  }
  return to->damage_count > 0 ? VIDEO_SAID : VIDEO_SAID_NOTHING;
}

/* -- pointer ---------------------------------------------------------------------------------- */

/* Where in its four bytes each part of a pixel is; no alpha: PIXEL_BYTES. */
struct pixel_order {
  uint32_t red;
  uint32_t green;
  uint32_t blue;
  uint32_t alpha;
};

static bool order_of(uint32_t format, struct pixel_order *order) {
  switch (format) {
  case SPA_VIDEO_FORMAT_RGBA:
    *order = (struct pixel_order){0, 1, 2, 3};
    return true;
  case SPA_VIDEO_FORMAT_BGRA:
    *order = (struct pixel_order){2, 1, 0, 3};
    return true;
  case SPA_VIDEO_FORMAT_ARGB:
    *order = (struct pixel_order){1, 2, 3, 0};
    return true;
  case SPA_VIDEO_FORMAT_ABGR:
    *order = (struct pixel_order){3, 2, 1, 0};
    return true;
  case SPA_VIDEO_FORMAT_RGBx:
    *order = (struct pixel_order){0, 1, 2, PIXEL_BYTES};
    return true;
  case SPA_VIDEO_FORMAT_BGRx:
    *order = (struct pixel_order){2, 1, 0, PIXEL_BYTES};
    return true;
  default:
    return false;
  }
}

static bool is_side(uint32_t side) {
  return side > 0 && side <= VIDEO_CURSOR_MAX_SIDE;
}

static bool is_hotspot(int32_t at) {
  return at >= -(int32_t)VIDEO_CURSOR_MAX_SIDE && at <= (int32_t)VIDEO_CURSOR_MAX_SIDE;
}

/* Reads the bitmap at bitmap_offset; `to` has what the cursor itself says. */
static enum video_said read_bitmap(const void *meta, size_t bytes, uint32_t bitmap_offset,
                                   struct video_cursor_meta *to) {
  struct spa_meta_bitmap bitmap;
  struct pixel_order order;
  if (bitmap_offset < sizeof(struct spa_meta_cursor) || bitmap_offset % sizeof(uint32_t) != 0 ||
      bytes < sizeof bitmap || bitmap_offset > bytes - sizeof bitmap) {
    return VIDEO_SAID_LIES;
  }
  video_meta_copy(&bitmap, (const uint8_t *)meta + bitmap_offset, sizeof bitmap);
  if (!spa_meta_bitmap_is_valid(&bitmap)) {
    return VIDEO_SAID; /* no news */
  }
  to->has_picture = true;
  if (bitmap.offset == 0 || (bitmap.size.width == 0 && bitmap.size.height == 0)) {
    return VIDEO_SAID; /* invisible */
  }
  if (bitmap.offset < sizeof bitmap || !order_of(bitmap.format, &order) ||
      !is_hotspot(to->hotspot_x) || !is_hotspot(to->hotspot_y) || !is_side(bitmap.size.width) ||
      !is_side(bitmap.size.height) || bitmap.stride < 0 ||
      (uint32_t)bitmap.stride < bitmap.size.width * PIXEL_BYTES) {
    return VIDEO_SAID_LIES;
  }
  uint64_t start = (uint64_t)bitmap_offset + bitmap.offset;
  uint64_t size = (uint64_t)bitmap.stride * (bitmap.size.height - 1) +
                  (uint64_t)bitmap.size.width * PIXEL_BYTES;
  if (start > bytes || size > bytes - start) {
    return VIDEO_SAID_LIES;
  }
  to->format = bitmap.format;
  to->width = bitmap.size.width;
  to->height = bitmap.size.height;
  to->stride_bytes = (uint32_t)bitmap.stride;
  to->offset_bytes = (size_t)start;
  return VIDEO_SAID;
}

enum video_said video_cursor_read(const void *meta, size_t bytes, struct video_cursor_meta *to) {
  struct spa_meta_cursor cursor;
  *to = (struct video_cursor_meta){.shown = false};
  if (bytes < sizeof cursor) {
    return VIDEO_SAID_NOTHING;
  }
  video_meta_copy(&cursor, meta, sizeof cursor);
  if (!spa_meta_cursor_is_valid(&cursor)) {
    return VIDEO_SAID; /* how compositors say that it is not in this picture */
  }
  to->shown = true;
  to->x = cursor.position.x;
  to->y = cursor.position.y;
  to->hotspot_x = cursor.hotspot.x;
  to->hotspot_y = cursor.hotspot.y;
  return cursor.bitmap_offset == 0 ? VIDEO_SAID
                                   : read_bitmap(meta, bytes, cursor.bitmap_offset, to);
}

static uint8_t plain(uint32_t colour, uint32_t alpha) {
  uint32_t value = alpha == 0 ? 0 : (colour * 255 + alpha / 2) / alpha;
  return (uint8_t)(value < 255 ? value : 255);
}

/* Compositors send colour times alpha, though PipeWire does not say so: mutter's
 * meta-screen-cast-stream-src.c reads RGBA_8888_PRE, KWin's screencaststream.cpp paints
 * RGBA8888_Premultiplied. */
bool video_cursor_pixels(const void *meta, const struct video_cursor_meta *cursor, uint8_t *out) {
  struct pixel_order order;
  uint32_t seen = 0;
  if (!order_of(cursor->format, &order)) {
    return false;
  }
  for (uint32_t y = 0; y < cursor->height; y++) {
    const volatile uint8_t *row =
        (const uint8_t *)meta + cursor->offset_bytes + (size_t)y * cursor->stride_bytes;
    for (uint32_t x = 0; x < cursor->width; x++, row += PIXEL_BYTES, out += PIXEL_BYTES) {
      uint32_t alpha = order.alpha < PIXEL_BYTES ? row[order.alpha] : 255;
      out[0] = plain(row[order.blue], alpha);
      out[1] = plain(row[order.green], alpha);
      out[2] = plain(row[order.red], alpha);
      out[3] = (uint8_t)alpha;
      seen |= alpha;
    }
  }
  return seen != 0;
}

#endif
