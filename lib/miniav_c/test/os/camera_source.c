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
 *   notime       no header meta: no time, no sequence
 *   range        sizes and rates as ranges
 *
 * Lines on its input: `stall`, `go`, `format NAME WxH`, `corrupt N`, `discont`, `skip N`, `error`,
 * `crop X Y W H`, `transform N`, `lie WHAT N` (stride, negative, offset, size, zero, crop),
 * `truncate`, `die`; the end of the input ends it. It prints a line for each thing that happens.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <errno.h>
#include <fcntl.h>
#include <spa/param/buffers.h>
#include <spa/param/format.h>
#include <spa/param/video/format.h>
#include <spa/pod/builder.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/dynlib.h"
#include "common/linux/pipewire_video_format.h"
#include "common/pixel.h"
#include "test_device/jpeg_writer.h"
#include "test_device/pattern.h"

#define FORMATS_MAX 24u
#define DATAS_MAX   4u

static struct functions {
  __typeof__(&pw_stream_is_driving) stream_is_driving;
  __typeof__(&pw_stream_trigger_process) stream_trigger_process;
  __typeof__(&pw_stream_set_error) stream_set_error;
} more;

static const struct dynlib_symbol symbols[] = {
    {"pw_stream_is_driving", offsetof(struct functions, stream_is_driving), DYNLIB_REQUIRED},
    {"pw_stream_trigger_process", offsetof(struct functions, stream_trigger_process),
     DYNLIB_REQUIRED},
    {"pw_stream_set_error", offsetof(struct functions, stream_set_error), DYNLIB_REQUIRED},
};
static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &more);

static const char *const names[] = {"",      "I420", "NV12", "NV21",  "YUY2", "UYVY",    "RGB24",
                                    "BGR24", "RGBA", "BGRA", "ARGB",  "ABGR", "MJPEG",   "BGRX",
                                    "RGBX",  "XRGB", "XBGR", "GRAY8", "P010", "X2RGB10", "X2BGR10"};

struct source {
  const char *name;
  MiniAVPixelFormat formats[FORMATS_MAX];
  uint32_t format_count;
  uint32_t width;
  uint32_t height;
  uint32_t rate;
  enum pattern_theme theme;
  bool each;
  bool no_time;
  bool range;
  uint32_t alignment;
  uint32_t buffers_most;
  char memory[16];

  struct pw_thread_loop *loop;
  struct pw_core *core;
  struct pw_stream *stream;
  struct spa_hook hook;
  struct spa_source *timer;
  MiniAVPixelFormat format; /* agreed on */
  uint32_t now_width;
  uint32_t now_height;
  struct pattern *pattern;
  struct pattern_marks marks;
  uint8_t *picture;
  struct jpeg_writer *jpeg;
  uint32_t plane_count;
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  uint32_t strides[MINIAV_MAX_PLANES];
  uint32_t sizes[MINIAV_MAX_PLANES];
  uint64_t sequence;
  bool streaming;
  bool stalled;
  uint32_t corrupt;
  bool discont;
  int crop[4];
  int transform;
  char lie[16];
  uint32_t lies;
  int memfds[64];
  uint32_t memfd_count;
  bool truncated; /* then it touches its memory no more, but goes on sending it */
  uint32_t used;
};

static void say(const char *what, long long number) {
  printf("{\"%s\":%lld}\n", what, number);
  fflush(stdout);
}

static MiniAVPixelFormat format_named(const char *name) {
  for (size_t i = 1; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], name) == 0) {
      return (MiniAVPixelFormat)i;
    }
  }
  return MINIAV_PIXEL_FORMAT_UNKNOWN;
}

/* -- formats ---------------------------------------------------------------------------------- */

static bool is_rgb(MiniAVPixelFormat format) {
  MiniAVBuffer buffer = {.color_matrix = 0};
  pattern_describe_color(format, &buffer);
  return buffer.color_range == MINIAV_COLOR_RANGE_FULL;
}

