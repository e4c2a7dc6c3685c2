/*
 * What a loopback gives, for tests that run it inside a rig of real sound servers.
 *
 *   loopback_probe list [FILTER] | watch SECONDS
 *   loopback_probe capture SECONDS FILE [TARGET...] [exclude] [format RATE CHANNELS FORMAT]
 *   loopback_probe cycles COUNT RUN_MS [TARGET...]
 *
 * TARGET is `id ID`, `pid N`, `tree N`, `wait N`, `name TEXT`, `follow TEXT`, `system ID` or
 * `window N`; none is the system's sound. capture writes the samples as they come to FILE, a line
 * of JSON for each event at once, and at the end one of what was seen. FILTER is a number of
 * MiniAVLoopbackTargetType, FORMAT one of MiniAVAudioFormat. SIGTERM ends a capture early. cycles
 * starts and stops one context, letting it run for RUN_MS each time, and tells what is open then.
 */
#include <inttypes.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "miniav.h"

#define TARGETS_MAX 32

struct options {
  const char *id;
  MiniAVLoopbackTarget targets[TARGETS_MAX];
  uint32_t count;
  MiniAVLoopbackMode mode;
  MiniAVAudioInfo format;
};

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

static void print_text(const char *key, const char *text) {
  printf("\"%s\":\"", key);
  for (const char *at = text; *at != 0; at++) {
    if (*at == '"' || *at == '\\') {
      putchar('\\');
    }
    putchar(*at);
  }
  printf("\",");
}

static int list_targets(uint32_t filter) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  MiniAVResultCode code =
      MiniAV_Loopback_EnumerateTargets((MiniAVLoopbackTargetType)filter, &devices, &count);
  if (code != MINIAV_SUCCESS) {
    return fail("list", code);
  }
  for (uint32_t i = 0; i < count; i++) {
    printf("{");
    print_text("id", devices[i].device_id);
    print_text("name", devices[i].name);
    print_text("binary", devices[i].model);
    print_text("icon", devices[i].icon);
    printf("\"pid\":%u,\"flags\":%u}\n", devices[i].process_id, devices[i].flags);
  }
  MiniAV_FreeDeviceList(devices, count);
  return 0;
}

/* -- events --------------------------------------------------------------------------------- */

static void print_event(const MiniAVEvent *event, MiniAVLoopbackContextHandle context) {
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_NONE};
  printf("{\"event\":%d,\"result\":%d,", event->type, event->result);
  if (event->type == MINIAV_EVENT_PROPERTY_CHANGED &&
      MiniAV_Loopback_GetProperty(context, (MiniAVPropertyKey)event->detail, &value) ==
          MINIAV_SUCCESS) {
    double number = value.type == MINIAV_PROPERTY_TYPE_NUMBER ? value.value.number
                                                              : (double)value.value.integer;
    printf("\"key\":%u,\"value\":%.6f,", event->detail, number);
  }
  print_text("text", event->text);
  printf("\"time\":%" PRId64 "}\n", event->timestamp_us);
  fflush(stdout);
}

/* Prints what lies in the waiter; true when the context is lost. */
static int drain_events(MiniAVWaiterHandle waiter, MiniAVLoopbackContextHandle context) {
  MiniAVEvent event = {.struct_size = sizeof(event)};
  int lost = 0;
  while (MiniAV_NextEvent(waiter, &event) == MINIAV_SUCCESS) {
    print_event(&event, context);
    lost = lost || event.type == MINIAV_EVENT_LOST;
  }
  return lost;
}

static int watch_targets(double seconds) {
  MiniAVWaiterHandle waiter = NULL;
  MiniAV_CreateWaiter(&waiter);
  MiniAV_WaiterWatchDevices(waiter, 1u << MINIAV_KIND_LOOPBACK);
  printf("{\"watching\":true}\n");
  fflush(stdout);
  int64_t end_us = now_us() + (int64_t)(seconds * 1e6);
  while (now_us() < end_us) {
    MiniAV_WaitAny(waiter, 100);
    drain_events(waiter, NULL);
  }
  return MiniAV_DestroyWaiter(waiter) == MINIAV_SUCCESS ? 0 : 1;
}

/* -- capture -------------------------------------------------------------------------------- */

struct seen {
  uint64_t buffers;
  uint64_t frames;
  uint64_t silent_frames;
  int64_t first_us;
  int64_t end_us; /* of the last buffer */
  uint32_t discontinuities;
  uint32_t flags;
  uint32_t backwards;
  double worst_step_us; /* between the end of a buffer and the start of the next */
  double least_age_us;
};

