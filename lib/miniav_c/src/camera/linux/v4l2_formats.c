#include "camera/linux/v4l2_formats.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "camera/linux/v4l2_pixels.h"
#include "common/linux/drm_format.h"
#include "common/pixel.h"

#define MAX_LISTED 4096u

/* What a walk over the device's lists is about. */
struct walk {
  const struct v4l2_device *device;
  struct format_list *formats;
  struct cancel *cancel;
};

/* ---- one format ------------------------------------------------------------------------------ */

static bool is_multi_planar(const struct v4l2_device *device) {
  return device->buffer_type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
}

/* TRY_FMT or S_FMT of one code and size; false when the device takes another. */
static int ask(const struct v4l2_device *device, unsigned long request, uint32_t fourcc,
               uint32_t width, uint32_t height, struct v4l2_format *format) {
  memset(format, 0, sizeof *format);
  format->type = device->buffer_type;
  if (is_multi_planar(device)) {
    format->fmt.pix_mp.width = width;
    format->fmt.pix_mp.height = height;
    format->fmt.pix_mp.pixelformat = fourcc;
    format->fmt.pix_mp.field = V4L2_FIELD_NONE;
  } else {
    format->fmt.pix.width = width;
    format->fmt.pix.height = height;
    format->fmt.pix.pixelformat = fourcc;
    format->fmt.pix.field = V4L2_FIELD_NONE;
  }
  return v4l2_call(device->fd, request, format);
}

/* Whole pictures, of that code and size. The first members of both forms are the same but for
 * their order. */
static bool is_as_asked(const struct v4l2_device *device, const struct v4l2_format *format,
                        uint32_t fourcc, uint32_t width, uint32_t height) {
  const struct v4l2_pix_format *single = &format->fmt.pix;
  const struct v4l2_pix_format_mplane *multi = &format->fmt.pix_mp;
  bool is_multi = is_multi_planar(device);
  uint32_t field = is_multi ? multi->field : single->field;
  return (is_multi ? multi->pixelformat : single->pixelformat) == fourcc &&
         (is_multi ? multi->width : single->width) == width &&
         (is_multi ? multi->height : single->height) == height &&
         (field == V4L2_FIELD_NONE || field == V4L2_FIELD_INTERLACED ||
          field == V4L2_FIELD_INTERLACED_TB || field == V4L2_FIELD_INTERLACED_BT);
}

/* The code by which the device gives a format in a size; 0 when it does not. */
static uint32_t find_code(const struct v4l2_device *device, MiniAVPixelFormat wanted,
                          uint32_t width, uint32_t height) {
  for (uint32_t i = 0; i < 256; i++) {
    struct v4l2_fmtdesc about = {.index = i, .type = device->buffer_type};
    if (v4l2_call(device->fd, VIDIOC_ENUM_FMT, &about) != 0) {
      break;
    }
    const struct v4l2_pixels *pixels = v4l2_pixels_of(about.pixelformat);
    struct v4l2_format format;
    if (pixels != NULL && pixels->format == wanted &&
        ask(device, VIDIOC_TRY_FMT, about.pixelformat, width, height, &format) == 0 &&
        is_as_asked(device, &format, about.pixelformat, width, height)) {
      return about.pixelformat;
    }
  }
  return 0;
}

/* ---- the list -------------------------------------------------------------------------------- */

static void add(struct walk *walk, MiniAVPixelFormat format, uint32_t width, uint32_t height,
                uint32_t numerator, uint32_t denominator) {
  if (width > PIXEL_MAX_SIDE || height > PIXEL_MAX_SIDE || walk->formats->count >= MAX_LISTED) {
    return;
  }
  MiniAVVideoInfo info = {.width = width,
                          .height = height,
                          .pixel_format = format,
                          .frame_rate_numerator = denominator == 0 ? 0 : numerator,
                          .frame_rate_denominator = numerator == 0 ? 0 : denominator};
  const MiniAVVideoInfo *listed = walk->formats->items;
  for (uint32_t i = 0; i < walk->formats->count; i++) {
    if (memcmp(&listed[i], &info, sizeof info) == 0) {
      return; /* by another code */
    }
  }
  format_list_add_video(walk->formats, &info);
}

static double seconds(const struct v4l2_fract *interval) {
  return interval->denominator == 0 ? 0 : (double)interval->numerator / interval->denominator;
}

