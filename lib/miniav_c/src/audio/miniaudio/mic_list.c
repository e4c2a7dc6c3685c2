#include "audio/miniaudio/mic_list.h"

#include <stdlib.h>

void mic_list_add(struct mic_list *list, const MiniAVDeviceInfo *device) {
  if (list->count == list->capacity) {
    uint32_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
    MiniAVDeviceInfo *items = realloc(list->items, capacity * sizeof(*items));
    if (items == NULL) {
      return;
    }
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = *device;
}

void mic_list_free(struct mic_list *list) {
  free(list->items);
  *list = (struct mic_list){0};
}

const char *mic_list_default(const struct mic_list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    if ((list->items[i].flags & MINIAV_DEVICE_FLAG_DEFAULT) != 0) {
      return list->items[i].device_id;
    }
  }
  return NULL;
}
