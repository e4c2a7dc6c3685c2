#include "common/damage.h"

static MiniAVRect cover(MiniAVRect a, MiniAVRect b) {
  int32_t left = a.x < b.x ? a.x : b.x;
  int32_t top = a.y < b.y ? a.y : b.y;
  int32_t a_right = a.x + a.width;
  int32_t b_right = b.x + b.width;
  int32_t a_bottom = a.y + a.height;
  int32_t b_bottom = b.y + b.height;
  int32_t right = a_right > b_right ? a_right : b_right;
  int32_t bottom = a_bottom > b_bottom ? a_bottom : b_bottom;
  return (MiniAVRect){left, top, right - left, bottom - top};
}

static void collapse(MiniAVFrameMetadata *metadata) {
  for (uint32_t i = 1; i < metadata->damage_count; i++) {
    metadata->damage[0] = cover(metadata->damage[0], metadata->damage[i]);
  }
  metadata->damage_count = 1;
}

void damage_add(MiniAVFrameMetadata *next, const MiniAVFrameMetadata *dropped) {
  if ((next->flags & dropped->flags & MINIAV_METADATA_DAMAGE) == 0) {
    next->flags &= ~(uint32_t)MINIAV_METADATA_DAMAGE;
    next->damage_count = 0;
    return;
  }
  for (uint32_t i = 0; i < dropped->damage_count; i++) {
    if (next->damage_count == MINIAV_MAX_DAMAGE_RECTANGLES) {
      collapse(next);
    }
    next->damage[next->damage_count++] = dropped->damage[i];
  }
}
