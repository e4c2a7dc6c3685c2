/* What goes wrong: held frames, other users, errors of the driver, a camera that is pulled out. */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "v4l2_guest.h"

#define HELD 12

static const MiniAVVideoInfo small = {320, 180, MINIAV_PIXEL_FORMAT_NV12,
                                      30,  1,   MINIAV_OUTPUT_PREFERENCE_CPU};

static void check_stats(MiniAVCameraContextHandle context, MiniAVCaptureStats *stats) {
  CHECK_EQ(MiniAV_Camera_GetStats(context, stats), MINIAV_SUCCESS);
  CHECK_EQ(stats->produced, stats->delivered + stats->dropped + stats->queued);
}

/* Times and rates; another program; stop and start again. */
void test_life(void) {
  vivid_calm("/dev/video0");
  MiniAVVideoInfo ten = video(640, 360, MINIAV_PIXEL_FORMAT_YUY2, 10);
  MiniAVCameraContextHandle context = camera(WEBCAM, &ten);
  MiniAVBuffer first;
  MiniAVBuffer last;
  if (context == NULL || !next(context, &first)) {
    return;
  }
  CHECK_EQ(first.duration_us, 100000);
  release(&first);
  for (int i = 0; i < 10 && next(context, &last); i++) {
    release(&last);
  }
  /* Frames that were lost on a slow machine are in the sequence too. */
  CHECK_NEAR((double)(last.timestamp_us - first.timestamp_us) /
                 (double)(last.sequence - first.sequence),
             100000, 25000);
  MiniAVCameraContextHandle other = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&other), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(other, WEBCAM, &small), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(other, NULL, NULL), MINIAV_ERROR_DEVICE_BUSY);
  CHECK(next(context, &first)); /* the first user was not disturbed */
  check_bars(&first);
  release(&first);
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(other, NULL, NULL), MINIAV_SUCCESS);
  CHECK(next(other, &first));
  release(&first);
  camera_end(other);
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
    CHECK(next(context, &first));
    check_bars(&first);
    release(&first);
    CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  }
  MiniAVCaptureStats stats;
  check_stats(context, &stats);
  CHECK_EQ(stats.outstanding, 0);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* Frames that are held do not change, while the camera goes on, stops, is used anew, is destroyed.
 */
void test_held(void) {
  vivid_calm("/dev/video0");
  vivid_set("/dev/video0", "Horizontal Movement", 5); /* so that each frame is another */
  MiniAVCameraContextHandle context = camera(WEBCAM, &small);
  MiniAVBuffer held[HELD];
  uint64_t sums[HELD];
  MiniAVBuffer buffer;
  uint32_t lent = 0;
  uint32_t different = 0;
  for (int i = 0; i < HELD; i++) {
    if (context == NULL || !next(context, &held[i])) {
      return;
    }
    sums[i] = picture_sum(&held[i]);
    lent += (held[i].flags & MINIAV_BUFFER_FLAG_COPIED) == 0 ? 1 : 0;
    different += i > 0 && sums[i] != sums[i - 1] ? 1 : 0;
  }
  CHECK_EQ(lent, 7); /* of sixteen */
  CHECK(different >= HELD / 2);
  for (int i = 0; i < 40 && next(context, &buffer); i++) {
    release(&buffer);
  }
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_SUCCESS);
  for (int i = 0; i < 10 && next(context, &buffer); i++) {
    release(&buffer);
  }
  camera_end(context);
  for (int i = 0; i < HELD; i++) {
    CHECK(picture_sum(&held[i]) == sums[i]);
    release(&held[i]);
    CHECK_EQ(MiniAV_ReleaseBuffer(held[i].internal_handle), MINIAV_ERROR_INVALID_HANDLE);
  }
}

static bool await_lost(MiniAVCameraContextHandle context) {
  MiniAVBuffer buffer;
  MiniAVResultCode result = MINIAV_SUCCESS;
  for (int i = 0; i < 1000 && result == MINIAV_SUCCESS; i++) {
    result = MiniAV_WaitBuffer((MiniAVHandle)context, PATIENCE_MS, &buffer);
    if (result == MINIAV_SUCCESS) {
      release(&buffer);
    }
  }
  return CHECK_EQ(result, MINIAV_ERROR_DEVICE_LOST);
}

/* Errors that vivid puts in when it is told to. */
void test_faults(void) {
  MiniAVBuffer buffer;
  MiniAVCaptureStats stats;
  vivid_calm("/dev/video0");
  MiniAVCameraContextHandle context = camera(WEBCAM, &small);
  if (context == NULL) {
    return;
  }
  bool corrupted = false;
  vivid_set("/dev/video0", "Inject V4L2_BUF_FLAG_ERROR", 1);
  for (int i = 0; i < 60 && !corrupted && next(context, &buffer); i++) {
    corrupted = (buffer.flags & MINIAV_BUFFER_FLAG_CORRUPTED) != 0;
    release(&buffer);
  }
  CHECK(corrupted);
  check_stats(context, &stats);
  uint64_t late = stats.dropped_late;
  vivid_set("/dev/video0", "Percentage of Dropped Buffers", 50);
  bool gap = false;
  for (int i = 0; i < 60 && next(context, &buffer); i++) {
    gap = gap || (buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0;
    release(&buffer);
  }
  CHECK(gap);
  check_stats(context, &stats);
  CHECK(stats.dropped_late > late + 10);
  vivid_set("/dev/video0", "Percentage of Dropped Buffers", 0);
  vivid_set("/dev/video0", "Inject Fatal Streaming Error", 1);
  await_lost(context);
  camera_end(context);
  context = camera(WEBCAM, &small); /* and it works again */
  CHECK(context != NULL && next(context, &buffer));
  release(&buffer);
  camera_end(context);
}

static bool write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "we");
  bool good = file != NULL && fputs(text, file) >= 0;
  good = file != NULL && fclose(file) == 0 && good;
  return CHECK(good);
}

