/*
 * MiniAV: result codes, handles, devices, log, permissions, properties.
 *
 * ABI: 64-bit targets only; fixed-width integers; enums are 32 bits; no bit-field, no bool, no
 * struct by value; one layout on every target (see layout_assert.gen.h). Append-only until 1.0.
 *
 * Threads: unless a comment says otherwise every function may be called from any thread; calls on
 * one context are serialised inside the library.
 *
 * Errors: every function that returns MiniAVResultCode answers INVALID_ARG for a NULL output
 * pointer or a value out of range, INVALID_HANDLE for a handle that is stale, of another kind or
 * was never valid, and NOT_INITIALIZED after MiniAV_Dispose. Comments list what comes besides.
 *
 * Strings: UTF-8. Of a string argument at most 256 bytes are read, its end included.
 */
#ifndef MINIAV_TYPES_H
#define MINIAV_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define MINIAV_VERSION_MAJOR 0
#define MINIAV_VERSION_MINOR 1
#define MINIAV_VERSION_PATCH 0

#if defined(_WIN32)
#if defined(MINIAV_BUILDING)
#define MINIAV_API __declspec(dllexport)
#else
#define MINIAV_API
#endif
#else
#define MINIAV_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of an identifier or name, the terminating zero included. */
#define MINIAV_TEXT_BYTES 256

typedef enum {
  MINIAV_SUCCESS = 0,
  MINIAV_ERROR_UNKNOWN = -1,
  MINIAV_ERROR_INVALID_ARG = -2,     /* an argument is NULL, out of range or contradicts another */
  MINIAV_ERROR_NOT_INITIALIZED = -3, /* MiniAV_Dispose has been called */
  MINIAV_ERROR_SYSTEM_CALL_FAILED = -4, /* the operating system or a daemon refused; see the log */
  MINIAV_ERROR_NOT_SUPPORTED = -5,      /* no backend here can do it */
  MINIAV_ERROR_BUFFER_TOO_SMALL = -6,   /* the caller's memory is too small; the size is told */
  MINIAV_ERROR_INVALID_HANDLE = -7,     /* stale, released, destroyed or never valid */
  MINIAV_ERROR_DEVICE_NOT_FOUND = -8,   /* no device has this id; it may have been unplugged */
  MINIAV_ERROR_DEVICE_BUSY = -9,        /* another program holds the device, or a table is full */
  MINIAV_ERROR_DEVICE_LOST = -10,       /* the device went away while it was in use */
  MINIAV_ERROR_ALREADY_RUNNING = -11,   /* the call needs a stopped context */
  MINIAV_ERROR_NOT_RUNNING = -12,       /* the call needs a running context */
  MINIAV_ERROR_NOT_CONFIGURED = -13,    /* configure the context first */
  MINIAV_ERROR_PERMISSION_DENIED = -14, /* the user or the system said no */
  MINIAV_ERROR_USER_CANCELLED = -15,    /* a dialog was closed, or stop, destroy or cancel came */
  MINIAV_ERROR_TIMEOUT = -16,           /* no answer in time */
  MINIAV_ERROR_OUT_OF_MEMORY = -17,     /* memory, threads or descriptors are exhausted */
  MINIAV_ERROR_FORMAT_NOT_SUPPORTED = -18, /* the device does not offer this format */
  MINIAV_ERROR_PORTAL_FAILED = -19,        /* the desktop portal answered with an error */
  MINIAV_ERROR_NO_BUFFER = -20             /* nothing is queued now; the wake is armed */
} MiniAVResultCode;

/* A context or a waiter: a number in the shape of a pointer, never an address. Never NULL, below
 * 2^52, and never valid again once destroyed. */
typedef void *MiniAVHandle;
typedef struct MiniAVCameraContext *MiniAVCameraContextHandle;
typedef struct MiniAVScreenContext *MiniAVScreenContextHandle;
typedef struct MiniAVAudioContext *MiniAVAudioContextHandle;
typedef struct MiniAVLoopbackContext *MiniAVLoopbackContextHandle;
typedef struct MiniAVWaiter *MiniAVWaiterHandle;

