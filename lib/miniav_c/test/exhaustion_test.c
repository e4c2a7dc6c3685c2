/* What is exhausted is said: threads, descriptors, handles, buffers. Afterwards everything works.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

#include "common/handles.h"
#include "support/fake_source.h"
#include "support/test_backends.h"

/* -- 1024 contexts, each with every one of 64 slots held ------------------------------------------
 */

#define SLOTS 64u

static void set_capacity(const struct fake_source *source) {
  mutex_lock(&source->capture->lock);
  source->capture->queue_capacity = SLOTS;
  mutex_unlock(&source->capture->lock);
}

/* Every handle there can be is another one, and releases its own buffer and no other. */
static void test_all_slots(void) {
  struct fake_source *sources = calloc(HANDLE_MAX_CONTEXTS, sizeof *sources);
  void **handles = calloc(HANDLE_MAX_CONTEXTS * SLOTS, sizeof *handles);
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < HANDLE_MAX_CONTEXTS; i++) {
    sources[i] = fake_source_create((MiniAVKind)(i % 4), NULL, NULL);
    set_capacity(&sources[i]);
    CHECK_EQ(fake_source_start(&sources[i], NULL, NULL), MINIAV_SUCCESS);
    for (uint32_t slot = 0; slot <= SLOTS; slot++) { /* one more than there are */
      fake_deliver(&sources[i]);
      MiniAVResultCode result = MiniAV_TakeBuffer(sources[i].handle, &buffer);
      CHECK_EQ(result, slot < SLOTS ? MINIAV_SUCCESS : MINIAV_ERROR_NO_BUFFER);
      if (slot < SLOTS) {
        handles[i * SLOTS + slot] = buffer.internal_handle;
      }
    }
  }
  MiniAVCameraContextHandle none = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&none), MINIAV_ERROR_DEVICE_BUSY);
  CHECK(none == NULL);
  /* Half of the contexts go first: buffers outlive them. */
  for (uint32_t i = 0; i < HANDLE_MAX_CONTEXTS; i += 2) {
    fake_source_destroy(&sources[i]);
  }
  /* Contexts are free now, tables of slots are not. */
  CHECK_EQ(MiniAV_Camera_CreateContext(&none), MINIAV_ERROR_DEVICE_BUSY);
  for (uint32_t i = 0; i < HANDLE_MAX_CONTEXTS * SLOTS; i++) {
    CHECK_EQ(MiniAV_ReleaseBuffer(handles[i]), MINIAV_SUCCESS);
  }
  for (uint32_t i = 0; i < HANDLE_MAX_CONTEXTS * SLOTS; i++) {
    CHECK_EQ(MiniAV_ReleaseBuffer(handles[i]), MINIAV_ERROR_INVALID_HANDLE);
  }
  for (uint32_t i = 1; i < HANDLE_MAX_CONTEXTS; i += 2) {
    MiniAVCaptureStats stats;
    CHECK_EQ(capture_stats(sources[i].capture->handle, sources[i].kind, &stats), MINIAV_SUCCESS);
    CHECK_EQ(stats.produced, SLOTS + 1);
    CHECK_EQ(stats.released, SLOTS);
    CHECK_EQ(stats.dropped_buffers_held, 1);
    fake_source_destroy(&sources[i]);
  }
  CHECK_EQ(MiniAV_Camera_CreateContext(&none), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(none), MINIAV_SUCCESS);
  free(sources);
  free(handles);
}

static void test_all_waiters(void) {
  MiniAVWaiterHandle waiters[HANDLE_MAX_WAITERS + 1] = {NULL};
  uint32_t made = 0;
  while (made <= HANDLE_MAX_WAITERS && MiniAV_CreateWaiter(&waiters[made]) == MINIAV_SUCCESS) {
    CHECK_EQ(MiniAV_WaiterWatchLog(waiters[made], MINIAV_LOG_LEVEL_ERROR), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_WaiterWatchDevices(waiters[made], 1), MINIAV_SUCCESS);
    made++;
  }
  CHECK(made <= HANDLE_MAX_WAITERS && made >= HANDLE_MAX_WAITERS - 1); /* the notifier has one */
  CHECK_EQ(MiniAV_CreateWaiter(&waiters[made]), MINIAV_ERROR_OUT_OF_MEMORY);
  MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line");
  for (uint32_t i = 0; i < made; i++) {
    MiniAVEvent event;
    CHECK_EQ(MiniAV_NextEvent(waiters[i], &event), MINIAV_SUCCESS);
    CHECK_STR(event.text, "line");
    CHECK_EQ(MiniAV_DestroyWaiter(waiters[i]), MINIAV_SUCCESS);
  }
  CHECK_EQ(MiniAV_CreateWaiter(&waiters[0]), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_DestroyWaiter(waiters[0]), MINIAV_SUCCESS);
}

