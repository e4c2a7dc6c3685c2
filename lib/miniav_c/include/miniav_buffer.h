/*
 * MiniAV: what a captured buffer looks like.
 *
 * Ownership: everything a MiniAVBuffer points to belongs to the library and stays valid and
 * unchanged until MiniAV_ReleaseBuffer(buffer->internal_handle), also after stop and destroy. The
 * struct itself is a copy of the caller's (pull) or lives in the buffer's slot (callback), where it
 * is valid until the release too.
 */
#ifndef MINIAV_BUFFER_H
#define MINIAV_BUFFER_H

#include "miniav_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MINIAV_BUFFER_TYPE_UNKNOWN = 0,
  MINIAV_BUFFER_TYPE_VIDEO,
  MINIAV_BUFFER_TYPE_AUDIO
} MiniAVBufferType;

/* What planes[].data_ptr is. */
typedef enum {
  MINIAV_BUFFER_CONTENT_TYPE_CPU = 0,           /* memory */
  MINIAV_BUFFER_CONTENT_TYPE_GPU_D3D11_HANDLE,  /* planes[0]: a shared NT HANDLE */
  MINIAV_BUFFER_CONTENT_TYPE_GPU_METAL_TEXTURE, /* planes[n]: an id<MTLTexture> */
  MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD      /* planes[n]: the fd as a number; see plane_fds */
} MiniAVBufferContentType;

typedef enum {
  MINIAV_OUTPUT_PREFERENCE_CPU = 0,
  MINIAV_OUTPUT_PREFERENCE_GPU /* GPU handles where they can be had, memory otherwise */
} MiniAVOutputPreference;

/* Names give the order of bytes in memory. The alpha of an X format is undefined. */
typedef enum {
  MINIAV_PIXEL_FORMAT_UNKNOWN = 0,
  MINIAV_PIXEL_FORMAT_I420,    /* 3 planes Y U V, 8 bit, chroma halved both ways */
  MINIAV_PIXEL_FORMAT_NV12,    /* 2 planes Y, UV interleaved */
  MINIAV_PIXEL_FORMAT_NV21,    /* 2 planes Y, VU interleaved */
  MINIAV_PIXEL_FORMAT_YUY2,    /* 1 plane Y0 U Y1 V */
  MINIAV_PIXEL_FORMAT_UYVY,    /* 1 plane U Y0 V Y1 */
  MINIAV_PIXEL_FORMAT_RGB24,   /* 1 plane R G B */
  MINIAV_PIXEL_FORMAT_BGR24,   /* 1 plane B G R */
  MINIAV_PIXEL_FORMAT_RGBA32,  /* 1 plane R G B A */
  MINIAV_PIXEL_FORMAT_BGRA32,  /* 1 plane B G R A */
  MINIAV_PIXEL_FORMAT_ARGB32,  /* 1 plane A R G B */
  MINIAV_PIXEL_FORMAT_ABGR32,  /* 1 plane A B G R */
  MINIAV_PIXEL_FORMAT_MJPEG,   /* 1 plane, one JPEG picture a buffer */
  MINIAV_PIXEL_FORMAT_BGRX32,  /* 1 plane B G R x */
  MINIAV_PIXEL_FORMAT_RGBX32,  /* 1 plane R G B x */
  MINIAV_PIXEL_FORMAT_XRGB32,  /* 1 plane x R G B */
  MINIAV_PIXEL_FORMAT_XBGR32,  /* 1 plane x B G R */
  MINIAV_PIXEL_FORMAT_GRAY8,   /* 1 plane Y */
  MINIAV_PIXEL_FORMAT_P010,    /* 2 planes as NV12, 16-bit little-endian words, top 10 bits used */
  MINIAV_PIXEL_FORMAT_X2RGB10, /* 1 plane, 32-bit little-endian words x:R:G:B 2:10:10:10 */
  MINIAV_PIXEL_FORMAT_X2BGR10, /* 1 plane, 32-bit little-endian words x:B:G:R 2:10:10:10 */
  MINIAV_PIXEL_FORMAT_H264     /* 1 plane, one access unit a buffer, Annex B */
} MiniAVPixelFormat;

/* Samples are interleaved, little-endian. */
typedef enum {
  MINIAV_AUDIO_FORMAT_UNKNOWN = 0,
  MINIAV_AUDIO_FORMAT_U8, /* silence is 128 */
  MINIAV_AUDIO_FORMAT_S16,
  MINIAV_AUDIO_FORMAT_S24, /* three packed bytes */
  MINIAV_AUDIO_FORMAT_S32,
  MINIAV_AUDIO_FORMAT_F32 /* full scale is ±1 */
} MiniAVAudioFormat;

/* width, height, pixel_format and both frame rate members may be 0 in a request: the device's own.
 * The frame rate is frames per second as a fraction. */