/* The four kinds of source; as a set, 1 << kind. */
typedef enum {
  MINIAV_KIND_CAMERA = 0,
  MINIAV_KIND_SCREEN = 1,
  MINIAV_KIND_AUDIO = 2,
  MINIAV_KIND_LOOPBACK = 3
} MiniAVKind;

#define MINIAV_KINDS_ALL 15u

/* Pixels or points of the coordinate space that the user of it names. */
typedef struct {
  int32_t x;
  int32_t y;
  int32_t width;
  int32_t height;
} MiniAVRect;

typedef enum {
  MINIAV_DEVICE_FLAG_DEFAULT = 1u << 0, /* what a NULL id means now */
  MINIAV_DEVICE_FLAG_PLAYING = 1u << 1, /* a loopback target that plays now */
  MINIAV_DEVICE_FLAG_VIRTUAL = 1u << 2, /* no hardware stands behind it */
  MINIAV_DEVICE_FLAG_TEST = 1u << 3     /* one of the library's own test devices */
} MiniAVDeviceFlags;

typedef enum {
  MINIAV_FACING_UNKNOWN = 0,
  MINIAV_FACING_USER = 1,        /* towards the person in front of the machine */
  MINIAV_FACING_ENVIRONMENT = 2, /* away from that person */
  MINIAV_FACING_EXTERNAL = 3     /* on a cable */
} MiniAVFacing;

/* One camera, display, window, microphone or loopback target. An array element: its size is fixed.
 * Members that do not apply or are not known are zero or empty. */
typedef struct {
  char device_id[MINIAV_TEXT_BYTES]; /* "backend:name", stable where the system has stable names */
  char name[MINIAV_TEXT_BYTES];      /* for people */
  uint32_t flags;                    /* MiniAVDeviceFlags */
  uint32_t process_id;               /* windows and processes: the owner */
  MiniAVRect rectangle;              /* displays and windows: place in the desktop, in pixels */
  float scale;                       /* displays: pixels per logical unit */
  uint32_t refresh_rate_millihertz;  /* displays */
  MiniAVFacing facing;               /* cameras */
  MiniAVKind kind;
  char model[128];
  char manufacturer[128];
  char icon[128]; /* an icon name of the desktop's theme */
  uint32_t reserved[8];
} MiniAVDeviceInfo;

typedef enum {
  MINIAV_LOG_LEVEL_DEBUG = 0,
  MINIAV_LOG_LEVEL_INFO,
  MINIAV_LOG_LEVEL_WARN,
  MINIAV_LOG_LEVEL_ERROR
} MiniAVLogLevel;

/* Called from the library's notifier thread, which holds no lock and captures nothing. message is
 * valid during the call. The callback may call any function of the library. */
typedef void (*MiniAVLogCallback)(MiniAVLogLevel level, const char *message, void *user_data);

typedef enum {
  MINIAV_PERMISSION_UNKNOWN = 0, /* the system has no way to tell */
  MINIAV_PERMISSION_GRANTED = 1,
  MINIAV_PERMISSION_DENIED = 2,
  MINIAV_PERMISSION_UNDETERMINED = 3, /* asking will show a dialog */
  MINIAV_PERMISSION_NOT_NEEDED = 4    /* the system asks for none */
} MiniAVPermission;

/* The optical geometry of a camera, in pixels of the frame it rides on (width × height). The
 * distortion coefficients are k1 k2 p1 p2 k3 k4 k5 k6 of the rational Brown model. */
typedef struct {
  uint32_t width;
  uint32_t height;
  double focal_x;
  double focal_y;
  double centre_x;
  double centre_y;
  double distortion[8];
} MiniAVIntrinsics;

