#include "common/linux/pipewire_video_format.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <math.h>
#include <spa/param/format.h>
#include <spa/param/video/format.h>
#include <spa/pod/builder.h>
#include <spa/pod/iter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pixel.h"

#define LIST_MAX       2048u
#define RATE_TOLERANCE 0.005 /* 30 and 30000/1001 mean the same to a person */
#define RATE_USUAL_HZ  30.0
#define RATE_LEAST_HZ  15.0

/* -- reading params ------------------------------------------------------------------------- */

/* The values of a property, alternatives after the default; NULL when it is missing or of another
 * type. */
static const void *values_of(const struct spa_pod *param, uint32_t key, uint32_t type,
                             size_t value_bytes, uint32_t *count, uint32_t *choice) {
  const struct spa_pod_prop *property = spa_pod_find_prop(param, NULL, key);
  if (property == NULL) {
    return NULL;
  }
  const struct spa_pod *values = spa_pod_get_values(&property->value, count, choice);
  if (values == NULL || values->type != type || values->size != value_bytes || *count == 0) {
    return NULL;
  }
  return SPA_POD_BODY_CONST(values);
}

static bool read_id(const struct spa_pod *param, uint32_t key, uint32_t *value) {
  uint32_t count;
  uint32_t choice;
  const uint32_t *ids = values_of(param, key, SPA_TYPE_Id, sizeof *ids, &count, &choice);
  if (ids != NULL) {
    *value = ids[0];
  }
  return ids != NULL;
}

/* How a choice is to be read: its values then are a list from `first` on, or a range. */
static enum video_choice kind_of(uint32_t choice, uint32_t count) {
  bool is_range = choice == SPA_CHOICE_Range || choice == SPA_CHOICE_Step;
  return is_range && count >= 3 ? VIDEO_CHOICE_RANGE : VIDEO_CHOICE_LIST;
}

static uint32_t counted(uint32_t choice, uint32_t count) {
  /* An enumeration names its default first and again among the alternatives. */
  uint32_t used = choice == SPA_CHOICE_None ? 1 : count;
  return used < VIDEO_VALUES_MAX ? used : VIDEO_VALUES_MAX;
}

static void add_format(struct video_offer *offer, MiniAVPixelFormat format) {
  for (uint32_t i = 0; i < offer->format_count; i++) {
    if (offer->formats[i] == format) {
      return;
    }
  }
  if (format != MINIAV_PIXEL_FORMAT_UNKNOWN && offer->format_count < VIDEO_VALUES_MAX) {
    offer->formats[offer->format_count++] = format;
  }
}

static void read_formats(const struct spa_pod *param, struct video_offer *offer) {
  uint32_t count;
  uint32_t choice;
  const uint32_t *ids =
      values_of(param, SPA_FORMAT_VIDEO_format, SPA_TYPE_Id, sizeof *ids, &count, &choice);
  if (ids == NULL) {
    for (uint32_t i = 0; i < video_name_count(); i++) {
      add_format(offer, video_name_at(i)); /* it says nothing: any */
    }
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    add_format(offer, video_format_from_spa(ids[i]));
  }
}

static bool is_size(struct spa_rectangle size) {
  return size.width > 0 && size.height > 0 && size.width <= PIXEL_MAX_SIDE &&
         size.height <= PIXEL_MAX_SIDE;
}

static void read_sizes(const struct spa_pod *param, struct video_offer *offer) {
  uint32_t count;
  uint32_t choice;
  const struct spa_rectangle *sizes =
      values_of(param, SPA_FORMAT_VIDEO_size, SPA_TYPE_Rectangle, sizeof *sizes, &count, &choice);
  if (sizes == NULL) {
    return;
  }
  offer->size_choice = kind_of(choice, count);
  if (offer->size_choice == VIDEO_CHOICE_RANGE) {
    bool has_step = choice == SPA_CHOICE_Step && count >= 4;
    memcpy(offer->sizes, sizes, sizeof *sizes * (has_step ? 4 : 3));
    offer->size_count = 4;
    return;
  }
  for (uint32_t i = 0; i < counted(choice, count); i++) {
    if (is_size(sizes[i])) {
      offer->sizes[offer->size_count++] = sizes[i];
    }
  }
}