/* Of a range of intervals the fastest, and the usual rates that are in it. */
static void add_rates(struct walk *walk, MiniAVPixelFormat format, uint32_t width, uint32_t height,
                      const struct v4l2_frmivalenum *about) {
  static const uint32_t usual[] = {240, 120, 90, 60, 50, 30, 25, 24, 20, 15, 10, 5, 1};
  const struct v4l2_frmival_stepwise *range = &about->stepwise;
  double least = seconds(&range->min);
  double most = seconds(&range->max);
  double step = about->type == V4L2_FRMIVAL_TYPE_STEPWISE ? seconds(&range->step) : 0;
  add(walk, format, width, height, range->min.denominator, range->min.numerator);
  for (uint32_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    double interval = 1.0 / usual[i];
    double steps = step > 0 ? (interval - least) / step : 0;
    if (interval > least && interval <= most * 1.000001 && fabs(steps - round(steps)) < 1e-3) {
      add(walk, format, width, height, usual[i], 1);
    }
  }
}

static void add_intervals(struct walk *walk, uint32_t fourcc, MiniAVPixelFormat format,
                          uint32_t width, uint32_t height) {
  uint32_t index = 0;
  for (; index < 256; index++) {
    struct v4l2_frmivalenum about = {
        .index = index, .pixel_format = fourcc, .width = width, .height = height};
    if (v4l2_call(walk->device->fd, VIDIOC_ENUM_FRAMEINTERVALS, &about) != 0) {
      break;
    }
    if (about.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
      add_rates(walk, format, width, height, &about);
      return;
    }
    add(walk, format, width, height, about.discrete.denominator, about.discrete.numerator);
  }
  if (index == 0) {
    add(walk, format, width, height, 0, 0); /* the device does not say */
  }
}

static bool is_step(uint32_t value, uint32_t least, uint32_t most, uint32_t step) {
  return value >= least && value <= most && (step <= 1 || (value - least) % step == 0);
}

/* Of a range of sizes the usual ones that are in it, and its ends. */
static void add_sizes(struct walk *walk, uint32_t fourcc, MiniAVPixelFormat format,
                      const struct v4l2_frmsizeenum *about) {
  static const uint32_t usual[][2] = {{320, 240},   {640, 360},  {640, 480},   {800, 600},
                                      {1280, 720},  {1280, 960}, {1920, 1080}, {2560, 1440},
                                      {3840, 2160}, {7680, 4320}};
  const struct v4l2_frmsize_stepwise *range = &about->stepwise;
  bool steps = about->type == V4L2_FRMSIZE_TYPE_STEPWISE;
  uint32_t step_x = steps ? range->step_width : 1;
  uint32_t step_y = steps ? range->step_height : 1;
  add_intervals(walk, fourcc, format, range->min_width, range->min_height);
  for (uint32_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    if (is_step(usual[i][0], range->min_width, range->max_width, step_x) &&
        is_step(usual[i][1], range->min_height, range->max_height, step_y)) {
      add_intervals(walk, fourcc, format, usual[i][0], usual[i][1]);
    }
  }
  add_intervals(walk, fourcc, format, range->max_width, range->max_height);
}

/* What it is set to now, of a device that lists no sizes. */
static void add_present_size(struct walk *walk, uint32_t fourcc, MiniAVPixelFormat format) {
  struct v4l2_format now;
  memset(&now, 0, sizeof now);
  now.type = walk->device->buffer_type;
  if (v4l2_call(walk->device->fd, VIDIOC_G_FMT, &now) == 0) {
    bool multi = is_multi_planar(walk->device);
    add_intervals(walk, fourcc, format, multi ? now.fmt.pix_mp.width : now.fmt.pix.width,
                  multi ? now.fmt.pix_mp.height : now.fmt.pix.height);
  }
}

static void add_format(struct walk *walk, uint32_t fourcc, MiniAVPixelFormat format) {
  uint32_t index = 0;
  for (; index < 256; index++) {
    struct v4l2_frmsizeenum about = {.index = index, .pixel_format = fourcc};
    if (v4l2_call(walk->device->fd, VIDIOC_ENUM_FRAMESIZES, &about) != 0) {
      break;
    }
    if (about.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
      add_sizes(walk, fourcc, format, &about);
      return;
    }
    add_intervals(walk, fourcc, format, about.discrete.width, about.discrete.height);
  }
  if (index == 0) {
    add_present_size(walk, fourcc, format);
  }
}

