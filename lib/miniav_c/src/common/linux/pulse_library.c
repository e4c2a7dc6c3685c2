#include "common/linux/pulse_library.h"

#if defined(MINIAV_HAVE_PULSE)

#include <stdio.h>

#include "common/linux/pulse_gate.h"
#include "common/clock.h"
#include "common/dynlib.h"
#include "common/lists.h"

#define STEP_MS 50u

struct pulse_functions pulse;

/* The one place that needs a name twice, so that none can be mistyped. */
#define SYMBOL(name)                                                                               \
  { "pa_" #name, offsetof(struct pulse_functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol pulse_symbols[] = {
    SYMBOL(mainloop_new),
    SYMBOL(mainloop_free),
    SYMBOL(mainloop_get_api),
    SYMBOL(mainloop_prepare),
    SYMBOL(mainloop_poll),
    SYMBOL(mainloop_dispatch),
    SYMBOL(mainloop_wakeup),
    SYMBOL(context_new),
    SYMBOL(context_connect),
    SYMBOL(context_disconnect),
    SYMBOL(context_unref),
    SYMBOL(context_get_state),
    SYMBOL(context_rttime_new),
    SYMBOL(context_rttime_restart),
    SYMBOL(context_get_server_info),
    SYMBOL(context_get_source_info_list),
    SYMBOL(context_get_source_info_by_name),
    SYMBOL(context_set_subscribe_callback),
    SYMBOL(context_subscribe),
    SYMBOL(operation_get_state),
    SYMBOL(operation_cancel),
    SYMBOL(operation_unref),
    SYMBOL(stream_connect_record),
    SYMBOL(stream_set_state_callback),
    SYMBOL(stream_get_state),
    SYMBOL(stream_get_device_name),
    SYMBOL(stream_get_latency),
    SYMBOL(channel_map_init_extend),
    SYMBOL(channel_map_equal),
    SYMBOL(proplist_gets),
    SYMBOL(rtclock_now),
    SYMBOL(stream_new),
    SYMBOL(stream_set_monitor_stream),
    SYMBOL(stream_set_read_callback),
    SYMBOL(stream_readable_size),
    SYMBOL(stream_peek),
    SYMBOL(stream_drop),
    SYMBOL(stream_update_timing_info),
    SYMBOL(stream_get_timing_info),
    SYMBOL(stream_get_device_index),
    SYMBOL(stream_disconnect),
    SYMBOL(stream_unref),
    SYMBOL(context_get_sink_info_list),
    SYMBOL(context_get_sink_input_info_list),
    SYMBOL(cvolume_avg),
    SYMBOL(sw_volume_to_linear),
};

static const char *const pulse_files[] = {"libpulse.so.0", NULL};
static struct dynlib pulse_dynlib = DYNLIB_INITIALIZER(pulse_files, pulse_symbols, &pulse);

