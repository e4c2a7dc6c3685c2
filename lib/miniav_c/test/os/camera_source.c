/*
 * A camera for tests: a producer on a real PipeWire that does what it is told, also what no camera
 * should.
 *
 *   camera_source NAME FORMATS WxH FPS [OPTION...]
 *
 * FORMATS are names as in TypeScript with commas between them. The picture is the test devices'
 * (src/test_device/pattern.h); its strip has the frame's sequence and time stamp. Options:
 *   bars2        the other picture
 *   each         a data of its own for every plane; else all in one
 *   align=N      rows padded to N bytes (default 64), the padding 0xA5
 *   buffers=N    how many it allows at most
 *   unsealed, readonly, short, pipe, moved, huge   what the memory is, or pretends to be
 *   vgem         real dma-bufs, of the kernel's vgem driver
 *   notime       no header meta: no time, no sequence
 *   range        sizes and rates as ranges
 *   device=PATH  says that it stands for this V4L2 device
 *   modifier=HEX GPU memory of that layout, too; may be said again; `onlygpu`: nothing else
 *
 * Lines on its input: `stall`, `go`, `format NAME WxH`, `corrupt N`, `discont`, `skip N`, `error`,
 * `crop X Y W H`, `transform N`, `modifier HEX`, `lie WHAT N` (stride, negative, offset, size,
 * zero, crop), `truncate`, `die`; the end of the input ends it. It prints a line for each thing
 * that happens.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "camera_source/source.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <unistd.h>

#include "common/dynlib.h"

static struct functions {
  __typeof__(&pw_stream_is_driving) stream_is_driving;
  __typeof__(&pw_stream_set_error) stream_set_error;
} more;

static const struct dynlib_symbol symbols[] = {
    {"pw_stream_is_driving", offsetof(struct functions, stream_is_driving), DYNLIB_REQUIRED},
    {"pw_stream_set_error", offsetof(struct functions, stream_set_error), DYNLIB_REQUIRED},
};
static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &more);

static void say_obeyed(const struct source *source) {
  printf("{\"obeyed\":%llu,\"late\":%llu,\"starved\":%llu,\"sent\":%llu}\n",
         (unsigned long long)source->sequence, (unsigned long long)source->late,
         (unsigned long long)source->starved, (unsigned long long)source->sent);
  fflush(stdout);
}

static void on_tick(void *data, uint64_t expirations) {
  struct source *source = data;
  if (!source->streaming || source->stalled || source->pattern == NULL) {
    return;
  }
  source->sequence += expirations;
  source->late += expirations - 1;
  if (more.stream_is_driving(source->producer.stream)) {
    producer_trigger(&source->producer);
  } else {
    on_process(source);
  }
}

static void on_state_changed(void *data, enum pw_stream_state old, enum pw_stream_state state,
                             const char *error) {
  (void)old;
  struct source *source = data;
  source->streaming = state == PW_STREAM_STATE_STREAMING;
  producer_pace(&source->producer, source->streaming ? source->rate : 0);
  producer_say_state(state, error);
}

static const struct pw_stream_events stream_events = {.version = PW_VERSION_STREAM_EVENTS,
                                                      .state_changed = on_state_changed,
                                                      .param_changed = on_param_changed,
                                                      .add_buffer = on_add_buffer,
                                                      .remove_buffer = on_remove_buffer,
                                                      .process = on_process};

/* -- commands --------------------------------------------------------------------------------- */

static void change_format(struct source *source, const char *line) {
  char name[16];
  uint32_t width;
  uint32_t height;
  if (sscanf(line, "format %15s %ux%u", name, &width, &height) != 3) {
    return;
  }
  source->formats[0] = format_named(name);
  source->format_count = 1;
  source->width = width;
  source->height = height;
  source_offer_again(source, NULL);
}

