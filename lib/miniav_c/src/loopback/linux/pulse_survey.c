#include "loopback/linux/pulse_survey.h"

#if defined(MINIAV_HAVE_PULSE)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/linux/process_tree.h"

#define GROW_BY     16u
#define ENTRIES_MAX 1024u /* of each kind; a server that tells more errs */

static void state_free(struct pulse_state *state) {
  free(state->sinks);
  free(state->inputs);
  *state = (struct pulse_state){.sinks = NULL};
}

/* Room for one more; NULL when there is none. */
static void *room(void *items, uint32_t count, size_t item_bytes) {
  if (count % GROW_BY != 0) {
    return items;
  }
  return count < ENTRIES_MAX ? realloc(items, (count + GROW_BY) * item_bytes) : NULL;
}

static const char *property(const pa_proplist *properties, const char *key) {
  const char *value = properties != NULL ? pulse.proplist_gets(properties, key) : NULL;
  return value != NULL ? value : "";
}

/* -- answers ---------------------------------------------------------------------------------- */

static void take_server(pa_context *context, const pa_server_info *info, void *user) {
  (void)context;
  struct pulse_survey *survey = user;
  if (info != NULL) {
    text_copy(survey->next.server, sizeof survey->next.server, info->server_name);
    text_copy(survey->next.default_sink, sizeof survey->next.default_sink, info->default_sink_name);
  }
}

static void take_sink(pa_context *context, const pa_sink_info *info, int end, void *user) {
  (void)context;
  struct pulse_survey *survey = user;
  struct pulse_state *next = &survey->next;
  if (end != 0 || info == NULL || info->name == NULL || info->monitor_source_name == NULL) {
    return;
  }
  struct pulse_sink *sinks = room(next->sinks, next->sink_count, sizeof *sinks);
  if (sinks == NULL) {
    survey->failed = true;
    return;
  }
  next->sinks = sinks;
  struct pulse_sink *sink = &sinks[next->sink_count++];
  *sink = (struct pulse_sink){.index = info->index,
                              .monitor_index = info->monitor_source,
                              .format = info->sample_spec,
                              .map = info->channel_map,
                              .is_hardware = (info->flags & PA_SINK_HARDWARE) != 0,
                              .is_running = info->state == PA_SINK_RUNNING};
  text_copy(sink->name, sizeof sink->name, info->name);
  text_copy(sink->monitor, sizeof sink->monitor, info->monitor_source_name);
  text_copy(sink->description, sizeof sink->description,
            info->description != NULL ? info->description : info->name);
}

static void take_input(pa_context *context, const pa_sink_input_info *info, int end, void *user) {
  (void)context;
  struct pulse_survey *survey = user;
  struct pulse_state *next = &survey->next;
  if (end != 0 || info == NULL || info->client == PA_INVALID_INDEX) {
    return; /* without a client it is the server's own: a loopback, a combination of outputs */
  }
  struct pulse_input *inputs = room(next->inputs, next->input_count, sizeof *inputs);
  if (inputs == NULL) {
    survey->failed = true;
    return;
  }
  next->inputs = inputs;
  struct pulse_input *input = &inputs[next->input_count++];
  *input = (struct pulse_input){.index = info->index,
                                .sink = info->sink,
                                .is_corked = info->corked != 0,
                                .has_volume = info->has_volume != 0,
                                .is_muted = info->mute != 0};
  if (input->has_volume) {
    input->volume = pulse.sw_volume_to_linear(pulse.cvolume_avg(&info->volume));
  }
  const pa_proplist *told = info->proplist;
  const char *icon = property(told, PA_PROP_APPLICATION_ICON_NAME);
  text_copy(input->media, sizeof input->media, info->name);
  text_copy(input->application, sizeof input->application,
            property(told, PA_PROP_APPLICATION_NAME));
  text_copy(input->icon, sizeof input->icon,
            icon[0] != 0 ? icon : property(told, PA_PROP_MEDIA_ICON_NAME));
  const char *binary = property(told, PA_PROP_APPLICATION_PROCESS_BINARY);
  uint32_t pid = process_number(property(told, PA_PROP_APPLICATION_PROCESS_ID));
  input->pid = pid != 0 && process_is_binary(pid, binary) ? pid : 0;
  text_copy(input->binary, sizeof input->binary, binary);
}

/* -- surveys ---------------------------------------------------------------------------------- */

void pulse_survey_ask(struct pulse_survey *survey, struct pulse_client *client) {
  if (survey->is_asking) {
    return;
  }
  state_free(&survey->next);
  survey->failed = false;
  survey->is_asking = true;
  survey->questions[0] = pulse.context_get_server_info(client->context, take_server, survey);
  survey->questions[1] = pulse.context_get_sink_info_list(client->context, take_sink, survey);
  survey->questions[2] =
      pulse.context_get_sink_input_info_list(client->context, take_input, survey);
}

