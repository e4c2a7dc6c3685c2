/* The public functions as a program of random bytes: any call with any handle, living, stale or
 * made up, and valid memory; callbacks that call back. Whatever happens, counters add up and
 * everything can be destroyed. */
#include <stdatomic.h>
#include <stdbool.h>

#include "input.h"
#include "miniav.h"
#include "support/test_backends.h"

#define CONTEXTS  6u
#define WAITERS   3u
#define BUFFERS   24u
#define CALLS_MAX 96u

static MiniAVHandle contexts[CONTEXTS];
static _Atomic(MiniAVWaiterHandle) waiters[WAITERS];
static void *buffers[BUFFERS];
static atomic_uint callback_action;

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count;
  (void)arguments;
  use_test_backends();
  return 0;
}

/* -- by kind: the names differ by one word, which only the preprocessor can put in ----------------
 */

#define ON_KIND(kind, function, ...)                                                               \
  ((kind) == MINIAV_KIND_CAMERA   ? MiniAV_Camera_##function(__VA_ARGS__)                          \
   : (kind) == MINIAV_KIND_SCREEN ? MiniAV_Screen_##function(__VA_ARGS__)                          \
   : (kind) == MINIAV_KIND_AUDIO  ? MiniAV_Audio_##function(__VA_ARGS__)                           \
                                  : MiniAV_Loopback_##function(__VA_ARGS__))

/* The kind is in the handle; a wrong one in one call of eight. */
static MiniAVKind kind_for(struct input *input, MiniAVHandle handle) {
  uint32_t kind = (uint32_t)((uint64_t)(uintptr_t)handle >> 48) - 1;
  uint8_t choice = input_byte(input);
  return (MiniAVKind)(kind > 3 || choice % 8 == 0 ? choice / 8 % 4 : kind);
}

static MiniAVHandle any_context(struct input *input) {
  uint8_t choice = input_byte(input);
  if (choice < 240) {
    return contexts[choice % CONTEXTS];
  }
  uint64_t made_up;
  input_take(input, &made_up, sizeof made_up);
  return (MiniAVHandle)(uintptr_t)made_up;
}

static MiniAVWaiterHandle any_waiter(struct input *input) {
  uint8_t choice = input_byte(input);
  return choice < 250 ? atomic_load(&waiters[choice % WAITERS])
                      : (MiniAVWaiterHandle)any_context(input);
}

static const char *any_id(struct input *input) {
  static const char *const ids[] = {
      NULL,           "",           "test:bars",    "test:bars2",  "test:flood",
      "test:tone",    "test:tone2", "test:display", "test:window", "test:system",
      "test:process", "test:none",  "x11:0",        ":",           "system_default"};
  return ids[input_byte(input) % (sizeof ids / sizeof *ids)];
}

static uint32_t any_size(struct input *input) {
  static const uint32_t sizes[] = {0, 0, 1, 16, 17, 64, 160, 255, 7681, 32769, UINT32_MAX};
  return sizes[input_byte(input) % (sizeof sizes / sizeof *sizes)];
}

static MiniAVVideoInfo any_video(struct input *input) {
  return (MiniAVVideoInfo){.width = any_size(input),
                           .height = any_size(input),
                           .pixel_format = (MiniAVPixelFormat)(input_byte(input) % 24),
                           .frame_rate_numerator = any_size(input),
                           .frame_rate_denominator = input_byte(input) % 3,
                           .output_preference = (MiniAVOutputPreference)(input_byte(input) % 3)};
}

static MiniAVAudioInfo any_audio(struct input *input) {
  static const uint32_t rates[] = {0, 8000, 11025, 48000, 192000, 192001, 7999};
  return (MiniAVAudioInfo){.sample_rate = rates[input_byte(input) % 7],
                           .channel_count = input_byte(input) % 10,
                           .format = (MiniAVAudioFormat)(input_byte(input) % 7)};
}

/* -- callbacks, on threads of the library
 * ---------------------------------------------------------- */

static void act(MiniAVHandle context, MiniAVKind kind) {
  switch (atomic_load(&callback_action) % 8) {
  case 0:
    ON_KIND(kind, StopCapture, context);
    break;
  case 1:
    ON_KIND(kind, DestroyContext, context);
    break;
  case 2:
    must(MiniAV_Dispose() == MINIAV_ERROR_ALREADY_RUNNING, "no Dispose from a callback");
    break;
  case 3:
    MiniAV_SetLogCallback(NULL, NULL);
    break;
  case 4:
    MiniAV_WaiterSetWake(atomic_load(&waiters[0]), NULL, NULL);
    break;
  case 5:
    MiniAV_WaiterKick(atomic_load(&waiters[1]));
    break;
  default:
    break;
  }
}

static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  must(buffer->struct_size == sizeof *buffer && buffer->internal_handle != NULL, "a buffer");
  must(MiniAV_ReleaseBuffer(buffer->internal_handle) == MINIAV_SUCCESS, "the callee's");
  uint32_t kind = (uint32_t)((uint64_t)(uintptr_t)user_data >> 48) - 1;
  act(user_data, (MiniAVKind)(kind % 4));
}

