/*
 * Frames of a screen's stream, as the library makes them of what a PipeWire node sends: damage,
 * pointer, pictures shown again. For tests on a real PipeWire; screen_source.c is the node.
 *
 *   screen_probe NODE [damage] [cursor] [keep]
 *
 * Prints a line of JSON for every frame, with a sum over its pixels. Lines on its input: `hold`
 * keeps the frames that come, `pass` those no longer, `look` counts those that have changed,
 * `release`, `repeat` shows the newest picture again, `stats`, `stop`; the end of the input ends
 * it.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/pipewire_connection.h"
#include "common/linux/pipewire_video.h"
#include "support/fake_source.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#define ANSWER_MS 10000u
#define HELD_MAX  32u

struct probe {
  const char *node;
  struct pipewire_connection *connection;
  struct pipewire_video *video;
  struct pipewire_video_setup setup;
  struct fake_source source;
  bool holds;
  uint32_t held_count;
  MiniAVBuffer held[HELD_MAX];
  uint64_t sums[HELD_MAX];
};

/* -- the backend ------------------------------------------------------------------------------ */

static bool is_right(void *user, uint32_t own_id) {
  (void)user;
  (void)own_id;
  return true;
}

static void changed(void *user) {
  (void)user;
}

static MiniAVResultCode begin(struct probe *probe) {
  const struct pipewire_object *port = NULL;
  const struct pipewire_graph *graph = pipewire_graph_of(probe->connection);
  const struct pipewire_object *node =
      pipewire_graph_node(graph, PIPEWIRE_CLASS_CAMERA, probe->node);
  if (node == NULL || pipewire_graph_outputs(graph, node->id, &port, 1) == 0) {
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  probe->setup.core = pipewire_core_of(probe->connection);
  probe->setup.loop = pipewire_loop_of(probe->connection);
  probe->setup.node_id = node->id;
  probe->setup.port_id = port->id;
  probe->video = pipewire_video_create(&probe->setup);
  return probe->video != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  (void)cancel;
  struct probe *probe = state;
  int64_t deadline_us = clock_deadline_us(ANSWER_MS);
  probe->setup.capture = probe->source.capture;
  pipewire_lock(probe->connection);
  MiniAVResultCode result = begin(probe);
  while (result == MINIAV_SUCCESS &&
         pipewire_video_phase_of(probe->video) == PIPEWIRE_VIDEO_CONNECTING) {
    result = clock_now_us() < deadline_us ? MINIAV_SUCCESS : MINIAV_ERROR_TIMEOUT;
    pipewire_unlock(probe->connection);
    clock_sleep_until_us(clock_now_us() + 2000);
    pipewire_lock(probe->connection);
  }
  const char *reason = "";
  if (result == MINIAV_SUCCESS) {
    result = pipewire_video_failure(probe->video, &reason);
  }
  pipewire_unlock(probe->connection);
  return result;
}

static void stop(void *state) {
  struct probe *probe = state;
  pipewire_lock(probe->connection);
  pipewire_video_destroy(probe->video);
  probe->video = NULL;
  pipewire_unlock(probe->connection);
}

static const struct backend backend = {.name = "probe",
                                       .flags = BACKEND_SILENT_WHEN_IDLE,
                                       .start = start,
                                       .stop = stop,
                                       .close = fake_close};

/* -- frames ----------------------------------------------------------------------------------- */

static uint64_t sum_of(const MiniAVBuffer *buffer) {
  uint64_t sum = 14695981039346656037u; /* FNV-1a */
  const MiniAVPlane *plane = &buffer->data.video.planes[0];
  const uint8_t *bytes = plane->data_ptr;
  for (uint32_t i = 0; i < plane->size_bytes; i++) {
    sum = (sum ^ bytes[i]) * 1099511628211u;
  }
  return sum;
}

static void print_damage(const MiniAVFrameMetadata *metadata) {
  printf(",\"damage\":%s", (metadata->flags & MINIAV_METADATA_DAMAGE) != 0 ? "[" : "null");
  for (uint32_t i = 0; i < metadata->damage_count; i++) {
    const MiniAVRect *is = &metadata->damage[i];
    printf("%s[%d,%d,%d,%d]", i > 0 ? "," : "", is->x, is->y, is->width, is->height);
  }
  printf("%s", (metadata->flags & MINIAV_METADATA_DAMAGE) != 0 ? "]" : "");
}

static void print_cursor(const MiniAVBuffer *buffer) {
  const MiniAVFrameMetadata *metadata = buffer->metadata;
  if ((metadata->flags & MINIAV_METADATA_CURSOR) == 0) {
    printf(",\"cursor\":null");
    return;
  }
  printf(",\"cursor\":{\"x\":%d,\"y\":%d,\"visible\":%s,\"serial\":%u,\"hotspot\":[%d,%d]",
         metadata->cursor_x, metadata->cursor_y, metadata->cursor_visible ? "true" : "false",
         metadata->cursor_serial, metadata->cursor_hotspot_x, metadata->cursor_hotspot_y);
  if ((metadata->flags & MINIAV_METADATA_CURSOR_PIXELS) == 0) {
    printf(",\"image\":null}");
    return;
  }
  size_t bytes = (size_t)metadata->cursor_stride_bytes * metadata->cursor_height;
  uint8_t *pixels = malloc(bytes);
  if (pixels == NULL ||
      MiniAV_CopyCursorPixels(buffer->internal_handle, pixels, bytes) != MINIAV_SUCCESS) {
    abort();
  }
  const uint8_t *last = pixels + bytes - 4;
  printf(",\"image\":{\"width\":%u,\"height\":%u,\"first\":[%u,%u,%u,%u],\"last\":[%u,%u,%u,%u]}}",
         metadata->cursor_width, metadata->cursor_height, pixels[0], pixels[1], pixels[2],
         pixels[3], last[0], last[1], last[2], last[3]);
  free(pixels);
}

static void print_frame(const MiniAVBuffer *buffer, uint64_t sum) {
  const MiniAVPlane *plane = &buffer->data.video.planes[0];
  printf("{\"frame\":%" PRIu64 ",\"repeated\":%s,\"copied\":%s,\"corrupted\":%s,\"size\":\"%ux%u\"",
         buffer->sequence, buffer->flags & MINIAV_BUFFER_FLAG_REPEATED ? "true" : "false",
         buffer->flags & MINIAV_BUFFER_FLAG_COPIED ? "true" : "false",
         buffer->flags & MINIAV_BUFFER_FLAG_CORRUPTED ? "true" : "false",
         buffer->data.video.info.width, buffer->data.video.info.height);
  printf(",\"estimated\":%s,\"time\":%" PRId64 ",\"sum\":\"%016" PRIx64 "\",\"at\":\"%p\"",
         buffer->flags & MINIAV_BUFFER_FLAG_ESTIMATED_TIME ? "true" : "false", buffer->timestamp_us,
         sum, plane->data_ptr);
  if (buffer->metadata == NULL) {
    printf(",\"metadata\":false");
  } else {
    print_damage(buffer->metadata);
    print_cursor(buffer);
  }
  printf("}\n");
}

static void take_all(struct probe *probe) {
  MiniAVBuffer buffer;
  while (MiniAV_TakeBuffer(probe->source.handle, &buffer) == MINIAV_SUCCESS) {
    uint64_t sum = sum_of(&buffer);
    print_frame(&buffer, sum);
    if (probe->holds && probe->held_count < HELD_MAX) {
      probe->sums[probe->held_count] = sum;
      probe->held[probe->held_count++] = buffer;
    } else {
      MiniAV_ReleaseBuffer(buffer.internal_handle);
    }
  }
}

/* -- commands --------------------------------------------------------------------------------- */

static void look(const struct probe *probe) {
  uint32_t differing = 0;
  for (uint32_t i = 0; i < probe->held_count; i++) {
    differing += sum_of(&probe->held[i]) != probe->sums[i];
  }
  printf("{\"held\":%u,\"changed\":%u}\n", probe->held_count, differing);
}

static void print_stats(const struct probe *probe) {
  MiniAVCaptureStats stats;
  capture_stats(probe->source.capture->handle, MINIAV_KIND_SCREEN, &stats);
  printf("{\"produced\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"dropped\":%" PRIu64
         ",\"invalid\":%" PRIu64 ",\"outstanding\":%" PRIu64 ",\"formats\":%" PRIu64 "}\n",
         stats.produced, stats.delivered, stats.dropped, stats.dropped_invalid, stats.outstanding,
         stats.format_changes);
}

static void obey(struct probe *probe, const char *line) {
  if (strncmp(line, "hold", 4) == 0) {
    probe->holds = true;
    printf("{\"holds\":true}\n");
  } else if (strncmp(line, "pass", 4) == 0) {
    probe->holds = false;
    printf("{\"passes\":true}\n");
  } else if (strncmp(line, "look", 4) == 0) {
    look(probe);
  } else if (strncmp(line, "release", 7) == 0) {
    probe->holds = false;
    while (probe->held_count > 0) {
      MiniAV_ReleaseBuffer(probe->held[--probe->held_count].internal_handle);
    }
    printf("{\"released\":true}\n");
  } else if (strncmp(line, "repeat", 6) == 0) {
    pipewire_lock(probe->connection);
    printf("{\"shown\":%s}\n", pipewire_video_repeat(probe->video) ? "true" : "false");
    pipewire_unlock(probe->connection);
  } else if (strncmp(line, "stats", 5) == 0) {
    print_stats(probe);
  } else if (strncmp(line, "stop", 4) == 0) {
    printf("{\"stopped\":%d}\n", (int)fake_source_stop(&probe->source));
  }
}

/* One command at most; false at the end of the input. */
static bool read_command(struct probe *probe) {
  static char line[64];
  static size_t used;
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  if (poll(&input, 1, 2) <= 0) {
    return true;
  }
  char byte;
  while (used + 1 < sizeof line) {
    ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got <= 0) {
      return false;
    }
    line[used++] = byte;
    if (byte == '\n') {
      break;
    }
  }
  line[used] = 0;
  used = 0;
  take_all(probe); /* in the order in which a person would tell it */
  obey(probe, line);
  return true;
}

