#include "common/linux/pipewire_video_request.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/format.h>
#include <spa/param/video/format.h>

#include "common/linux/pipewire_video_names.h"
#include "common/pixel.h"

static void ask_formats(struct spa_pod_builder *builder, MiniAVPixelFormat format) {
  spa_pod_builder_prop(builder, SPA_FORMAT_VIDEO_format, 0);
  if (format != MINIAV_PIXEL_FORMAT_UNKNOWN) {
    spa_pod_builder_id(builder, video_format_to_spa(format));
    return;
  }
  struct spa_pod_frame choice;
  spa_pod_builder_push_choice(builder, &choice, SPA_CHOICE_Enum, 0);
  spa_pod_builder_id(builder, video_format_to_spa(video_name_at(0)));
  for (uint32_t i = 0; i < video_name_count(); i++) {
    spa_pod_builder_id(builder, video_format_to_spa(video_name_at(i)));
  }
  spa_pod_builder_pop(builder, &choice);
}

/* Zeros of `wish` are any; rate_limit: of sources whose rate varies, 0/0 for any. */
static const struct spa_pod *request(struct spa_pod_builder *builder, uint32_t subtype,
                                     const MiniAVVideoInfo *wish, struct spa_fraction rate_limit) {
  struct spa_pod_frame object;
  struct spa_rectangle size = SPA_RECTANGLE(wish->width, wish->height);
  struct spa_rectangle least = SPA_RECTANGLE(1, 1);
  struct spa_rectangle most = SPA_RECTANGLE(PIXEL_MAX_SIDE, PIXEL_MAX_SIDE);
  struct spa_rectangle middle = SPA_RECTANGLE(1280, 720);
  struct spa_fraction rate = SPA_FRACTION(wish->frame_rate_numerator, wish->frame_rate_denominator);
  struct spa_fraction slowest = SPA_FRACTION(0, 1);
  struct spa_fraction fastest = SPA_FRACTION(VIDEO_RATE_MAX_HZ, 1);
  struct spa_fraction usual = SPA_FRACTION(30, 1);
  spa_pod_builder_push_object(builder, &object, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
  spa_pod_builder_add(builder, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
                      SPA_FORMAT_mediaSubtype, SPA_POD_Id(subtype), 0);
  if (subtype == SPA_MEDIA_SUBTYPE_raw) {
    ask_formats(builder, wish->pixel_format);
  }
  if (size.width != 0) {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&size), 0);
  } else {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_size,
                        SPA_POD_CHOICE_RANGE_Rectangle(&middle, &least, &most), 0);
  }
  if (rate.num != 0) {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&rate), 0);
  } else {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_framerate,
                        SPA_POD_CHOICE_RANGE_Fraction(&usual, &slowest, &fastest), 0);
  }
  if (video_is_rate(rate_limit)) {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_maxFramerate,
                        SPA_POD_CHOICE_RANGE_Fraction(&rate_limit, &slowest, &rate_limit), 0);
  }
  return spa_pod_builder_pop(builder, &object);
}

uint32_t video_format_requests(struct spa_pod_builder *builder, const MiniAVVideoInfo *exact,
                               struct spa_fraction most,
                               const struct spa_pod *requests[VIDEO_REQUESTS_MAX]) {
  const MiniAVVideoInfo same_pixels = {.pixel_format = exact->pixel_format};
  const MiniAVVideoInfo anything = {0};
  uint32_t count = 0;
  requests[count++] = request(builder, video_subtype_of(exact->pixel_format), exact, most);
  requests[count++] = request(builder, video_subtype_of(exact->pixel_format), &same_pixels, most);
  requests[count++] = request(builder, SPA_MEDIA_SUBTYPE_raw, &anything, most);
  if (video_is_rate(most)) { /* a source that keeps no limit is held to it here */
    requests[count++] = request(builder, SPA_MEDIA_SUBTYPE_raw, &anything, SPA_FRACTION(0, 0));
  }
  requests[count++] = request(builder, SPA_MEDIA_SUBTYPE_mjpg, &anything, most);
  requests[count++] = request(builder, SPA_MEDIA_SUBTYPE_h264, &anything, most);
  return count;
}

#endif
