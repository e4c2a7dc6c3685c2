/*
 * Captures that come and go on several threads while programs do, for a rig of real sound servers.
 *
 *   loopback_stress SECONDS PLAYER
 *
 * PLAYER is the path of graph_player. Prints how many captures there were; fails when a call
 * answers what it must not. Under a sanitizer by hand:
 *
 *   deno run -A scripts/rig/rig.ts pipewire -- build/cmake/MINE/loopback_stress 60 \
 *       build/cmake/gcc/graph_player
 */
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/thread.h"
#include "miniav.h"

#define LISTENERS 3
#define PLAYERS   3

static _Atomic uint32_t player_pids[PLAYERS];
static atomic_bool over;
static _Atomic uint64_t started;
static _Atomic uint64_t taken;
static _Atomic uint64_t wrong;
static atomic_int running;

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static void expect(const char *what, MiniAVResultCode code, const MiniAVResultCode *allowed,
                   size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (code == allowed[i]) {
      return;
    }
  }
  fprintf(stderr, "%s: %s\n", what, MiniAV_GetErrorString(code));
  atomic_fetch_add(&wrong, 1);
}

/* -- captures ------------------------------------------------------------------------------- */

static MiniAVResultCode configure(MiniAVLoopbackContextHandle context, uint32_t *random) {
  static const MiniAVAudioInfo converted = {16000, 1, MINIAV_AUDIO_FORMAT_S16};
  const MiniAVAudioInfo *format = next_random(random) % 2 == 0 ? &converted : NULL;
  uint32_t kind = next_random(random) % 4;
  if (kind == 0) {
    return MiniAV_Loopback_Configure(context, NULL, format);
  }
  MiniAVLoopbackTarget target = {.type = MINIAV_LOOPBACK_TARGET_PROCESS};
  target.process_id = atomic_load(&player_pids[next_random(random) % PLAYERS]);
  target.process_id = target.process_id == 0 ? 1 : target.process_id;
  target.flags = (uint32_t)MINIAV_LOOPBACK_FLAG_TREE * (next_random(random) % 2);
  if (kind == 1) {
    target.type = MINIAV_LOOPBACK_TARGET_NAME;
    target.flags = MINIAV_LOOPBACK_FLAG_WAIT | MINIAV_LOOPBACK_FLAG_FOLLOW_NAME;
    snprintf(target.name, sizeof target.name, "graph_player");
  }
  return MiniAV_Loopback_ConfigureWithTargets(
      context, &target, 1, kind == 2 ? MINIAV_LOOPBACK_MODE_EXCLUDE : MINIAV_LOOPBACK_MODE_INCLUDE,
      format);
}

static void take_some(MiniAVLoopbackContextHandle context, uint32_t count) {
  MiniAVBuffer buffer = {.struct_size = sizeof buffer};
  for (uint32_t i = 0; i < count; i++) {
    if (MiniAV_WaitBuffer((MiniAVHandle)context, 20, &buffer) == MINIAV_SUCCESS) {
      MiniAV_ReleaseBuffer(buffer.internal_handle);
      atomic_fetch_add(&taken, 1);
    }
  }
}

