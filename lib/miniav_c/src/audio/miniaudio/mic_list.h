/* A list of microphones while it is made and compared. */
#ifndef MINIAV_AUDIO_MIC_LIST_H
#define MINIAV_AUDIO_MIC_LIST_H

#include "common/lists.h"

/* Microphones by their bare ids. */
struct mic_list {
  MiniAVDeviceInfo *items;
  uint32_t count;
  uint32_t capacity;
};

/* Adds one; out of memory is silence: the list stays short. */
void mic_list_add(struct mic_list *list, const MiniAVDeviceInfo *device);
void mic_list_free(struct mic_list *list);
/* NULL when none is flagged. */
const char *mic_list_default(const struct mic_list *list);

#endif
