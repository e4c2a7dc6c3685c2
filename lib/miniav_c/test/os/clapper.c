/*
 * A program that claps: a window turns white in the moment in which its sound is heard.
 *
 *   clapper COUNT
 *
 * Prints {"window":XID} when it plays. For each clap it plays a burst of a tenth of a second, after
 * a tenth of silence, whitens the window when the burst's first sample is heard (by
 * pw_stream_get_time_n, pipewire/stream.h), blackens it a fifth of a second later, and prints
 * {"heard":MICROSECONDS,"drawn":MICROSECONDS}: when the sample was heard, and when the server had
 * painted; -1 for what never came. Ends after so many.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_XCB)

#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>

#include "common/clock.h"
#include "common/dynlib.h"
#include "common/linux/pipewire_library.h"
#include "common/linux/x11_connection.h"

#define RATE_HZ      48000
#define HALF_PERIOD  24 /* samples of a square wave: its first one is as loud as all others */
#define LOUDNESS     0.5f
#define BURST_FRAMES (RATE_HZ / 10)
#define AHEAD_FRAMES (RATE_HZ / 10)
#define LIT_US       200000
#define REST_US      250000
#define PATIENCE_US  3000000
#define WIDTH        160
#define HEIGHT       120

static struct functions {
  __typeof__(&pw_stream_new_simple) stream_new_simple;
  __typeof__(&pw_stream_connect) stream_connect;
  __typeof__(&pw_stream_dequeue_buffer) stream_dequeue_buffer;
  __typeof__(&pw_stream_queue_buffer) stream_queue_buffer;
  __typeof__(&pw_stream_get_time_n) stream_get_time_n;
} stream;

#define SYMBOL(name)                                                                               \
  { "pw_" #name, offsetof(struct functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol symbols[] = {
    SYMBOL(stream_new_simple), SYMBOL(stream_connect), SYMBOL(stream_dequeue_buffer),
    SYMBOL(stream_queue_buffer), SYMBOL(stream_get_time_n)};

static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &stream);

struct clapper {
  struct pw_stream *stream;
  _Atomic(struct spa_io_position *) position;
  atomic_bool asked;
  _Atomic int64_t planned_us; /* when the burst will be heard; 0: not known yet */
  _Atomic int64_t heard_us;   /* as told in the cycle that brought its first sample */
  _Atomic uint64_t cycles;
  /* The data thread's. */
  uint64_t frame;
  uint64_t burst; /* its first frame; 0: none */
};

/* ---- sound ------------------------------------------------------------------------------------
 */

static void on_io(void *user, uint32_t id, void *area, uint32_t size) {
  struct clapper *clapper = user;
  if (id == SPA_IO_Position && (area == NULL || size >= sizeof(struct spa_io_position))) {
    atomic_store(&clapper->position, area);
  }
}

/* When a sample that is queued now is heard: the formula of pipewire/stream.h, with time.now for
 * "elapsed" on both sides. */
static int64_t heard_us(struct clapper *clapper) {
  struct pw_time time;
  if (stream.stream_get_time_n(clapper->stream, &time, sizeof time) < 0 || time.rate.denom == 0) {
    return 0;
  }
  int64_t graph_us = time.delay * 1000000 * time.rate.num / time.rate.denom;
  return time.now / 1000 + graph_us + (int64_t)time.buffered * 1000000 / RATE_HZ;
}

static int64_t frames_us(uint64_t frames) {
  return (int64_t)frames * 1000000 / RATE_HZ;
}

static float sample_at(const struct clapper *clapper, uint64_t frame) {
  if (clapper->burst == 0 || frame < clapper->burst || frame >= clapper->burst + BURST_FRAMES) {
    return 0;
  }
  return (frame - clapper->burst) / HALF_PERIOD % 2 == 0 ? LOUDNESS : -LOUDNESS;
}

static void on_process(void *user) {
  struct clapper *clapper = user;
  struct spa_io_position *position = atomic_load(&clapper->position);
  struct pw_buffer *buffer = stream.stream_dequeue_buffer(clapper->stream);
  if (buffer == NULL) {
    return;
  }
  struct spa_data *data = &buffer->buffer->datas[0];
  uint32_t frames = position != NULL ? (uint32_t)position->clock.duration : 1024;
  uint32_t room = data->maxsize / (2 * (uint32_t)sizeof(float));
  frames = frames < room ? frames : room;
  int64_t first_us = heard_us(clapper);
  if (first_us > 0 && atomic_exchange(&clapper->asked, false)) {
    clapper->burst = clapper->frame + AHEAD_FRAMES;
    atomic_store(&clapper->planned_us, first_us + frames_us(AHEAD_FRAMES));
  }
  if (clapper->burst >= clapper->frame && clapper->burst < clapper->frame + frames &&
      clapper->burst > 0) {
    atomic_store(&clapper->heard_us, first_us + frames_us(clapper->burst - clapper->frame));
  }
  float *samples = data->data;
  for (uint32_t i = 0; samples != NULL && i < frames; i++) {
    samples[2 * i] = samples[2 * i + 1] = sample_at(clapper, clapper->frame++);
  }
  data->chunk->offset = 0;
  data->chunk->stride = 2 * sizeof(float);
  data->chunk->size = frames * 2 * (uint32_t)sizeof(float);
  stream.stream_queue_buffer(clapper->stream, buffer);
  atomic_fetch_add(&clapper->cycles, 1);
}

static const struct pw_stream_events events = {
    .version = PW_VERSION_STREAM_EVENTS, .io_changed = on_io, .process = on_process};

