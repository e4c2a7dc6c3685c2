/*
 * A screen for tests: a producer on a real PipeWire whose pictures, damage and pointer are what it
 * is told, also what no compositor should send.
 *
 *   screen_source NAME FORMAT WxH FPS [OPTION...]
 *
 * FORMAT: one of four bytes, such as BGRX. It sends nothing by itself; FPS is how many buffers a
 * second it sends at most.
 * Options:
 *   any          of the size that is asked for, WxH when none is
 *   buffers=N    how many it allows at most
 *   nocursor, nodamage   without that meta
 *
 * Each line on its input is one buffer, sent in turn:
 *   paint X Y W H BYTE [X Y W H]...  fills the first rectangle; all of them are its damage
 *   quiet X Y W H BYTE               the same without damage
 *   point X Y                        no picture: the pointer is there now
 *   shape SIDE BLUE GREEN RED ALPHA  no picture: the pointer is such a square, colour times alpha
 *   hide                             no picture: the pointer is gone
 *   both X Y W H BYTE X Y            a picture, and the pointer moved
 *   empty                            no picture, and nothing new
 *   lie WHAT X Y W H BYTE            a picture, with a lie: damage, offset, stride, size, format
 * `size WxH` is another format. The end of the input ends it. It prints a line for each thing that
 * happens.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <fcntl.h>
#include <spa/param/format.h>
#include <spa/param/video/format.h>
#include <spa/pod/builder.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/linux/pipewire_video_format.h"
#include "support/pipewire_producer.h"

#define SIDE_MAX     256u
#define DAMAGE_MAX   16u
#define SENDINGS_MAX 256u
#define HOTSPOT      2

/* What one buffer shall be. */
struct sending {
  bool has_picture;
  bool moves;
  bool hides;
  uint32_t side; /* of a new pointer; 0: none */
  int pixel[4];
  int x;
  int y;
  int rectangles[DAMAGE_MAX][4]; /* the first is painted */
  uint32_t damage_count;
  int byte;
  char lie[16];
};

struct source {
  const char *name;
  uint32_t format; /* enum spa_video_format */
  bool any_size;
  uint32_t width;
  uint32_t height;
  uint32_t rate;
  uint32_t buffers_most;
  bool no_cursor;
  bool no_damage;

  struct producer producer;
  bool streaming;
  uint32_t now_width; /* agreed on */
  uint32_t now_height;
  uint8_t *canvas;
  int64_t sequence;
  struct sending sendings[SENDINGS_MAX];
  uint32_t first;
  uint32_t count;
  bool shown;
  int x;
  int y;
};

/* -- format ----------------------------------------------------------------------------------- */

static const struct spa_pod *offer(const struct source *source, struct spa_pod_builder *builder) {
  struct spa_rectangle size = SPA_RECTANGLE(source->width, source->height);
  struct spa_rectangle least = source->any_size ? SPA_RECTANGLE(1, 1) : size;
  struct spa_rectangle most = source->any_size ? SPA_RECTANGLE(16384, 16384) : size;
  struct spa_fraction rate = SPA_FRACTION(source->rate, 1);
  return spa_pod_builder_add_object(
      builder, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat, SPA_FORMAT_mediaType,
      SPA_POD_Id(SPA_MEDIA_TYPE_video), SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw),
      SPA_FORMAT_VIDEO_format, SPA_POD_Id(source->format), SPA_FORMAT_VIDEO_size,
      SPA_POD_CHOICE_RANGE_Rectangle(&size, &least, &most), SPA_FORMAT_VIDEO_framerate,
      SPA_POD_Fraction(&rate));
}

static size_t cursor_bytes(void) {
  return sizeof(struct spa_meta_cursor) + sizeof(struct spa_meta_bitmap) +
         (size_t)SIDE_MAX * SIDE_MAX * 4;
}

static uint32_t picture_bytes(const struct source *source) {
  return source->now_width * source->now_height * 4;
}