static void drop_questions(struct pulse_survey *survey) {
  for (uint32_t i = 0; i < PULSE_SURVEY_QUESTIONS; i++) {
    if (survey->questions[i] != NULL) {
      pulse.operation_cancel(survey->questions[i]);
      pulse.operation_unref(survey->questions[i]);
      survey->questions[i] = NULL;
    }
  }
  survey->is_asking = false;
}

bool pulse_survey_look(struct pulse_survey *survey) {
  if (!survey->is_asking) {
    return false;
  }
  bool answered = true;
  for (uint32_t i = 0; i < PULSE_SURVEY_QUESTIONS; i++) {
    pa_operation *question = survey->questions[i];
    pa_operation_state_t state =
        question != NULL ? pulse.operation_get_state(question) : PA_OPERATION_CANCELLED;
    if (state == PA_OPERATION_RUNNING) {
      return false;
    }
    answered = answered && state == PA_OPERATION_DONE;
  }
  drop_questions(survey);
  if (!answered || survey->failed) {
    return false;
  }
  state_free(&survey->state);
  survey->state = survey->next;
  survey->next = (struct pulse_state){.sinks = NULL};
  return true;
}

MiniAVResultCode pulse_survey_wait(struct pulse_survey *survey, struct pulse_client *client,
                                   uint32_t timeout_ms, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  pulse_survey_ask(survey, client);
  MiniAVResultCode result = MINIAV_SUCCESS;
  while (!pulse_survey_look(survey) && result == MINIAV_SUCCESS) {
    result = survey->is_asking ? pulse_step_until(client, deadline_us, cancel)
             : survey->failed  ? MINIAV_ERROR_OUT_OF_MEMORY
                               : MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
  if (result == MINIAV_SUCCESS && strstr(survey->state.server, "PipeWire") != NULL) {
    cancel_explain(cancel, "this PulseAudio server is PipeWire's: use the backend \"pipewire\"");
    result = MINIAV_ERROR_NOT_SUPPORTED;
  }
  return result;
}

void pulse_survey_end(struct pulse_survey *survey) {
  drop_questions(survey);
  state_free(&survey->next);
  state_free(&survey->state);
}

/* -- what is there ---------------------------------------------------------------------------- */

const struct pulse_sink *pulse_state_sink(const struct pulse_state *state, const char *name) {
  name = name[0] != 0 ? name : state->default_sink;
  for (uint32_t i = 0; i < state->sink_count; i++) {
    if (strcmp(state->sinks[i].name, name) == 0) {
      return &state->sinks[i];
    }
  }
  return NULL;
}

const struct pulse_sink *pulse_state_sink_at(const struct pulse_state *state, uint32_t index) {
  for (uint32_t i = 0; i < state->sink_count; i++) {
    if (state->sinks[i].index == index) {
      return &state->sinks[i];
    }
  }
  return NULL;
}

void pulse_input_owner(const struct pulse_input *input, struct stream_owner *owner) {
  *owner = (struct stream_owner){
      .pid = input->pid, .application = input->application, .icon = input->icon};
  memcpy(owner->binary, input->binary, sizeof owner->binary);
}

static void list_sinks(const struct pulse_state *state, struct device_list *devices) {
  for (uint32_t i = 0; i < state->sink_count; i++) {
    const struct pulse_sink *sink = &state->sinks[i];
    MiniAVDeviceInfo device = {.kind = MINIAV_KIND_LOOPBACK};
    loopback_id_join(device.device_id, LOOPBACK_ID_SYSTEM, sink->name);
    text_copy(device.name, sizeof device.name, sink->description);
    bool is_default = strcmp(sink->name, state->default_sink) == 0;
    device.flags |= is_default ? MINIAV_DEVICE_FLAG_DEFAULT : 0u;
    device.flags |= sink->is_hardware ? 0u : MINIAV_DEVICE_FLAG_VIRTUAL;
    device.flags |= sink->is_running ? MINIAV_DEVICE_FLAG_PLAYING : 0u;
    device_list_add(devices, &device);
  }
}

static void list_programs(const struct pulse_state *state, struct device_list *devices) {
  uint32_t first = devices->count;
  for (uint32_t i = 0; i < state->input_count; i++) {
    struct stream_owner owner;
    MiniAVDeviceInfo device;
    pulse_input_owner(&state->inputs[i], &owner);
    loopback_describe(&owner, state->inputs[i].media, !state->inputs[i].is_corked, &device);
    loopback_add_program(devices, first, &device);
  }
}

void pulse_state_list(const struct pulse_state *state, uint32_t filter,
                      struct device_list *devices) {
  if (filter == MINIAV_LOOPBACK_TARGET_NONE || filter == MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO) {
    list_sinks(state, devices);
  }
  if (filter == MINIAV_LOOPBACK_TARGET_NONE || filter == MINIAV_LOOPBACK_TARGET_PROCESS) {
    list_programs(state, devices);
  }
}

#endif
