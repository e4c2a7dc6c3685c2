/*
 * What a microphone gives, for tests that run it inside a rig of real sound servers.
 *
 *   microphone_probe list | format ID | watch SECONDS | cycles ID COUNT
 *   microphone_probe capture ID SECONDS FILE [RATE CHANNELS FORMAT]
 *
 * ID "" is the default. capture writes the samples as they come to FILE, a line of JSON for each
 * event at once, and at the end one of what was seen. FORMAT is a number of MiniAVAudioFormat.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "miniav.h"

static int fail(const char *what, MiniAVResultCode code) {
  printf("{\"error\":\"%s\",\"code\":%d,\"text\":\"%s\"}\n", what, code,
         MiniAV_GetErrorString(code));
  return 1;
}

static void on_log(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)user_data;
  fprintf(stderr, "log %d %s\n", level, message);
}

static int64_t now_us(void) {
  int64_t now = 0;
  MiniAV_GetTime(&now);
  return now;
}

static int list_devices(void) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  int64_t start_us = now_us();
  MiniAVResultCode code = MiniAV_Audio_EnumerateDevices(&devices, &count);
  if (code != MINIAV_SUCCESS) {
    return fail("list", code);
  }
  fprintf(stderr, "list: %.1f ms\n", (double)(now_us() - start_us) / 1e3);
  for (uint32_t i = 0; i < count; i++) {
    printf("{\"id\":\"%s\",\"name\":\"%s\",\"flags\":%u,\"model\":\"%s\"}\n", devices[i].device_id,
           devices[i].name, devices[i].flags, devices[i].model);
  }
  MiniAV_FreeDeviceList(devices, count);
  return 0;
}

static int show_format(const char *id) {
  MiniAVAudioInfo info;
  MiniAVResultCode code = MiniAV_Audio_GetDefaultFormat(id, &info);
  if (code != MINIAV_SUCCESS) {
    return fail("format", code);
  }
  printf("{\"rate\":%u,\"channels\":%u,\"format\":%d}\n", info.sample_rate, info.channel_count,
         info.format);
  return 0;
}

static void print_event(const MiniAVEvent *event) {
  printf("{\"event\":%d,\"result\":%d,\"text\":\"%s\",\"time\":%" PRId64 "}\n", event->type,
         event->result, event->text, event->timestamp_us);
  fflush(stdout);
}

/* Prints what lies in the waiter; true when the context is lost. */
static int drain_events(MiniAVWaiterHandle waiter) {
  MiniAVEvent event = {.struct_size = sizeof(event)};
  int lost = 0;
  while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    print_event(&event);
    lost = lost || event.type == MINIAV_EVENT_LOST;
  }
  return lost;
}

static int watch_devices(double seconds) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAV_CreateWaiter(&waiter);
  MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_AUDIO);
  printf("{\"watching\":true}\n");
  fflush(stdout);
  int64_t end_us = now_us() + (int64_t)(seconds * 1e6);
  while (now_us() < end_us) {
    MiniAV_WaitAny(waiter, 100);
    drain_events(waiter);
  }
  return MiniAV_DestroyWaiter(waiter) == MINIAV_SUCCESS ? 0 : 1;
}

struct seen {
  uint64_t buffers;
  uint64_t frames;
  uint64_t frames_since_gap;
  int64_t first_us; /* since the last gap */
  int64_t last_us;
  uint32_t discontinuities;
  uint32_t flags;
  uint32_t backwards;
  double worst_drift_us;
  double worst_age_us; /* arrival here less the end of the samples */
  double least_age_us;
  uint32_t rate;
};

