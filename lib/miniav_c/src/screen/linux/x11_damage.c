#include "screen/linux/x11_damage.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <xcb/damage.h>
#include <xcb/xfixes.h>

#include "screen/linux/x11_extensions.h"

#define POINTER_RECTANGLES 2u /* where it was and where it is: kept free */

static MiniAVResultCode create_region(struct x11 *x11, uint32_t *region) {
  *region = xcb.generate_id(x11->connection);
  xcb_xfixes_create_region_request_t query = {.region = *region};
  const struct x11_request request = {&x11_xfixes, XCB_XFIXES_CREATE_REGION, &query, sizeof query};
  return x11_do(x11, &request, -1);
}

MiniAVResultCode x11_damage_create(struct x11_damage *damage, struct x11 *x11,
                                   xcb_drawable_t drawable) {
  xcb_damage_create_request_t query = {.damage = xcb.generate_id(x11->connection),
                                       .drawable = drawable,
                                       .level = XCB_DAMAGE_REPORT_LEVEL_NON_EMPTY};
  const struct x11_request request = {&x11_damage, XCB_DAMAGE_CREATE, &query, sizeof query};
  *damage = (struct x11_damage){.x11 = x11, .id = query.damage};
  MiniAVResultCode result = x11_do(x11, &request, -1);
  uint32_t *const regions[] = {&damage->before, &damage->behind, &damage->told};
  for (size_t i = 0; i < sizeof regions / sizeof *regions && result == MINIAV_SUCCESS; i++) {
    result = create_region(x11, regions[i]);
  }
  return result;
}

/* -- requests ------------------------------------------------------------------------------- */

static void subtract(const struct x11_damage *damage, uint32_t parts) {
  xcb_damage_subtract_request_t query = {.damage = damage->id, .parts = parts};
  const struct x11_request request = {&x11_damage, XCB_DAMAGE_SUBTRACT, &query, sizeof query};
  x11_send(damage->x11, &request, -1);
}

static void unite(const struct x11_damage *damage, uint32_t both) {
  xcb_xfixes_union_region_request_t query = {
      .source1 = damage->before, .source2 = damage->behind, .destination = both};
  const struct x11_request request = {&x11_xfixes, XCB_XFIXES_UNION_REGION, &query, sizeof query};
  x11_send(damage->x11, &request, -1);
}

static unsigned int fetch(const struct x11_damage *damage, uint32_t region) {
  xcb_xfixes_fetch_region_request_t query = {.region = region};
  const struct x11_request request = {&x11_xfixes, XCB_XFIXES_FETCH_REGION, &query, sizeof query};
  return x11_ask_begin(damage->x11, &request);
}

void x11_damage_cut(const struct x11_damage *damage) {
  if (damage->id != 0) {
    subtract(damage, damage->before);
    unite(damage, damage->before);
  }
}

unsigned int x11_damage_ask_before(const struct x11_damage *damage) {
  return damage->id != 0 ? fetch(damage, damage->before) : 0;
}

unsigned int x11_damage_ask(const struct x11_damage *damage) {
  if (damage->id == 0) {
    return 0;
  }
  subtract(damage, damage->behind);
  unite(damage, damage->told);
  return fetch(damage, damage->told);
}

/* -- answers -------------------------------------------------------------------------------- */

/* The part of a rectangle that lies in the picture. */
static bool clip(const MiniAVRect *picture, const xcb_rectangle_t *from, MiniAVRect *to) {
  int32_t left = from->x - picture->x;
  int32_t top = from->y - picture->y;
  int32_t right = left + from->width;
  int32_t bottom = top + from->height;
  left = left > 0 ? left : 0;
  top = top > 0 ? top : 0;
  right = right < picture->width ? right : picture->width;
  bottom = bottom < picture->height ? bottom : picture->height;
  *to = (MiniAVRect){left, top, right - left, bottom - top};
  return right > left && bottom > top;
}

static void read_rectangles(const struct x11_reply *reply, const MiniAVRect *picture,
                            MiniAVFrameMetadata *metadata) {
  const xcb_xfixes_fetch_region_reply_t *head = (const void *)reply->data;
  size_t count = (reply->bytes - sizeof *head) / sizeof(xcb_rectangle_t);
  MiniAVRect rectangle;
  metadata->damage_count = 0;
  for (size_t i = 0; i < count; i++) {
    xcb_rectangle_t part;
    memcpy(&part, reply->data + sizeof *head + i * sizeof part, sizeof part);
    if (!clip(picture, &part, &rectangle)) {
      continue;
    }
    if (metadata->damage_count == MINIAV_MAX_DAMAGE_RECTANGLES - POINTER_RECTANGLES) {
      clip(picture, &head->extents, &rectangle);
      metadata->damage[0] = rectangle;
      metadata->damage_count = 1;
      return;
    }
    metadata->damage[metadata->damage_count++] = rectangle;
  }
}

MiniAVResultCode x11_damage_take(const struct x11_damage *damage, unsigned int question,
                                 const MiniAVRect *picture, MiniAVFrameMetadata *metadata) {
  struct x11_reply reply;
  if (question == 0) {
    return MINIAV_SUCCESS;
  }
  MiniAVResultCode result = x11_ask_end(damage->x11, question, &reply);
  if (result == MINIAV_SUCCESS) {
    metadata->flags |= MINIAV_METADATA_DAMAGE;
    read_rectangles(&reply, picture, metadata);
  }
  x11_reply_free(&reply);
  return result;
}

#endif