static void on_line(MiniAVLogLevel level, const char *message, void *user_data) {
  must((uint32_t)level <= MINIAV_LOG_LEVEL_ERROR && message != NULL, "a line");
  must(user_data == NULL, "no user data");
}

static void on_wake(void *user_data) {
  (void)user_data;
  MiniAV_WaitAny(atomic_load(&waiters[0]), 0);
}

static void on_lost(MiniAVHandle context, MiniAVResultCode reason, const char *message,
                    void *user_data) {
  (void)user_data;
  must(context != NULL && reason != MINIAV_SUCCESS && message != NULL, "a loss");
  act(context, (MiniAVKind)(((uint64_t)(uintptr_t)context >> 48) - 1));
}

/* -- calls
 * ------------------------------------------------------------------------------------------ */

static void create(struct input *input) {
  uint8_t at = input_byte(input);
  MiniAVHandle *context = &contexts[at % CONTEXTS];
  MiniAVKind kind = (MiniAVKind)(at / CONTEXTS % 4);
  MiniAVCameraContextHandle camera = NULL;
  MiniAVScreenContextHandle screen = NULL;
  MiniAVAudioContextHandle audio = NULL;
  MiniAVLoopbackContextHandle loopback = NULL;
  if (*context != NULL) {
    kind = (MiniAVKind)(((uint64_t)(uintptr_t)*context >> 48) - 1);
    ON_KIND(kind, DestroyContext, *context);
    must(ON_KIND(kind, StopCapture, *context) == MINIAV_ERROR_INVALID_HANDLE, "destroyed");
    kind = (MiniAVKind)(at / CONTEXTS % 4);
  }
  MiniAVResultCode result = kind == MINIAV_KIND_CAMERA   ? MiniAV_Camera_CreateContext(&camera)
                            : kind == MINIAV_KIND_SCREEN ? MiniAV_Screen_CreateContext(&screen)
                            : kind == MINIAV_KIND_AUDIO  ? MiniAV_Audio_CreateContext(&audio)
                                                         : MiniAV_Loopback_CreateContext(&loopback);
  must(result == MINIAV_SUCCESS, "a context");
  *context = kind == MINIAV_KIND_CAMERA   ? (MiniAVHandle)camera
             : kind == MINIAV_KIND_SCREEN ? (MiniAVHandle)screen
             : kind == MINIAV_KIND_AUDIO  ? (MiniAVHandle)audio
                                          : (MiniAVHandle)loopback;
}