typedef enum {
  MINIAV_PROPERTY_TYPE_NONE = 0,
  MINIAV_PROPERTY_TYPE_BOOLEAN = 1,    /* value.integer, 0 or 1 */
  MINIAV_PROPERTY_TYPE_INTEGER = 2,    /* value.integer */
  MINIAV_PROPERTY_TYPE_NUMBER = 3,     /* value.number */
  MINIAV_PROPERTY_TYPE_ENUM = 4,       /* value.integer, one of the named constants */
  MINIAV_PROPERTY_TYPE_TEXT = 5,       /* value.text, UTF-8 */
  MINIAV_PROPERTY_TYPE_RECTANGLE = 6,  /* value.rectangle */
  MINIAV_PROPERTY_TYPE_INTRINSICS = 7, /* value.intrinsics */
  MINIAV_PROPERTY_TYPE_HANDLES = 8     /* value.handles, the first `count` of them */
} MiniAVPropertyType;

/*
 * Every key says: type, unit, kinds; where it works. "c" = only before start, "r" = read-only.
 * A key that a device does not have answers NOT_SUPPORTED.
 */
typedef enum {
  /* -- every kind, every platform -- */
  MINIAV_PROPERTY_QUEUE_CAPACITY = 0x001, /* INTEGER, buffers 2…64, default 16; c */
  MINIAV_PROPERTY_QUEUE_LATEST = 0x002,   /* BOOLEAN, keep only the newest undelivered; c */
  MINIAV_PROPERTY_BACKEND_NAME = 0x003,   /* TEXT; r; after configure */
  MINIAV_PROPERTY_DEVICE_ID = 0x004,      /* TEXT, the device really used; r; after configure */
  /* -- camera; Linux (V4L2 controls), Windows (MF), macOS where AVFoundation has it -- */
  MINIAV_PROPERTY_BRIGHTNESS = 0x101,             /* INTEGER, device steps */
  MINIAV_PROPERTY_CONTRAST = 0x102,               /* INTEGER, device steps */
  MINIAV_PROPERTY_SATURATION = 0x103,             /* INTEGER, device steps */
  MINIAV_PROPERTY_HUE = 0x104,                    /* INTEGER, device steps */
  MINIAV_PROPERTY_GAMMA = 0x105,                  /* INTEGER, device steps */
  MINIAV_PROPERTY_SHARPNESS = 0x106,              /* INTEGER, device steps */
  MINIAV_PROPERTY_GAIN = 0x107,                   /* INTEGER, device steps */
  MINIAV_PROPERTY_WHITE_BALANCE = 0x108,          /* INTEGER, kelvin; auto */
  MINIAV_PROPERTY_EXPOSURE_TIME = 0x109,          /* INTEGER, microseconds; auto */
  MINIAV_PROPERTY_EXPOSURE_COMPENSATION = 0x10a,  /* NUMBER, EV */
  MINIAV_PROPERTY_FOCUS = 0x10b,                  /* INTEGER, device steps, 0 is near; auto */
  MINIAV_PROPERTY_ZOOM = 0x10c,                   /* INTEGER, device steps */
  MINIAV_PROPERTY_PAN = 0x10d,                    /* INTEGER, arc seconds */
  MINIAV_PROPERTY_TILT = 0x10e,                   /* INTEGER, arc seconds */
  MINIAV_PROPERTY_BACKLIGHT_COMPENSATION = 0x10f, /* INTEGER, device steps */
  MINIAV_PROPERTY_POWER_LINE_FREQUENCY = 0x110,   /* ENUM, hertz: 0 off, 50, 60, 1 automatic */
  MINIAV_PROPERTY_INTRINSICS = 0x111, /* INTRINSICS; settable anywhere, then rides on frames */
  /* -- screen -- */
  MINIAV_PROPERTY_CURSOR_MODE = 0x201,       /* ENUM MiniAVCursorMode; c */
  MINIAV_PROPERTY_FRAME_RATE_LIMIT = 0x202,  /* NUMBER, frames per second, 0 is none */
  MINIAV_PROPERTY_EXCLUDED_WINDOWS = 0x203,  /* HANDLES, platform window ids; c */
  MINIAV_PROPERTY_REGION = 0x204,            /* RECTANGLE, pixels of the display */
  MINIAV_PROPERTY_AUDIO_SOURCE = 0x205,      /* ENUM MiniAVScreenAudioSource; c */
  MINIAV_PROPERTY_REPEAT_LAST_FRAME = 0x206, /* BOOLEAN, a steady stream while nothing changes */
  MINIAV_PROPERTY_PERSIST_MODE = 0x207,      /* ENUM MiniAVPersistMode; c; Linux portal */
  MINIAV_PROPERTY_RESTORE_TOKEN = 0x208,     /* TEXT; set before, read after start; Linux portal */
  /* -- audio and loopback -- */
  MINIAV_PROPERTY_AUDIO_GAIN = 0x301,     /* NUMBER, linear 0…16, of this capture only */
  MINIAV_PROPERTY_AUDIO_MUTE = 0x302,     /* BOOLEAN, of this capture only */
  MINIAV_PROPERTY_CHUNK_DURATION = 0x303, /* INTEGER, microseconds per buffer, 0 device's own; c */
  /* -- loopback -- */
  MINIAV_PROPERTY_PER_PROCESS = 0x401,   /* BOOLEAN, nothing but the asked processes is heard; r */
  MINIAV_PROPERTY_STREAM_VOLUME = 0x402, /* NUMBER, linear, of the captured application; r */
  MINIAV_PROPERTY_STREAM_MUTE = 0x403    /* BOOLEAN, of the captured application; r */
} MiniAVPropertyKey;

