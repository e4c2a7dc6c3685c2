#include "screen/linux/x11_damage.h"

#if defined(MINIAV_HAVE_XCB)

#include <string.h>
#include <xcb/damage.h>
#include <xcb/xfixes.h>

#include "screen/linux/x11_extensions.h"

#define KEPT_FREE   3u /* rectangles: the pointer's two, and what came since the cut */
#define LARGE_SHARE 8  /* a box of more than that part of the picture is large */

MiniAVResultCode x11_damage_create(struct x11_damage *damage, struct x11 *x11,
                                   xcb_drawable_t drawable) {
  xcb_damage_create_request_t create = {.damage = xcb.generate_id(x11->connection),
                                        .drawable = drawable,
                                        .level = XCB_DAMAGE_REPORT_LEVEL_BOUNDING_BOX};
  xcb_xfixes_create_region_request_t region = {.region = xcb.generate_id(x11->connection)};
  const struct x11_request requests[] = {
      {&x11_damage, XCB_DAMAGE_CREATE, &create, sizeof create},
      {&x11_xfixes, XCB_XFIXES_CREATE_REGION, &region, sizeof region}};
  *damage = (struct x11_damage){.x11 = x11, .id = create.damage, .parts = region.region};
  MiniAVResultCode result = x11_do(x11, &requests[0], -1);
  return result == MINIAV_SUCCESS ? x11_do(x11, &requests[1], -1) : result;
}

/* -- boxes ---------------------------------------------------------------------------------- */

void x11_damage_note(struct x11_damage *damage, const xcb_generic_event_t *event) {
  const xcb_damage_notify_event_t *notify = (const void *)event;
  const xcb_rectangle_t *area = &notify->area;
  bool is_of_before = (int32_t)(event->full_sequence - damage->cut) < 0;
  MiniAVRect *box = is_of_before ? &damage->before : &damage->since;
  if (notify->damage == damage->id) {
    *box = (MiniAVRect){area->x, area->y, area->width, area->height};
  }
}

/* The part of a rectangle that lies in the picture, counted from its corner; width 0: nothing. */
static MiniAVRect clip(const MiniAVRect *picture, const MiniAVRect *from) {
  int32_t left = from->x - picture->x;
  int32_t top = from->y - picture->y;
  int32_t right = left + from->width;
  int32_t bottom = top + from->height;
  left = left > 0 ? left : 0;
  top = top > 0 ? top : 0;
  right = right < picture->width ? right : picture->width;
  bottom = bottom < picture->height ? bottom : picture->height;
  bool is_inside = right > left && bottom > top;
  return is_inside ? (MiniAVRect){left, top, right - left, bottom - top} : (MiniAVRect){0};
}

enum x11_damage_place x11_damage_place(const struct x11_damage *damage, const MiniAVRect *picture) {
  MiniAVRect inside = clip(picture, &damage->since);
  return inside.width == 0 ? DAMAGE_OUTSIDE
         : inside.width == damage->since.width && inside.height == damage->since.height
             ? DAMAGE_INSIDE
             : DAMAGE_PARTLY;
}

/* -- requests ------------------------------------------------------------------------------- */

void x11_damage_cut(struct x11_damage *damage) {
  xcb_damage_subtract_request_t query = {.damage = damage->id, .parts = damage->parts};
  const struct x11_request request = {&x11_damage, XCB_DAMAGE_SUBTRACT, &query, sizeof query};
  if (damage->id != 0) {
    damage->before = damage->since;
    damage->since = (MiniAVRect){0};
    damage->cut = x11_send(damage->x11, &request, -1);
  }
}

unsigned int x11_damage_ask(const struct x11_damage *damage) {
  xcb_xfixes_fetch_region_request_t query = {.region = damage->parts};
  const struct x11_request request = {&x11_xfixes, XCB_XFIXES_FETCH_REGION, &query, sizeof query};
  return damage->id != 0 ? x11_ask_begin(damage->x11, &request) : 0;
}

unsigned int x11_damage_ask_if_large(const struct x11_damage *damage, const MiniAVRect *picture) {
  MiniAVRect box = clip(picture, &damage->before);
  int64_t pixels = (int64_t)box.width * box.height;
  return pixels * LARGE_SHARE > (int64_t)picture->width * picture->height ? x11_damage_ask(damage)
                                                                          : 0;
}

/* -- answers -------------------------------------------------------------------------------- */

static void add(MiniAVFrameMetadata *metadata, const MiniAVRect *picture, const MiniAVRect *part) {
  MiniAVRect rectangle = clip(picture, part);
  if (rectangle.width > 0) {
    metadata->damage[metadata->damage_count++] = rectangle;
  }
}

static MiniAVRect rectangle_of(const xcb_rectangle_t *part) {
  return (MiniAVRect){part->x, part->y, part->width, part->height};
}

static void add_answer(MiniAVFrameMetadata *metadata, const MiniAVRect *picture,
                       const struct x11_reply *reply) {
  const xcb_xfixes_fetch_region_reply_t *head = (const void *)reply->data;
  size_t count = (reply->bytes - sizeof *head) / sizeof(xcb_rectangle_t);
  for (size_t i = 0; i < count; i++) {
    xcb_rectangle_t part;
    memcpy(&part, reply->data + sizeof *head + i * sizeof part, sizeof part);
    MiniAVRect rectangle = rectangle_of(&part);
    if (metadata->damage_count == MINIAV_MAX_DAMAGE_RECTANGLES - KEPT_FREE &&
        clip(picture, &rectangle).width > 0) {
      MiniAVRect extents = rectangle_of(&head->extents);
      metadata->damage_count = 0;
      add(metadata, picture, &extents);
      return;
    }
    add(metadata, picture, &rectangle);
  }
}

MiniAVResultCode x11_damage_take(const struct x11_damage *damage, unsigned int question,
                                 const MiniAVRect *picture, MiniAVFrameMetadata *metadata) {
  struct x11_reply reply = {0};
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (damage->id == 0) {
    return result;
  }
  if (question != 0) {
    result = x11_ask_end(damage->x11, question, &reply);
  }
  metadata->flags |= MINIAV_METADATA_DAMAGE;
  metadata->damage_count = 0;
  if (question == 0) {
    add(metadata, picture, &damage->before);
  } else if (result == MINIAV_SUCCESS) {
    add_answer(metadata, picture, &reply);
  }
  x11_reply_free(&reply);
  return result;
}

void x11_damage_add_since(const struct x11_damage *damage, const MiniAVRect *picture,
                          MiniAVFrameMetadata *metadata) {
  add(metadata, picture, &damage->since);
}

#endif
