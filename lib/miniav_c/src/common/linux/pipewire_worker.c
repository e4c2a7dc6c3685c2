#include "common/linux/pipewire_worker.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/audio_format.h"
#include "common/clock.h"

#define POLL_US          50000
#define IDLE_MS          250
#define FILL_MS          20
#define FILL_WAIT_MAX_MS 50 /* below STALL_US */
/* Silence is filled up to so long ago: later no cycle of the graph can begin, the longest being
 * 8192 frames (171 ms at 48 kHz). */
#define FILL_BEHIND_US 200000
/* Much silence at once would overflow the queue of a consumer that keeps up: it comes in steps. */
#define FILL_STEP_US 40000
#define FILL_NAP_US  4000
/* A wake that late is the process's fault; a cycle follows within HOLD_US if any does. */
#define STALL_US 100000
#define HOLD_US  200000
/* A source that starts or joins the graph may miss a cycle at first: samples count from when it has
 * run so long without. */
#define SETTLE_US 50000
#define GAP_US    3000

/* -- silence -------------------------------------------------------------------------------- */

static bool wants_quit(struct pipewire_worker *worker) {
  mutex_lock(&worker->lock);
  bool quit = worker->quit;
  mutex_unlock(&worker->lock);
  return quit;
}

/* Fills the timeline up to then. */
static void fill_to(struct pipewire_worker *worker, int64_t time_us,
                    void (*fill)(struct audio_feed *feed, int64_t time_us)) {
  int64_t next_us = audio_feed_end_us(&worker->feed) + FILL_STEP_US;
  if (time_us - next_us <= AUDIO_FEED_FILL_MAX_US) {
    for (; next_us < time_us; next_us += FILL_STEP_US) {
      if (wants_quit(worker)) {
        return;
      }
      fill(&worker->feed, next_us);
      clock_sleep_until_us(clock_now_us() + FILL_NAP_US);
    }
  }
  fill(&worker->feed, time_us);
}

/* -- samples -------------------------------------------------------------------------------- */

static int64_t duration_us(const struct sample_arrival *arrival, uint32_t frames) {
  return (int64_t)frames * 1000000 / arrival->rate_hz;
}

static void drop_record(struct sample_ring *ring) {
  sample_ring_consume(ring, sample_ring_peek(ring, 0).frames);
  sample_ring_take(ring);
}

/* True once the ring begins with SETTLE_US without a gap; drops what is before the last gap. */
static bool settle(struct sample_ring *ring) {
  uint32_t records = sample_ring_records(ring);
  uint32_t first = 0;
  for (uint32_t i = 1; i < records; i++) {
    struct sample_arrival before = sample_ring_peek(ring, i - 1);
    struct sample_arrival next = sample_ring_peek(ring, i);
    int64_t gap_us = next.arrival_us - before.arrival_us - duration_us(&before, before.frames);
    if (gap_us > GAP_US || gap_us < -GAP_US || next.lost_frames > 0) {
      first = i;
    }
  }
  for (uint32_t i = 0; i < first; i++) {
    drop_record(ring);
  }
  records -= first;
  return records > 0 &&
         sample_ring_peek(ring, records - 1).arrival_us - sample_ring_peek(ring, 0).arrival_us >=
             SETTLE_US;
}

/* The graph may change its rate: what is delivered stays. False: memory is exhausted. */
static bool follow_rate(struct pipewire_worker *worker, uint32_t rate_hz) {
  MiniAVAudioInfo in = worker->feed.in;
  in.sample_rate = rate_hz;
  return worker->feed.in.sample_rate == rate_hz ||
         audio_feed_reformat(&worker->feed, &in) == MINIAV_SUCCESS;
}

/* A microphone's time follows its clock; the total of what programs play is the time that passed.
 */
static uint32_t feed_flags(const struct pipewire_worker *worker,
                           const struct sample_arrival *arrival) {
  bool aligns = worker->fills_silence && (arrival->flags & GRAPH_CYCLE_NEW) != 0;
  return (aligns ? (uint32_t)AUDIO_FEED_ALIGNED : 0u) |
         ((arrival->flags & GRAPH_CYCLE_ESTIMATED) != 0 ? (uint32_t)AUDIO_FEED_ESTIMATED : 0u);
}