static void see(struct seen *seen, const MiniAVBuffer *buffer) {
  if (seen->buffers == 0 || (buffer->flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0) {
    seen->discontinuities += seen->buffers > 0;
    seen->first_us = buffer->timestamp_us;
    seen->frames_since_gap = 0;
  }
  seen->backwards += seen->buffers > 0 && buffer->timestamp_us <= seen->last_us;
  double due = (double)seen->frames_since_gap * 1e6 / buffer->sample_rate;
  seen->worst_drift_us =
      fmax(seen->worst_drift_us, fabs((double)(buffer->timestamp_us - seen->first_us) - due));
  double age = (double)(now_us() - buffer->timestamp_us - buffer->duration_us);
  seen->worst_age_us = seen->buffers == 0 ? age : fmax(seen->worst_age_us, age);
  seen->least_age_us = seen->buffers == 0 ? age : fmin(seen->least_age_us, age);
  seen->last_us = buffer->timestamp_us;
  seen->frames += buffer->data.audio.frame_count;
  seen->frames_since_gap += buffer->data.audio.frame_count;
  seen->flags |= buffer->flags;
  seen->rate = buffer->sample_rate;
  seen->buffers++;
}

static void print_seen(const struct seen *seen, const MiniAVCaptureStats *stats,
                       const MiniAVAudioInfo *format) {
  printf("{\"buffers\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"discontinuities\":%u,\"backwards\":%u,"
         "\"drift_us\":%.0f,\"age_us\":[%.0f,%.0f],\"flags\":%u,\"rate\":%u,\"channels\":%u,"
         "\"format\":%d,\"produced\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"dropped\":%" PRIu64
         ",\"late\":%" PRIu64 "}\n",
         seen->buffers, seen->frames, seen->discontinuities, seen->backwards, seen->worst_drift_us,
         seen->least_age_us, seen->worst_age_us, seen->flags, format->sample_rate,
         format->channel_count, format->format, stats->produced, stats->delivered, stats->dropped,
         stats->dropped_late);
}

static int capture(const char *id, double seconds, const char *path,
                   const MiniAVAudioInfo *wanted) {
  FILE *file = fopen(path, "wb");
  MiniAVWaiterHandle waiter = NULL;
  MiniAVAudioContextHandle context = NULL;
  MiniAVAudioInfo format = *wanted;
  struct seen seen = {0};
  MiniAV_CreateWaiter(&waiter);
  MiniAV_Audio_CreateContext(&context);
  MiniAV_WaiterAdd(waiter, (MiniAVHandle)context);
  int64_t start_us = now_us();
  MiniAVResultCode code = MiniAV_Audio_Configure(context, id, wanted);
  fprintf(stderr, "configure: %.1f ms\n", (double)(now_us() - start_us) / 1e3);
  if (code != MINIAV_SUCCESS || file == NULL) {
    return fail("configure", code);
  }
  MiniAV_Audio_GetConfiguredFormat(context, &format);
  start_us = now_us();
  code = MiniAV_Audio_StartCapture(context, NULL, NULL);
  fprintf(stderr, "start: %.1f ms\n", (double)(now_us() - start_us) / 1e3);
  if (code != MINIAV_SUCCESS) {
    return fail("start", code);
  }
  printf("{\"started\":true}\n");
  fflush(stdout);
  int64_t end_us = now_us() + (int64_t)(seconds * 1e6);
  int lost = 0;
  while (now_us() < end_us && !lost) {
    MiniAVBuffer buffer = {.struct_size = sizeof(buffer)};
    while (MiniAV_TakeBuffer((MiniAVHandle)context, &buffer) == MINIAV_SUCCESS) {
      if (seen.buffers == 0) {
        fprintf(stderr, "first buffer: %.1f ms\n", (double)(now_us() - start_us) / 1e3);
      }
      see(&seen, &buffer);
      fwrite(buffer.data.audio.data, 1, buffer.data_size_bytes, file);
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
    lost = drain_events(waiter);
    if (!lost) {
      MiniAV_WaitAny(waiter, 100);
    }
  }
  MiniAVCaptureStats stats = {0};
  start_us = now_us();
  code = MiniAV_Audio_StopCapture(context);
  fprintf(stderr, "stop: %.1f ms, %d\n", (double)(now_us() - start_us) / 1e3, code);
  MiniAV_Audio_GetStats(context, &stats);
  start_us = now_us();
  MiniAV_Audio_DestroyContext(context);
  fprintf(stderr, "destroy: %.1f ms\n", (double)(now_us() - start_us) / 1e3);
  MiniAV_DestroyWaiter(waiter);
  fclose(file);
  print_seen(&seen, &stats, &format);
  return 0;
}

/* -- cycles --------------------------------------------------------------------------------- */

static unsigned entries(const char *directory) {
  unsigned count = 0;
  DIR *open = opendir(directory);
  for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
    count += entry->d_name[0] != '.';
  }
  closedir(open);
  return count;
}

static unsigned long resident_kib(void) {
  unsigned long size = 0;
  unsigned long resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%lu %lu", &size, &resident) != 2) {
    resident = 0;
  }
  fclose(file);
  return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void print_held(const char *when) {
  printf("{\"when\":\"%s\",\"threads\":%u,\"fds\":%u,\"resident_kib\":%lu}\n", when,
         entries("/proc/self/task"), entries("/proc/self/fd"), resident_kib());
  fflush(stdout);
}

static MiniAVResultCode cycle(MiniAVAudioContextHandle context) {
  MiniAVResultCode code = MiniAV_Audio_StartCapture(context, NULL, NULL);
  MiniAVBuffer buffer = {.struct_size = sizeof(buffer)};
  if (code == MINIAV_SUCCESS) {
    code = MiniAV_WaitBuffer((MiniAVHandle)context, 3000, &buffer);
  }
  if (code == MINIAV_SUCCESS) {
    code = MiniAV_ReleaseBuffer(buffer.internal_handle);
  }
  MiniAVResultCode stopped = MiniAV_Audio_StopCapture(context);
  return code == MINIAV_SUCCESS ? stopped : code;
}

/* Starts and stops; every tenth time with a context of its own. */
static int cycles(const char *id, unsigned count) {
  static const MiniAVAudioInfo wanted = {0};
  MiniAVAudioContextHandle context = NULL;
  for (unsigned i = 0; i < count; i++) {
    MiniAVResultCode code = MINIAV_SUCCESS;
    if (i % 10 == 0) {
      MiniAV_Audio_DestroyContext(context);
      MiniAV_Audio_CreateContext(&context);
      code = MiniAV_Audio_Configure(context, id, &wanted);
    }
    code = code == MINIAV_SUCCESS ? cycle(context) : code;
    if (code != MINIAV_SUCCESS) {
      printf("cycle %u\n", i);
      return fail("cycle", code);
    }
    if (i == 50) {
      print_held("warm");
    }
  }
  print_held("running");
  MiniAV_Audio_DestroyContext(context);
  usleep(1200000); /* threads that end by themselves have a second */
  print_held("end");
  return 0;
}

int main(int count, char **values) {
  MiniAV_SetLogLevel(getenv("PROBE_DEBUG") != NULL ? MINIAV_LOG_LEVEL_DEBUG
                                                   : MINIAV_LOG_LEVEL_WARN);
  MiniAV_SetLogCallback(on_log, NULL);
  const char *command = count > 1 ? values[1] : "";
  if (strcmp(command, "list") == 0) {
    return list_devices();
  }
  if (strcmp(command, "format") == 0 && count == 3) {
    return show_format(values[2]);
  }
  if (strcmp(command, "watch") == 0 && count == 3) {
    return watch_devices(atof(values[2]));
  }
  if (strcmp(command, "cycles") == 0 && count == 4) {
    return cycles(values[2], (unsigned)atoi(values[3]));
  }
  if (strcmp(command, "capture") == 0 && (count == 5 || count == 8)) {
    MiniAVAudioInfo wanted = {0};
    if (count == 8) {
      wanted = (MiniAVAudioInfo){(uint32_t)atoi(values[5]), (uint32_t)atoi(values[6]),
                                 (MiniAVAudioFormat)atoi(values[7])};
    }
    return capture(values[2], atof(values[3]), values[4], &wanted);
  }
  fprintf(stderr, "microphone_probe list | format ID | watch SECONDS | cycles ID COUNT |\n"
                  "  capture ID SECONDS FILE [RATE CHANNELS FORMAT]\n");
  return 2;
}