typedef struct {
  uint32_t width;
  uint32_t height;
  MiniAVPixelFormat pixel_format;
  uint32_t frame_rate_numerator;
  uint32_t frame_rate_denominator;
  MiniAVOutputPreference output_preference;
} MiniAVVideoInfo;

/* Any member may be 0 in a request: the device's own. 8000…192000 Hz, 1…8 channels. */
typedef struct {
  uint32_t sample_rate;
  uint32_t channel_count;
  MiniAVAudioFormat format;
} MiniAVAudioInfo;

typedef enum {
  MINIAV_LOOPBACK_TARGET_NONE = 0,
  MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO,
  MINIAV_LOOPBACK_TARGET_PROCESS,
  MINIAV_LOOPBACK_TARGET_WINDOW,
  MINIAV_LOOPBACK_TARGET_NAME /* ConfigureWithTargets only */
} MiniAVLoopbackTargetType;

typedef struct {
  MiniAVLoopbackTargetType type;
  union {
    uint32_t process_id;
    void *window_handle; /* HWND, NSWindow number, XID */
  } target_handle;
} MiniAVLoopbackTargetInfo;

typedef enum {
  MINIAV_LOOPBACK_FLAG_TREE = 1u << 0,       /* its descendants too */
  MINIAV_LOOPBACK_FLAG_WAIT = 1u << 1,       /* a process that does not play yet is no error */
  MINIAV_LOOPBACK_FLAG_FOLLOW_NAME = 1u << 2 /* joins again when the application comes back */
} MiniAVLoopbackTargetFlags;

typedef enum {
  MINIAV_LOOPBACK_MODE_INCLUDE = 0, /* nothing but the targets */
  MINIAV_LOOPBACK_MODE_EXCLUDE = 1  /* everything but the targets */
} MiniAVLoopbackMode;

/* One target of MiniAV_Loopback_ConfigureWithTargets. name equals the binary's or the
 * application's name, without case; every match counts. */
typedef struct {
  MiniAVLoopbackTargetType type;
  uint32_t flags;      /* MiniAVLoopbackTargetFlags */
  uint32_t process_id; /* PROCESS */
  uint32_t reserved;
  void *window_handle;          /* WINDOW */
  char name[MINIAV_TEXT_BYTES]; /* NAME; SYSTEM_AUDIO: an id of EnumerateTargets, or empty */
} MiniAVLoopbackTarget;

/* Pixels of a plane of subsampled colour are counted in its own samples. */
typedef struct {
  void *data_ptr;        /* CPU: the first byte of the plane; GPU: the handle */
  uint32_t width;        /* samples a row */
  uint32_t height;       /* rows */
  uint32_t stride_bytes; /* from one row to the next; 0 for GPU handles and compressed formats */
  uint32_t offset_bytes; /* of data_ptr from the start of the block that holds it */
  uint32_t subresource_index;
  uint32_t size_bytes; /* readable bytes from data_ptr; 0 for GPU handles */
} MiniAVPlane;

typedef enum {
  MINIAV_BUFFER_FLAG_DISCONTINUITY = 1u << 0, /* something before this one is missing */
  MINIAV_BUFFER_FLAG_CONVERTED = 1u << 1,     /* not the device's own format */
  MINIAV_BUFFER_FLAG_COPIED = 1u << 2, /* copied once on its way, because a lease was unsafe */
  MINIAV_BUFFER_FLAG_ESTIMATED_TIME = 1u << 3, /* the source gave no usable time */
  MINIAV_BUFFER_FLAG_CORRUPTED = 1u << 4,      /* the source says so */
  MINIAV_BUFFER_FLAG_REPEATED = 1u << 5,       /* the last picture again */
  MINIAV_BUFFER_FLAG_SILENT = 1u << 6,         /* silence filled in while nothing played */
  MINIAV_BUFFER_FLAG_FORMAT_CHANGED = 1u << 7  /* the first of a new format */
} MiniAVBufferFlags;

typedef enum {
  MINIAV_COLOR_RANGE_UNKNOWN = 0,
  MINIAV_COLOR_RANGE_LIMITED = 1, /* 16…235 / 240 */
  MINIAV_COLOR_RANGE_FULL = 2     /* 0…255 */
} MiniAVColorRange;

#define MINIAV_COLOR_UNSPECIFIED     2u
#define MINIAV_MAX_PLANES            4u
#define MINIAV_MAX_DAMAGE_RECTANGLES 32u

typedef enum {
  MINIAV_METADATA_DAMAGE = 1u << 0,       /* damage[] is known; none listed means nothing changed */
  MINIAV_METADATA_CURSOR = 1u << 1,       /* cursor_* members are set */
  MINIAV_METADATA_INTRINSICS = 1u << 2,   /* intrinsics is set */
  MINIAV_METADATA_CURSOR_PIXELS = 1u << 3 /* the pointer's picture changed with this frame */
} MiniAVMetadataFlags;

