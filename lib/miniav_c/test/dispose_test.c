/* MiniAV_Dispose against everything at once. What a process can do only once is done many times, in
 * children, each from a fresh library. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "common/clock.h"
#include "common/thread.h"
#include "miniav.h"
#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

#define CONTEXTS 4u
#define WAITERS  2u

static _Atomic(MiniAVCameraContextHandle) contexts[CONTEXTS];
static _Atomic(MiniAVWaiterHandle) waiters[WAITERS];
static atomic_bool disposed;

/* After Dispose has returned nothing but this may be answered; before, anything that is no crash.
 */
static void check_late(MiniAVResultCode result, bool was_disposed) {
  if (was_disposed) {
    CHECK_EQ(result, MINIAV_ERROR_NOT_INITIALIZED);
  }
}

static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  CHECK(!atomic_load(&disposed)); /* no callback after Dispose */
  MiniAV_ReleaseBuffer(buffer->internal_handle);
}

static void on_line(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)level;
  (void)user_data;
  CHECK(message != NULL);
  CHECK(!atomic_load(&disposed));
}

static void on_wake(void *user_data) {
  (void)user_data;
  CHECK(!atomic_load(&disposed));
}

static void use_context(uint32_t *seed) {
  static const MiniAVVideoInfo small = {
      .width = 32, .height = 32, .pixel_format = MINIAV_PIXEL_FORMAT_GRAY8};
  bool late = atomic_load(&disposed);
  MiniAVCameraContextHandle context = atomic_load(&contexts[random_next(seed) % CONTEXTS]);
  MiniAVWaiterHandle waiter = atomic_load(&waiters[random_next(seed) % WAITERS]);
  MiniAVBuffer buffer;
  MiniAVPropertyValue value;
  switch (random_next(seed) % 10) {
  case 0:
    check_late(MiniAV_Camera_Configure(context, "test:flood", &small), late);
    break;
  case 1:
    check_late(MiniAV_Camera_StartCapture(context, NULL, NULL), late);
    break;
  case 2:
    check_late(MiniAV_Camera_StartCapture(context, on_frame, NULL), late);
    break;
  case 3:
    check_late(MiniAV_Camera_StopCapture(context), late);
    break;
  case 4:
    check_late(MiniAV_Camera_StartCaptureAsync(waiter, 1, context, NULL, NULL), late);
    break;
  case 5:
    check_late(MiniAV_Camera_StopCaptureAsync(waiter, 2, context), late);
    break;
  case 6:
    check_late(MiniAV_Camera_GetProperty(context, MINIAV_PROPERTY_BRIGHTNESS, &value), late);
    break;
  case 7: {
    MiniAVCameraContextHandle fresh = NULL;
    MiniAVResultCode result = MiniAV_Camera_CreateContext(&fresh);
    check_late(result, late);
    if (result == MINIAV_SUCCESS) {
      context = atomic_exchange(&contexts[random_next(seed) % CONTEXTS], fresh);
      check_late(MiniAV_Camera_DestroyContext(context), late);
    }
    break;
  }
  default: {
    MiniAVResultCode result = MiniAV_WaitBuffer(context, 5, &buffer);
    check_late(result, late);
    if (result == MINIAV_SUCCESS) {
      uint8_t copy[32 * 32];
      MiniAV_CopyBuffer(buffer.internal_handle, copy, sizeof copy, NULL);
      if (random_next(seed) % 8 != 0) {
        MiniAV_ReleaseBuffer(buffer.internal_handle);
      }
    }
    break;
  }
  }
}

static void use_waiter(uint32_t *seed) {
  bool late = atomic_load(&disposed);
  uint32_t at = random_next(seed) % WAITERS;
  MiniAVWaiterHandle waiter = atomic_load(&waiters[at]);
  MiniAVEvent event;
  switch (random_next(seed) % 10) {
  case 0:
    check_late(MiniAV_WaiterWatchDevices(waiter, random_next(seed) % 16), late);
    break;
  case 1:
    check_late(MiniAV_WaiterWatchLog(waiter, (MiniAVLogLevel)(random_next(seed) % 5)), late);
    break;
  case 2:
    check_late(MiniAV_WaiterSetWake(waiter, random_next(seed) % 2 == 0 ? on_wake : NULL, NULL),
               late);
    break;
  case 3:
    check_late(MiniAV_Camera_EnumerateDevicesAsync(waiter, 3), late);
    break;
  case 4: {
    MiniAVWaiterHandle fresh = NULL;
    if (MiniAV_CreateWaiter(&fresh) == MINIAV_SUCCESS) {
      MiniAV_DestroyWaiter(atomic_exchange(&waiters[at], fresh));
    }
    break;
  }
  case 5:
    check_late(MiniAV_WaiterAdd(waiter, atomic_load(&contexts[random_next(seed) % CONTEXTS])),
               late);
    break;
  case 6:
    check_late(MiniAV_SetLogCallback(random_next(seed) % 2 == 0 ? on_line : NULL, NULL), late);
    break;
  case 7:
    check_late(MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "line"), late);
    break;
  default:
    check_late(MiniAV_WaitAny(waiter, 5), late);
    while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
      if (event.list != NULL) {
        CHECK_EQ(MiniAV_FreeDeviceList(event.list, event.count), MINIAV_SUCCESS);
      }
    }
    break;
  }
}

static uint32_t first_seed;

static void race_body(uint32_t index) {
  uint32_t seed = first_seed * 101 + index * 7 + 1;
  if (index == 0) {
    clock_sleep_until_us(clock_now_us() + 20000 + random_next(&seed) % 60000);
    CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
    atomic_store(&disposed, true);
    CHECK_EQ(MiniAV_Dispose(), MINIAV_ERROR_NOT_INITIALIZED);
    return;
  }
  while (!stress_over()) {
    if (index % 2 == 1) {
      use_context(&seed);
    } else {
      use_waiter(&seed);
    }
  }
}

static int race(uint32_t seed) {
  first_seed = seed;
  use_test_backends();
  for (uint32_t i = 0; i < WAITERS; i++) {
    MiniAVWaiterHandle waiter = NULL;
    CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
    atomic_store(&waiters[i], waiter);
  }
  for (uint32_t i = 0; i < CONTEXTS; i++) {
    MiniAVCameraContextHandle context = NULL;
    CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_Configure(context, "test:flood", NULL), MINIAV_SUCCESS);
    atomic_store(&contexts[i], context);
  }
  stress_run(race_body, 8, 120);
  CHECK(atomic_load(&disposed));
  return check_report("dispose race");
}

#if defined(_WIN32)
int main(void) {
  return race(1);
}
#else
/* A child runs this very program, so that no thread of the parent's is missing in it. */
int main(int count, char **arguments) {
  if (count > 1) {
    return race((uint32_t)atoi(arguments[1]));
  }
  for (int i = 1; i <= 20; i++) {
    char seed[16];
    snprintf(seed, sizeof seed, "%d", i);
    pid_t child = fork();
    if (child == 0) {
      if (freopen("/dev/null", "w", stdout) != NULL) {
        execl(arguments[0], arguments[0], seed, (char *)NULL);
      }
      _exit(127);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (!CHECK_EQ(status, 0)) {
      fprintf(stderr, "seed %d\n", i);
      break;
    }
  }
  return check_report("dispose");
}
#endif