static void configure(struct input *input) {
  MiniAVHandle context = any_context(input);
  MiniAVKind kind = kind_for(input, context);
  MiniAVVideoInfo video = any_video(input);
  MiniAVAudioInfo audio = any_audio(input);
  const char *id = any_id(input);
  uint8_t form = input_byte(input);
  const MiniAVVideoInfo *wanted = form % 2 == 0 ? NULL : &video;
  MiniAVLoopbackTarget target = {.type = (MiniAVLoopbackTargetType)(form / 8 % 6),
                                 .flags = input_byte(input) % 9,
                                 .process_id = form % 3 == 0 ? 4242 : 0,
                                 .window_handle = form % 3 == 1 ? context : NULL};
  switch (kind) {
  case MINIAV_KIND_CAMERA:
    MiniAV_Camera_Configure(context, id, wanted);
    break;
  case MINIAV_KIND_SCREEN:
    if (form / 2 % 3 == 0) {
      MiniAV_Screen_ConfigureDisplay(context, id, wanted);
    } else if (form / 2 % 3 == 1) {
      MiniAV_Screen_ConfigureWindow(context, id, wanted);
    } else {
      MiniAV_Screen_ConfigureRegion(context, id, (int32_t)any_size(input), 0,
                                    (int32_t)any_size(input), (int32_t)any_size(input), wanted);
    }
    break;
  case MINIAV_KIND_AUDIO:
    MiniAV_Audio_Configure(context, id, form % 2 == 0 ? NULL : &audio);
    break;
  case MINIAV_KIND_LOOPBACK:
    if (form / 2 % 2 == 0) {
      MiniAV_Loopback_Configure(context, id, form % 2 == 0 ? NULL : &audio);
    } else {
      MiniAV_Loopback_ConfigureWithTargets(context, &target, 1, (MiniAVLoopbackMode)(form / 4 % 3),
                                           NULL);
    }
    break;
  }
}

static void start(struct input *input) {
  MiniAVHandle context = any_context(input);
  MiniAVKind kind = kind_for(input, context);
  uint8_t form = input_byte(input);
  MiniAVBufferCallback callback = form % 3 == 0 ? on_frame : NULL;
  MiniAVAudioInfo audio = any_audio(input);
  MiniAVWaiterHandle waiter = any_waiter(input);
  if (kind == MINIAV_KIND_SCREEN) {
    MiniAV_Screen_StartCapture(context, callback, context, form / 4 % 2 == 0 ? NULL : &audio);
  } else if (kind == MINIAV_KIND_CAMERA) {
    if (form / 8 % 2 == 0) {
      MiniAV_Camera_StartCapture(context, callback, context);
    } else {
      MiniAV_Camera_StartCaptureAsync(waiter, form, context, callback, context);
    }
  } else if (kind == MINIAV_KIND_AUDIO) {
    MiniAV_Audio_StartCapture(context, callback, context);
  } else {
    MiniAV_Loopback_StartCapture(context, callback, context);
  }
}

static void end_something(struct input *input) {
  MiniAVHandle context = any_context(input);
  MiniAVKind kind = kind_for(input, context);
  MiniAVWaiterHandle waiter = any_waiter(input);
  switch (input_byte(input) % 4) {
  case 0:
    ON_KIND(kind, StopCaptureAsync, waiter, 5, context);
    break;
  case 1:
    ON_KIND(kind, DestroyContextAsync, waiter, 6, context);
    break;
  default:
    ON_KIND(kind, StopCapture, context);
    break;
  }
}

static void take(struct input *input) {
  MiniAVHandle context = any_context(input);
  MiniAVBuffer buffer;
  uint8_t at = input_byte(input);
  if (MiniAV_WaitBuffer(context, at % 4, &buffer) != MINIAV_SUCCESS) {
    return;
  }
  must(buffer.struct_size == sizeof buffer && buffer.user_data == NULL, "a pulled buffer");
  void *old = buffers[at % BUFFERS];
  buffers[at % BUFFERS] = buffer.internal_handle;
  if (old != NULL) {
    must(MiniAV_ReleaseBuffer(old) == MINIAV_SUCCESS, "held, and released once");
  }
}

static void copy(struct input *input) {
  static uint8_t memory[1 << 18];
  MiniAVCopyLayout layout = {.plane_count = input_byte(input) % 5};
  MiniAVFrameMetadata metadata;
  void *buffer = buffers[input_byte(input) % BUFFERS];
  for (uint32_t i = 0; i < MINIAV_MAX_PLANES; i++) {
    layout.offsets_bytes[i] = (uint64_t)any_size(input) << input_byte(input) % 32;
    layout.strides_bytes[i] = any_size(input);
  }
  MiniAV_CopyBuffer(buffer, memory, sizeof memory, input_byte(input) % 2 == 0 ? NULL : &layout);
  MiniAV_CopyMetadata(buffer, &metadata);
  MiniAV_CopyCursorPixels(buffer, memory, sizeof memory);
}