static void on_param_changed(void *data, uint32_t id, const struct spa_pod *param) {
  struct source *source = data;
  struct video_format format;
  if (id != SPA_PARAM_Format || param == NULL || !video_format_read(param, &format)) {
    return;
  }
  source->now_width = format.info.width;
  source->now_height = format.info.height;
  free(source->canvas);
  source->canvas = calloc(1, picture_bytes(source));
  _Alignas(8) uint8_t bytes[2048];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[4];
  uint32_t count = 0;
  const struct producer_buffers buffers = {.most = source->buffers_most,
                                           .blocks = 1,
                                           .bytes = picture_bytes(source),
                                           .stride = source->now_width * 4,
                                           .data_type = SPA_DATA_MemFd};
  params[count++] = producer_buffers_param(&builder, &buffers);
  params[count++] = producer_meta_param(&builder, SPA_META_Header, sizeof(struct spa_meta_header));
  if (!source->no_damage) {
    params[count++] = producer_meta_param(&builder, SPA_META_VideoDamage,
                                          DAMAGE_MAX * sizeof(struct spa_meta_region));
  }
  if (!source->no_cursor) {
    params[count++] = producer_meta_param(&builder, SPA_META_Cursor, cursor_bytes());
  }
  pipewire.stream_update_params(source->producer.stream, params, count);
  printf("{\"width\":%u,\"height\":%u}\n", source->now_width, source->now_height);
  fflush(stdout);
}

/* -- memory ----------------------------------------------------------------------------------- */