/* What rides on a frame besides its pixels; coordinates in pixels of the frame. */
typedef struct {
  uint32_t flags; /* MiniAVMetadataFlags */
  uint32_t damage_count;
  MiniAVRect damage[MINIAV_MAX_DAMAGE_RECTANGLES];
  int32_t cursor_x; /* of the hotspot */
  int32_t cursor_y;
  int32_t cursor_hotspot_x;
  int32_t cursor_hotspot_y;
  uint32_t cursor_visible;
  uint32_t cursor_width;
  uint32_t cursor_height;
  uint32_t cursor_stride_bytes;
  MiniAVPixelFormat cursor_format;
  uint32_t cursor_serial; /* changes with the picture */
  void *cursor_pixels;
  MiniAVIntrinsics intrinsics;
} MiniAVFrameMetadata;

typedef struct {
  MiniAVBufferType type;
  MiniAVBufferContentType content_type;
  int64_t timestamp_us; /* of the capture of the first sample or pixel, on MiniAV_GetTime's clock */

  union {
    struct {
      MiniAVVideoInfo info;
      uint8_t num_planes;
      MiniAVPlane planes[MINIAV_MAX_PLANES];
    } video;
    struct {
      uint32_t frame_count; /* samples per channel */
      uint32_t channel_count;
      MiniAVAudioFormat format;
      void *data; /* interleaved */
    } audio;
  } data;

  size_t data_size_bytes; /* of all planes, or of the samples */
  void *user_data;        /* as given to StartCapture; NULL for pulled buffers */
  void *internal_handle;  /* for MiniAV_ReleaseBuffer; a value, not an address */

  uint32_t struct_size;
  uint32_t flags;       /* MiniAVBufferFlags */
  uint64_t sequence;    /* counts what the source produced, dropped buffers included; pictures
                           and sound of a screen each for themselves */
  int64_t duration_us;  /* audio: of the samples; video: the nominal interval, 0 when unknown */
  uint32_t sample_rate; /* audio, hertz */
  MiniAVColorRange color_range;
  uint32_t color_matrix; /* code points of ITU-T H.273; 2 is unspecified */
  uint32_t color_primaries;
  uint32_t color_transfer;
  uint32_t rotation_degrees; /* clockwise turn that shows the picture upright: 0 90 180 270 */
  uint32_t mirrored;         /* 1: flipped left to right after the turn */
  uint32_t num_fds;          /* GPU_DMABUF_FD: how many of plane_fds are valid */
  MiniAVRect crop;           /* the part to show; all of it when width is 0 */
  uint32_t drm_fourcc;       /* GPU_DMABUF_FD */
  uint32_t reserved0;
  uint64_t drm_modifier;                /* GPU_DMABUF_FD */
  int32_t plane_fds[MINIAV_MAX_PLANES]; /* borrowed until the release */
  uint32_t plane_offsets_bytes[MINIAV_MAX_PLANES];
  uint32_t plane_strides_bytes[MINIAV_MAX_PLANES];
  const MiniAVFrameMetadata *metadata; /* NULL when there is none; valid until the release */
  uint64_t reserved[4];
} MiniAVBuffer;

/* How MiniAV_CopyBuffer lays a buffer out. All members 0 asks for rows without padding, planes one
 * after the other; the call writes what it used and always writes size_bytes. */
typedef struct {
  uint32_t plane_count; /* 0: choose everything */
  uint32_t reserved;
  uint64_t offsets_bytes[MINIAV_MAX_PLANES];
  uint32_t strides_bytes[MINIAV_MAX_PLANES]; /* at least the bytes of a row */
  uint64_t size_bytes;                       /* out: the bytes that dst must have */
} MiniAVCopyLayout;

/*
 * One snapshot: produced = delivered + dropped + queued; delivered = released + outstanding;
 * dropped = the sum of the dropped_* members. Counted from the creation of the context on.
 */
typedef struct {
  uint64_t produced;
  uint64_t delivered;
  uint64_t dropped;
  uint64_t queued;
  uint64_t released;
  uint64_t outstanding;
  uint64_t dropped_queue_full;   /* the consumer was slower than the source */
  uint64_t dropped_buffers_held; /* the consumer held every slot, block or system buffer */
  uint64_t dropped_stopped;      /* still queued when the capture stopped */
  uint64_t dropped_invalid;      /* strides, offsets or sizes of the source that lie */
  uint64_t dropped_late;         /* lost before the library saw it, told by the source's counters */
  uint64_t dropped_failed;       /* a copy or conversion failed */
  uint64_t format_changes;
  uint64_t stalls;
  int64_t last_timestamp_us; /* of the newest buffer produced; 0 before the first */
  uint64_t reserved[4];
} MiniAVCaptureStats;

/* Called from the dispatcher thread of the context, which holds no lock and is no capture thread.
 * The buffer is the callee's until it calls MiniAV_ReleaseBuffer, from any thread, at any time. */
typedef void (*MiniAVBufferCallback)(const MiniAVBuffer *buffer, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
