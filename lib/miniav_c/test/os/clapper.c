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
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_XCB)

#include "common/clock.h"
#include "common/linux/x11_connection.h"
#include "support/pipewire_playback.h"

#define HALF_PERIOD  24 /* samples of a square wave: its first one is as loud as all others */
#define LOUDNESS     0.5f
#define BURST_FRAMES (PLAYBACK_RATE_HZ / 10)
#define AHEAD_FRAMES (PLAYBACK_RATE_HZ / 10)
#define LIT_US       200000
#define REST_US      250000
#define PATIENCE_US  3000000
#define WIDTH        160
#define HEIGHT       120

struct clapper {
  struct playback playback;
  atomic_bool asked;
  _Atomic int64_t planned_us; /* when the burst will be heard; 0: not known yet */
  _Atomic int64_t heard_us;   /* as told in the cycle that brought its first sample */
  /* The data thread's. */
  uint64_t frame;
  uint64_t burst; /* its first frame; 0: none */
};

/* ---- sound ------------------------------------------------------------------------------------
 */

/* When a sample that is queued now is heard: the formula of pipewire/stream.h, with time.now for
 * "elapsed" on both sides. */
static int64_t heard_us(struct clapper *clapper) {
  struct pw_time time;
  if (!playback_time(&clapper->playback, &time)) {
    return 0;
  }
  int64_t graph_us = time.delay * 1000000 * time.rate.num / time.rate.denom;
  return time.now / 1000 + graph_us + (int64_t)time.buffered * 1000000 / PLAYBACK_RATE_HZ;
}

static int64_t frames_us(uint64_t frames) {
  return (int64_t)frames * 1000000 / PLAYBACK_RATE_HZ;
}

static float sample_at(const struct clapper *clapper, uint64_t frame) {
  if (clapper->burst == 0 || frame < clapper->burst || frame >= clapper->burst + BURST_FRAMES) {
    return 0;
  }
  return (frame - clapper->burst) / HALF_PERIOD % 2 == 0 ? LOUDNESS : -LOUDNESS;
}

static void fill(void *user, float *samples, uint32_t frames, struct spa_io_clock *clock) {
  (void)clock;
  struct clapper *clapper = user;
  int64_t first_us = heard_us(clapper);
  if (first_us > 0 && atomic_exchange(&clapper->asked, false)) {
    clapper->burst = clapper->frame + AHEAD_FRAMES;
    atomic_store(&clapper->planned_us, first_us + frames_us(AHEAD_FRAMES));
  }
  if (clapper->burst >= clapper->frame && clapper->burst < clapper->frame + frames &&
      clapper->burst > 0) {
    atomic_store(&clapper->heard_us, first_us + frames_us(clapper->burst - clapper->frame));
  }
  for (uint32_t i = 0; i < frames; i++) {
    samples[2 * i] = samples[2 * i + 1] = sample_at(clapper, clapper->frame++);
  }
}

static bool start_sound(struct clapper *clapper) {
  clapper->playback.fill = fill;
  clapper->playback.user = clapper;
  return playback_start(&clapper->playback, "clapper",
                        pipewire.properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY,
                                                "Playback", PW_KEY_NODE_NAME, "clapper", NULL));
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
  if (count != 2 || !playback_load()) {
    return 2;
  }
  if (!set_stage(&stage) || !start_sound(&clapper)) {
    return 1;
  }
  while (atomic_load(&clapper.playback.cycles) == 0) {
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
