#include "loopback/linux/pulse_loopback_watch.h"

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PULSE)

#include "common/clock.h"
#include "common/device_changes.h"
#include "loopback/linux/pulse_survey.h"

#define ANSWER_MS 3000u
#define RETRY_MS  500u
#define TURN_MS   100u /* also how long the end of a watch may take */

static struct mutex lock = MUTEX_INITIALIZER;
static struct condition changed;
static struct cancel quit; /* of the watch that runs */
static bool running;       /* under the lock */

static void on_event(pa_context *context, pa_subscription_event_type_t event, uint32_t index,
                     void *user) {
  (void)context;
  (void)event;
  (void)index;
  *(bool *)user = true;
}

static void tell(struct device_changes *changes, const struct pulse_state *state) {
  struct device_list devices = {.prefix = "pulse", .kind = MINIAV_KIND_LOOPBACK};
  if (state != NULL) {
    pulse_state_list(state, MINIAV_LOOPBACK_TARGET_NONE, &devices);
  }
  device_changes_tell(changes, &devices);
}

/* Until the connection or the interest ends. */
static void follow(struct device_changes *changes, struct pulse_client *client,
                   struct cancel *cancel) {
  const unsigned kinds =
      PA_SUBSCRIPTION_MASK_SINK | PA_SUBSCRIPTION_MASK_SINK_INPUT | PA_SUBSCRIPTION_MASK_SERVER;
  struct pulse_survey survey = {.is_asking = false};
  bool dirty = true;
  pulse.context_set_subscribe_callback(client->context, on_event, &dirty);
  pa_operation *operation =
      pulse.context_subscribe(client->context, (pa_subscription_mask_t)kinds, NULL, NULL);
  if (operation != NULL) {
    pulse.operation_unref(operation);
  }
  do {
    if (dirty && !survey.is_asking) {
      dirty = false;
      pulse_survey_ask(&survey, client);
    }
    if (pulse_survey_look(&survey)) {
      tell(changes, &survey.state);
    }
  } while (pulse_step(client, TURN_MS) && !cancel_requested(cancel));
  pulse_survey_end(&survey);
}

static void watch_main(void *user) {
  struct cancel *cancel = user;
  struct device_changes changes = {.known = false};
  do {
    struct pulse_client client;
    MiniAVResultCode result = pulse_connect(&client, ANSWER_MS, cancel);
    if (result == MINIAV_SUCCESS) {
      follow(&changes, &client, cancel);
      pulse_disconnect(&client);
    }
    if (result != MINIAV_ERROR_TIMEOUT && !cancel_requested(cancel)) {
      tell(&changes, NULL); /* no server, nothing that plays */
    }
  } while (!cancel_wait(cancel, RETRY_MS));
  mutex_lock(&lock);
  running = false;
  condition_broadcast(&changed);
  mutex_unlock(&lock);
}

void pulse_loopback_watch(bool on) {
  mutex_lock(&lock);
  if (on) {
    condition_init(&changed);
    cancel_init(&quit);
    running = thread_start("miniav-pa-watch", watch_main, &quit);
  } else {
    cancel_request(&quit);
    while (running) {
      condition_wait(&changed, &lock);
    }
    cancel_destroy(&quit);
    condition_destroy(&changed);
  }
  mutex_unlock(&lock);
}

#endif
