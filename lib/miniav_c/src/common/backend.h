/*
 * The contract between the library and a backend. <kind>_backend.h says what of it that kind uses.
 *
 * A backend is one file with one `const struct backend`. It never allocates a public buffer, never
 * takes a public lock, never calls a user's function; it hands over descriptions with
 * capture_deliver and is told what to do by these functions.
 *
 * Threads: probe, enumerate, formats, default_format, audio_format, permission, request_permission
 * may be called from any number of threads at once. open, start, stop, close, and the property
 * functions are called for one capture by one thread at a time (property functions also between
 * start and stop, never during open, start, stop or close; drive on a consumer's thread, also
 * during start and stop). None of them is called on a capture thread or with a lock held. What may
 * wait polls its cancel token (cancel.h) and ends within 250 ms of a request.
 *
 * A missing function pointer is NOT_SUPPORTED, answered in one place (kinds.c).
 */
#ifndef MINIAV_COMMON_BACKEND_H
#define MINIAV_COMMON_BACKEND_H

#include "common/cancel.h"
#include "common/lists.h"
#include "miniav_buffer.h"

struct capture;

#define REQUEST_MAX_TARGETS 32u

enum request_target {
  REQUEST_DEVICE,  /* a camera, microphone or loopback id */
  REQUEST_DISPLAY, /* a whole display */
  REQUEST_WINDOW,
  REQUEST_REGION, /* `region` of a display */
  REQUEST_TARGETS /* loopback: targets[], mode */
};

/* Settings of a screen capture; read by open and start, changed while it runs by set_property. A
 * setting that cannot be honoured is NOT_SUPPORTED from open or start, never ignored. */
struct screen_settings {
  MiniAVCursorMode cursor_mode; /* EMBEDDED unless set */
  MiniAVScreenAudioSource audio_source;
  MiniAVPersistMode persist_mode;
  uint32_t repeat_last_frame;
  double frame_rate_limit;
  uint32_t excluded_count;
  uint64_t excluded_windows[MINIAV_PROPERTY_MAX_HANDLES];
  char restore_token[MINIAV_TEXT_BYTES];
};

/* What a user asked for. Strings are terminated; numbers are in range; zero means "your choice". */
struct capture_request {
  MiniAVKind kind;
  enum request_target target;
  char device_id[MINIAV_TEXT_BYTES]; /* without the backend's prefix; "" is the default device */
  MiniAVRect region;
  MiniAVVideoInfo video;
  MiniAVAudioInfo audio; /* screen: at start, when with_audio */
  uint32_t with_audio;   /* screen: only for a backend that brings sound */
  struct screen_settings screen;
  MiniAVLoopbackMode mode;
  uint32_t target_count;
  MiniAVLoopbackTarget targets[REQUEST_MAX_TARGETS];
};

/* What comes; one of the two for all kinds but screen. */
struct capture_format {
  MiniAVVideoInfo video;
  MiniAVAudioInfo audio;
  MiniAVResultCode audio_result; /* screen: why there is no sound; NO_BUFFER: none asked for */
};

enum backend_flags {
  BACKEND_IS_TEST = 1u << 0,          /* listed and used only while test devices are enabled */
  BACKEND_SILENT_WHEN_IDLE = 1u << 1, /* nothing comes while nothing changes: no stall watchdog */
  BACKEND_TELLS_STALLS = 1u << 2,     /* calls capture_stalled / capture_resumed itself */
  BACKEND_BRINGS_SOUND = 1u << 3      /* screen: looks at with_audio in start and tells audio and
                                         audio_result; NO_BUFFER there, and without the flag
                                         always: the library adds the sound (screen_sound.h) */
};

struct backend {
  const char *name; /* prefix of its ids, value of MINIAV_<KIND>_BACKEND; lower case */
  uint32_t flags;

  /* Can it serve on this machine now? Cheap, no dialog. DEVICE_NOT_FOUND, NOT_SUPPORTED: no, and
   * `why`, which is "" before, tells people the reason in a sentence without its end. Asked again
   * before each use. */
  MiniAVResultCode (*probe)(char why[MINIAV_TEXT_BYTES]);

  /* Would it be chosen without being named? Asked before probe; NULL: yes. No dialog, no waiting.
   */
  bool (*is_for_this_session)(void);

  /* Adds every device of the kind with device_list_add; filter: screen: 0 displays, 1 windows;
   * loopback: MiniAVLoopbackTargetType (0 every type); else 0. */
  MiniAVResultCode (*enumerate)(uint32_t filter, struct device_list *devices,
                                struct cancel *cancel);

  /* Adds native formats, best first. id "" is the default device. DEVICE_NOT_FOUND. */
  MiniAVResultCode (*formats)(const char *id, struct format_list *formats, struct cancel *cancel);
  MiniAVResultCode (*default_format)(const char *id, struct capture_format *format,
                                     struct cancel *cancel);

  /* Sound from what has one native format: that, in place of the two above. */
  MiniAVResultCode (*audio_format)(const char *id, MiniAVAudioInfo *format, struct cancel *cancel);

  /* Negotiates; on SUCCESS *state is the backend's own and *format says what will come. Nothing is
   * delivered before start. request lives until close. */
  MiniAVResultCode (*open)(struct capture *capture, const struct capture_request *request,
                           struct capture_format *format, void **state, struct cancel *cancel);

  /* Begins to deliver, possibly before it returns. On failure nothing is delivered any more. */
  MiniAVResultCode (*start)(void *state, struct cancel *cancel);

  /* When it returns capture_deliver is not called any more and no thread of the backend is inside
   * it. Bounded: 250 ms; what takes longer is left to a thread of its own. Leased buffers stay
   * valid: their release function may still be called, also after close. Also called after lost. */
  void (*stop)(void *state);

  /* A consumer waits in MiniAV_WaitBuffer and lends its thread: the backend may do on it what its
   * own thread would have to wake up for. NULL: never. At most one at a time, between the beginning
   * of start and the end of stop, which ends it; it ends at the deadline too. True: something was
   * delivered; false: the consumer waits as ever. */
  bool (*drive)(void *state, int64_t deadline_us);

  /* Frees state; comes once, after stop. */
  void (*close)(void *state);

  /* Device properties; the library's own keys (queue, gain, mute, …) never reach these. Screen
   * settings come through set_property only while the capture is open. */
  MiniAVResultCode (*property_info)(void *state, MiniAVPropertyKey key, MiniAVPropertyInfo *info);
  MiniAVResultCode (*get_property)(void *state, MiniAVPropertyKey key, MiniAVPropertyValue *value);
  MiniAVResultCode (*set_property)(void *state, MiniAVPropertyKey key,
                                   const MiniAVPropertyValue *value);
  MiniAVResultCode (*set_auto_property)(void *state, MiniAVPropertyKey key, bool automatic);

  /* Screen, between open and close: the system's own number of the window that is captured (XID,
   * HWND, NSWindow number), for its sound; 0: not known, or no window. */
  uint64_t (*window_handle)(void *state);

  MiniAVResultCode (*permission)(MiniAVPermission *permission, struct cancel *cancel);
  MiniAVResultCode (*request_permission)(MiniAVPermission *permission, struct cancel *cancel);

  /* Begins or ends telling registry_* (registry.h) of changes; never called twice in a row with the
   * same value, never concurrently. watch(true) connects from a thread of its own and keeps trying;
   * when watch(false) returns, registry_* is called no more. */
  void (*watch)(bool on);
};

#endif