static void read_rates(const struct spa_pod *param, struct video_offer *offer) {
  uint32_t count;
  uint32_t choice;
  const struct spa_fraction *rates = values_of(param, SPA_FORMAT_VIDEO_framerate, SPA_TYPE_Fraction,
                                               sizeof *rates, &count, &choice);
  if (rates == NULL) {
    return;
  }
  offer->rate_choice = kind_of(choice, count);
  if (offer->rate_choice == VIDEO_CHOICE_RANGE) {
    memcpy(offer->rates, rates, sizeof *rates * 3);
    offer->rate_count = 3;
    return;
  }
  for (uint32_t i = 0; i < counted(choice, count); i++) {
    if (video_is_rate(rates[i])) {
      offer->rates[offer->rate_count++] = rates[i];
    }
  }
  if (offer->rate_count == 0) {
    offer->rate_choice = VIDEO_CHOICE_ANY; /* 0/1: the source has no steady rate */
  }
}

static bool offer_read(const struct spa_pod *param, struct video_offer *offer) {
  uint32_t type;
  uint32_t subtype;
  *offer = (struct video_offer){.size_choice = VIDEO_CHOICE_ANY};
  if (!spa_pod_is_object(param) || !read_id(param, SPA_FORMAT_mediaType, &type) ||
      !read_id(param, SPA_FORMAT_mediaSubtype, &subtype) || type != SPA_MEDIA_TYPE_video) {
    return false;
  }
  if (subtype == SPA_MEDIA_SUBTYPE_raw) {
    read_formats(param, offer);
  } else {
    add_format(offer, video_compressed_of(subtype));
  }
  read_sizes(param, offer);
  read_rates(param, offer);
  return offer->format_count > 0 &&
         (offer->size_choice == VIDEO_CHOICE_ANY || offer->size_count > 0);
}

void video_offers_add(struct video_offers *offers, const struct spa_pod *param) {
  struct video_offer offer;
  if (offers->count == VIDEO_OFFERS_MAX || !offer_read(param, &offer)) {
    return;
  }
  offer.is_for_gpu = video_modifier_is_needed(param);
  if (offer.is_for_gpu && offers->modifiers == NULL) {
    return;
  }
  if (offer.is_for_gpu) {
    video_modifiers_add(offers->modifiers, param);
  }
  if (offers->count == offers->capacity) {
    uint32_t capacity = offers->capacity == 0 ? 16 : offers->capacity * 2;
    struct video_offer *items = realloc(offers->items, capacity * sizeof *items);
    if (items == NULL) {
      offers->failed = true;
      return;
    }
    offers->items = items;
    offers->capacity = capacity;
  }
  offers->items[offers->count++] = offer;
}

/* -- ranges --------------------------------------------------------------------------------- */

static bool fits_step(uint32_t value, uint32_t least, uint32_t most, uint32_t step) {
  return value >= least && value <= most && (step == 0 || (value - least) % step == 0);
}

static bool size_in_range(const struct video_offer *offer, struct spa_rectangle size) {
  const struct spa_rectangle *is = offer->sizes;
  return is_size(size) && fits_step(size.width, is[1].width, is[2].width, is[3].width) &&
         fits_step(size.height, is[1].height, is[2].height, is[3].height);
}

static double hertz(struct spa_fraction rate) {
  return rate.denom == 0 ? 0 : (double)rate.num / rate.denom;
}

static bool is_same_rate(double left, double right) {
  return fabs(left - right) <= RATE_TOLERANCE * fmax(left, right);
}

static bool rate_in_range(const struct video_offer *offer, struct spa_fraction rate) {
  double value = hertz(rate);
  return video_is_rate(rate) && value >= hertz(offer->rates[1]) - 1e-9 &&
         value <= hertz(offer->rates[2]) + 1e-9;
}

