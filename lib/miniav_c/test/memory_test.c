/* Each allocation of a whole life of the library fails once: nothing crashes, hangs or loses an
 * event, and the next life works. Allocations are counted where the C library lets a program put
 * its own in front and no sanitizer has done so; elsewhere the same lives run without a failure. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/thread.h"
#include "miniav.h"
#include "support/check.h"
#include "support/test_backends.h"

static atomic_long allocations;
static atomic_long failing = -1; /* the number of the one that fails */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)
#define LIVES 200
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool fails_now(void) {
  bool fails = atomic_fetch_add(&allocations, 1) == atomic_load(&failing);
  if (fails) {
    errno = ENOMEM;
  }
  return fails;
}

void *malloc(size_t size) {
  return fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  return fails_now() ? NULL : __libc_realloc(memory, size);
}
#else
#define LIVES 3
#endif

static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  MiniAV_ReleaseBuffer(buffer->internal_handle);
}

static void on_line(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)level;
  (void)message;
  (void)user_data;
}

static void take_one(MiniAVHandle context, bool expected) {
  MiniAVBuffer buffer;
  MiniAVResultCode result = MiniAV_WaitBuffer(context, expected ? 5000 : 100, &buffer);
  CHECK(result == MINIAV_SUCCESS || !expected);
  if (result == MINIAV_SUCCESS) {
    CHECK_EQ(MiniAV_ReleaseBuffer(buffer.internal_handle), MINIAV_SUCCESS);
  }
}

static void use_lists(void) {
  MiniAVDeviceInfo *devices = NULL;
  MiniAVVideoInfo *formats = NULL;
  uint32_t count = 0;
  MiniAVResultCode result = MiniAV_Camera_EnumerateDevices(&devices, &count);
  CHECK(result == MINIAV_ERROR_OUT_OF_MEMORY || (result == MINIAV_SUCCESS && count > 1));
  CHECK((devices == NULL) == (count == 0));
  CHECK_EQ(MiniAV_FreeDeviceList(devices, count), MINIAV_SUCCESS);
  result = MiniAV_Camera_GetSupportedFormats("test:bars", &formats, &count);
  CHECK(result == MINIAV_ERROR_OUT_OF_MEMORY || (result == MINIAV_SUCCESS && count > 1));
  CHECK_EQ(MiniAV_FreeFormatList(formats, count), MINIAV_SUCCESS);
}

static void use_camera(MiniAVWaiterHandle waiter, bool expected) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVVideoInfo jpeg = {.width = 64, .height = 64, .pixel_format = MINIAV_PIXEL_FORMAT_MJPEG};
  if (MiniAV_Camera_CreateContext(&context) != MINIAV_SUCCESS) {
    CHECK(context == NULL && !expected);
    return;
  }
  MiniAV_WaiterAdd(waiter, context);
  MiniAVResultCode result = MiniAV_Camera_Configure(context, "test:bars", &jpeg);
  CHECK(result == MINIAV_SUCCESS || result == MINIAV_ERROR_OUT_OF_MEMORY);
  MiniAV_Camera_StartCapture(context, NULL, NULL);
  take_one(context, expected);
  MiniAV_Camera_StopCapture(context);
  result = MiniAV_Camera_StartCapture(context, on_frame, NULL);
  CHECK(result == MINIAV_SUCCESS || !expected);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

static void use_screen(bool expected) {
  MiniAVScreenContextHandle context = NULL;
  MiniAVAudioInfo sound = {0};
  if (MiniAV_Screen_CreateContext(&context) != MINIAV_SUCCESS) {
    CHECK(context == NULL && !expected);
    return;
  }
  MiniAV_Screen_ConfigureWindow(context, "test:window", NULL);
  MiniAVResultCode result = MiniAV_Screen_StartCapture(context, NULL, NULL, &sound);
  CHECK(result == MINIAV_SUCCESS || !expected);
  take_one(context, expected);
  CHECK_EQ(MiniAV_Screen_DestroyContext(context), MINIAV_SUCCESS);
}

/* What was taken ends in an event, however little memory there is. */
static void use_async(MiniAVWaiterHandle waiter) {
  MiniAVEvent event;
  uint32_t pending = 0;
  pending += MiniAV_Camera_EnumerateDevicesAsync(waiter, 1) == MINIAV_SUCCESS;
  pending += MiniAV_Audio_GetDefaultFormatAsync(waiter, 2, NULL) == MINIAV_SUCCESS;
  for (uint32_t i = 0; i < 50 && pending > 0; i++) {
    while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
      pending -= event.type == MINIAV_EVENT_OPERATION;
      CHECK_EQ(MiniAV_FreeDeviceList(event.list, event.count), MINIAV_SUCCESS);
    }
    if (pending > 0) {
      MiniAV_WaitAny(waiter, 100);
    }
  }
  CHECK_EQ(pending, 0);
}

static void live(bool expected) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAVResultCode result = MiniAV_CreateWaiter(&waiter);
  CHECK(result == MINIAV_SUCCESS || (!expected && waiter == NULL));
  MiniAV_SetLogCallback(on_line, NULL);
  MiniAV_WaiterWatchLog(waiter, MINIAV_LOG_LEVEL_DEBUG);
  MiniAV_WaiterWatchDevices(waiter, MINIAV_KINDS_ALL);
  MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
  use_lists();
  use_camera(waiter, expected);
  use_screen(expected);
  if (waiter != NULL) {
    use_async(waiter);
    CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_SetLogCallback(NULL, NULL), MINIAV_SUCCESS);
}

int main(void) {
  use_test_backends();
  bool reached = true;
  for (long number = 0; number < LIVES && reached; number++) {
    atomic_store(&allocations, 0);
    atomic_store(&failing, number);
    live(false);
    reached = LIVES == 3 || atomic_load(&allocations) > number;
  }
  atomic_store(&failing, -1);
  live(true);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("memory");
}
