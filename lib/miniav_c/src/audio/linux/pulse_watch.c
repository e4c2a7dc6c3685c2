#include "audio/linux/pulse_watch.h"

#if defined(MINIAV_HAVE_PULSE)

#include "audio/linux/pulse_list.h"
#include "common/clock.h"
#include "common/linux/pulse_library.h"

#define ANSWER_MS    3000u
#define RECONNECT_MS 1000u
/* Also how long the end of a watch, or the first call of a new watcher, may be late: a wake of
 * libpulse's loop that comes just before pa_mainloop_prepare() is lost. */
#define IDLE_MS 500u
/* A server that has just taken a connection or told a change may still answer with what was before:
 * PipeWire's names the first source as the default until it knows better. So each list is made a
 * second time. */
#define SETTLE_US      300000
#define SETTLE_STEP_MS 100u

static void on_event(pa_context *context, pa_subscription_event_type_t event, uint32_t index,
                     void *user) {
  (void)context;
  (void)event;
  (void)index;
  *(bool *)user = true;
}

static void ignore_success(pa_context *context, int success, void *user) {
  (void)context;
  (void)success;
  (void)user;
}

static void wake_loop(void *user) {
  pulse.mainloop_wakeup(user);
}

/* Lists again after each event, until the connection or the interest ends. */
static void follow(struct mic_watch *watch, struct pulse_client *client) {
  bool dirty = true;
  pulse.context_set_subscribe_callback(client->context, on_event, &dirty);
  /* Subscribed before the first list, so that nothing falls between the two. */
  MiniAVResultCode result =
      pulse_finish(client,
                   pulse.context_subscribe(
                       client->context, PA_SUBSCRIPTION_MASK_SOURCE | PA_SUBSCRIPTION_MASK_SERVER,
                       ignore_success, NULL),
                   ANSWER_MS, NULL);
  bool good = result == MINIAV_SUCCESS;
  int64_t again_us = INT64_MAX;
  while (good && mic_watch_wanted(watch)) {
    bool settled = clock_now_us() >= again_us;
    if (!dirty && !settled && !mic_watch_has_untold(watch)) {
      good = pulse_step(client, again_us == INT64_MAX ? IDLE_MS : SETTLE_STEP_MS);
      continue;
    }
    again_us = dirty ? clock_now_us() + SETTLE_US : INT64_MAX;
    dirty = false;
    struct mic_list list = {0};
    good = pulse_list_with(client, &list, ANSWER_MS, NULL) == MINIAV_SUCCESS;
    if (good) {
      mic_watch_compare(watch, &list);
    }
  }
}

void pulse_watch_run(struct mic_watch *watch) {
  do {
    struct pulse_client client;
    MiniAVResultCode result = pulse_connect(&client, ANSWER_MS, NULL);
    if (result == MINIAV_SUCCESS) {
      mic_watch_set_wake(watch, wake_loop, client.mainloop);
      follow(watch, &client);
      mic_watch_set_wake(watch, NULL, NULL);
      pulse_disconnect(&client);
    }
    if (result != MINIAV_ERROR_TIMEOUT && mic_watch_wanted(watch)) {
      struct mic_list none = {0};
      mic_watch_compare(watch, &none); /* no server, no microphones */
    }
  } while (mic_watch_sleep(watch, RECONNECT_MS));
}

#endif