/* The sizes of an offer, the default first, into sizes; how many. */
static uint32_t expand_sizes(const struct video_offer *offer,
                             struct spa_rectangle sizes[VIDEO_VALUES_MAX]) {
  static const struct spa_rectangle usual[] = {
      {1280, 720}, {1920, 1080}, {640, 480},   {320, 240},   {640, 360},
      {800, 600},  {1280, 960},  {2560, 1440}, {3840, 2160}, {7680, 4320}};
  if (offer->size_choice == VIDEO_CHOICE_LIST) {
    memcpy(sizes, offer->sizes, sizeof *sizes * offer->size_count);
    return offer->size_count;
  }
  bool is_range = offer->size_choice == VIDEO_CHOICE_RANGE;
  uint32_t count = 0;
  if (is_range && size_in_range(offer, offer->sizes[0])) {
    sizes[count++] = offer->sizes[0];
  }
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    if (!is_range || size_in_range(offer, usual[i])) {
      sizes[count++] = usual[i];
    }
  }
  if (is_range && size_in_range(offer, offer->sizes[2]) && offer->sizes[2].width <= 8192) {
    sizes[count++] = offer->sizes[2];
  }
  return count;
}

/* As expand_sizes; at least one, 0/0 where no rate is known. */
static uint32_t expand_rates(const struct video_offer *offer,
                             struct spa_fraction rates[VIDEO_VALUES_MAX]) {
  static const struct spa_fraction usual[] = {{30, 1}, {60, 1}, {25, 1},  {50, 1},
                                              {24, 1}, {15, 1}, {120, 1}, {240, 1}};
  uint32_t count = 0;
  if (offer->rate_choice == VIDEO_CHOICE_LIST) {
    memcpy(rates, offer->rates, sizeof *rates * offer->rate_count);
    return offer->rate_count;
  }
  if (offer->rate_choice == VIDEO_CHOICE_RANGE) {
    if (rate_in_range(offer, offer->rates[0])) {
      rates[count++] = offer->rates[0];
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
      if (rate_in_range(offer, usual[i])) {
        rates[count++] = usual[i];
      }
    }
  }
  if (count == 0) {
    rates[count++] = SPA_FRACTION(0, 0);
  }
  return count;
}

/* -- lists ---------------------------------------------------------------------------------- */

static bool is_listed(const struct format_list *list, const MiniAVVideoInfo *info) {
  const MiniAVVideoInfo *items = list->items;
  for (uint32_t i = 0; i < list->count; i++) {
    if (items[i].width == info->width && items[i].height == info->height &&
        items[i].pixel_format == info->pixel_format &&
        items[i].frame_rate_numerator == info->frame_rate_numerator &&
        items[i].frame_rate_denominator == info->frame_rate_denominator) {
      return true;
    }
  }
  return false;
}

static void list_offer(const struct video_offer *offer, struct format_list *list) {
  struct spa_rectangle sizes[VIDEO_VALUES_MAX];
  struct spa_fraction rates[VIDEO_VALUES_MAX];
  uint32_t size_count = expand_sizes(offer, sizes);
  uint32_t rate_count = expand_rates(offer, rates);
  for (uint32_t s = 0; s < size_count; s++) {
    for (uint32_t f = 0; f < offer->format_count; f++) {
      for (uint32_t r = 0; r < rate_count && list->count < LIST_MAX; r++) {
        MiniAVVideoInfo info = {.width = sizes[s].width,
                                .height = sizes[s].height,
                                .pixel_format = offer->formats[f],
                                .frame_rate_numerator = rates[r].num,
                                .frame_rate_denominator = rates[r].denom};
        if (!is_listed(list, &info)) {
          format_list_add_video(list, &info);
        }
      }
    }
  }
}

void video_offers_list(const struct video_offers *offers, struct format_list *list) {
  for (uint32_t i = 0; i < offers->count; i++) {
    list_offer(&offers->items[i], list);
  }
  list->failed = list->failed || offers->failed;
}

void video_offers_describe(const struct video_offers *offers, char *text, size_t capacity) {
  size_t used = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < offers->count && used + 48 < capacity; i++) {
    struct spa_rectangle sizes[VIDEO_VALUES_MAX];
    struct spa_fraction rates[VIDEO_VALUES_MAX];
    const struct video_offer *offer = &offers->items[i];
    if (expand_sizes(offer, sizes) == 0) {
      continue;
    }
    expand_rates(offer, rates);
    int written =
        snprintf(text + used, capacity - used, "%s%ux%u format %d %.4g fps", used > 0 ? ", " : "",
                 sizes[0].width, sizes[0].height, (int)offer->formats[0], hertz(rates[0]));
    used += written > 0 ? (size_t)written : 0;
  }
}