/* Events of several types come in any order: the newest of each waits here. */
static MiniAVEvent seen[MINIAV_EVENT_LOG + 1];

static bool await_event(MiniAVWaiterHandle waiter, MiniAVEventType type, MiniAVEvent *event) {
  for (int i = 0; i < 100 && seen[type].type == MINIAV_EVENT_NONE; i++) {
    MiniAV_WaitAny(waiter, 500);
    while (MiniAV_NextEvent(waiter, event) == MINIAV_SUCCESS) {
      seen[event->type] = *event;
    }
  }
  *event = seen[type];
  seen[type].type = MINIAV_EVENT_NONE;
  if (event->type != type) {
    fprintf(stderr, "  no event %d\n", (int)type);
  }
  return CHECK(event->type == type);
}

/* The watch begins on a thread of the library: until a name that looks like a camera's is told. */
static void await_watch(MiniAVWaiterHandle waiter) {
  MiniAVEvent event = {.type = MINIAV_EVENT_NONE};
  for (int i = 0; i < 100 && event.type != MINIAV_EVENT_DEVICES_CHANGED; i++) {
    int fd = open("/dev/video-none", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    close(fd);
    unlink("/dev/video-none");
    MiniAV_WaitAny(waiter, 500);
    MiniAV_NextEvent(waiter, &event);
  }
  CHECK_EQ(event.type, MINIAV_EVENT_DEVICES_CHANGED);
}

static uint32_t device_count(void) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  CHECK_EQ(MiniAV_Camera_EnumerateDevices(&devices, &count), MINIAV_SUCCESS);
  MiniAV_FreeDeviceList(devices, count);
  return count;
}

void test_unplug(void) {
  vivid_calm("/dev/video0");
  MiniAVWaiterHandle waiter = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_CAMERA), MINIAV_SUCCESS);
  await_watch(waiter);
  MiniAVCameraContextHandle context = camera(WEBCAM, &small);
  MiniAVBuffer held;
  if (context == NULL || !next(context, &held)) {
    return;
  }
  CHECK_EQ(MiniAV_WaiterAdd(waiter, (MiniAVHandle)context), MINIAV_SUCCESS);
  write_text("/sys/bus/platform/drivers/vivid/unbind", "vivid.0");
  if (await_event(waiter, MINIAV_EVENT_LOST, &event)) {
    CHECK_EQ(event.result, MINIAV_ERROR_DEVICE_LOST);
    CHECK_STR(event.text, "the camera was unplugged");
  }
  await_event(waiter, MINIAV_EVENT_DEVICES_CHANGED, &event);
  CHECK_EQ(device_count(), 0); /* both are the driver's */
  await_lost(context);
  check_bars(&held); /* memory outlives the device */
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCapture(context, NULL, NULL), MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  check_bars(&held);
  release(&held);
  write_text("/sys/bus/platform/drivers/vivid/bind", "vivid.0");
  await_event(waiter, MINIAV_EVENT_DEVICES_CHANGED, &event);
  CHECK_EQ(device_count(), 2);
  vivid_calm("/dev/video0");
  context = camera(WEBCAM, &small);
  CHECK(context != NULL && next(context, &held));
  check_bars(&held);
  release(&held);
  camera_end(context);
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
}

/* As a user who is in no group, then in that of the node. */
static void run_as(bool in_group, void (*test)(void)) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    gid_t group = 44; /* Debian's video */
    setgroups(in_group ? 1 : 0, &group);
    if (setgid(65534) == 0 && setuid(65534) == 0) {
      test();
    }
    exit(check_report("as another user"));
  }
  int status = 1;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK_EQ(status, 0);
}

static void is_denied(void) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  MiniAVPermission permission;
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_EnumerateDevices(&devices, &count), MINIAV_ERROR_PERMISSION_DENIED);
  CHECK_EQ(MiniAV_Camera_GetPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_DENIED);
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_Configure(context, WEBCAM, NULL), MINIAV_ERROR_PERMISSION_DENIED);
  CHECK_EQ(MiniAV_Camera_Configure(context, NULL, NULL), MINIAV_ERROR_PERMISSION_DENIED);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

static void is_allowed(void) {
  MiniAVBuffer buffer;
  MiniAVPermission permission;
  CHECK_EQ(device_count(), 1); /* of the other nothing may be seen */
  CHECK_EQ(MiniAV_Camera_GetPermission(&permission), MINIAV_SUCCESS);
  CHECK_EQ(permission, MINIAV_PERMISSION_GRANTED);
  MiniAVCameraContextHandle context = camera(NULL, &small);
  CHECK(context != NULL && next(context, &buffer));
  release(&buffer);
  camera_end(context);
}

void test_denied(void) {
  CHECK_EQ(chmod("/dev/video0", 0600), 0);
  CHECK_EQ(chmod("/dev/video1", 0600), 0);
  run_as(false, is_denied);
  CHECK_EQ(chown("/dev/video0", 0, 44), 0);
  CHECK_EQ(chmod("/dev/video0", 0660), 0);
  run_as(false, is_denied);
  run_as(true, is_allowed);
}
