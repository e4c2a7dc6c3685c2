/*
 * Layouts of GPU memory (DRM format modifiers) in PipeWire's words. A source names those that it
 * can make in EnumFormat params of their own, whose modifier is mandatory; what is agreed on first
 * is a choice, of which the source picks one that it could allocate and offers that alone:
 * https://docs.pipewire.org/page_dma_buf.html. Pure functions.
 *
 * What a consumer's GPU can import only the consumer knows: all that a source offers is asked for,
 * rows one after the other (LINEAR) first, and each frame says which it is.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_MODIFIER_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_MODIFIER_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_library.h"

#include <spa/pod/builder.h>

#define VIDEO_MODIFIERS_MAX 32u

struct video_modifiers {
  uint32_t count;
  uint64_t values[VIDEO_MODIFIERS_MAX]; /* LINEAR first, where it is among them */
};

/* Must the modifier be agreed on for this format? */
bool video_modifier_is_needed(const struct spa_pod *param);
/* Adds those that a param names. */
void video_modifiers_add(struct video_modifiers *modifiers, const struct spa_pod *param);
/* The one of a Format, of a choice the first; false when it has none. */
bool video_modifier_read(const struct spa_pod *param, uint64_t *modifier);
/* The same request for GPU memory of one of these layouts; NULL: it cannot be. */
const struct spa_pod *video_modifiers_request(struct spa_pod_builder *builder,
                                              const struct spa_pod *request,
                                              const struct video_modifiers *modifiers);

#endif
#endif