static void release(struct input *input) {
  uint8_t at = input_byte(input) % BUFFERS;
  if (buffers[at] != NULL) {
    must(MiniAV_ReleaseBuffer(buffers[at]) == MINIAV_SUCCESS, "released once");
    must(MiniAV_ReleaseBuffer(buffers[at]) == MINIAV_ERROR_INVALID_HANDLE, "not twice");
    buffers[at] = NULL;
  }
  must(MiniAV_ReleaseBuffer(any_context(input)) == MINIAV_ERROR_INVALID_HANDLE, "no buffer");
}

static void use_property(struct input *input) {
  static const uint32_t firsts[] = {0x001, 0x101, 0x201, 0x301, 0x401, 0};
  MiniAVHandle context = any_context(input);
  MiniAVKind kind = kind_for(input, context);
  uint8_t choice = input_byte(input);
  MiniAVPropertyKey key = (MiniAVPropertyKey)(firsts[choice % 6] + choice / 6 % 18);
  MiniAVPropertyInfo info;
  MiniAVPropertyValue value;
  ON_KIND(kind, GetPropertyInfo, context, key, &info);
  ON_KIND(kind, GetProperty, context, key, &value);
  if (input_byte(input) % 2 == 0) {
    value.value.integer = (int64_t)any_size(input);
  } else {
    input_take(input, &value.value, input_byte(input) % 32);
  }
  ON_KIND(kind, SetProperty, context, key, &value);
  ON_KIND(kind, SetAutoProperty, context, key, choice % 3);
}

static void make_fault(struct input *input) {
  const char *id = any_id(input);
  MiniAVTestFault fault = (MiniAVTestFault)(input_byte(input) % 16);
  uint64_t high = any_size(input);
  int64_t value = (int64_t)(high << (input_byte(input) % 2 * 32) | any_size(input));
  if (fault == MINIAV_TEST_FAULT_HANG || fault == MINIAV_TEST_FAULT_DELIVER_LATE) {
    value = 0; /* this program waits for nobody */
  }
  MiniAV_TestSetFault(id, fault, value);
}

static void read_events(MiniAVWaiterHandle waiter) {
  MiniAVEvent event;
  MiniAVResultCode result;
  while ((result = MiniAV_NextEvent(waiter, &event)) == MINIAV_SUCCESS) {
    must(event.struct_size == sizeof event && event.type != MINIAV_EVENT_NONE, "an event");
    must(memchr(event.text, 0, sizeof event.text) != NULL, "its text has an end");
    must(MiniAV_FreeDeviceList(event.list, event.count) == MINIAV_SUCCESS, "its list is ours");
  }
}

static void use_waiter(struct input *input) {
  uint8_t choice = input_byte(input);
  MiniAVWaiterHandle waiter = any_waiter(input);
  MiniAVHandle context = any_context(input);
  switch (choice % 12) {
  case 0: {
    MiniAVWaiterHandle fresh = NULL;
    must(MiniAV_CreateWaiter(&fresh) == MINIAV_SUCCESS, "a waiter");
    MiniAV_DestroyWaiter(atomic_exchange(&waiters[choice / 12 % WAITERS], fresh));
    break;
  }
  case 1:
    MiniAV_WaiterRemove(waiter, context);
    break;
  case 2:
    MiniAV_WaiterWatchLog(waiter, (MiniAVLogLevel)input_byte(input));
    break;
  case 3:
    MiniAV_WaiterWatchDevices(waiter, input_byte(input));
    break;
  case 4:
    MiniAV_WaiterSetWake(atomic_load(&waiters[0]), choice / 12 % 2 == 0 ? on_wake : NULL, NULL);
    break;
  case 5:
    MiniAV_WaiterCancel(waiter, input_byte(input));
    break;
  case 6:
    MiniAV_WaiterKick(waiter);
    break;
  case 7:
    MiniAV_Camera_EnumerateDevicesAsync(waiter, 1);
    break;
  case 8:
    MiniAV_Audio_GetSupportedFormatsAsync(waiter, 2, any_id(input));
    break;
  case 9:
    read_events(waiter);
    break;
  case 10:
    MiniAV_WaitAny(waiter, choice / 12 % 3);
    break;
  default:
    MiniAV_WaiterAdd(waiter, context);
    break;
  }
}