static const struct spa_pod *offer(const struct source *source, struct spa_pod_builder *builder,
                                   MiniAVPixelFormat format) {
  struct spa_pod_frame frame;
  bool jpeg = format == MINIAV_PIXEL_FORMAT_MJPEG;
  struct spa_rectangle size = SPA_RECTANGLE(source->width, source->height);
  struct spa_rectangle least = SPA_RECTANGLE(160, 120);
  struct spa_rectangle most = SPA_RECTANGLE(3840, 2160);
  struct spa_fraction rate = SPA_FRACTION(source->rate, 1);
  struct spa_fraction slowest = SPA_FRACTION(5, 1);
  struct spa_fraction fastest = SPA_FRACTION(120, 1);
  spa_pod_builder_push_object(builder, &frame, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
  spa_pod_builder_add(builder, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
                      SPA_FORMAT_mediaSubtype,
                      SPA_POD_Id(jpeg ? SPA_MEDIA_SUBTYPE_mjpg : SPA_MEDIA_SUBTYPE_raw), 0);
  if (!jpeg) {
    spa_pod_builder_add(
        builder, SPA_FORMAT_VIDEO_format, SPA_POD_Id(video_format_to_spa(format)),
        SPA_FORMAT_VIDEO_colorRange,
        SPA_POD_Id(is_rgb(format) ? SPA_VIDEO_COLOR_RANGE_0_255 : SPA_VIDEO_COLOR_RANGE_16_235),
        SPA_FORMAT_VIDEO_colorMatrix,
        SPA_POD_Id(is_rgb(format) ? SPA_VIDEO_COLOR_MATRIX_RGB : SPA_VIDEO_COLOR_MATRIX_BT709), 0);
  }
  if (source->range) {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_size,
                        SPA_POD_CHOICE_STEP_Rectangle(&size, &least, &most, &SPA_RECTANGLE(2, 2)),
                        SPA_FORMAT_VIDEO_framerate,
                        SPA_POD_CHOICE_RANGE_Fraction(&rate, &slowest, &fastest), 0);
  } else {
    spa_pod_builder_add(builder, SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&size),
                        SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&rate), 0);
  }
  return spa_pod_builder_pop(builder, &frame);
}

static uint32_t offers(const struct source *source, struct spa_pod_builder *builder,
                       const struct spa_pod **params) {
  for (uint32_t i = 0; i < source->format_count; i++) {
    params[i] = offer(source, builder, source->formats[i]);
  }
  return source->format_count;
}

static uint32_t total_bytes(const struct source *source) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < source->plane_count; i++) {
    total += source->sizes[i];
  }
  return total;
}

