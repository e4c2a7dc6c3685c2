/* Bad input of every public function: NULL, stale and foreign handles, values out of range. */
#include "miniav.h"

#include <stdio.h>
#include <string.h>

#include "support/check.h"
#include "support/test_backends.h"
#include "support/threads.h"

static char endless[1000]; /* no zero in the first 256 bytes */

/* The names of the four kinds differ by one word, which only the preprocessor can put in. */
#define CHECK_KIND(Kind, Info)                                                                     \
  static void check_##Kind(MiniAVWaiterHandle waiter, MiniAV##Kind##ContextHandle bad) {           \
    MiniAVCaptureStats stats;                                                                      \
    MiniAVPropertyInfo info;                                                                       \
    MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_INTEGER};                            \
    MiniAVPermission permission;                                                                   \
    Info *formats = NULL;                                                                          \
    uint32_t count = 0;                                                                            \
    MiniAVPropertyKey key = MINIAV_PROPERTY_QUEUE_CAPACITY;                                        \
    CHECK_EQ(MiniAV_##Kind##_CreateContext(NULL), MINIAV_ERROR_INVALID_ARG);                       \
    CHECK_EQ(MiniAV_##Kind##_DestroyContext(bad), MINIAV_ERROR_INVALID_HANDLE);                    \
    CHECK_EQ(MiniAV_##Kind##_StopCapture(bad), MINIAV_ERROR_INVALID_HANDLE);                       \
    CHECK_EQ(MiniAV_##Kind##_GetStats(bad, &stats), MINIAV_ERROR_INVALID_HANDLE);                  \
    CHECK_EQ(MiniAV_##Kind##_GetStats(bad, NULL), MINIAV_ERROR_INVALID_ARG);                       \
    CHECK_EQ(MiniAV_##Kind##_GetPropertyInfo(bad, key, &info), MINIAV_ERROR_INVALID_HANDLE);       \
    CHECK_EQ(MiniAV_##Kind##_GetPropertyInfo(bad, key, NULL), MINIAV_ERROR_INVALID_ARG);           \
    CHECK_EQ(MiniAV_##Kind##_GetProperty(bad, key, &value), MINIAV_ERROR_INVALID_HANDLE);          \
    CHECK_EQ(MiniAV_##Kind##_SetProperty(bad, key, NULL), MINIAV_ERROR_INVALID_ARG);               \
    CHECK_EQ(MiniAV_##Kind##_SetProperty(bad, key, &value), MINIAV_ERROR_INVALID_HANDLE);          \
    CHECK_EQ(MiniAV_##Kind##_SetAutoProperty(bad, key, 2), MINIAV_ERROR_INVALID_ARG);              \
    CHECK_EQ(MiniAV_##Kind##_SetAutoProperty(bad, key, 1), MINIAV_ERROR_INVALID_HANDLE);           \
    CHECK_EQ(MiniAV_##Kind##_GetPermission(NULL), MINIAV_ERROR_INVALID_ARG);                       \
    CHECK_EQ(MiniAV_##Kind##_GetPermission(&permission), MINIAV_SUCCESS);                          \
    CHECK_EQ(MiniAV_##Kind##_RequestPermission(NULL), MINIAV_ERROR_INVALID_ARG);                   \
    CHECK_EQ(MiniAV_##Kind##_GetSupportedFormats(NULL, NULL, &count), MINIAV_ERROR_INVALID_ARG);   \
    CHECK_EQ(MiniAV_##Kind##_GetSupportedFormats(NULL, &formats, NULL), MINIAV_ERROR_INVALID_ARG); \
    CHECK_EQ(MiniAV_##Kind##_GetSupportedFormats(endless, &formats, &count),                       \
             MINIAV_ERROR_INVALID_ARG);                                                            \
    CHECK_EQ(MiniAV_##Kind##_GetSupportedFormats("test:nobody", &formats, &count),                 \
             MINIAV_ERROR_DEVICE_NOT_FOUND);                                                       \
    CHECK(formats == NULL);                                                                        \
    CHECK_EQ(MiniAV_##Kind##_StopCaptureAsync(waiter, 1, bad), MINIAV_ERROR_INVALID_HANDLE);       \
    CHECK_EQ(MiniAV_##Kind##_DestroyContextAsync(waiter, 1, bad), MINIAV_ERROR_INVALID_HANDLE);    \
    CHECK_EQ(MiniAV_##Kind##_GetPermissionAsync(NULL, 1), MINIAV_ERROR_INVALID_HANDLE);            \
    CHECK_EQ(MiniAV_TakeBuffer(bad, NULL), MINIAV_ERROR_INVALID_ARG);                              \
    MiniAVBuffer buffer;                                                                           \
    CHECK_EQ(MiniAV_TakeBuffer(bad, &buffer), MINIAV_ERROR_INVALID_HANDLE);                        \
    CHECK_EQ(MiniAV_WaitBuffer(bad, 0, &buffer), MINIAV_ERROR_INVALID_HANDLE);                     \
    CHECK_EQ(MiniAV_WaiterAdd(waiter, bad), MINIAV_ERROR_INVALID_HANDLE);                          \
    CHECK_EQ(MiniAV_WaiterRemove(waiter, bad), MINIAV_ERROR_INVALID_HANDLE);                       \
  }

CHECK_KIND(Camera, MiniAVVideoInfo)
CHECK_KIND(Screen, MiniAVVideoInfo)
CHECK_KIND(Audio, MiniAVAudioInfo)
CHECK_KIND(Loopback, MiniAVAudioInfo)

static void check_all(MiniAVWaiterHandle waiter, MiniAVHandle bad) {
  check_Camera(waiter, bad);
  check_Screen(waiter, bad);
  check_Audio(waiter, bad);
  check_Loopback(waiter, bad);
}

static void test_video_formats(void) {
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  const MiniAVVideoInfo wrong[] = {
      {.width = 32769},
      {.height = UINT32_MAX},
      {.pixel_format = (MiniAVPixelFormat)22},
      {.frame_rate_numerator = 30},
      {.frame_rate_denominator = 1},
      {.output_preference = (MiniAVOutputPreference)2},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", &wrong[i]), MINIAV_ERROR_INVALID_ARG);
  }
  CHECK_EQ(MiniAV_Camera_Configure(context, endless, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, NULL), MINIAV_ERROR_INVALID_ARG);
  MiniAVScreenContextHandle as_screen = (MiniAVScreenContextHandle)(void *)context;
  CHECK_EQ(MiniAV_Screen_StopCapture(as_screen), MINIAV_ERROR_INVALID_HANDLE); /* another kind */
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

static void test_regions(void) {
  MiniAVScreenContextHandle context = NULL;
  CHECK_EQ(MiniAV_Screen_CreateContext(&context), MINIAV_SUCCESS);
  const char *id = "test:display";
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, id, -1, 0, 10, 10, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, id, 0, 0, 0, 10, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, id, 0, 0, 10, -10, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Screen_ConfigureRegion(context, id, 0, 0, 100000, 10, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Screen_ConfigureWindow(context, NULL, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Screen_DestroyContext(context), MINIAV_SUCCESS);
}

static void test_loopback_targets(void) {
  MiniAVLoopbackContextHandle context = NULL;
  MiniAVAudioInfo too_fast = {.sample_rate = 192001};
  MiniAVLoopbackTarget target = {.type = MINIAV_LOOPBACK_TARGET_PROCESS, .process_id = 1};
  MiniAVLoopbackTarget bad = target;
  MiniAVLoopbackMode mode = MINIAV_LOOPBACK_MODE_INCLUDE;
  CHECK_EQ(MiniAV_Loopback_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Loopback_Configure(context, NULL, &too_fast), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargetInfo(context, NULL, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, NULL, 1, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &target, 0, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &target, 33, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &target, 1, (MiniAVLoopbackMode)2, NULL),
           MINIAV_ERROR_INVALID_ARG);
  bad.process_id = 0;
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &bad, 1, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  bad = target;
  bad.flags = 8;
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &bad, 1, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  bad = (MiniAVLoopbackTarget){.type = MINIAV_LOOPBACK_TARGET_NAME};
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &bad, 1, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  memset(bad.name, 'x', sizeof bad.name);
  CHECK_EQ(MiniAV_Loopback_ConfigureWithTargets(context, &bad, 1, mode, NULL),
           MINIAV_ERROR_INVALID_ARG);
  MiniAVDeviceInfo *targets = NULL;
  uint32_t count = 0;
  CHECK_EQ(MiniAV_Loopback_EnumerateTargets((MiniAVLoopbackTargetType)4, &targets, &count),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Loopback_DestroyContext(context), MINIAV_SUCCESS);
}

static void test_properties(void) {
  MiniAVAudioContextHandle context = NULL;
  CHECK_EQ(MiniAV_Audio_CreateContext(&context), MINIAV_SUCCESS);
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_NUMBER, .value = {.number = 0.5}};
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_AUDIO_GAIN, &value), MINIAV_SUCCESS);
  MiniAVPropertyValue read;
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_AUDIO_GAIN, &read), MINIAV_SUCCESS);
  CHECK_NEAR(read.value.number, 0.5, 0);
  value.value.number = 16.5;
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_AUDIO_GAIN, &value),
           MINIAV_ERROR_INVALID_ARG);
  value.value.number = 0.0 / 0.0;
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_AUDIO_GAIN, &value),
           MINIAV_ERROR_INVALID_ARG);
  value.type = MINIAV_PROPERTY_TYPE_INTEGER;
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_AUDIO_GAIN, &value),
           MINIAV_ERROR_INVALID_ARG);
  value.value.integer = 65;
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_QUEUE_CAPACITY, &value),
           MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_Audio_SetProperty(context, MINIAV_PROPERTY_BACKEND_NAME, &value),
           MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_BACKEND_NAME, &read),
           MINIAV_ERROR_NOT_CONFIGURED);
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_CURSOR_MODE, &read),
           MINIAV_ERROR_NOT_CONFIGURED); /* a device might have it */
  CHECK_EQ(MiniAV_Audio_Configure(context, "test:tone", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_BACKEND_NAME, &read), MINIAV_SUCCESS);
  CHECK_STR(read.value.text, "test");
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_DEVICE_ID, &read), MINIAV_SUCCESS);
  CHECK_STR(read.value.text, "test:tone");
  CHECK_EQ(MiniAV_Audio_Configure(context, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_DEVICE_ID, &read), MINIAV_SUCCESS);
  CHECK_STR(read.value.text, "test:tone"); /* what the default is now */
  CHECK_EQ(MiniAV_Audio_GetProperty(context, MINIAV_PROPERTY_CURSOR_MODE, &read),
           MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_Audio_GetProperty(context, (MiniAVPropertyKey)99999, &read),
           MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(MiniAV_Audio_DestroyContext(context), MINIAV_SUCCESS);
}

static void test_library(void) {
  uint32_t major = 9;
  CHECK_EQ(MiniAV_GetVersion(&major, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(major, MINIAV_VERSION_MAJOR);
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", MINIAV_VERSION_MAJOR, MINIAV_VERSION_MINOR,
           MINIAV_VERSION_PATCH);
  CHECK_STR(MiniAV_GetVersionString(), version);
  CHECK_EQ(MiniAV_GetTime(NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_GetLayoutHash(NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_SetLogLevel((MiniAVLogLevel)4), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_SetDeviceChangeCallback(NULL, 16, NULL), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_ReleaseBuffer(NULL), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_CopyBuffer(endless, NULL, 0, NULL), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_FreeFormatList(endless, 1), MINIAV_ERROR_INVALID_ARG);
  CHECK_EQ(MiniAV_NextEvent(NULL, NULL), MINIAV_ERROR_INVALID_HANDLE);
  CHECK_EQ(MiniAV_TestSetFault("test:nobody", MINIAV_TEST_FAULT_STALL, 1),
           MINIAV_ERROR_DEVICE_NOT_FOUND);
  for (int code = 0; code >= -20; code--) {
    CHECK(strcmp(MiniAV_GetErrorString((MiniAVResultCode)code), "unknown error") != 0 ||
          code == MINIAV_ERROR_UNKNOWN);
  }
  CHECK_STR(MiniAV_GetErrorString((MiniAVResultCode)12345), "unknown error");
}

int main(void) {
  memset(endless, 'x', sizeof endless);
  use_test_backends();
  MiniAVWaiterHandle waiter = NULL;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  check_all(waiter, NULL);
  check_all(waiter, (MiniAVHandle)waiter); /* a handle of another kind */
  uint32_t seed = 7;
  for (uint32_t i = 0; i < 200; i++) {
    uint64_t noise = (uint64_t)random_next(&seed) << 32 | random_next(&seed);
    check_all(waiter, (MiniAVHandle)(uintptr_t)noise);
  }
  test_video_formats();
  test_regions();
  test_loopback_targets();
  test_properties();
  test_library();
  MiniAV_DestroyWaiter(waiter);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  MiniAVCameraContextHandle context = NULL;
  uint32_t count = 0;
  MiniAVDeviceInfo *devices = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_ERROR_NOT_INITIALIZED);
  CHECK_EQ(MiniAV_Camera_EnumerateDevices(&devices, &count), MINIAV_ERROR_NOT_INITIALIZED);
  CHECK_EQ(MiniAV_WaiterKick(waiter), MINIAV_ERROR_NOT_INITIALIZED);
  CHECK_EQ(MiniAV_CopyBuffer(endless, NULL, 0, NULL), MINIAV_ERROR_NOT_INITIALIZED);
  return check_report("arguments");
}