/* ---- which is best --------------------------------------------------------------------------- */

static double rate_of(const MiniAVVideoInfo *info) {
  return info->frame_rate_denominator == 0
             ? 0
             : (double)info->frame_rate_numerator / info->frame_rate_denominator;
}

/* What is lost against 1280 × 720 at 30 frames per second in pixels that need no decoder; the
 * weights make 640 × 480 at full speed better than 1280 × 720 at a third of it. */
static double cost_of(const MiniAVVideoInfo *info) {
  double rate = info->frame_rate_numerator == 0 ? 30 : rate_of(info);
  double cost = rate < 30 ? (30 - rate) / 10 : (rate - 30) / 300;
  cost += fabs(log2((double)info->width * info->height / (1280.0 * 720.0)));
  switch (info->pixel_format) {
  case MINIAV_PIXEL_FORMAT_NV12:
    return cost;
  case MINIAV_PIXEL_FORMAT_YUY2:
    return cost + 0.01;
  case MINIAV_PIXEL_FORMAT_I420:
    return cost + 0.02;
  case MINIAV_PIXEL_FORMAT_MJPEG:
    return cost + 2.5;
  case MINIAV_PIXEL_FORMAT_H264:
    return cost + 5;
  default:
    return cost + 0.03 + 0.001 * (double)info->pixel_format;
  }
}

static int compare_formats(const void *left, const void *right) {
  double a = cost_of(left);
  double b = cost_of(right);
  return a < b ? -1 : a > b;
}

MiniAVResultCode v4l2_list_formats(const struct v4l2_device *device, struct format_list *formats,
                                   struct cancel *cancel) {
  struct walk walk = {device, formats, cancel};
  for (uint32_t i = 0; i < 256 && !cancel_requested(cancel); i++) {
    struct v4l2_fmtdesc about = {.index = i, .type = device->buffer_type};
    int error = v4l2_call(device->fd, VIDIOC_ENUM_FMT, &about);
    if (error == ENODEV) {
      return MINIAV_ERROR_DEVICE_NOT_FOUND;
    }
    if (error != 0) {
      break;
    }
    const struct v4l2_pixels *pixels = v4l2_pixels_of(about.pixelformat);
    if (pixels != NULL) {
      add_format(&walk, about.pixelformat, pixels->format);
    }
  }
  if (formats->count > 1) {
    qsort(formats->items, formats->count, sizeof(MiniAVVideoInfo), compare_formats);
  }
  return cancel_requested(cancel) ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS;
}

static bool is_same_rate(const MiniAVVideoInfo *a, const MiniAVVideoInfo *b) {
  return (uint64_t)a->frame_rate_numerator * b->frame_rate_denominator ==
         (uint64_t)b->frame_rate_numerator * a->frame_rate_denominator;
}

static bool fits(const MiniAVVideoInfo *offered, const MiniAVVideoInfo *request) {
  return (request->width == 0 || request->width == offered->width) &&
         (request->height == 0 || request->height == offered->height) &&
         (request->pixel_format == MINIAV_PIXEL_FORMAT_UNKNOWN ||
          request->pixel_format == offered->pixel_format) &&
         (request->frame_rate_numerator == 0 || offered->frame_rate_numerator == 0 ||
          is_same_rate(offered, request));
}

/* Whether a rate is one of a size's, listed or in a range; where nothing is listed only setting it
 * will show. */
static bool is_rate_offered(const struct v4l2_device *device, uint32_t fourcc,
                            const MiniAVVideoInfo *request) {
  double wanted = request->frame_rate_numerator == 0 ? 0 : 1 / rate_of(request);
  for (uint32_t i = 0; i < 256 && wanted > 0; i++) {
    struct v4l2_frmivalenum about = {
        .index = i, .pixel_format = fourcc, .width = request->width, .height = request->height};
    if (v4l2_call(device->fd, VIDIOC_ENUM_FRAMEINTERVALS, &about) != 0) {
      return i == 0;
    }
    bool is_range = about.type != V4L2_FRMIVAL_TYPE_DISCRETE;
    double least = seconds(is_range ? &about.stepwise.min : &about.discrete);
    double most = seconds(is_range ? &about.stepwise.max : &about.discrete);
    if (wanted > least * 0.9995 && wanted < most * 1.0005) {
      return true;
    }
  }
  return wanted <= 0;
}