static uint32_t round_up(uint32_t value, uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/* In one block chroma rows are as long as those of the luma, or half as long. */
static void lay_out(struct source *source) {
  for (uint32_t i = 0; i < source->plane_count; i++) {
    uint32_t stride = round_up(source->planes[i].row_bytes, source->alignment);
    if (!source->each && i > 0) {
      bool halves = source->format == MINIAV_PIXEL_FORMAT_I420;
      stride = halves ? (source->strides[0] + 1) / 2 : source->strides[0];
    }
    source->strides[i] = stride;
    source->sizes[i] = stride * source->planes[i].height;
  }
}

static void prepare(struct source *source) {
  pattern_destroy(source->pattern);
  jpeg_writer_destroy(source->jpeg);
  free(source->picture);
  source->jpeg = NULL;
  source->marks = (struct pattern_marks){.rendered = false};
  const struct pattern_plan plan = {.format = source->format,
                                    .width = source->now_width,
                                    .height = source->now_height,
                                    .theme = source->theme};
  source->pattern = pattern_create(&plan);
  source->picture = malloc(pattern_bytes(source->pattern));
  source->plane_count = pattern_planes(source->pattern, source->planes);
  if (source->format == MINIAV_PIXEL_FORMAT_MJPEG) {
    source->jpeg = jpeg_writer_create(source->now_width, source->now_height);
    source->plane_count = 1;
    source->strides[0] = 0;
    source->sizes[0] = (uint32_t)(2 * jpeg_writer_bytes(source->jpeg) + 65536) +
                       source->now_width * source->now_height;
  } else {
    lay_out(source);
  }
}

static const struct spa_pod *meta(struct spa_pod_builder *builder, uint32_t type, size_t bytes) {
  return spa_pod_builder_add_object(builder, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta,
                                    SPA_PARAM_META_type, SPA_POD_Id(type), SPA_PARAM_META_size,
                                    SPA_POD_Int((int)bytes));
}

static void on_param_changed(void *data, uint32_t id, const struct spa_pod *param) {
  struct source *source = data;
  struct video_format format;
  if (id != SPA_PARAM_Format || param == NULL || !video_format_read(param, &format)) {
    return;
  }
  source->format = format.info.pixel_format;
  source->now_width = format.info.width;
  source->now_height = format.info.height;
  prepare(source);
  _Alignas(8) uint8_t bytes[2048];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[4];
  uint32_t count = 0;
  params[count++] = spa_pod_builder_add_object(
      &builder, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers, SPA_PARAM_BUFFERS_buffers,
      SPA_POD_CHOICE_RANGE_Int((int)source->buffers_most, 2, (int)source->buffers_most),
      SPA_PARAM_BUFFERS_blocks, SPA_POD_Int(source->each ? (int)source->plane_count : 1),
      SPA_PARAM_BUFFERS_size,
      SPA_POD_Int((int)(source->each ? source->sizes[0] : total_bytes(source))),
      SPA_PARAM_BUFFERS_stride, SPA_POD_Int((int)source->strides[0]), SPA_PARAM_BUFFERS_dataType,
      SPA_POD_CHOICE_FLAGS_Int(1 << SPA_DATA_MemFd));
  if (!source->no_time) {
    params[count++] = meta(&builder, SPA_META_Header, sizeof(struct spa_meta_header));
  }
  params[count++] = meta(&builder, SPA_META_VideoCrop, sizeof(struct spa_meta_region));
  params[count++] = meta(&builder, SPA_META_VideoTransform, sizeof(struct spa_meta_videotransform));
  pipewire.stream_update_params(source->stream, params, count);
  printf("{\"format\":\"%s\",\"width\":%u,\"height\":%u,\"stride\":%u}\n", names[source->format],
         source->now_width, source->now_height, source->strides[0]);
  fflush(stdout);
}

/* -- memory ----------------------------------------------------------------------------------- */

static bool memory_is(const struct source *source, const char *what) {
  return strcmp(source->memory, what) == 0;
}

static int make_memfd(struct source *source, uint32_t bytes) {
  int fd = memfd_create("camera", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || ftruncate(fd, bytes) != 0) {
    perror("memfd");
    exit(1);
  }
  if (!memory_is(source, "unsealed")) {
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  }
  return fd;
}

static void lie_about_memory(const struct source *source, struct spa_data *data) {
  int ends[2];
  if (memory_is(source, "short")) {
    data->maxsize += 1u << 20;
  } else if (memory_is(source, "huge")) {
    data->maxsize = UINT32_MAX;
    data->mapoffset = UINT32_MAX - 4095;
  } else if (memory_is(source, "moved")) {
    data->mapoffset = 4096;
  } else if (memory_is(source, "pipe") && pipe(ends) == 0) {
    data->fd = ends[0];
  }
}

static void on_add_buffer(void *user, struct pw_buffer *buffer) {
  struct source *source = user;
  for (uint32_t i = 0; i < buffer->buffer->n_datas; i++) {
    struct spa_data *data = &buffer->buffer->datas[i];
    uint32_t bytes = source->each ? source->sizes[i] : total_bytes(source);
    int fd = make_memfd(source, bytes);
    data->type = SPA_DATA_MemFd;
    data->flags = SPA_DATA_FLAG_READWRITE;
    data->fd = fd;
    data->mapoffset = 0;
    data->maxsize = bytes;
    data->data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(data->data, PATTERN_PADDING_BYTE, bytes);
    if (memory_is(source, "readonly")) {
      fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
    }
    if (source->memfd_count < 64) {
      source->memfds[source->memfd_count++] = fd;
    }
    lie_about_memory(source, data);
  }
}

static void on_remove_buffer(void *user, struct pw_buffer *buffer) {
  struct source *source = user;
  for (uint32_t i = 0; i < buffer->buffer->n_datas; i++) {
    struct spa_data *data = &buffer->buffer->datas[i];
    uint32_t bytes = source->each ? source->sizes[i] : total_bytes(source);
    munmap(data->data, bytes);
    close((int)data->fd);
  }
  source->memfd_count = 0;
}

/* -- frames ----------------------------------------------------------------------------------- */

static void copy_plane(const struct source *source, uint32_t plane, uint8_t *to) {
  const struct pattern_plane *from = &source->planes[plane];
  for (uint32_t y = 0; y < from->height; y++) {
    memcpy(to + (size_t)y * source->strides[plane],
           source->picture + from->offset_bytes + (size_t)y * from->stride_bytes, from->row_bytes);
  }
}

static uint32_t fill_jpeg(struct source *source, struct spa_data *data) {
  struct jpeg_picture picture = {.planes = {NULL}};
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  uint32_t count = pattern_planes(source->pattern, planes);
  for (uint32_t i = 0; i < count; i++) {
    picture.planes[i] = source->picture + planes[i].offset_bytes;
    picture.strides_bytes[i] = planes[i].stride_bytes;
  }
  jpeg_writer_update(source->jpeg, &picture, 0, source->now_height);
  return (uint32_t)jpeg_writer_assemble(source->jpeg, data->data, source->sizes[0]);
}

static void fill(struct source *source, struct spa_buffer *buffer, int64_t time_us) {
  if (source->truncated) {
    return;
  }
  pattern_paint(source->pattern, source->picture, &source->marks, source->sequence, time_us);
  uint32_t offset = 0;
  for (uint32_t i = 0; i < source->plane_count; i++) {
    struct spa_data *data = &buffer->datas[source->each ? i : 0];
    bool first = source->each || i == 0;
    if (source->jpeg != NULL) {
      *data->chunk = (struct spa_chunk){.size = fill_jpeg(source, data)};
      return;
    }
    copy_plane(source, i, (uint8_t *)data->data + (source->each ? 0 : offset));
    offset += source->sizes[i];
    if (first) {
      *data->chunk =
          (struct spa_chunk){.size = source->each ? source->sizes[i] : total_bytes(source),
                             .stride = (int32_t)source->strides[i]};
    }
  }
}

static void lie_about_chunk(struct source *source, struct spa_buffer *buffer) {
  struct spa_chunk *chunk = buffer->datas[buffer->n_datas - 1].chunk;
  struct spa_meta_region *crop =
      spa_buffer_find_meta_data(buffer, SPA_META_VideoCrop, sizeof *crop);
  source->lies--;
  if (strcmp(source->lie, "stride") == 0) {
    chunk->stride = source->lies % 2 == 0 ? 3 : INT32_MAX;
  } else if (strcmp(source->lie, "negative") == 0) {
    chunk->stride = -chunk->stride;
  } else if (strcmp(source->lie, "offset") == 0) {
    chunk->offset = source->lies % 2 == 0 ? 4096 : UINT32_MAX - 4095;
  } else if (strcmp(source->lie, "size") == 0) {
    chunk->size = source->lies % 2 == 0 ? UINT32_MAX : chunk->size + 1;
  } else if (strcmp(source->lie, "zero") == 0) {
    chunk->size = 0;
  } else if (strcmp(source->lie, "crop") == 0 && crop != NULL) {
    crop->region = SPA_REGION(-8, 4, UINT32_MAX, 16);
  }
}

static void set_metas(struct source *source, struct spa_buffer *buffer, int64_t time_us) {
  struct spa_meta_header *header =
      spa_buffer_find_meta_data(buffer, SPA_META_Header, sizeof *header);
  struct spa_meta_region *crop =
      spa_buffer_find_meta_data(buffer, SPA_META_VideoCrop, sizeof *crop);
  struct spa_meta_videotransform *transform =
      spa_buffer_find_meta_data(buffer, SPA_META_VideoTransform, sizeof *transform);
  if (header != NULL) {
    *header = (struct spa_meta_header){
        .flags = source->discont ? (uint32_t)SPA_META_HEADER_FLAG_DISCONT : 0,
        .pts = time_us * 1000,
        .seq = source->sequence};
    source->discont = false;
  }
  if (crop != NULL) {
    crop->region = SPA_REGION(source->crop[0], source->crop[1], (uint32_t)source->crop[2],
                              (uint32_t)source->crop[3]);
  }
  if (transform != NULL) {
    transform->transform = (uint32_t)source->transform;
  }
}

static void on_process(void *data) {
  struct source *source = data;
  struct pw_buffer *buffer = pipewire.stream_dequeue_buffer(source->stream);
  if (buffer == NULL) {
    return; /* every buffer is out: this frame is lost, and its number with it */
  }
  int64_t time_us = clock_now_us();
  set_metas(source, buffer->buffer, time_us);
  fill(source, buffer->buffer, time_us);
  if (source->corrupt > 0) {
    source->corrupt--;
    buffer->buffer->datas[0].chunk->flags = (int32_t)SPA_CHUNK_FLAG_CORRUPTED;
  }
  if (source->lies > 0) {
    lie_about_chunk(source, buffer->buffer);
  }
  pipewire.stream_queue_buffer(source->stream, buffer);
}

static void on_tick(void *data, uint64_t expirations) {
  struct source *source = data;
  if (!source->streaming || source->stalled || source->pattern == NULL) {
    return;
  }
  source->sequence += expirations;
  if (more.stream_is_driving(source->stream)) {
    more.stream_trigger_process(source->stream);
  } else {
    on_process(source);
  }
}

static void on_state_changed(void *data, enum pw_stream_state old, enum pw_stream_state state,
                             const char *error) {
  (void)old;
  struct source *source = data;
  struct pw_loop *loop = pipewire.thread_loop_get_loop(source->loop);
  source->streaming = state == PW_STREAM_STATE_STREAMING;
  struct timespec first = {.tv_nsec = source->streaming ? 1 : 0};
  int64_t interval_ns = INT64_C(1000000000) / source->rate;
  struct timespec interval = {.tv_sec = interval_ns / 1000000000,
                              .tv_nsec = interval_ns % 1000000000};
  pw_loop_update_timer(loop, source->timer, &first, &interval, false);
  printf("{\"state\":%d,\"error\":\"%s\"}\n", (int)state, error != NULL ? error : "");
  fflush(stdout);
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
  _Alignas(8) uint8_t bytes[16384];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[FORMATS_MAX];
  uint32_t count = offers(source, &builder, params);
  pipewire.stream_update_params(source->stream, params, count);
}

static void truncate_all(struct source *source) {
  for (uint32_t i = 0; i < source->memfd_count; i++) {
    if (ftruncate(source->memfds[i], 0) != 0) {
      perror("ftruncate");
    }
  }
}

static void obey(struct source *source, const char *line) {
  int *crop = source->crop;
  if (strncmp(line, "stall", 5) == 0) {
    source->stalled = true;
  } else if (strncmp(line, "go", 2) == 0) {
    source->stalled = false;
  } else if (strncmp(line, "format ", 7) == 0) {
    change_format(source, line);
  } else if (strncmp(line, "discont", 7) == 0) {
    source->discont = true;
  } else if (strncmp(line, "error", 5) == 0) {
    more.stream_set_error(source->stream, -EIO, "the lens fell off");
  } else if (strncmp(line, "truncate", 8) == 0) {
    source->truncated = true;
    truncate_all(source);
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
  source->theme = strcmp(option, "bars2") == 0 ? PATTERN_THEME_BARS2 : source->theme;
  return strcmp(option, "each") == 0 || strcmp(option, "notime") == 0 ||
         strcmp(option, "range") == 0 || strcmp(option, "bars2") == 0 ||
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
  source->loop = pipewire.thread_loop_new("camera-source", NULL);
  struct pw_loop *loop = pipewire.thread_loop_get_loop(source->loop);
  struct pw_context *context = pipewire.context_new(loop, NULL, 0);
  source->core = pipewire.context_connect(context, NULL, 0);
  if (source->core == NULL) {
    fprintf(stderr, "no PipeWire\n");
    return false;
  }
  source->timer = pw_loop_add_timer(loop, on_tick, source);
  source->stream = pipewire.stream_new(
      source->core, source->name,
      pipewire.properties_new(PW_KEY_MEDIA_CLASS, "Video/Source", PW_KEY_MEDIA_ROLE, "Camera",
                              PW_KEY_NODE_NAME, source->name, PW_KEY_NODE_DESCRIPTION,
                              "A camera for tests", "api.libcamera.location", "front", NULL));
  pipewire.stream_add_listener(source->stream, &source->hook, &stream_events, source);
  _Alignas(8) uint8_t bytes[16384];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[FORMATS_MAX];
  uint32_t count = offers(source, &builder, params);
  return pipewire.stream_connect(source->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                                 PW_STREAM_FLAG_DRIVER | PW_STREAM_FLAG_ALLOC_BUFFERS, params,
                                 count) >= 0 &&
         pipewire.thread_loop_start(source->loop) == 0;
}

int main(int count, char **arguments) {
  static struct source source = {.alignment = 64, .buffers_most = 16};
  if (!read_arguments(&source, count, arguments)) {
    fprintf(stderr, "camera_source NAME FORMATS WxH FPS [OPTION...]\n");
    return 2;
  }
  if (pipewire_load() != MINIAV_SUCCESS || !dynlib_load(&library, NULL, 0) || !begin(&source)) {
    return 1;
  }
  char line[128];
  while (fgets(line, sizeof line, stdin) != NULL) {
    pipewire.thread_loop_lock(source.loop);
    obey(&source, line);
    pipewire.thread_loop_unlock(source.loop);
    say("obeyed", (long long)source.sequence);
  }
  return 0;
}

#else

int main(void) {
  fprintf(stderr, "built without PipeWire\n");
  return 1;
}

#endif
