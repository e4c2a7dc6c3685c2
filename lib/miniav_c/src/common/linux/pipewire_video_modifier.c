#include "common/linux/pipewire_video_modifier.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/format.h>
#include <spa/pod/iter.h>

#include "common/linux/drm_format.h"

static const int64_t *values_of(const struct spa_pod *param, uint32_t *count) {
  uint32_t choice;
  const struct spa_pod_prop *property = spa_pod_find_prop(param, NULL, SPA_FORMAT_VIDEO_modifier);
  const struct spa_pod *values =
      property != NULL ? spa_pod_get_values(&property->value, count, &choice) : NULL;
  if (values == NULL || values->type != SPA_TYPE_Long || values->size != sizeof(int64_t) ||
      *count == 0) {
    return NULL;
  }
  return SPA_POD_BODY_CONST(values);
}

bool video_modifier_is_needed(const struct spa_pod *param) {
  const struct spa_pod_prop *property = spa_pod_find_prop(param, NULL, SPA_FORMAT_VIDEO_modifier);
  return property != NULL && (property->flags & SPA_POD_PROP_FLAG_MANDATORY) != 0;
}

static void add(struct video_modifiers *modifiers, uint64_t modifier) {
  uint32_t at = 0;
  while (at < modifiers->count && modifiers->values[at] != modifier) {
    at++;
  }
  if (at < modifiers->count || modifiers->count == VIDEO_MODIFIERS_MAX) {
    return;
  }
  modifiers->values[modifiers->count++] = modifier;
  if (modifier == DRM_MODIFIER_LINEAR) {
    modifiers->values[at] = modifiers->values[0];
    modifiers->values[0] = modifier;
  }
}

void video_modifiers_add(struct video_modifiers *modifiers, const struct spa_pod *param) {
  uint32_t count = 0;
  const int64_t *values = values_of(param, &count);
  for (uint32_t i = 0; values != NULL && i < count; i++) {
    add(modifiers, (uint64_t)values[i]);
  }
}

bool video_modifier_read(const struct spa_pod *param, uint64_t *modifier) {
  uint32_t count = 0;
  const int64_t *values = values_of(param, &count);
  if (values != NULL) {
    *modifier = (uint64_t)values[0];
  }
  return values != NULL;
}

static void add_choice(struct spa_pod_builder *builder, const struct video_modifiers *modifiers) {
  struct spa_pod_frame choice;
  spa_pod_builder_prop(builder, SPA_FORMAT_VIDEO_modifier,
                       SPA_POD_PROP_FLAG_MANDATORY | SPA_POD_PROP_FLAG_DONT_FIXATE);
  spa_pod_builder_push_choice(builder, &choice, SPA_CHOICE_Enum, 0);
  spa_pod_builder_long(builder, (int64_t)modifiers->values[0]);
  for (uint32_t i = 0; i < modifiers->count; i++) {
    spa_pod_builder_long(builder, (int64_t)modifiers->values[i]);
  }
  spa_pod_builder_pop(builder, &choice);
}

const struct spa_pod *video_modifiers_request(struct spa_pod_builder *builder,
                                              const struct spa_pod *request,
                                              const struct video_modifiers *modifiers) {
  struct spa_pod_frame object;
  const struct spa_pod_prop *property;
  if (modifiers->count == 0 || spa_pod_find_prop(request, NULL, SPA_FORMAT_VIDEO_format) == NULL) {
    return NULL; /* compressed */
  }
  spa_pod_builder_push_object(builder, &object, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
  SPA_POD_OBJECT_FOREACH((const struct spa_pod_object *)request, property) {
    spa_pod_builder_prop(builder, property->key, property->flags);
    spa_pod_builder_primitive(builder, &property->value);
    if (property->key == SPA_FORMAT_VIDEO_format) {
      add_choice(builder, modifiers);
    }
  }
  return spa_pod_builder_pop(builder, &object);
}

#endif
