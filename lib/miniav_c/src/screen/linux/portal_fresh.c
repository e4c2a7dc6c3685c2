#include "screen/linux/portal_fresh.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/clock.h"

#define QUIET_US  250000
#define TRIES_MAX 6u /* as many frames as can be stuck, and one */

static void arm(struct portal_fresh *fresh, int64_t at_us) {
  struct timespec at = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
  fresh->is_armed = true;
  pw_loop_update_timer(fresh->loop, fresh->timer, &at, NULL, true);
}

static void on_timer(void *user, uint64_t expirations) {
  (void)expirations;
  struct portal_fresh *fresh = user;
  int64_t now_us = clock_now_us();
  fresh->is_armed = false;
  if (now_us - fresh->changed_us < QUIET_US) {
    arm(fresh, fresh->changed_us + QUIET_US);
  } else if (fresh->tries < TRIES_MAX && (fresh->was_answered || fresh->tries < TRIES_MAX / 2)) {
    fresh->tries++;
    fresh->asked_us = now_us;
    pipewire_video_restart(fresh->video);
    arm(fresh, now_us + QUIET_US);
  }
}

bool portal_fresh_doubts(const struct portal_fresh *fresh) {
  return fresh->asked_us != 0 || clock_now_us() - fresh->changed_us >= QUIET_US;
}

void portal_fresh_frame(struct portal_fresh *fresh, const MiniAVBuffer *frame, bool is_same) {
  bool has_own_time = (frame->flags & MINIAV_BUFFER_FLAG_ESTIMATED_TIME) == 0;
  bool was_asked = fresh->asked_us != 0;
  bool is_answer = was_asked && (!has_own_time || frame->timestamp_us >= fresh->asked_us);
  fresh->was_answered = fresh->was_answered || was_asked;
  if (!is_same) {
    fresh->changed_us = clock_now_us();
    fresh->tries = was_asked ? fresh->tries : 0;
  }
  if (is_answer) { /* it is known to be the newest */
    fresh->asked_us = 0;
    fresh->tries = TRIES_MAX;
  } else if (!is_same && !fresh->is_armed && fresh->tries < TRIES_MAX) {
    arm(fresh, fresh->changed_us + QUIET_US);
  }
}

void portal_fresh_streaming(struct portal_fresh *fresh) {
  if (!fresh->has_streamed) {
    fresh->has_streamed = true;
    fresh->changed_us = clock_now_us();
    arm(fresh, fresh->changed_us + QUIET_US);
  }
}

MiniAVResultCode portal_fresh_begin(struct portal_fresh *fresh, struct pw_loop *loop) {
  *fresh = (struct portal_fresh){.loop = loop};
  fresh->timer = pw_loop_add_timer(loop, on_timer, fresh);
  return fresh->timer != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

void portal_fresh_end(struct portal_fresh *fresh) {
  if (fresh->timer != NULL) {
    pw_loop_destroy_source(fresh->loop, fresh->timer);
    fresh->timer = NULL;
  }
}

#endif