static void on_add_buffer(void *user, struct pw_buffer *buffer) {
  struct source *source = user;
  struct spa_data *data = &buffer->buffer->datas[0];
  uint32_t bytes = picture_bytes(source);
  int fd = memfd_create("screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || ftruncate(fd, bytes) != 0) {
    perror("memfd");
    exit(1);
  }
  fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  data->type = SPA_DATA_MemFd;
  data->flags = SPA_DATA_FLAG_READWRITE;
  data->fd = fd;
  data->mapoffset = 0;
  data->maxsize = bytes;
  data->data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void on_remove_buffer(void *user, struct pw_buffer *buffer) {
  (void)user;
  struct spa_data *data = &buffer->buffer->datas[0];
  munmap(data->data, data->maxsize);
  close((int)data->fd);
}

/* -- buffers ---------------------------------------------------------------------------------- */

static void paint(struct source *source, const struct sending *sending) {
  const int *at = sending->rectangles[0];
  for (int y = at[1]; y < at[1] + at[3]; y++) {
    memset(source->canvas + ((size_t)y * source->now_width + (size_t)at[0]) * 4, sending->byte,
           (size_t)at[2] * 4);
  }
}

static bool lies(const struct sending *sending, const char *what) {
  return strcmp(sending->lie, what) == 0;
}

static void set_damage(const struct sending *sending, struct spa_buffer *buffer) {
  struct spa_meta *list = spa_buffer_find_meta(buffer, SPA_META_VideoDamage);
  if (list == NULL) {
    return;
  }
  struct spa_meta_region *regions = spa_meta_first(list);
  memset(regions, 0, list->size);
  for (uint32_t i = 0; i < sending->damage_count; i++) {
    const int *is = sending->rectangles[i];
    regions[i].region = SPA_REGION(is[0], is[1], (uint32_t)is[2], (uint32_t)is[3]);
  }
  if (lies(sending, "damage")) {
    regions[0].region = SPA_REGION(100000, 0, UINT32_MAX, 8);
  }
}

static void draw_pointer(const struct sending *sending, struct spa_meta_cursor *cursor) {
  struct spa_meta_bitmap *bitmap = SPA_PTROFF(cursor, sizeof *cursor, struct spa_meta_bitmap);
  uint8_t *pixels = SPA_PTROFF(bitmap, sizeof *bitmap, uint8_t);
  cursor->bitmap_offset = sizeof *cursor;
  *bitmap = (struct spa_meta_bitmap){.format = SPA_VIDEO_FORMAT_BGRA,
                                     .size = SPA_RECTANGLE(sending->side, sending->side),
                                     .stride = (int32_t)sending->side * 4,
                                     .offset = sizeof *bitmap};
  for (uint32_t i = 0; i < sending->side * sending->side * 4; i++) {
    pixels[i] = (uint8_t)sending->pixel[i % 4];
  }
}

static void lie_about_pointer(const struct sending *sending, struct spa_meta_cursor *cursor) {
  struct sending square = {.side = 8, .pixel = {1, 2, 3, 255}};
  struct spa_meta_bitmap *bitmap = SPA_PTROFF(cursor, sizeof *cursor, struct spa_meta_bitmap);
  cursor->id = 1;
  draw_pointer(&square, cursor);
  if (lies(sending, "offset")) {
    cursor->bitmap_offset = UINT32_MAX - 3;
  } else if (lies(sending, "stride")) {
    bitmap->stride = INT32_MAX;
  } else if (lies(sending, "size")) {
    bitmap->size = SPA_RECTANGLE(1024, 1024);
    bitmap->stride = 4096;
  } else if (lies(sending, "format")) {
    bitmap->format = SPA_VIDEO_FORMAT_NV12;
  } else {
    cursor->bitmap_offset = 0;
  }
}

static void set_pointer(struct source *source, const struct sending *sending,
                        struct spa_buffer *buffer) {
  struct spa_meta_cursor *cursor =
      spa_buffer_find_meta_data(buffer, SPA_META_Cursor, sizeof *cursor);
  if (sending->moves) {
    source->x = sending->x;
    source->y = sending->y;
  }
  source->shown = (source->shown || sending->moves || sending->side > 0) && !sending->hides;
  if (cursor == NULL) {
    return;
  }
  *cursor = (struct spa_meta_cursor){.id = source->shown ? 1 : 0,
                                     .position = SPA_POINT(source->x, source->y),
                                     .hotspot = SPA_POINT(HOTSPOT, HOTSPOT)};
  if (sending->side > 0) {
    draw_pointer(sending, cursor);
  }
  if (sending->lie[0] != 0 && !lies(sending, "damage")) {
    lie_about_pointer(sending, cursor);
  }
}

static void on_process(void *data) {
  struct source *source = data;
  struct pw_buffer *buffer =
      source->count > 0 ? pipewire.stream_dequeue_buffer(source->producer.stream) : NULL;
  if (buffer == NULL) {
    return; /* all are out: later */
  }
  const struct sending *sending = &source->sendings[source->first];
  struct spa_data *to = &buffer->buffer->datas[0];
  struct spa_meta_header *header =
      spa_buffer_find_meta_data(buffer->buffer, SPA_META_Header, sizeof *header);
  if (header != NULL) {
    *header = (struct spa_meta_header){.pts = clock_now_us() * 1000};
  }
  if (sending->has_picture) {
    paint(source, sending);
    memcpy(to->data, source->canvas, to->maxsize);
    *to->chunk = (struct spa_chunk){.size = to->maxsize, .stride = (int32_t)source->now_width * 4};
  } else {
    /* As mutter does; what is in the buffer is old. */
    memset(to->data, 0xEE, to->maxsize);
    *to->chunk = (struct spa_chunk){.size = 0, .flags = (int32_t)SPA_CHUNK_FLAG_CORRUPTED};
  }
  set_damage(sending, buffer->buffer);
  set_pointer(source, sending, buffer->buffer);
  source->first = (source->first + 1) % SENDINGS_MAX;
  source->count--;
  source->sequence++;
  pipewire.stream_queue_buffer(source->producer.stream, buffer);
  printf("{\"sent\":%lld}\n", (long long)source->sequence);
  fflush(stdout);
}

/* Also without anything to send: a cycle brings back buffers, and sends what was queued too late
 * for the one before. */
static void on_tick(void *data, uint64_t expirations) {
  (void)expirations;
  struct source *source = data;
  if (source->streaming && source->canvas != NULL) {
    producer_trigger(&source->producer);
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

/* Rectangles after a picture's own; and the place of the pointer, for `both`. */
static void read_rest(const char *rest, bool moves, struct sending *sending) {
  int used = 0;
  if (moves && sscanf(rest, "%d %d", &sending->x, &sending->y) == 2) {
    sending->moves = true;
    return;
  }
  while (sending->damage_count < DAMAGE_MAX) {
    int *to = sending->rectangles[sending->damage_count];
    if (sscanf(rest, "%d %d %d %d%n", &to[0], &to[1], &to[2], &to[3], &used) != 4) {
      return;
    }
    sending->damage_count++;
    rest += used;
  }
}

static bool read_picture(const char *line, struct sending *sending) {
  int *to = sending->rectangles[0];
  int used = 0;
  if (sscanf(line, "%d %d %d %d %d%n", &to[0], &to[1], &to[2], &to[3], &sending->byte, &used) !=
      5) {
    return false;
  }
  sending->has_picture = true;
  return true;
}

static const char *after(const char *line, const char *word) {
  size_t length = strlen(word);
  return strncmp(line, word, length) == 0 ? line + length : NULL;
}

static bool read_sending(const char *line, struct sending *sending) {
  const char *rest;
  int words = 0;
  *sending = (struct sending){.damage_count = 0};
  if ((rest = after(line, "paint ")) != NULL || (rest = after(line, "both ")) != NULL) {
    sending->damage_count = 1;
    if (!read_picture(rest, sending)) {
      return false;
    }
    for (int i = 0; i < 5; i++) {
      rest += strspn(rest, " ");
      rest += strcspn(rest, " \n");
    }
    read_rest(rest, line[0] == 'b', sending);
    return true;
  }
  if ((rest = after(line, "quiet ")) != NULL) {
    return read_picture(rest, sending);
  }
  if (sscanf(line, "lie %15s %n", sending->lie, &words) == 1) {
    sending->damage_count = 1;
    return read_picture(line + words, sending);
  }
  if (sscanf(line, "point %d %d", &sending->x, &sending->y) == 2) {
    sending->moves = true;
    return true;
  }
  int *pixel = sending->pixel;
  if (sscanf(line, "shape %u %d %d %d %d", &sending->side, &pixel[0], &pixel[1], &pixel[2],
             &pixel[3]) == 5) {
    return sending->side <= SIDE_MAX;
  }
  sending->hides = strncmp(line, "hide", 4) == 0;
  return sending->hides || strncmp(line, "empty", 5) == 0;
}

static void change_size(struct source *source, uint32_t width, uint32_t height) {
  _Alignas(8) uint8_t bytes[1024];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  source->width = width;
  source->height = height;
  const struct spa_pod *params[1] = {offer(source, &builder)};
  pipewire.stream_update_params(source->producer.stream, params, 1);
}

static void obey(void *user, const char *line) {
  struct source *source = user;
  uint32_t width;
  uint32_t height;
  uint32_t at = (source->first + source->count) % SENDINGS_MAX;
  if (sscanf(line, "size %ux%u", &width, &height) == 2) {
    change_size(source, width, height);
  } else if (source->count < SENDINGS_MAX && read_sending(line, &source->sendings[at])) {
    source->count++;
  } else {
    fprintf(stderr, "not understood: %s", line);
  }
  printf("{\"obeyed\":true}\n");
  fflush(stdout);
}

/* -- life ------------------------------------------------------------------------------------- */

static uint32_t format_of(const char *name) {
  static const struct {
    const char *name;
    uint32_t format;
  } formats[] = {{"BGRX", SPA_VIDEO_FORMAT_BGRx}, {"RGBX", SPA_VIDEO_FORMAT_RGBx},
                 {"BGRA", SPA_VIDEO_FORMAT_BGRA}, {"RGBA", SPA_VIDEO_FORMAT_RGBA},
                 {"ARGB", SPA_VIDEO_FORMAT_ARGB}, {"ABGR", SPA_VIDEO_FORMAT_ABGR},
                 {"XRGB", SPA_VIDEO_FORMAT_xRGB}, {"XBGR", SPA_VIDEO_FORMAT_xBGR}};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    if (strcmp(name, formats[i].name) == 0) {
      return formats[i].format;
    }
  }
  return SPA_VIDEO_FORMAT_UNKNOWN;
}

static bool read_arguments(struct source *source, int count, char **arguments) {
  source->format = count < 5 ? SPA_VIDEO_FORMAT_UNKNOWN : format_of(arguments[2]);
  if (source->format == SPA_VIDEO_FORMAT_UNKNOWN ||
      sscanf(arguments[3], "%ux%u", &source->width, &source->height) != 2 ||
      sscanf(arguments[4], "%u", &source->rate) != 1 || source->rate == 0) {
    return false;
  }
  source->name = arguments[1];
  for (int i = 5; i < count; i++) {
    source->no_cursor = source->no_cursor || strcmp(arguments[i], "nocursor") == 0;
    source->no_damage = source->no_damage || strcmp(arguments[i], "nodamage") == 0;
    source->any_size = source->any_size || strcmp(arguments[i], "any") == 0;
    if (strncmp(arguments[i], "no", 2) != 0 && strcmp(arguments[i], "any") != 0 &&
        sscanf(arguments[i], "buffers=%u", &source->buffers_most) != 1) {
      return false;
    }
  }
  return true;
}

static bool begin(struct source *source) {
  _Alignas(8) uint8_t bytes[1024];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *offers[1] = {offer(source, &builder)};
  struct producer_setup setup = {
      .properties = pipewire.properties_new(PW_KEY_MEDIA_CLASS, "Video/Source", PW_KEY_MEDIA_ROLE,
                                            "Camera", PW_KEY_NODE_NAME, source->name,
                                            PW_KEY_NODE_DESCRIPTION, "A screen for tests", NULL),
      .events = &stream_events,
      .on_tick = on_tick,
      .user = source,
      .offers = offers,
      .offer_count = 1};
  return producer_begin(&source->producer, &setup);
}

int main(int count, char **arguments) {
  static struct source source = {.buffers_most = 16};
  if (!read_arguments(&source, count, arguments)) {
    fprintf(stderr, "screen_source NAME FORMAT WxH FPS [OPTION...]\n");
    return 2;
  }
  if (!producer_load() || !begin(&source)) {
    return 1;
  }
  producer_obey(&source.producer, obey, &source);
  return 0;
}

#else

int main(void) {
  fprintf(stderr, "built without PipeWire\n");
  return 1;
}

#endif
