#include "common/linux/pipewire_video_cursor.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <string.h>

#define PIXEL_BYTES   4u
#define PICTURE_BYTES 16384u /* 64 × 64: what pools begin with */
#define SPARE_BLOCKS  4u     /* this picture, the next, and what waits for a frame that comes */

/* A pool whose blocks hold so much; made anew when a picture is larger than any before. */
static struct block_pool *pool_for(struct video_cursor *cursor, size_t bytes,
                                   uint32_t frame_count) {
  if (cursor->pool == NULL || cursor->pool_bytes < bytes) {
    size_t most = PICTURE_BYTES;
    while (most < bytes) {
      most *= 4;
    }
    block_pool_close(cursor->pool);
    cursor->pool = block_pool_create(frame_count + SPARE_BLOCKS, most);
    cursor->pool_bytes = most;
  }
  return cursor->pool;
}

static bool is_same_picture(const struct video_cursor *cursor, const struct video_cursor_meta *meta,
                            const struct block *picture) {
  return cursor->picture != NULL && picture != NULL && cursor->width == meta->width &&
         cursor->height == meta->height && cursor->hotspot_x == meta->hotspot_x &&
         cursor->hotspot_y == meta->hotspot_y &&
         memcmp(cursor->picture->data, picture->data,
                (size_t)meta->width * meta->height * PIXEL_BYTES) == 0;
}

/* Takes a new picture over; whether it is another one. */
static bool take_picture(struct video_cursor *cursor, const void *bytes,
                         const struct video_cursor_meta *meta, uint32_t frame_count) {
  size_t size = (size_t)meta->width * meta->height * PIXEL_BYTES;
  struct block_pool *pool = size > 0 ? pool_for(cursor, size, frame_count) : NULL;
  struct block *picture = pool != NULL ? block_pool_take(pool) : NULL;
  bool is_blank = size == 0;
  if (picture != NULL) {
    is_blank = !video_cursor_pixels(bytes, meta, picture->data);
  }
  if (is_same_picture(cursor, meta, picture) ||
      (size == 0 && cursor->picture == NULL && cursor->is_blank)) {
    block_release(picture);
    return false;
  }
  block_release(cursor->picture);
  cursor->picture = picture;
  cursor->picture_is_told = false;
  cursor->is_blank = is_blank;
  cursor->width = picture != NULL ? meta->width : 0;
  cursor->height = picture != NULL ? meta->height : 0;
  cursor->hotspot_x = meta->hotspot_x;
  cursor->hotspot_y = meta->hotspot_y;
  cursor->serial++;
  return true;
}

enum video_said video_cursor_update(struct video_cursor *cursor, const void *meta, size_t bytes,
                                    uint32_t frame_count, bool *differs) {
  struct video_cursor_meta is;
  *differs = false;
  enum video_said said = video_cursor_read(meta, bytes, &is);
  if (said != VIDEO_SAID) {
    return said;
  }
  bool was_seen = cursor->shown && !cursor->is_blank;
  bool moved = is.shown && (is.x != cursor->x || is.y != cursor->y);
  bool changed = is.shown && is.has_picture && take_picture(cursor, meta, &is, frame_count);
  bool is_seen = is.shown && !cursor->is_blank;
  *differs = !cursor->is_known || is_seen != was_seen || (is_seen && (moved || changed));
  cursor->is_known = true;
  cursor->shown = is.shown;
  if (is.shown) {
    cursor->x = is.x;
    cursor->y = is.y;
  }
  return VIDEO_SAID;
}

struct block *video_cursor_describe(struct video_cursor *cursor, const MiniAVVideoInfo *info,
                                    MiniAVFrameMetadata *to) {
  if (!cursor->is_known) {
    return NULL;
  }
  to->flags |= MINIAV_METADATA_CURSOR;
  to->cursor_x = cursor->x;
  to->cursor_y = cursor->y;
  to->cursor_hotspot_x = cursor->hotspot_x;
  to->cursor_hotspot_y = cursor->hotspot_y;
  to->cursor_serial = cursor->serial;
  to->cursor_visible = cursor->shown && !cursor->is_blank && cursor->x >= 0 && cursor->y >= 0 &&
                       (uint32_t)cursor->x < info->width && (uint32_t)cursor->y < info->height;
  if (cursor->picture == NULL || cursor->picture_is_told) {
    return NULL;
  }
  cursor->picture_is_told = true;
  to->flags |= MINIAV_METADATA_CURSOR_PIXELS;
  to->cursor_width = cursor->width;
  to->cursor_height = cursor->height;
  to->cursor_stride_bytes = cursor->width * PIXEL_BYTES;
  to->cursor_format = MINIAV_PIXEL_FORMAT_BGRA32;
  to->cursor_pixels = cursor->picture->data;
  block_reference(cursor->picture);
  return cursor->picture;
}

void video_cursor_end(struct video_cursor *cursor) {
  block_release(cursor->picture);
  block_pool_close(cursor->pool);
  *cursor = (struct video_cursor){.is_known = false};
}

#endif