/* -- threads and descriptors ------------------------------------------------------------------- */

#if defined(__GLIBC__)
/* No thread can have a stack of this size, so none can be started. */
static void allow_threads(bool allowed) {
  static size_t usual_bytes;
  pthread_attr_t attributes;
  CHECK_EQ(pthread_getattr_default_np(&attributes), 0);
  if (usual_bytes == 0) {
    CHECK_EQ(pthread_attr_getstacksize(&attributes, &usual_bytes), 0);
  }
  CHECK_EQ(pthread_attr_setstacksize(&attributes, allowed ? usual_bytes : (size_t)1 << 46), 0);
  CHECK_EQ(pthread_setattr_default_np(&attributes), 0);
  pthread_attr_destroy(&attributes);
}

static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  MiniAV_ReleaseBuffer(buffer->internal_handle);
}

static void on_wake(void *user_data) {
  (void)user_data;
}

static void on_line(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)level;
  (void)message;
  (void)user_data;
}

static void check_threads(MiniAVResultCode expected, MiniAVWaiterHandle waiter) {
  struct fake_source source = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  CHECK_EQ(fake_source_start(&source, on_frame, NULL), expected);
  MiniAVCaptureStats stats;
  CHECK_EQ(capture_stats(source.capture->handle, source.kind, &stats), MINIAV_SUCCESS);
  CHECK_EQ(fake_source_stop(&source),
           expected == MINIAV_SUCCESS ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_RUNNING);
  fake_source_destroy(&source);
  CHECK_EQ(MiniAV_WaiterSetWake(waiter, on_wake, NULL), expected);
  CHECK_EQ(MiniAV_WaiterSetWake(waiter, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 2), expected);
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 2), expected); /* no second answer to one question */
  CHECK_EQ(MiniAV_Camera_EnumerateDevicesAsync(waiter, 1), expected);
  CHECK_EQ(MiniAV_SetLogCallback(on_line, NULL), expected);
  CHECK_EQ(MiniAV_SetLogCallback(NULL, NULL), MINIAV_SUCCESS);
}

static void test_no_threads(void) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  allow_threads(false);
  check_threads(MINIAV_ERROR_OUT_OF_MEMORY, waiter);
  /* The test device's own thread. */
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_OUT_OF_MEMORY);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_ERROR_NOT_RUNNING);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER); /* nothing came of it */
  allow_threads(true);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  check_threads(MINIAV_SUCCESS, waiter);
  while (MiniAV_NextEvent(waiter, &event) == MINIAV_ERROR_NO_BUFFER) {
    CHECK_EQ(MiniAV_WaitAny(waiter, 3000), MINIAV_SUCCESS);
  }
  CHECK_EQ(event.token, 1);
  CHECK_EQ(MiniAV_FreeDeviceList(event.list, event.count), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

static void test_no_descriptors(void) {
  MiniAVWaiterHandle waiter = NULL;
  struct rlimit usual;
  struct rlimit none;
  int32_t fd = -1;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  none = usual;
  for (rlim_t spare = 0; spare < 2; spare++) { /* not one, and one of the two */
    int next = dup(0);
    close(next);
    none.rlim_cur = (rlim_t)next + spare;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_EQ(MiniAV_WaiterFd(waiter, &fd), MINIAV_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  }
  CHECK_EQ(MiniAV_WaiterFd(waiter, &fd), MINIAV_SUCCESS);
  close(fd);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}
#endif

int main(void) {
  use_test_backends();
#if defined(__GLIBC__)
  test_no_threads();
  test_no_descriptors();
#endif
  test_all_slots();
  test_all_waiters();
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("exhaustion");
}
