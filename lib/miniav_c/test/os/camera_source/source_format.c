/* What the camera offers, and what was agreed on. */
#include "source.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/format.h>
#include <spa/param/video/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/linux/pipewire_video_format.h"
#include "common/pixel.h"
#include "h264_writer.h"

static const char *const names[] = {"",      "I420",    "NV12",    "NV21", "YUY2", "UYVY",
                                    "RGB24", "BGR24",   "RGBA",    "BGRA", "ARGB", "ABGR",
                                    "MJPEG", "BGRX",    "RGBX",    "XRGB", "XBGR", "GRAY8",
                                    "P010",  "X2RGB10", "X2BGR10", "H264"};

MiniAVPixelFormat format_named(const char *name) {
  for (size_t i = 1; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], name) == 0) {
      return (MiniAVPixelFormat)i;
    }
  }
  return MINIAV_PIXEL_FORMAT_UNKNOWN;
}

const char *format_name(MiniAVPixelFormat format) {
  return names[format];
}

static bool is_rgb(MiniAVPixelFormat format) {
  MiniAVBuffer buffer = {.color_matrix = 0};
  pattern_describe_color(format, &buffer);
  return buffer.color_range == MINIAV_COLOR_RANGE_FULL;
}

static uint32_t subtype_of(MiniAVPixelFormat format) {
  return format == MINIAV_PIXEL_FORMAT_MJPEG  ? SPA_MEDIA_SUBTYPE_mjpg
         : format == MINIAV_PIXEL_FORMAT_H264 ? SPA_MEDIA_SUBTYPE_h264
                                              : SPA_MEDIA_SUBTYPE_raw;
}

static const struct spa_pod *offer(const struct source *source, struct spa_pod_builder *builder,
                                   MiniAVPixelFormat format, bool for_gpu, const uint64_t *picked) {
  struct spa_pod_frame frame;
  bool raw = !pixel_is_compressed(format);
  struct spa_rectangle size = SPA_RECTANGLE(source->width, source->height);
  struct spa_rectangle least = SPA_RECTANGLE(160, 120);
  struct spa_rectangle most = SPA_RECTANGLE(3840, 2160);
  struct spa_fraction rate = SPA_FRACTION(source->rate, 1);
  struct spa_fraction slowest = SPA_FRACTION(5, 1);
  struct spa_fraction fastest = SPA_FRACTION(120, 1);
  spa_pod_builder_push_object(builder, &frame, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
  spa_pod_builder_add(builder, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
                      SPA_FORMAT_mediaSubtype, SPA_POD_Id(subtype_of(format)), 0);
  if (raw) {
    spa_pod_builder_add(
        builder, SPA_FORMAT_VIDEO_format, SPA_POD_Id(video_format_to_spa(format)),
        SPA_FORMAT_VIDEO_colorRange,
        SPA_POD_Id(is_rgb(format) ? SPA_VIDEO_COLOR_RANGE_0_255 : SPA_VIDEO_COLOR_RANGE_16_235),
        SPA_FORMAT_VIDEO_colorMatrix,
        SPA_POD_Id(is_rgb(format) ? SPA_VIDEO_COLOR_MATRIX_RGB : SPA_VIDEO_COLOR_MATRIX_BT709), 0);
  }
  if (for_gpu) {
    gpu_add_modifiers(source, builder, picked);
  }
  if (source->range) {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_size,
                        SPA_POD_CHOICE_STEP_Rectangle(&size, &least, &most, &SPA_RECTANGLE(2, 2)),
                        SPA_FORMAT_VIDEO_framerate,
                        SPA_POD_CHOICE_RANGE_Fraction(&rate, &slowest, &fastest), 0);
  } else {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&size),
                        SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&rate), 0);
  }
  return spa_pod_builder_pop(builder, &frame);
}

static uint32_t all_offers(const struct source *source, struct spa_pod_builder *builder,
                           const uint64_t *picked, const struct spa_pod *params[FORMATS_MAX]) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < source->format_count; i++) {
    if (source->modifier_count > 0 && count < FORMATS_MAX) {
      params[count++] = offer(source, builder, source->formats[i], true, picked);
    }
    if (!source->only_gpu && count < FORMATS_MAX) {
      params[count++] = offer(source, builder, source->formats[i], false, NULL);
    }
  }
  return count;
}

uint32_t source_offers(const struct source *source, struct spa_pod_builder *builder,
                       const struct spa_pod *params[FORMATS_MAX]) {
  return all_offers(source, builder, NULL, params);
}