/* A size or rate that is in a range but not in the list. */
static bool is_offered_unlisted(const struct v4l2_device *device, const MiniAVVideoInfo *request) {
  if (request->width == 0 || request->height == 0 ||
      request->pixel_format == MINIAV_PIXEL_FORMAT_UNKNOWN) {
    return false;
  }
  uint32_t fourcc = find_code(device, request->pixel_format, request->width, request->height);
  return fourcc != 0 && is_rate_offered(device, fourcc, request);
}

MiniAVResultCode v4l2_choose(const struct v4l2_device *device, const MiniAVVideoInfo *request,
                             MiniAVVideoInfo *chosen, struct cancel *cancel) {
  struct format_list list = {0};
  MiniAVResultCode result = v4l2_list_formats(device, &list, cancel);
  if (result == MINIAV_SUCCESS && list.failed) {
    result = MINIAV_ERROR_OUT_OF_MEMORY;
  }
  bool found = false;
  const MiniAVVideoInfo *offered = list.items;
  for (uint32_t i = 0; result == MINIAV_SUCCESS && !found && i < list.count; i++) {
    found = fits(&offered[i], request);
    if (found) {
      *chosen = offered[i];
    }
  }
  free(list.items);
  if (result == MINIAV_SUCCESS && !found) {
    if (!is_offered_unlisted(device, request)) {
      return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
    }
    *chosen = *request;
  }
  if (request->frame_rate_numerator != 0) {
    chosen->frame_rate_numerator = request->frame_rate_numerator;
    chosen->frame_rate_denominator = request->frame_rate_denominator;
  }
  chosen->output_preference = request->output_preference;
  return result;
}

/* ---- what was agreed on ---------------------------------------------------------------------- */

/* Planes one after the other in one memory: chroma has half the stride where it has planes of its
 * own, and the same where it is interleaved ("Planar YUV formats" of the kernel's documents). */
static bool place_in_one(struct v4l2_mode *mode, uint32_t stride, bool v_before_u) {
  uint64_t offset = 0;
  bool has_chroma_planes = mode->plane_count == 3;
  for (uint32_t i = 0; i < mode->plane_count; i++) {
    struct plane_shape shape;
    if (!pixel_plane_shape(mode->info.pixel_format, mode->info.width, mode->info.height, i,
                           &shape)) {
      return false;
    }
    uint32_t own_stride = i > 0 && has_chroma_planes ? stride / 2 : stride;
    uint32_t target = v_before_u && i > 0 ? 3 - i : i;
    uint64_t bytes = (uint64_t)own_stride * shape.height;
    if (own_stride < shape.row_bytes || offset + bytes > UINT32_MAX) {
      return false;
    }
    mode->planes[target] =
        (struct v4l2_plane_place){0, (uint32_t)offset, own_stride, (uint32_t)bytes};
    offset += bytes;
  }
  mode->memory_bytes[0] = (uint32_t)offset;
  return true;
}

static bool place_in_many(struct v4l2_mode *mode, const struct v4l2_pix_format_mplane *format,
                          bool v_before_u) {
  for (uint32_t i = 0; i < mode->plane_count; i++) {
    struct plane_shape shape;
    uint32_t stride = format->plane_fmt[i].bytesperline;
    uint32_t target = v_before_u && i > 0 ? 3 - i : i;
    if (!pixel_plane_shape(mode->info.pixel_format, mode->info.width, mode->info.height, i,
                           &shape) ||
        stride < shape.row_bytes || (uint64_t)stride * shape.height > UINT32_MAX) {
      return false;
    }
    mode->memory_bytes[i] = stride * shape.height;
    mode->planes[target] = (struct v4l2_plane_place){i, 0, stride, mode->memory_bytes[i]};
  }
  return true;
}

static bool place_planes(struct v4l2_mode *mode, const struct v4l2_pixels *pixels,
                         const struct v4l2_device *device, const struct v4l2_format *format) {
  const struct v4l2_pix_format_mplane *multi = &format->fmt.pix_mp;
  bool is_multi = is_multi_planar(device);
  mode->plane_count = pixel_plane_count(pixels->format);
  mode->memory_count = is_multi ? multi->num_planes : 1;
  if (mode->memory_count != pixels->memory_planes) {
    return false;
  }
  if (pixel_is_compressed(pixels->format)) {
    mode->memory_bytes[0] = is_multi ? multi->plane_fmt[0].sizeimage : format->fmt.pix.sizeimage;
    mode->planes[0] = (struct v4l2_plane_place){0};
    return mode->memory_bytes[0] > 0;
  }
  if (mode->memory_count > 1) {
    return place_in_many(mode, multi, pixels->v_before_u);
  }
  return place_in_one(mode,
                      is_multi ? multi->plane_fmt[0].bytesperline : format->fmt.pix.bytesperline,
                      pixels->v_before_u);
}