static void run_capture(uint32_t *random) {
  static const MiniAVResultCode may_be_gone[] = {MINIAV_SUCCESS, MINIAV_ERROR_DEVICE_NOT_FOUND,
                                                 MINIAV_ERROR_DEVICE_LOST, MINIAV_ERROR_TIMEOUT};
  static const MiniAVResultCode may_be_lost[] = {MINIAV_SUCCESS, MINIAV_ERROR_NOT_RUNNING};
  MiniAVLoopbackContextHandle context = NULL;
  MiniAVPropertyValue value;
  if (MiniAV_Loopback_CreateContext(&context) != MINIAV_SUCCESS) {
    return;
  }
  MiniAVResultCode code = configure(context, random);
  expect("configure", code, may_be_gone, 4);
  for (uint32_t turn = next_random(random) % 3; code == MINIAV_SUCCESS; turn--) {
    code = MiniAV_Loopback_StartCapture(context, NULL, NULL);
    expect("start", code, may_be_gone, 4);
    atomic_fetch_add(&started, code == MINIAV_SUCCESS);
    take_some(context, next_random(random) % 16);
    MiniAV_Loopback_GetProperty(context, MINIAV_PROPERTY_STREAM_VOLUME, &value);
    if (turn == 0) {
      break; /* destroyed while it runs */
    }
    if (code == MINIAV_SUCCESS) {
      expect("stop", MiniAV_Loopback_StopCapture(context), may_be_lost, 2);
    }
  }
  expect("destroy", MiniAV_Loopback_DestroyContext(context), may_be_lost, 1);
}

static void listener_main(void *user) {
  uint32_t random = (uint32_t)(uintptr_t)user * 7919u + 1;
  while (!atomic_load(&over)) {
    run_capture(&random);
    if (next_random(&random) % 4 == 0) {
      MiniAVDeviceInfo *devices = NULL;
      uint32_t count = 0;
      if (MiniAV_Loopback_EnumerateTargets(MINIAV_LOOPBACK_TARGET_NONE, &devices, &count) ==
          MINIAV_SUCCESS) {
        MiniAV_FreeDeviceList(devices, count);
      }
    }
  }
  atomic_fetch_sub(&running, 1);
}

/* -- players -------------------------------------------------------------------------------- */

extern char **environ;

static pid_t player_start(const char *path, int input) {
  char hertz[] = "440";
  char amplitude[] = "0.1";
  char *const arguments[] = {(char *)(uintptr_t)path, hertz, amplitude, NULL};
  posix_spawn_file_actions_t actions;
  pid_t pid = 0;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
  int failed = posix_spawn(&pid, path, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : 0;
}

static void player_end(uint32_t at) {
  pid_t pid = (pid_t)atomic_exchange(&player_pids[at], 0);
  if (pid != 0) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
}

/* Starts and ends players until the time is over. */
static void run_players(const char *path, int64_t end_us) {
  uint32_t random = 4711;
  int input[2];
  if (pipe(input) != 0) {
    return;
  }
  while (clock_now_us() < end_us) {
    uint32_t at = next_random(&random) % PLAYERS;
    player_end(at);
    pid_t pid = player_start(path, input[0]);
    atomic_store(&player_pids[at], (uint32_t)pid);
    clock_sleep_until_us(clock_now_us() + 200000 + (int64_t)(next_random(&random) % 300000));
  }
  for (uint32_t i = 0; i < PLAYERS; i++) {
    player_end(i);
  }
}

int main(int count, char **values) {
  if (count != 3) {
    return 2;
  }
  MiniAVWaiterHandle waiter = NULL;
  MiniAV_CreateWaiter(&waiter);
  MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_LOOPBACK | 1u << MINIAV_KIND_AUDIO);
  for (uintptr_t i = 0; i < LISTENERS; i++) {
    atomic_fetch_add(&running, 1);
    if (!thread_start("listener", listener_main, (void *)i)) {
      return 2;
    }
  }
  run_players(values[2], clock_now_us() + (int64_t)(atof(values[1]) * 1e6));
  atomic_store(&over, true);
  while (atomic_load(&running) > 0) {
    clock_sleep_until_us(clock_now_us() + 10000);
  }
  MiniAV_DestroyWaiter(waiter);
  MiniAV_Dispose();
  printf("{\"started\":%llu,\"taken\":%llu,\"wrong\":%llu}\n",
         (unsigned long long)atomic_load(&started), (unsigned long long)atomic_load(&taken),
         (unsigned long long)atomic_load(&wrong));
  return atomic_load(&wrong) == 0 && atomic_load(&started) > 0 && atomic_load(&taken) > 0 ? 0 : 1;
}