void source_offer_again(struct source *source, const uint64_t *modifier) {
  _Alignas(8) uint8_t bytes[16384];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[FORMATS_MAX];
  uint32_t count = all_offers(source, &builder, modifier, params);
  pipewire.stream_update_params(source->producer.stream, params, count);
}

static uint32_t total_bytes(const struct source *source) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < source->plane_count; i++) {
    total += source->sizes[i];
  }
  return total;
}

uint32_t source_data_bytes(const struct source *source, uint32_t data) {
  return source->each ? source->sizes[data] : total_bytes(source);
}

static uint32_t round_up(uint32_t value, uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/* In one block chroma rows are as long as those of the luma, or half as long. */
static void lay_out(struct source *source) {
  for (uint32_t i = 0; i < source->plane_count; i++) {
    uint32_t stride = round_up(source->planes[i].row_bytes, source->alignment);
    if (!source->each && i > 0) {
      bool halves = source->format == MINIAV_PIXEL_FORMAT_I420;
      stride = halves ? (source->strides[0] + 1) / 2 : source->strides[0];
    }
    source->strides[i] = stride;
    source->sizes[i] = stride * source->planes[i].height;
  }
}

static void prepare(struct source *source) {
  pattern_destroy(source->pattern);
  jpeg_writer_destroy(source->jpeg);
  free(source->picture);
  source->jpeg = NULL;
  source->epoch++;
  source->marks = (struct pattern_marks){.rendered = false};
  bool is_h264 = source->format == MINIAV_PIXEL_FORMAT_H264;
  const struct pattern_plan plan = {.format = is_h264 ? MINIAV_PIXEL_FORMAT_I420 : source->format,
                                    .width = source->now_width,
                                    .height = source->now_height,
                                    .theme = source->theme};
  source->pattern = pattern_create(&plan);
  source->picture = malloc(pattern_bytes(source->pattern));
  source->plane_count = pattern_planes(source->pattern, source->planes);
  if (is_h264) {
    source->plane_count = 1;
    source->strides[0] = 0;
    source->sizes[0] = h264_bytes(source->now_width, source->now_height);
  } else if (source->format == MINIAV_PIXEL_FORMAT_MJPEG) {
    source->jpeg = jpeg_writer_create(source->now_width, source->now_height);
    source->plane_count = 1;
    source->strides[0] = 0;
    source->sizes[0] = (uint32_t)(2 * jpeg_writer_bytes(source->jpeg) + 65536) +
                       source->now_width * source->now_height;
  } else {
    lay_out(source);
  }
}

void on_param_changed(void *data, uint32_t id, const struct spa_pod *param) {
  struct source *source = data;
  struct video_format format;
  if (id != SPA_PARAM_Format || param == NULL || !video_format_read(param, &format)) {
    return;
  }
  if (gpu_pick(source, param)) {
    return;
  }
  source->is_for_gpu = gpu_is_agreed(param);
  source->format = format.info.pixel_format;
  source->now_width = format.info.width;
  source->now_height = format.info.height;
  prepare(source);
  _Alignas(8) uint8_t bytes[2048];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[4];
  uint32_t count = 0;
  bool has_dma = source->is_for_gpu || source->vgem;
  const struct producer_buffers buffers = {.most = source->buffers_most,
                                           .blocks = source->each ? source->plane_count : 1,
                                           .bytes = source_data_bytes(source, 0),
                                           .stride = source->strides[0],
                                           .data_type = has_dma ? SPA_DATA_DmaBuf : SPA_DATA_MemFd};
  params[count++] = producer_buffers_param(&builder, &buffers);
  if (!source->no_time) {
    params[count++] =
        producer_meta_param(&builder, SPA_META_Header, sizeof(struct spa_meta_header));
  }
  params[count++] =
      producer_meta_param(&builder, SPA_META_VideoCrop, sizeof(struct spa_meta_region));
  params[count++] = producer_meta_param(&builder, SPA_META_VideoTransform,
                                        sizeof(struct spa_meta_videotransform));
  pipewire.stream_update_params(source->producer.stream, params, count);
  printf("{\"format\":\"%s\",\"width\":%u,\"height\":%u,\"stride\":%u,\"gpu\":%s}\n",
         format_name(source->format), source->now_width, source->now_height, source->strides[0],
         source->is_for_gpu ? "true" : "false");
  fflush(stdout);
}

#endif