static void read_colors(struct v4l2_mode *mode, const struct v4l2_device *device,
                        const struct v4l2_format *format) {
  const struct v4l2_pix_format_mplane *multi = &format->fmt.pix_mp;
  const struct v4l2_pix_format *single = &format->fmt.pix;
  struct v4l2_colors colors = {multi->colorspace, multi->xfer_func, multi->ycbcr_enc,
                               multi->quantization};
  if (!is_multi_planar(device)) {
    colors = (struct v4l2_colors){single->colorspace, single->xfer_func, single->ycbcr_enc,
                                  single->quantization};
  }
  v4l2_color_points(&colors, mode->info.pixel_format, &mode->color_range, &mode->color_matrix,
                    &mode->color_primaries, &mode->color_transfer);
}

/* Asks for the rate, if one is chosen, and reads back what it became: within half a thousandth, as
 * devices round in their own units. */
static MiniAVResultCode apply_rate(const struct v4l2_device *device, MiniAVVideoInfo *info) {
  struct v4l2_streamparm parameters;
  memset(&parameters, 0, sizeof parameters);
  parameters.type = device->buffer_type;
  int error = v4l2_call(device->fd, VIDIOC_G_PARM, &parameters);
  struct v4l2_captureparm *capture = &parameters.parm.capture;
  if (error != 0 || (capture->capability & V4L2_CAP_TIMEPERFRAME) == 0) {
    return MINIAV_SUCCESS; /* cannot be told: it is what was listed, or unknown */
  }
  if (info->frame_rate_numerator != 0) {
    capture->timeperframe = (struct v4l2_fract){.numerator = info->frame_rate_denominator,
                                                .denominator = info->frame_rate_numerator};
    error = v4l2_call(device->fd, VIDIOC_S_PARM, &parameters);
    if (error != 0) {
      return v4l2_result(error);
    }
  }
  double is = seconds(&capture->timeperframe) > 0 ? 1 / seconds(&capture->timeperframe) : 0;
  if (info->frame_rate_numerator == 0) {
    info->frame_rate_numerator = is > 0 ? capture->timeperframe.denominator : 0;
    info->frame_rate_denominator = is > 0 ? capture->timeperframe.numerator : 0;
    return MINIAV_SUCCESS;
  }
  double wanted = rate_of(info);
  return fabs(is - wanted) <= wanted * 0.0005 ? MINIAV_SUCCESS : MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
}

/* The picture fills the frame, also where an earlier user composed it into a part of it. Devices
 * that cannot compose refuse, and fill it anyway. */
static void fill_frame(const struct v4l2_device *device, const MiniAVVideoInfo *info) {
  struct v4l2_selection selection = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, /* of both APIs */
                                     .target = V4L2_SEL_TGT_COMPOSE,
                                     .r = {0, 0, info->width, info->height}};
  v4l2_call(device->fd, VIDIOC_S_SELECTION, &selection);
}

MiniAVResultCode v4l2_apply(const struct v4l2_device *device, const MiniAVVideoInfo *chosen,
                            struct v4l2_mode *mode) {
  memset(mode, 0, sizeof *mode);
  mode->info = *chosen;
  mode->fourcc = find_code(device, chosen->pixel_format, chosen->width, chosen->height);
  if (mode->fourcc == 0) {
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  struct v4l2_format format;
  int error = ask(device, VIDIOC_S_FMT, mode->fourcc, chosen->width, chosen->height, &format);
  if (error != 0) {
    return error == EINVAL ? MINIAV_ERROR_FORMAT_NOT_SUPPORTED : v4l2_result(error);
  }
  if (!is_as_asked(device, &format, mode->fourcc, chosen->width, chosen->height) ||
      !place_planes(mode, v4l2_pixels_of(mode->fourcc), device, &format)) {
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  fill_frame(device, chosen);
  read_colors(mode, device, &format);
  mode->drm_fourcc = drm_format_of(chosen->pixel_format);
  return apply_rate(device, &mode->info);
}
