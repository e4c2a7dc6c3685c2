/* Tells the registry what is different from the last list of devices that a watch made. One thread
 * at a time. */
#ifndef MINIAV_COMMON_DEVICE_CHANGES_H
#define MINIAV_COMMON_DEVICE_CHANGES_H

#include "common/lists.h"

struct device_changes {
  bool known; /* there was a list before; the next two are its */
  uint64_t list_hash;
  char default_id[MINIAV_TEXT_BYTES];
};

/* Takes a finished list, which it frees. The first one only counts as known. */
void device_changes_tell(struct device_changes *changes, struct device_list *devices);

#endif
