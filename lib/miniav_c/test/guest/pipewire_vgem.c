/* Real dma-bufs through a real PipeWire: a camera whose memory is vgem's, captured without a copy,
 * and handed on to who wants handles. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/strip.h"
#include "v4l2_guest.h"

#define HELD        2
#define FOURCC_NV12 0x3231564eu

/* test/os/camera_source.c, which is built beside this program; ends with its input. */
static pid_t start_source(int *input) {
  char path[512] = "";
  int ends[2];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
  char *name = length > 0 ? strrchr(path, '/') : NULL;
  if (!CHECK(name != NULL && pipe(ends) == 0)) {
    return -1;
  }
  snprintf(name, 32, "/camera_source");
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(path, path, "vgem", "NV12", "640x480", "15", "vgem", "modifier=0", (char *)NULL);
    _exit(127);
  }
  close(ends[0]);
  *input = ends[1];
  return child;
}

struct opening {
  MiniAVCameraContextHandle context;
  MiniAVVideoInfo wanted;
};

static bool is_configured(void *user) {
  struct opening *opening = user;
  return MiniAV_Camera_Configure(opening->context, "pipewire:vgem", &opening->wanted) ==
         MINIAV_SUCCESS;
}

/* The node comes after its program. */
static MiniAVCameraContextHandle open_source(MiniAVOutputPreference output) {
  struct opening opening = {.wanted = video(640, 480, MINIAV_PIXEL_FORMAT_NV12, 15)};
  opening.wanted.output_preference = output;
  CHECK_EQ(MiniAV_Camera_CreateContext(&opening.context), MINIAV_SUCCESS);
  await_cameras(is_configured, &opening);
  CHECK_EQ(MiniAV_Camera_StartCapture(opening.context, NULL, NULL), MINIAV_SUCCESS);
  return opening.context;
}

static void check_strip(const MiniAVBuffer *buffer, struct strip *strip) {
  CHECK_EQ(buffer->flags & (uint32_t)MINIAV_BUFFER_FLAG_COPIED, 0);
  if (CHECK(strip_read(buffer, strip)) &&
      (buffer->flags & (uint32_t)MINIAV_BUFFER_FLAG_ESTIMATED_TIME) == 0) {
    CHECK_EQ(strip->time_us, buffer->timestamp_us);
  }
}

static void check_frames(MiniAVCameraContextHandle context, pid_t source) {
  MiniAVBuffer held[HELD];
  MiniAVBuffer buffer;
  struct strip first;
  struct strip strip;
  uint64_t sums[HELD];
  for (int i = 0; i < HELD; i++) {
    if (!next(context, &held[i])) {
      return;
    }
    check_strip(&held[i], i == 0 ? &first : &strip);
    sums[i] = picture_sum(&held[i]);
  }
  for (int i = 0; i < 15 && next(context, &buffer); i++) {
    check_strip(&buffer, &strip);
    CHECK_EQ(strip.counter - first.counter, buffer.sequence - held[0].sequence);
    release(&buffer);
  }
  CHECK_EQ(kill(source, SIGKILL), 0);
  MiniAVResultCode result = MINIAV_SUCCESS;
  while (result == MINIAV_SUCCESS) {
    result = MiniAV_WaitBuffer((MiniAVHandle)context, PATIENCE_MS, &buffer);
    if (result == MINIAV_SUCCESS) {
      release(&buffer);
    }
  }
  CHECK_EQ(result, MINIAV_ERROR_DEVICE_LOST);
  for (int i = 0; i < HELD; i++) {
    CHECK(picture_sum(&held[i]) == sums[i]); /* our mapping keeps the memory */
    release(&held[i]);
  }
}

/* The picture behind the descriptors, as an importer sees it. */
static void check_strip_imported(const MiniAVBuffer *buffer) {
  struct imported imported;
  struct strip strip;
  if (imported_begin(buffer, &imported)) {
    CHECK_EQ(buffer->plane_fds[1], buffer->plane_fds[0]); /* one buffer for both */
    check_strip(&imported.buffer, &strip);
  }
  imported_end(&imported);
}

static void check_handles(void) {
  MiniAVCameraContextHandle context = open_source(MINIAV_OUTPUT_PREFERENCE_GPU);
  MiniAVVideoInfo agreed;
  MiniAVBuffer buffer;
  CHECK_EQ(MiniAV_Camera_GetConfiguredFormat(context, &agreed), MINIAV_SUCCESS);
  CHECK_EQ(agreed.output_preference, MINIAV_OUTPUT_PREFERENCE_GPU);
  for (int i = 0; i < 5 && next(context, &buffer); i++) {
    CHECK_EQ(buffer.content_type, MINIAV_BUFFER_CONTENT_TYPE_GPU_DMABUF_FD);
    CHECK_EQ(buffer.drm_fourcc, FOURCC_NV12);
    CHECK_EQ(buffer.drm_modifier, 0);
    CHECK_EQ(buffer.num_fds, 2);
    check_strip_imported(&buffer);
    release(&buffer);
  }
  if (CHECK(next(context, &buffer))) {
    camera_end(context);
    check_strip_imported(&buffer); /* lent until it is released */
    release(&buffer);
  }
}

void test_vgem(void) {
  int input = -1;
  pid_t source = start_source(&input);
  if (source <= 0) {
    return;
  }
  check_handles();
  MiniAVCameraContextHandle context = open_source(MINIAV_OUTPUT_PREFERENCE_CPU);
  check_frames(context, source);
  camera_end(context);
  close(input);
  CHECK_EQ(waitpid(source, NULL, 0), source);
}
