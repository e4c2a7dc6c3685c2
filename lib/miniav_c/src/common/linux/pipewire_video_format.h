/*
 * Video formats between PipeWire's words and ours: what a node offers (EnumFormat), what of that is
 * chosen, what was agreed on (Format). Pure functions; the params are another process's words.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_VIDEO_FORMAT_H
#define MINIAV_COMMON_PIPEWIRE_VIDEO_FORMAT_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/lists.h"
#include "common/linux/pipewire_library.h"
#include "common/linux/pipewire_video_modifier.h"
#include "common/linux/pipewire_video_names.h"

#include <spa/pod/builder.h>

#define VIDEO_VALUES_MAX 32u
#define VIDEO_OFFERS_MAX 512u

enum video_choice {
  VIDEO_CHOICE_ANY,  /* nothing is said */
  VIDEO_CHOICE_LIST, /* values, the default first */
  VIDEO_CHOICE_RANGE /* default, least, most, step (0: any) */
};

/* One EnumFormat param: every combination of its formats, sizes and rates. */
struct video_offer {
  uint32_t format_count;
  MiniAVPixelFormat formats[VIDEO_VALUES_MAX];
  enum video_choice size_choice;
  uint32_t size_count;
  struct spa_rectangle sizes[VIDEO_VALUES_MAX];
  enum video_choice rate_choice;
  uint32_t rate_count;
  struct spa_fraction rates[VIDEO_VALUES_MAX];
  bool is_for_gpu; /* in GPU memory, with a modifier to be agreed on */
};

struct video_offers {
  struct video_offer *items; /* free() */
  uint32_t count;
  uint32_t capacity;
  bool failed;                       /* memory was exhausted once */
  struct video_modifiers *modifiers; /* NULL: offers for a GPU do not count; else those they name */
};

/* Adds what an EnumFormat param says; one without a format that we have is left out. */
void video_offers_add(struct video_offers *offers, const struct spa_pod *param);

/* Adds every format of the offers, in their order; of ranges the usual values. */
void video_offers_list(const struct video_offers *offers, struct format_list *list);

/* The first offer that has what is wanted (0: any), raw before compressed, and for a GPU before the
 * others. FORMAT_NOT_SUPPORTED. */
MiniAVResultCode video_offers_choose(const struct video_offers *offers,
                                     const MiniAVVideoInfo *wanted, MiniAVVideoInfo *chosen);

/* What there is, shortened to fit: "1280x720 NV12 30 fps, …". */
void video_offers_describe(const struct video_offers *offers, char *text, size_t capacity);

/* The same up to rates that a person calls the same, where `wanted` is not zero. */
bool video_format_meets(const MiniAVVideoInfo *format, const MiniAVVideoInfo *wanted);

/* What was agreed on. */
struct video_format {
  MiniAVVideoInfo info;
  MiniAVColorRange color_range;
  uint32_t color_matrix; /* code points of ITU-T H.273 */
  uint32_t color_primaries;
  uint32_t color_transfer;
  bool has_modifier; /* it is in GPU memory of that layout */
  uint64_t modifier;
};

/* False when it is none that can be captured. */
bool video_format_read(const struct spa_pod *param, struct video_format *format);

#endif
#endif