static void set_callbacks(struct input *input) {
  uint8_t choice = input_byte(input);
  atomic_store(&callback_action, input_byte(input));
  if (choice % 4 == 0) {
    MiniAV_SetLogCallback(choice / 4 % 2 == 0 ? on_line : NULL, NULL);
  } else if (choice % 4 == 1) {
    MiniAV_SetContextLostCallback(choice / 4 % 2 == 0 ? on_lost : NULL, NULL);
  } else if (choice % 4 == 2) {
    MiniAV_SetLogLevel((MiniAVLogLevel)(choice / 4 % 6));
  } else {
    MiniAV_TestLog((MiniAVLogLevel)(choice / 4 % 6), "a line");
  }
}

/* -- the end of each program
 * ------------------------------------------------------------------------ */

static void check_stats(MiniAVHandle context) {
  MiniAVCaptureStats stats;
  MiniAVKind kind = (MiniAVKind)(((uint64_t)(uintptr_t)context >> 48) - 1);
  if (context == NULL || ON_KIND(kind, GetStats, context, &stats) != MINIAV_SUCCESS) {
    return;
  }
  must(stats.produced == stats.delivered + stats.dropped + stats.queued, "produced adds up");
  must(stats.delivered == stats.released + stats.outstanding, "delivered adds up");
  must(stats.dropped == stats.dropped_queue_full + stats.dropped_buffers_held +
                            stats.dropped_stopped + stats.dropped_invalid + stats.dropped_late +
                            stats.dropped_failed,
       "dropped adds up");
}

static void end_program(void) {
  static const char *const ids[] = {"test:bars",   "test:bars2",  "test:flood",
                                    "test:tone",   "test:tone2",  "test:display",
                                    "test:window", "test:system", "test:process"};
  MiniAV_SetLogCallback(NULL, NULL);
  MiniAV_SetContextLostCallback(NULL, NULL);
  for (uint32_t i = 0; i < CONTEXTS; i++) {
    check_stats(contexts[i]);
    if (contexts[i] != NULL) {
      MiniAVKind kind = (MiniAVKind)(((uint64_t)(uintptr_t)contexts[i] >> 48) - 1);
      ON_KIND(kind, DestroyContext, contexts[i]);
      contexts[i] = NULL;
    }
  }
  for (uint32_t i = 0; i < BUFFERS; i++) {
    if (buffers[i] != NULL) {
      must(MiniAV_ReleaseBuffer(buffers[i]) == MINIAV_SUCCESS, "released after destroy");
      buffers[i] = NULL;
    }
  }
  for (uint32_t i = 0; i < WAITERS; i++) {
    MiniAV_DestroyWaiter(atomic_exchange(&waiters[i], NULL));
  }
  for (uint32_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    MiniAV_TestSetFault(ids[i], MINIAV_TEST_FAULT_NONE, 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static void (*const calls[])(struct input *) = {
      create,     configure,  configure,  start,      start,         take,
      take,       take,       copy,       release,    release,       use_property,
      make_fault, use_waiter, use_waiter, use_waiter, end_something, set_callbacks};
  struct input input = {bytes, size};
  struct input first = {(const uint8_t *)"\1", 1};
  create(&first); /* one camera that is there from the start */
  for (uint32_t i = 0; i < CALLS_MAX && input.left > 0; i++) {
    calls[input_byte(&input) % (sizeof calls / sizeof *calls)](&input);
  }
  end_program();
  return 0;
}