typedef enum {
  MINIAV_CURSOR_MODE_HIDDEN = 0,
  MINIAV_CURSOR_MODE_EMBEDDED = 1, /* painted into the picture; the default */
  MINIAV_CURSOR_MODE_METADATA = 2  /* beside the picture, in MiniAVFrameMetadata */
} MiniAVCursorMode;

typedef enum {
  MINIAV_SCREEN_AUDIO_SOURCE_TARGET =
      0, /* a display: the system's sound; a window: its processes' */
  MINIAV_SCREEN_AUDIO_SOURCE_SYSTEM = 1 /* the system's sound, also for a window */
} MiniAVScreenAudioSource;

typedef enum {
  MINIAV_PERSIST_MODE_NONE = 0,
  MINIAV_PERSIST_MODE_APPLICATION = 1, /* until the application ends */
  MINIAV_PERSIST_MODE_REVOKED = 2      /* until the user takes it back */
} MiniAVPersistMode;

#define MINIAV_PROPERTY_MAX_HANDLES 32u

typedef struct {
  MiniAVPropertyType type;
  uint32_t count; /* HANDLES only */
  union {
    int64_t integer;
    double number;
    MiniAVRect rectangle;
    MiniAVIntrinsics intrinsics;
    uint64_t handles[MINIAV_PROPERTY_MAX_HANDLES];
    char text[MINIAV_TEXT_BYTES];
  } value;
} MiniAVPropertyValue;

typedef enum {
  MINIAV_PROPERTY_FLAG_READABLE = 1u << 0,
  MINIAV_PROPERTY_FLAG_WRITABLE = 1u << 1,
  MINIAV_PROPERTY_FLAG_HAS_AUTO = 1u << 2,    /* SetAutoProperty works */
  MINIAV_PROPERTY_FLAG_IS_AUTO = 1u << 3,     /* the device chooses the value now */
  MINIAV_PROPERTY_FLAG_STOPPED_ONLY = 1u << 4 /* cannot be written while running */
} MiniAVPropertyFlags;

/* minimum, maximum, step and default_value carry numbers of INTEGER, ENUM, BOOLEAN and NUMBER keys;
 * they are 0 for the other types. step 0 means continuous. */
typedef struct {
  MiniAVPropertyKey key;
  MiniAVPropertyType type;
  uint32_t flags; /* MiniAVPropertyFlags */
  uint32_t reserved;
  double minimum;
  double maximum;
  double step;
  double default_value;
} MiniAVPropertyInfo;

#ifdef __cplusplus
}
#endif

#endif