static void obey(struct source *source, const char *line) {
  int *crop = source->crop;
  if (strncmp(line, "stall", 5) == 0) {
    source->stalled = true;
  } else if (strncmp(line, "go", 2) == 0) {
    source->stalled = false;
  } else if (strncmp(line, "format ", 7) == 0) {
    change_format(source, line);
  } else if (sscanf(line, "modifier %" SCNx64, &source->modifiers[0]) == 1) {
    source->modifier_count = 1;
    source_offer_again(source, NULL);
  } else if (strncmp(line, "discont", 7) == 0) {
    source->discont = true;
  } else if (strncmp(line, "error", 5) == 0) {
    more.stream_set_error(source->producer.stream, -EIO, "the lens fell off");
  } else if (strncmp(line, "truncate", 8) == 0) {
    source->truncated = true;
    source_truncate(source);
  } else if (strncmp(line, "die", 3) == 0) {
    _exit(1);
  } else if (sscanf(line, "corrupt %u", &source->corrupt) == 1 ||
             sscanf(line, "transform %d", &source->transform) == 1 ||
             sscanf(line, "crop %d %d %d %d", &crop[0], &crop[1], &crop[2], &crop[3]) == 4 ||
             sscanf(line, "lie %15s %u", source->lie, &source->lies) == 2) {
    return;
  } else if (sscanf(line, "skip %u", &source->used) == 1) {
    source->sequence += source->used;
  }
}

/* -- life ------------------------------------------------------------------------------------- */

static bool read_option(struct source *source, const char *option) {
  static const char *const kinds[] = {"unsealed", "readonly", "short", "pipe", "moved", "huge"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(option, kinds[i]) == 0) {
      snprintf(source->memory, sizeof source->memory, "%s", option);
      return true;
    }
  }
  source->each = source->each || strcmp(option, "each") == 0;
  source->no_time = source->no_time || strcmp(option, "notime") == 0;
  source->range = source->range || strcmp(option, "range") == 0;
  source->vgem = source->vgem || strcmp(option, "vgem") == 0;
  if (strncmp(option, "device=", 7) == 0) {
    source->device = option + 7;
    return true;
  }
  source->theme = strcmp(option, "bars2") == 0 ? PATTERN_THEME_BARS2 : source->theme;
  return gpu_read_option(source, option) || strcmp(option, "each") == 0 ||
         strcmp(option, "notime") == 0 || strcmp(option, "range") == 0 ||
         strcmp(option, "vgem") == 0 || strcmp(option, "bars2") == 0 ||
         sscanf(option, "align=%u", &source->alignment) == 1 ||
         sscanf(option, "buffers=%u", &source->buffers_most) == 1;
}

static bool read_arguments(struct source *source, int count, char **arguments) {
  if (count < 5 || sscanf(arguments[3], "%ux%u", &source->width, &source->height) != 2 ||
      sscanf(arguments[4], "%u", &source->rate) != 1) {
    return false;
  }
  source->name = arguments[1];
  for (char *name = strtok(arguments[2], ","); name != NULL; name = strtok(NULL, ",")) {
    MiniAVPixelFormat format = format_named(name);
    if (format == MINIAV_PIXEL_FORMAT_UNKNOWN || source->format_count == FORMATS_MAX) {
      return false;
    }
    source->formats[source->format_count++] = format;
  }
  for (int i = 5; i < count; i++) {
    if (!read_option(source, arguments[i])) {
      return false;
    }
  }
  return source->alignment > 0 && source->rate > 0;
}

static bool begin(struct source *source) {
  _Alignas(8) uint8_t bytes[16384];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *offers[FORMATS_MAX];
  struct producer_setup setup = {
      .properties = pipewire.properties_new(
          PW_KEY_MEDIA_CLASS, "Video/Source", PW_KEY_MEDIA_ROLE, "Camera", PW_KEY_NODE_NAME,
          source->name, PW_KEY_NODE_DESCRIPTION, "A camera for tests", "api.libcamera.location",
          "front", source->device != NULL ? "api.v4l2.path" : NULL, source->device, NULL),
      .events = &stream_events,
      .on_tick = on_tick,
      .user = source,
      .offers = offers,
      .offer_count = source_offers(source, &builder, offers)};
  return producer_begin(&source->producer, &setup);
}

static void obey_line(void *user, const char *line) {
  obey(user, line);
  say_obeyed(user);
}

int main(int count, char **arguments) {
  static struct source source = {.alignment = 64, .buffers_most = 16};
  if (!read_arguments(&source, count, arguments)) {
    fprintf(stderr, "camera_source NAME FORMATS WxH FPS [OPTION...]\n");
    return 2;
  }
  if (!producer_load() || !dynlib_load(&library, NULL, 0) || !begin(&source)) {
    return 1;
  }
  producer_obey(&source.producer, obey_line, &source);
  return 0;
}

#else

int main(void) {
  fprintf(stderr, "built without PipeWire\n");
  return 1;
}

#endif