static bool start_sound(struct clapper *clapper) {
  struct pw_thread_loop *loop = pipewire.thread_loop_new("clapper", NULL);
  uint8_t memory[1024];
  struct spa_pod_builder builder = {.data = memory, .size = sizeof memory};
  struct spa_audio_info_raw format = {.format = SPA_AUDIO_FORMAT_F32,
                                      .rate = RATE_HZ,
                                      .channels = 2,
                                      .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}};
  const struct spa_pod *formats[] = {
      spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &format)};
  pipewire.thread_loop_start(loop);
  pipewire.thread_loop_lock(loop);
  clapper->stream = stream.stream_new_simple(
      pipewire.thread_loop_get_loop(loop), "clapper",
      pipewire.properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback",
                              PW_KEY_NODE_NAME, "clapper", NULL),
      &events, clapper);
  bool plays = clapper->stream != NULL &&
               stream.stream_connect(clapper->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                                     PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
                                         PW_STREAM_FLAG_RT_PROCESS,
                                     formats, 1) >= 0;
  pipewire.thread_loop_unlock(loop);
  return plays;
}

/* ---- picture ----------------------------------------------------------------------------------
 */

struct stage {
  struct x11 *x11;
  xcb_window_t window;
  xcb_gcontext_t white;
  xcb_gcontext_t black;
};

static void server_do(struct stage *stage, uint8_t opcode, void *bytes, size_t count) {
  const struct x11_request request = {NULL, opcode, bytes, count};
  if (x11_do(stage->x11, &request, -1) != MINIAV_SUCCESS) {
    printf("{\"failed\":%d}\n", stage->x11->error_code);
    exit(1);
  }
}

static xcb_gcontext_t make_gc(struct stage *stage, uint32_t colour) {
  struct {
    xcb_create_gc_request_t header;
    uint32_t foreground;
  } create = {.header = {.drawable = stage->window, .value_mask = XCB_GC_FOREGROUND},
              .foreground = colour};
  create.header.cid = xcb.generate_id(stage->x11->connection);
  server_do(stage, XCB_CREATE_GC, &create, sizeof create);
  return create.header.cid;
}

static void paint(struct stage *stage, xcb_gcontext_t gc) {
  struct {
    xcb_poly_fill_rectangle_request_t header;
    xcb_rectangle_t rectangle;
  } fill = {.header = {.drawable = stage->window, .gc = gc}, .rectangle = {0, 0, WIDTH, HEIGHT}};
  server_do(stage, XCB_POLY_FILL_RECTANGLE, &fill, sizeof fill);
}

static bool set_stage(struct stage *stage) {
  static struct cancel cancel;
  cancel_init(&cancel);
  if (x11_connect(20000, &cancel, &stage->x11) != MINIAV_SUCCESS) {
    return false;
  }
  x11_set_limits(stage->x11, INT64_MAX, NULL);
  xcb_create_window_request_t create = {.depth = stage->x11->screen.root_depth,
                                        .wid = xcb.generate_id(stage->x11->connection),
                                        .parent = stage->x11->screen.root,
                                        .x = 10,
                                        .y = 10,
                                        .width = WIDTH,
                                        .height = HEIGHT,
                                        ._class = XCB_WINDOW_CLASS_INPUT_OUTPUT,
                                        .visual = stage->x11->screen.root_visual};
  stage->window = create.wid;
  server_do(stage, XCB_CREATE_WINDOW, &create, sizeof create);
  xcb_map_window_request_t map = {.window = stage->window};
  server_do(stage, XCB_MAP_WINDOW, &map, sizeof map);
  stage->white = make_gc(stage, 0xFFFFFF);
  stage->black = make_gc(stage, 0);
  paint(stage, stage->black);
  return true;
}

/* ---- both -------------------------------------------------------------------------------------
 */

/* Until it is told, for a while; -1: it was not. */
static int64_t wait_for(_Atomic int64_t *time_us) {
  int64_t until_us = clock_now_us() + PATIENCE_US;
  while (clock_now_us() < until_us) {
    int64_t told_us = atomic_load(time_us);
    if (told_us != 0) {
      return told_us;
    }
    clock_sleep_until_us(clock_now_us() + 500);
  }
  return -1;
}

static void clap(struct clapper *clapper, struct stage *stage) {
  int64_t drawn_us = -1;
  atomic_store(&clapper->planned_us, 0);
  atomic_store(&clapper->heard_us, 0);
  atomic_store(&clapper->asked, true);
  int64_t planned_us = wait_for(&clapper->planned_us);
  if (planned_us > 0) {
    clock_sleep_until_us(planned_us);
    paint(stage, stage->white);
    drawn_us = clock_now_us();
    clock_sleep_until_us(drawn_us + LIT_US);
    paint(stage, stage->black);
  }
  printf("{\"heard\":%lld,\"drawn\":%lld}\n", (long long)wait_for(&clapper->heard_us),
         (long long)drawn_us);
  fflush(stdout);
}

int main(int count, char **values) {
  static struct clapper clapper;
  struct stage stage;
  if (count != 2 || pipewire_load() != MINIAV_SUCCESS || !dynlib_load(&library, NULL, 0)) {
    return 2;
  }
  if (!set_stage(&stage) || !start_sound(&clapper)) {
    return 1;
  }
  while (atomic_load(&clapper.cycles) == 0) {
    clock_sleep_until_us(clock_now_us() + 1000);
  }
  printf("{\"window\":%u}\n", stage.window);
  fflush(stdout);
  for (int left = atoi(values[1]); left > 0; left--) {
    clap(&clapper, &stage);
    clock_sleep_until_us(clock_now_us() + REST_US);
  }
  return 0;
}

#else

int main(void) {
  return 2;
}

#endif