MiniAVResultCode pulse_load(char *why, size_t why_bytes) {
  return dynlib_load(&pulse_dynlib, why, why_bytes) ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

/* -- the loop ------------------------------------------------------------------------------- */

static bool context_is_good(const struct pulse_client *client) {
  return PA_CONTEXT_IS_GOOD(pulse.context_get_state(client->context));
}

bool pulse_step(struct pulse_client *client, uint32_t timeout_ms) {
  if (pulse.mainloop_prepare(client->mainloop, (int)timeout_ms * 1000) < 0 ||
      pulse.mainloop_poll(client->mainloop) < 0 || pulse.mainloop_dispatch(client->mainloop) < 0) {
    return false;
  }
  return context_is_good(client);
}

bool pulse_catch_up(struct pulse_client *client, uint32_t turns) {
  for (int busy = 1; busy > 0 && turns > 0; turns--) {
    if (pulse.mainloop_prepare(client->mainloop, 0) < 0 ||
        pulse.mainloop_poll(client->mainloop) < 0) {
      return false;
    }
    busy = pulse.mainloop_dispatch(client->mainloop);
    if (busy < 0) {
      return false;
    }
  }
  return context_is_good(client);
}

MiniAVResultCode pulse_step_until(struct pulse_client *client, int64_t deadline_us,
                                  struct cancel *cancel) {
  if (cancel != NULL && cancel_requested(cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  int64_t left_ms = (deadline_us - clock_now_us()) / 1000;
  if (left_ms <= 0) {
    return MINIAV_ERROR_TIMEOUT;
  }
  bool good = pulse_step(client, left_ms < STEP_MS ? (uint32_t)left_ms + 1 : STEP_MS);
  return good ? MINIAV_SUCCESS : MINIAV_ERROR_SYSTEM_CALL_FAILED;
}

/* -- connection ----------------------------------------------------------------------------- */

void pulse_disconnect(struct pulse_client *client) {
  if (client->context != NULL) {
    pulse.context_disconnect(client->context);
    pulse.context_unref(client->context);
  }
  if (client->mainloop != NULL) {
    pulse.mainloop_free(client->mainloop);
  }
  *client = (struct pulse_client){0};
}

static MiniAVResultCode connect_inside(struct pulse_client *client, pa_context_state_t state,
                                       uint32_t timeout_ms, struct cancel *cancel) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  client->mainloop = pulse.mainloop_new();
  if (client->mainloop != NULL) {
    client->context = pulse.context_new(pulse.mainloop_get_api(client->mainloop), "MiniAV");
  }
  if (client->context == NULL) {
    result = MINIAV_ERROR_OUT_OF_MEMORY;
  } else if (pulse.context_connect(client->context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0) {
    result = MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  while (result == MINIAV_SUCCESS && pulse.context_get_state(client->context) < state) {
    result = pulse_step_until(client, deadline_us, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    pulse_disconnect(client);
  }
  return result;
}

static MiniAVResultCode connect_until(struct pulse_client *client, pa_context_state_t state,
                                      uint32_t timeout_ms, struct cancel *cancel) {
  *client = (struct pulse_client){0};
  MiniAVResultCode result = pulse_load(NULL, 0);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  bool entered = pulse_gate_enter(timeout_ms, cancel);
  uint32_t tries = 0;
  do {
    result = connect_inside(client, state, timeout_ms, cancel);
  } while (result == MINIAV_ERROR_SYSTEM_CALL_FAILED && pulse_gate_try_again(++tries));
  if (result == MINIAV_SUCCESS) {
    pulse_gate_succeeded();
  }
  if (entered) {
    pulse_gate_leave();
  }
  return result;
}

MiniAVResultCode pulse_connect(struct pulse_client *client, uint32_t timeout_ms,
                               struct cancel *cancel) {
  return connect_until(client, PA_CONTEXT_READY, timeout_ms, cancel);
}

MiniAVResultCode pulse_reachable(uint32_t timeout_ms) {
  struct pulse_client client;
  MiniAVResultCode result = connect_until(&client, PA_CONTEXT_AUTHORIZING, timeout_ms, NULL);
  pulse_disconnect(&client);
  return result;
}

MiniAVResultCode pulse_probe(uint32_t timeout_ms, char why[MINIAV_TEXT_BYTES]) {
  MiniAVResultCode result = pulse_load(why, MINIAV_TEXT_BYTES);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = pulse_reachable(timeout_ms);
  if (result != MINIAV_SUCCESS) {
    snprintf(why, MINIAV_TEXT_BYTES, "no server takes connections");
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode pulse_finish(struct pulse_client *client, pa_operation *operation,
                              uint32_t timeout_ms, struct cancel *cancel) {
  if (operation == NULL) {
    return MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  MiniAVResultCode result = MINIAV_SUCCESS;
  while (result == MINIAV_SUCCESS && pulse.operation_get_state(operation) == PA_OPERATION_RUNNING) {
    result = pulse_step_until(client, deadline_us, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    pulse.operation_cancel(operation);
  }
  pulse.operation_unref(operation);
  return result;
}

/* -- questions ------------------------------------------------------------------------------ */

static void take_default(pa_context *context, const pa_server_info *info, void *user) {
  (void)context;
  if (info != NULL && info->default_source_name != NULL) {
    text_copy(user, MINIAV_TEXT_BYTES, info->default_source_name);
  }
}

MiniAVResultCode pulse_default_source(struct pulse_client *client, char name[MINIAV_TEXT_BYTES],
                                      uint32_t timeout_ms, struct cancel *cancel) {
  name[0] = 0;
  return pulse_finish(client, pulse.context_get_server_info(client->context, take_default, name),
                      timeout_ms, cancel);
}

struct sources_call {
  void (*each)(const pa_source_info *source, void *user);
  void *user;
};

static void take_source(pa_context *context, const pa_source_info *info, int end, void *user) {
  (void)context;
  struct sources_call *call = user;
  if (end == 0 && info != NULL && info->name != NULL) { /* below 0: an error, e.g. no such name */
    call->each(info, call->user);
  }
}

MiniAVResultCode pulse_sources(struct pulse_client *client, const char *name,
                               void (*each)(const pa_source_info *source, void *user), void *user,
                               uint32_t timeout_ms, struct cancel *cancel) {
  struct sources_call call = {each, user};
  pa_operation *operation =
      name != NULL
          ? pulse.context_get_source_info_by_name(client->context, name, take_source, &call)
          : pulse.context_get_source_info_list(client->context, take_source, &call);
  return pulse_finish(client, operation, timeout_ms, cancel);
}

#endif