static void take_record(struct pipewire_worker *worker, struct sample_ring *ring) {
  struct sample_arrival arrival = sample_ring_peek(ring, 0);
  int64_t time_us = arrival.arrival_us;
  uint32_t lost = arrival.lost_frames > 0 ? (uint32_t)AUDIO_FEED_LOST : 0u;
  if (worker->fills_silence && time_us > audio_feed_end_us(&worker->feed) + FILL_STEP_US) {
    fill_to(worker, time_us, lost != 0 ? audio_feed_lost_until : audio_feed_silence_until);
    lost = 0;
  }
  audio_feed_next(&worker->feed, lost);
  for (uint32_t left = arrival.frames; left > 0;) {
    uint32_t piece = 0;
    const void *samples = sample_ring_read(ring, left, &piece);
    audio_feed_next(&worker->feed, feed_flags(worker, &arrival));
    arrival.flags &= ~(uint32_t)GRAPH_CYCLE_NEW;
    audio_feed_samples(&worker->feed, samples, piece, time_us);
    sample_ring_consume(ring, piece);
    time_us += duration_us(&arrival, piece);
    left -= piece;
  }
  sample_ring_take(ring);
}

static void take_samples(struct pipewire_worker *worker) {
  struct sample_ring *ring = pipewire_tap_ring(worker->tap);
  worker->settled = worker->settled || worker->fills_silence || settle(ring);
  if (!worker->settled) {
    return;
  }
  for (uint32_t records = sample_ring_records(ring); records > 0; records--) {
    if (!follow_rate(worker, sample_ring_peek(ring, 0).rate_hz)) {
      pipewire_worker_tell(worker, PIPEWIRE_NEWS_LOST, "no memory for the graph's new rate");
      return;
    }
    take_record(worker, ring);
  }
}

/* -- the thread ----------------------------------------------------------------------------- */

/* False when the capture is over. */
static bool take_news(struct pipewire_worker *worker) {
  char text[MINIAV_TEXT_BYTES];
  mutex_lock(&worker->lock);
  uint32_t news = worker->news;
  worker->news = 0;
  memcpy(text, worker->moved_to, sizeof text);
  if ((news & PIPEWIRE_NEWS_LOST) != 0) {
    memcpy(text, worker->reason, sizeof worker->reason);
  }
  mutex_unlock(&worker->lock);
  if ((news & PIPEWIRE_NEWS_VOLUME) != 0) {
    capture_property_changed(worker->capture, MINIAV_PROPERTY_STREAM_VOLUME);
  }
  if ((news & PIPEWIRE_NEWS_MUTE) != 0) {
    capture_property_changed(worker->capture, MINIAV_PROPERTY_STREAM_MUTE);
  }
  if ((news & PIPEWIRE_NEWS_LOST) != 0) {
    capture_lost(worker->capture, MINIAV_ERROR_DEVICE_LOST, text);
    return false;
  }
  if ((news & PIPEWIRE_NEWS_MOVED) != 0) {
    if (!worker->fills_silence) {
      audio_feed_restart(&worker->feed);
      worker->settled = false;
    }
    capture_default_moved(worker->capture, text);
  }
  return true;
}

/* While sound comes its wakes are enough; without it silence is due every FILL_MS. */
static int wait_ms(const struct pipewire_worker *worker) {
  if (!worker->fills_silence) {
    return IDLE_MS;
  }
  int64_t filled_us = clock_now_us() - FILL_BEHIND_US;
  int64_t ahead_ms = (audio_feed_end_us(&worker->feed) - filled_us) / 1000;
  int64_t ms = FILL_MS + (ahead_ms > 0 ? ahead_ms : 0);
  return ms < FILL_WAIT_MAX_MS ? (int)ms : FILL_WAIT_MAX_MS;
}

static void wait_event(struct pipewire_worker *worker) {
  struct pollfd event = {.fd = worker->event_fd, .events = POLLIN};
  if (poll(&event, 1, wait_ms(worker)) > 0) {
    uint64_t count;
    ssize_t got = read(worker->event_fd, &count, sizeof count);
    (void)got;
  }
}

static void work(struct pipewire_worker *worker) {
  int64_t last_us = clock_now_us();
  int64_t asked_us = last_us;
  int64_t hold_until_us = 0; /* 0: silence is not held back */
  while (!wants_quit(worker)) {
    wait_event(worker);
    int64_t now_us = clock_now_us();
    bool stalled = now_us - last_us > STALL_US;
    last_us = now_us;
    if (stalled && hold_until_us == 0) {
      hold_until_us = now_us + HOLD_US;
    }
    pipewire_tap_woken(worker->tap);
    take_samples(worker);
    if (worker->fills_silence && now_us >= hold_until_us) {
      hold_until_us = 0;
      fill_to(worker, now_us - FILL_BEHIND_US, audio_feed_silence_until);
    }
    if (!take_news(worker)) {
      return;
    }
    if (worker->ask != NULL && now_us - asked_us > IDLE_MS * 1000) {
      asked_us = now_us;
      worker->ask(worker->user);
    }
  }
}