static void see(struct seen *seen, const MiniAVBuffer *buffer) {
  uint32_t frames = buffer->data.audio.frame_count;
  double age_us = (double)(now_us() - buffer->timestamp_us - buffer->duration_us);
  if (seen->buffers == 0) {
    seen->first_us = buffer->timestamp_us;
    seen->least_age_us = age_us;
  } else {
    double step_us = fabs((double)(buffer->timestamp_us - seen->end_us));
    seen->worst_step_us = fmax(seen->worst_step_us, step_us);
    seen->discontinuities += (buffer->flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0;
    seen->backwards += buffer->timestamp_us + buffer->duration_us <= seen->end_us;
  }
  seen->least_age_us = fmin(seen->least_age_us, age_us);
  seen->end_us = buffer->timestamp_us + buffer->duration_us;
  seen->frames += frames;
  seen->silent_frames += (buffer->flags & MINIAV_BUFFER_FLAG_SILENT) != 0 ? frames : 0;
  seen->flags |= buffer->flags;
  seen->buffers++;
}

static void print_seen(const struct seen *seen, const MiniAVCaptureStats *stats,
                       const MiniAVAudioInfo *format, int64_t stop_us) {
  printf("{\"buffers\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"silent_frames\":%" PRIu64
         ",\"first_us\":%" PRId64 ",\"end_us\":%" PRId64
         ",\"discontinuities\":%u,\"backwards\":%u,\"step_us\":%.0f,\"least_age_us\":%.0f,"
         "\"flags\":%u,\"rate\":%u,\"channels\":%u,\"format\":%d,\"dropped\":%" PRIu64
         ",\"late\":%" PRIu64 ",\"stop_us\":%" PRId64 ",\"now_us\":%" PRId64 "}\n",
         seen->buffers, seen->frames, seen->silent_frames, seen->first_us, seen->end_us,
         seen->discontinuities, seen->backwards, seen->worst_step_us, seen->least_age_us,
         seen->flags, format->sample_rate, format->channel_count, format->format,
         stats->dropped - stats->dropped_stopped, stats->dropped_late, stop_us, now_us());
  fflush(stdout);
}

static MiniAVResultCode configure(MiniAVLoopbackContextHandle context,
                                  const struct options *options) {
  if (options->count == 0) {
    return MiniAV_Loopback_Configure(context, options->id, &options->format);
  }
  return MiniAV_Loopback_ConfigureWithTargets(context, options->targets, options->count,
                                              options->mode, &options->format);
}

static volatile sig_atomic_t ended;

static void on_signal(int number) {
  (void)number;
  ended = 1;
}

static int capture(double seconds, const char *path, const struct options *options) {
  FILE *file = fopen(path, "wb");
  MiniAVWaiterHandle waiter = NULL;
  MiniAVLoopbackContextHandle context = NULL;
  MiniAVAudioInfo format = options->format;
  struct seen seen = {0};
  MiniAV_CreateWaiter(&waiter);
  MiniAV_Loopback_CreateContext(&context);
  MiniAVPropertyValue queue = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value.integer = 64};
  MiniAV_Loopback_SetProperty(context, MINIAV_PROPERTY_QUEUE_CAPACITY, &queue);
  MiniAV_WaiterAdd(waiter, (MiniAVHandle)context);
  MiniAVResultCode code = configure(context, options);
  if (code != MINIAV_SUCCESS || file == NULL) {
    return fail("configure", code);
  }
  MiniAV_Loopback_GetConfiguredFormat(context, &format);
  code = MiniAV_Loopback_StartCapture(context, NULL, NULL);
  if (code != MINIAV_SUCCESS) {
    return fail("start", code);
  }
  printf("{\"started\":true,\"time\":%" PRId64 "}\n", now_us());
  fflush(stdout);
  int64_t end_us = now_us() + (int64_t)(seconds * 1e6);
  int lost = 0;
  while (now_us() < end_us && !lost && !ended) {
    MiniAVBuffer buffer = {.struct_size = sizeof(buffer)};
    while (MiniAV_TakeBuffer((MiniAVHandle)context, &buffer) == MINIAV_SUCCESS) {
      see(&seen, &buffer);
      fwrite(buffer.data.audio.data, 1, buffer.data_size_bytes, file);
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
    lost = drain_events(waiter, context);
    if (!lost) {
      MiniAV_WaitAny(waiter, 100);
    }
  }
  MiniAVCaptureStats stats = {0};
  int64_t stop_us = now_us();
  code = MiniAV_Loopback_StopCapture(context);
  stop_us = now_us() - stop_us;
  MiniAV_Loopback_GetStats(context, &stats);
  MiniAV_Loopback_DestroyContext(context);
  MiniAV_DestroyWaiter(waiter);
  fclose(file);
  print_seen(&seen, &stats, &format, stop_us);
  return code == MINIAV_SUCCESS ? 0 : fail("stop", code);
}

/* -- cycles --------------------------------------------------------------------------------- */

static int count_entries(const char *path) {
  DIR *directory = opendir(path);
  int count = 0;
  while (directory != NULL && readdir(directory) != NULL) {
    count++;
  }
  if (directory != NULL) {
    closedir(directory);
  }
  return count;
}

static int run_cycles(int count, uint32_t run_ms, const struct options *options) {
  MiniAVLoopbackContextHandle context = NULL;
  MiniAVBuffer buffer = {.struct_size = sizeof(buffer)};
  MiniAV_Loopback_CreateContext(&context);
  MiniAVResultCode code = configure(context, options);
  for (int i = 0; i < count && code == MINIAV_SUCCESS && !ended; i++) {
    code = MiniAV_Loopback_StartCapture(context, NULL, NULL);
    int64_t end_us = now_us() + (int64_t)run_ms * 1000;
    while (code == MINIAV_SUCCESS && now_us() < end_us) {
      if (MiniAV_WaitBuffer((MiniAVHandle)context, run_ms, &buffer) == MINIAV_SUCCESS) {
        MiniAV_ReleaseBuffer(buffer.internal_handle);
      }
    }
    code = code == MINIAV_SUCCESS ? MiniAV_Loopback_StopCapture(context) : code;
    if (i == 9 || i == count - 1) {
      printf("{\"cycles\":%d,\"fds\":%d,\"threads\":%d}\n", i + 1, count_entries("/proc/self/fd"),
             count_entries("/proc/self/task"));
    }
  }
  MiniAV_Loopback_DestroyContext(context);
  return code == MINIAV_SUCCESS ? 0 : fail("cycle", code);
}

/* -- command line --------------------------------------------------------------------------- */

static int add_target(struct options *options, const char *word, const char *value) {
  MiniAVLoopbackTarget target = {.type = MINIAV_LOOPBACK_TARGET_PROCESS};
  if (strcmp(word, "tree") == 0) {
    target.flags = MINIAV_LOOPBACK_FLAG_TREE;
  } else if (strcmp(word, "wait") == 0) {
    target.flags = MINIAV_LOOPBACK_FLAG_WAIT;
  } else if (strcmp(word, "name") == 0 || strcmp(word, "follow") == 0) {
    target.type = MINIAV_LOOPBACK_TARGET_NAME;
    target.flags = word[0] == 'f' ? MINIAV_LOOPBACK_FLAG_FOLLOW_NAME : 0;
  } else if (strcmp(word, "system") == 0) {
    target.type = MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO;
  } else if (strcmp(word, "window") == 0) {
    target.type = MINIAV_LOOPBACK_TARGET_WINDOW;
    target.window_handle = (void *)(uintptr_t)strtoul(value, NULL, 0);
  } else if (strcmp(word, "pid") != 0) {
    return 0;
  }
  if (target.type == MINIAV_LOOPBACK_TARGET_PROCESS) {
    target.process_id = (uint32_t)strtoul(value, NULL, 10);
  } else {
    snprintf(target.name, sizeof target.name, "%s", value);
  }
  if (options->count == TARGETS_MAX) {
    return 0;
  }
  options->targets[options->count++] = target;
  return 1;
}

static int read_options(struct options *options, int count, char **values) {
  *options = (struct options){.id = NULL};
  for (int i = 0; i < count; i++) {
    int has_value = i + 1 < count;
    if (strcmp(values[i], "exclude") == 0) {
      options->mode = MINIAV_LOOPBACK_MODE_EXCLUDE;
    } else if (strcmp(values[i], "format") == 0 && i + 3 < count) {
      options->format =
          (MiniAVAudioInfo){(uint32_t)atoi(values[i + 1]), (uint32_t)atoi(values[i + 2]),
                            (MiniAVAudioFormat)atoi(values[i + 3])};
      i += 3;
    } else if (strcmp(values[i], "id") == 0 && has_value) {
      options->id = values[++i];
    } else if (has_value && add_target(options, values[i], values[i + 1])) {
      i++;
    } else {
      return 0;
    }
  }
  return 1;
}

int main(int count, char **values) {
  struct options options;
  MiniAV_SetLogLevel(getenv("PROBE_DEBUG") != NULL ? MINIAV_LOG_LEVEL_DEBUG
                                                   : MINIAV_LOG_LEVEL_WARN);
  MiniAV_SetLogCallback(on_log, NULL);
  signal(SIGTERM, on_signal);
  const char *command = count > 1 ? values[1] : "";
  if (strcmp(command, "list") == 0) {
    return list_targets(count > 2 ? (uint32_t)atoi(values[2]) : 0);
  }
  if (strcmp(command, "watch") == 0 && count == 3) {
    return watch_targets(atof(values[2]));
  }
  if (strcmp(command, "capture") == 0 && count >= 4 &&
      read_options(&options, count - 4, values + 4)) {
    return capture(atof(values[2]), values[3], &options);
  }
  if (strcmp(command, "cycles") == 0 && count >= 4 &&
      read_options(&options, count - 4, values + 4)) {
    return run_cycles(atoi(values[2]), (uint32_t)atoi(values[3]), &options);
  }
  fprintf(stderr, "loopback_probe list | watch SECONDS | capture SECONDS FILE | cycles COUNT MS\n");
  return 2;
}
