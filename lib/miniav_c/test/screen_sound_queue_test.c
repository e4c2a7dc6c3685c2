/* A screen with sound has two queues: what is held or not taken of one sort costs the other
 * nothing. */
#include <stdatomic.h>

#include "support/screen_sound.h"
#include "support/threads.h"

/* ---- two queues -------------------------------------------------------------------------------
 */

/* Holds `count` buffers of a type; takes what else comes. */
static void hold(const struct bench *bench, MiniAVBufferType type, MiniAVBuffer *held,
                 uint32_t count) {
  for (uint32_t i = 0; i < count && next_of(bench, type, &held[i]); i++) {
  }
}

/* A consumer that holds every slot of one sort still gets the other. */
static void test_held(void) {
  static const MiniAVBufferType types[] = {MINIAV_BUFFER_TYPE_VIDEO, MINIAV_BUFFER_TYPE_AUDIO};
  for (uint32_t i = 0; i < 2; i++) {
    struct bench bench = bench_of("test:display", NULL);
    MiniAVBuffer held[SLOTS_PER_TABLE] = {0};
    uint32_t slots = i == 0 ? DEFAULT_SLOTS : SLOTS_PER_TABLE;
    start(&bench);
    hold(&bench, types[i], held, slots);
    skip(&bench, types[1 - i], 2 * DEFAULT_SLOTS);
    CHECK(stats_of(&bench).outstanding >= slots);
    for (uint32_t n = 0; n < slots; n++) {
      release(&held[n]);
    }
    skip(&bench, types[i], 2);
    stop(&bench);
    bench_end(&bench);
  }
}

static bool is_full(void *user) {
  struct bench *bench = user;
  mutex_lock(&bench->capture->lock);
  bool is_full = bench->capture->lanes[LANE_SOUND].count == SLOTS_PER_TABLE;
  mutex_unlock(&bench->capture->lock);
  return is_full && stats_of(bench).dropped_queue_full >= 20;
}

static bool has_queued(void *user) {
  return stats_of(user).queued > 0;
}

/* A consumer that takes nothing loses the oldest of each sort, not one for the other; "latest"
 * keeps one picture, and the sound. */
static void test_not_taken(void) {
  for (int latest = 0; latest <= 1; latest++) {
    struct bench bench = bench_of("test:display", NULL);
    MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_BOOLEAN,
                                 .value = {.integer = latest}};
    CHECK_EQ(MiniAV_Screen_SetProperty(bench.context, MINIAV_PROPERTY_QUEUE_LATEST, &value),
             MINIAV_SUCCESS);
    start(&bench);
    CHECK(wait_until(is_full, &bench, PATIENCE_MS));
    mutex_lock(&bench.capture->lock);
    CHECK_EQ(bench.capture->lanes[LANE_MAIN].limit, latest ? 1 : DEFAULT_SLOTS);
    CHECK_EQ(bench.capture->lanes[LANE_SOUND].count, SLOTS_PER_TABLE);
    CHECK(bench.capture->lanes[LANE_MAIN].count > 0);
    mutex_unlock(&bench.capture->lock);
    MiniAVBuffer buffer;
    uint32_t gaps = 0;
    int64_t last_us = 0;
    uint32_t queued = SLOTS_PER_TABLE + DEFAULT_SLOTS;
    for (uint32_t i = 0; i < queued && gaps == 0 && next(bench.context, &buffer); i++) {
      gaps += (buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0;
      CHECK(i >= DEFAULT_SLOTS || buffer.timestamp_us >= last_us); /* while both are queued */
      last_us = buffer.timestamp_us;
      release(&buffer);
    }
    CHECK(gaps > 0);
    CHECK(wait_until(has_queued, &bench, PATIENCE_MS));
    stop(&bench);
    CHECK_EQ(stats_of(&bench).queued, 0);
    bench_end(&bench);
  }
}

/* ---- C callback -------------------------------------------------------------------------------
 */

static atomic_uint called[2];

static void on_buffer(const MiniAVBuffer *buffer, void *user_data) {
  CHECK(user_data == &called);
  atomic_fetch_add(&called[buffer->type == MINIAV_BUFFER_TYPE_AUDIO], 1);
  release(buffer);
}

static bool both_called(void *user) {
  (void)user;
  return atomic_load(&called[0]) > 3 && atomic_load(&called[1]) > 3;
}

static void test_callback(void) {
  struct bench bench = bench_of("test:display", NULL);
  CHECK_EQ(MiniAV_Screen_StartCapture(bench.context, on_buffer, &called, &wanted), MINIAV_SUCCESS);
  CHECK(wait_until(both_called, NULL, PATIENCE_MS));
  stop(&bench);
  uint32_t before = atomic_load(&called[0]) + atomic_load(&called[1]);
  CHECK_EQ(stats_of(&bench).delivered, before);
  bench_end(&bench);
}

int main(void) {
  use_test_backends();
  test_held();
  test_not_taken();
  test_callback();
  return check_report("screen_sound_queue");
}