static void on_log(MiniAVLogLevel level, const char *message, void *user_data) {
  (void)user_data;
  fprintf(stderr, "log %d %s\n", level, message);
}

static bool read_options(struct probe *probe, int count, char **arguments) {
  for (int i = 2; i < count; i++) {
    bool *const option = strcmp(arguments[i], "damage") == 0   ? &probe->setup.wants_damage
                         : strcmp(arguments[i], "cursor") == 0 ? &probe->setup.wants_cursor
                         : strcmp(arguments[i], "keep") == 0   ? &probe->setup.keeps_last
                                                               : NULL;
    if (option == NULL) {
      return false;
    }
    *option = true;
  }
  probe->node = arguments[1];
  return true;
}

int main(int count, char **arguments) {
  static struct probe probe = {.setup = {.name = "screen probe",
                                         .role = "Screen",
                                         .links_itself = true,
                                         .is_right = is_right,
                                         .changed = changed}};
  if (count < 2 || !read_options(&probe, count, arguments)) {
    fprintf(stderr, "screen_probe NODE [damage] [cursor] [keep]\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  MiniAV_SetLogCallback(on_log, NULL);
  MiniAV_SetLogLevel(MINIAV_LOG_LEVEL_DEBUG);
  MiniAVResultCode result = pipewire_connect(NULL, ANSWER_MS, NULL, &probe.connection);
  if (result != MINIAV_SUCCESS) {
    fprintf(stderr, "connect: %d\n", (int)result);
    return 1;
  }
  probe.source = fake_source_create(MINIAV_KIND_SCREEN, &backend, &probe);
  result = fake_source_start(&probe.source, NULL, NULL);
  printf("{\"started\":%d}\n", (int)result);
  while (result == MINIAV_SUCCESS && read_command(&probe)) {
    take_all(&probe);
  }
  fake_source_destroy(&probe.source);
  pipewire_disconnect(probe.connection);
  MiniAV_Dispose();
  return result == MINIAV_SUCCESS ? 0 : 1;
}

#else

int main(void) {
  fprintf(stderr, "built without PipeWire\n");
  return 1;
}

#endif