static void worker_main(void *user) {
  struct pipewire_worker *worker = user;
  work(worker);
  mutex_lock(&worker->lock);
  worker->runs = false;
  condition_broadcast(&worker->changed);
  mutex_unlock(&worker->lock);
}

/* -- life ----------------------------------------------------------------------------------- */

MiniAVResultCode pipewire_worker_init(struct pipewire_worker *worker, struct capture *capture,
                                      bool fills_silence, void (*ask)(void *user), void *user) {
  *worker = (struct pipewire_worker){
      .capture = capture, .fills_silence = fills_silence, .ask = ask, .user = user};
  worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  mutex_init(&worker->lock);
  condition_init(&worker->changed);
  return worker->event_fd >= 0 ? MINIAV_SUCCESS : MINIAV_ERROR_SYSTEM_CALL_FAILED;
}

void pipewire_worker_free(struct pipewire_worker *worker) {
  if (worker->event_fd >= 0) {
    close(worker->event_fd);
  }
  condition_destroy(&worker->changed);
  mutex_destroy(&worker->lock);
}

void pipewire_worker_reset(struct pipewire_worker *worker) {
  mutex_lock(&worker->lock);
  worker->news = 0;
  worker->quit = false;
  worker->wired = false;
  mutex_unlock(&worker->lock);
}

MiniAVResultCode pipewire_worker_start(struct pipewire_worker *worker, struct pipewire_tap *tap,
                                       const MiniAVAudioInfo *in, const MiniAVAudioInfo *out,
                                       enum audio_channels_meaning meaning) {
  MiniAVResultCode result =
      audio_feed_init(&worker->feed, worker->capture, in, out, meaning, worker->fills_silence);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  worker->tap = tap;
  worker->settled = false;
  if (worker->fills_silence) {
    audio_feed_begin(&worker->feed, clock_now_us());
  }
  mutex_lock(&worker->lock);
  worker->runs = true;
  mutex_unlock(&worker->lock);
  if (!thread_start("miniav-pw-work", worker_main, worker)) {
    mutex_lock(&worker->lock);
    worker->runs = false;
    mutex_unlock(&worker->lock);
    audio_feed_free(&worker->feed);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  return MINIAV_SUCCESS;
}

static void wake(struct pipewire_worker *worker) {
  uint64_t one = 1;
  ssize_t written = write(worker->event_fd, &one, sizeof one);
  (void)written;
}

void pipewire_worker_stop(struct pipewire_worker *worker) {
  mutex_lock(&worker->lock);
  worker->quit = true;
  wake(worker);
  while (worker->runs) {
    condition_wait(&worker->changed, &worker->lock);
  }
  mutex_unlock(&worker->lock);
  audio_feed_free(&worker->feed);
}

/* -- news ----------------------------------------------------------------------------------- */

void pipewire_worker_tell(struct pipewire_worker *worker, uint32_t news, const char *text) {
  mutex_lock(&worker->lock);
  worker->news |= news;
  if ((news & PIPEWIRE_NEWS_LOST) != 0) {
    text_copy(worker->reason, sizeof worker->reason, text);
  }
  if ((news & PIPEWIRE_NEWS_MOVED) != 0) {
    text_copy(worker->moved_to, sizeof worker->moved_to, text);
  }
  condition_broadcast(&worker->changed);
  wake(worker);
  mutex_unlock(&worker->lock);
}

void pipewire_worker_wired(struct pipewire_worker *worker) {
  mutex_lock(&worker->lock);
  worker->wired = true;
  condition_broadcast(&worker->changed);
  mutex_unlock(&worker->lock);
}

MiniAVResultCode pipewire_worker_wait_wired(struct pipewire_worker *worker, uint32_t timeout_ms,
                                            struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&worker->lock);
  while (!worker->wired && result == MINIAV_SUCCESS) {
    int64_t now_us = clock_now_us();
    if ((worker->news & PIPEWIRE_NEWS_LOST) != 0) {
      cancel_explain(cancel, "%s", worker->reason);
      result = MINIAV_ERROR_DEVICE_NOT_FOUND;
    } else if (cancel_requested(cancel)) {
      result = MINIAV_ERROR_USER_CANCELLED;
    } else if (now_us >= deadline_us) {
      cancel_explain(cancel, "PipeWire did not link the capture in %u ms", timeout_ms);
      result = MINIAV_ERROR_TIMEOUT;
    } else {
      condition_wait_until(&worker->changed, &worker->lock, now_us + POLL_US);
    }
  }
  mutex_unlock(&worker->lock);
  return result;
}

#endif