/* -- choosing ------------------------------------------------------------------------------- */

static bool choose_size(const struct video_offer *offer, const MiniAVVideoInfo *wanted,
                        struct spa_rectangle *size) {
  struct spa_rectangle sizes[VIDEO_VALUES_MAX];
  uint32_t count = expand_sizes(offer, sizes);
  for (uint32_t i = 0; i < count; i++) {
    if ((wanted->width == 0 || wanted->width == sizes[i].width) &&
        (wanted->height == 0 || wanted->height == sizes[i].height)) {
      *size = sizes[i];
      return true;
    }
  }
  *size = SPA_RECTANGLE(wanted->width, wanted->height);
  return is_size(*size) &&
         (offer->size_choice == VIDEO_CHOICE_ANY ||
          (offer->size_choice == VIDEO_CHOICE_RANGE && size_in_range(offer, *size)));
}

/* The default, unless nobody would call that moving: of a V4L2 camera it is the driver's first
 * interval, with some a second. */
static struct spa_fraction usual_rate(const struct spa_fraction *rates, uint32_t count) {
  struct spa_fraction best = rates[0];
  for (uint32_t i = 1; i < count && hertz(rates[0]) < RATE_LEAST_HZ; i++) {
    best =
        fabs(hertz(rates[i]) - RATE_USUAL_HZ) < fabs(hertz(best) - RATE_USUAL_HZ) ? rates[i] : best;
  }
  return best;
}

static bool choose_rate(const struct video_offer *offer, const MiniAVVideoInfo *wanted,
                        struct spa_fraction *rate) {
  struct spa_fraction rates[VIDEO_VALUES_MAX];
  struct spa_fraction asked =
      SPA_FRACTION(wanted->frame_rate_numerator, wanted->frame_rate_denominator);
  uint32_t count = expand_rates(offer, rates);
  if (asked.num == 0) {
    *rate = usual_rate(rates, count);
    return true;
  }
  bool found = false;
  for (uint32_t i = 0; i < count; i++) {
    double distance = fabs(hertz(rates[i]) - hertz(asked));
    if (is_same_rate(hertz(rates[i]), hertz(asked)) &&
        (!found || distance < fabs(hertz(*rate) - hertz(asked)))) {
      *rate = rates[i];
      found = true;
    }
  }
  if (!found && offer->rate_choice == VIDEO_CHOICE_RANGE && rate_in_range(offer, asked)) {
    *rate = asked;
    found = true;
  }
  return found;
}

static bool choose_from(const struct video_offer *offer, const MiniAVVideoInfo *wanted,
                        MiniAVVideoInfo *chosen) {
  struct spa_rectangle size;
  struct spa_fraction rate;
  MiniAVPixelFormat format = offer->formats[0];
  for (uint32_t i = 0; wanted->pixel_format != 0 && i < offer->format_count; i++) {
    format = offer->formats[i] == wanted->pixel_format ? offer->formats[i] : format;
  }
  if ((wanted->pixel_format != 0 && format != wanted->pixel_format) ||
      !choose_size(offer, wanted, &size) || !choose_rate(offer, wanted, &rate)) {
    return false;
  }
  *chosen =
      (MiniAVVideoInfo){.width = size.width,
                        .height = size.height,
                        .pixel_format = format,
                        .frame_rate_numerator = rate.num,
                        .frame_rate_denominator = rate.denom,
                        .output_preference = offer->is_for_gpu ? MINIAV_OUTPUT_PREFERENCE_GPU
                                                               : MINIAV_OUTPUT_PREFERENCE_CPU};
  return true;
}

MiniAVResultCode video_offers_choose(const struct video_offers *offers,
                                     const MiniAVVideoInfo *wanted, MiniAVVideoInfo *chosen) {
  static const struct {
    bool compressed;
    bool for_gpu;
  } turns[] = {{false, true}, {false, false}, {true, false}};
  for (size_t turn = 0; turn < sizeof turns / sizeof *turns; turn++) {
    for (uint32_t i = 0; i < offers->count; i++) {
      const struct video_offer *offer = &offers->items[i];
      if (pixel_is_compressed(offer->formats[0]) == turns[turn].compressed &&
          offer->is_for_gpu == turns[turn].for_gpu && choose_from(offer, wanted, chosen)) {
        return MINIAV_SUCCESS;
      }
    }
  }
  return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
}

