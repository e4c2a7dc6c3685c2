/*
 * Formats of a Video4Linux device: its list, the choice among them, and what was agreed on.
 *
 * Several codes of V4L2 may stand for one pixel format (planes in one buffer or in one each, V
 * before U); which one comes is seen only here and in where the planes lie.
 */
#ifndef MINIAV_CAMERA_LINUX_V4L2_FORMATS_H
#define MINIAV_CAMERA_LINUX_V4L2_FORMATS_H

#include "camera/linux/v4l2_device.h"
#include "common/cancel.h"
#include "miniav_buffer.h"

/* One plane of the picture. */
struct v4l2_plane_place {
  uint32_t memory; /* which of the buffer's memory planes it is in */
  uint32_t offset_bytes;
  uint32_t stride_bytes;
  uint32_t size_bytes; /* 0: compressed, all that is used */
};

/* What the device was set to. */
struct v4l2_mode {
  MiniAVVideoInfo info;
  uint32_t fourcc;
  uint32_t drm_fourcc; /* 0: not a picture for a GPU */
  uint32_t memory_count;
  uint32_t memory_bytes[MINIAV_MAX_PLANES]; /* that the picture needs; compressed: at most */
  uint32_t plane_count;
  struct v4l2_plane_place planes[MINIAV_MAX_PLANES];
  MiniAVColorRange color_range;
  uint32_t color_matrix;
  uint32_t color_primaries;
  uint32_t color_transfer;
};

/* Adds what the device offers, best first: ranges of sizes and rates as the usual ones in them. */
MiniAVResultCode v4l2_list_formats(const struct v4l2_device *device, struct format_list *formats,
                                   struct cancel *cancel);

/* Completes a request from the list, or by asking for what is not listed. Changes nothing on the
 * device, which another program may be using. FORMAT_NOT_SUPPORTED. */
MiniAVResultCode v4l2_choose(const struct v4l2_device *device, const MiniAVVideoInfo *request,
                             MiniAVVideoInfo *chosen, struct cancel *cancel);

/* Sets the device. DEVICE_BUSY while another program streams; FORMAT_NOT_SUPPORTED when it takes
 * something else than was chosen. A rate that was not chosen is told in mode->info. */
MiniAVResultCode v4l2_apply(const struct v4l2_device *device, const MiniAVVideoInfo *chosen,
                            struct v4l2_mode *mode);

#endif
