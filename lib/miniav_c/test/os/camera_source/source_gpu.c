/* GPU memory of the layouts that the camera is told to have: memfds that it calls dma-bufs, because
 * this is what every kernel has. What is agreed on is agreed on as with real ones, in two steps. */
#include "source.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <inttypes.h>
#include <spa/param/format.h>
#include <spa/pod/iter.h>
#include <stdio.h>
#include <string.h>

bool gpu_read_option(struct source *source, const char *option) {
  source->only_gpu = source->only_gpu || strcmp(option, "onlygpu") == 0;
  if (strncmp(option, "modifier=", 9) == 0 && source->modifier_count < MODIFIERS_MAX) {
    return sscanf(option + 9, "%" SCNx64, &source->modifiers[source->modifier_count++]) == 1;
  }
  return strcmp(option, "onlygpu") == 0;
}

void gpu_add_modifiers(const struct source *source, struct spa_pod_builder *builder,
                       const uint64_t *picked) {
  struct spa_pod_frame choice;
  if (picked != NULL) {
    spa_pod_builder_prop(builder, SPA_FORMAT_VIDEO_modifier, SPA_POD_PROP_FLAG_MANDATORY);
    spa_pod_builder_long(builder, (int64_t)*picked);
    return;
  }
  spa_pod_builder_prop(builder, SPA_FORMAT_VIDEO_modifier,
                       SPA_POD_PROP_FLAG_MANDATORY | SPA_POD_PROP_FLAG_DONT_FIXATE);
  spa_pod_builder_push_choice(builder, &choice, SPA_CHOICE_Enum, 0);
  spa_pod_builder_long(builder, (int64_t)source->modifiers[0]);
  for (uint32_t i = 0; i < source->modifier_count; i++) {
    spa_pod_builder_long(builder, (int64_t)source->modifiers[i]);
  }
  spa_pod_builder_pop(builder, &choice);
}

static bool is_among(const int64_t *values, uint32_t count, uint64_t modifier) {
  for (uint32_t i = 0; i < count; i++) {
    if ((uint64_t)values[i] == modifier) {
      return true;
    }
  }
  return false;
}

bool gpu_pick(struct source *source, const struct spa_pod *param) {
  const struct spa_pod_prop *property = spa_pod_find_prop(param, NULL, SPA_FORMAT_VIDEO_modifier);
  uint32_t count = 0;
  uint32_t kind = 0;
  if (property == NULL || (property->flags & SPA_POD_PROP_FLAG_DONT_FIXATE) == 0) {
    return false;
  }
  const struct spa_pod *values = spa_pod_get_values(&property->value, &count, &kind);
  for (uint32_t i = 0; i < source->modifier_count; i++) {
    if (is_among(SPA_POD_BODY_CONST(values), count, source->modifiers[i])) {
      printf("{\"picked\":\"%" PRIx64 "\"}\n", source->modifiers[i]);
      fflush(stdout);
      source_offer_again(source, &source->modifiers[i]);
      return true;
    }
  }
  return false;
}

bool gpu_is_agreed(const struct spa_pod *param) {
  return spa_pod_find_prop(param, NULL, SPA_FORMAT_VIDEO_modifier) != NULL;
}

#endif