bool video_format_meets(const MiniAVVideoInfo *format, const MiniAVVideoInfo *wanted) {
  double rate = hertz(SPA_FRACTION(format->frame_rate_numerator, format->frame_rate_denominator));
  double asked = hertz(SPA_FRACTION(wanted->frame_rate_numerator, wanted->frame_rate_denominator));
  return (wanted->width == 0 || wanted->width == format->width) &&
         (wanted->height == 0 || wanted->height == format->height) &&
         (wanted->pixel_format == 0 || wanted->pixel_format == format->pixel_format) &&
         (asked == 0 || is_same_rate(rate, asked));
}

/* -- what was agreed on --------------------------------------------------------------------- */

static uint32_t color_of(const struct spa_pod *param, uint32_t key, const uint8_t *codes,
                         uint32_t code_count) {
  uint32_t value = 0;
  if (!read_id(param, key, &value) || value >= code_count) {
    return MINIAV_COLOR_UNSPECIFIED;
  }
  return codes[value];
}

/* spa/param/video/color.h to ITU-T H.273; what H.273 has no code for is unspecified. */
static void read_color(const struct spa_pod *param, struct video_format *format) {
  static const uint8_t ranges[] = {MINIAV_COLOR_RANGE_UNKNOWN, MINIAV_COLOR_RANGE_FULL,
                                   MINIAV_COLOR_RANGE_LIMITED};
  static const uint8_t matrices[] = {2, 0, 4, 1, 6, 7, 9};
  static const uint8_t primaries[] = {2, 1, 4, 5, 6, 7, 8, 9, 2};
  static const uint8_t transfers[] = {2, 8, 2, 2, 4, 1, 7, 13, 5, 9, 10, 15, 2};
  uint32_t range = 0;
  if (read_id(param, SPA_FORMAT_VIDEO_colorRange, &range) && range < sizeof ranges) {
    format->color_range = (MiniAVColorRange)ranges[range];
  }
  format->color_matrix = color_of(param, SPA_FORMAT_VIDEO_colorMatrix, matrices, sizeof matrices);
  format->color_primaries =
      color_of(param, SPA_FORMAT_VIDEO_colorPrimaries, primaries, sizeof primaries);
  format->color_transfer =
      color_of(param, SPA_FORMAT_VIDEO_transferFunction, transfers, sizeof transfers);
}

/* Of a source whose rate varies. */
static struct spa_fraction most_of(const struct spa_pod *param) {
  uint32_t count;
  uint32_t choice;
  const struct spa_fraction *most = values_of(param, SPA_FORMAT_VIDEO_maxFramerate,
                                              SPA_TYPE_Fraction, sizeof *most, &count, &choice);
  return most != NULL && video_is_rate(*most) ? *most : SPA_FRACTION(0, 0);
}

bool video_format_read(const struct spa_pod *param, struct video_format *format) {
  struct video_offer offer;
  *format = (struct video_format){.color_range = MINIAV_COLOR_RANGE_UNKNOWN};
  if (!offer_read(param, &offer) || offer.format_count != 1 ||
      offer.size_choice != VIDEO_CHOICE_LIST) {
    return false;
  }
  struct spa_fraction rate =
      offer.rate_choice == VIDEO_CHOICE_LIST ? offer.rates[0] : SPA_FRACTION(0, 0);
  if (rate.num == 0) {
    rate = most_of(param);
  }
  format->info = (MiniAVVideoInfo){.width = offer.sizes[0].width,
                                   .height = offer.sizes[0].height,
                                   .pixel_format = offer.formats[0],
                                   .frame_rate_numerator = rate.num,
                                   .frame_rate_denominator = rate.denom,
                                   .output_preference = MINIAV_OUTPUT_PREFERENCE_CPU};
  format->has_modifier = video_modifier_read(param, &format->modifier);
  read_color(param, format);
  return true;
}

#endif
