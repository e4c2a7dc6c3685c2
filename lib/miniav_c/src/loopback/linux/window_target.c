#include "loopback/linux/window_target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loopback/linux/window_owner.h"

static const char id_prefix[] = "window/";

void window_target_id(char id[WINDOW_ID_BYTES], uint64_t window) {
  snprintf(id, WINDOW_ID_BYTES, "%s%" PRIu64, id_prefix, window);
}

bool window_target_from_id(const char *id, MiniAVLoopbackTarget *target) {
  size_t length = sizeof id_prefix - 1;
  if (strncmp(id, id_prefix, length) != 0) {
    return false;
  }
  uint64_t number = 0;
  for (const char *at = id + length; *at != 0; at++) {
    if (*at < '0' || *at > '9' || number > UINT32_MAX) { /* an XID has 29 bits */
      return false;
    }
    number = number * 10 + (uint64_t)(*at - '0');
  }
  *target = (MiniAVLoopbackTarget){.type = MINIAV_LOOPBACK_TARGET_WINDOW,
                                   .window_handle = (void *)(uintptr_t)number};
  return number != 0;
}

MiniAVResultCode window_target_resolve(MiniAVLoopbackTarget *target, struct cancel *cancel) {
  if (target->type != MINIAV_LOOPBACK_TARGET_WINDOW) {
    return MINIAV_SUCCESS;
  }
  uint32_t pid = 0;
  MiniAVResultCode result = window_owner_find((uintptr_t)target->window_handle, &pid, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  target->type = MINIAV_LOOPBACK_TARGET_PROCESS;
  target->process_id = pid;
  target->window_handle = NULL;
  target->flags |= MINIAV_LOOPBACK_FLAG_TREE;
  return MINIAV_SUCCESS;
}
