#include "support/pipewire_producer.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/buffers.h>
#include <stddef.h>
#include <stdio.h>

#include "common/dynlib.h"

static struct functions { __typeof__(&pw_stream_trigger_process) stream_trigger_process; } more;

static const struct dynlib_symbol symbols[] = {
    {"pw_stream_trigger_process", offsetof(struct functions, stream_trigger_process),
     DYNLIB_REQUIRED},
};
static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &more);

bool producer_load(void) {
  return pipewire_load() == MINIAV_SUCCESS && dynlib_load(&library, NULL, 0);
}

bool producer_begin(struct producer *producer, const struct producer_setup *setup) {
  producer->loop = pipewire.thread_loop_new("producer", NULL);
  struct pw_loop *loop = pipewire.thread_loop_get_loop(producer->loop);
  struct pw_context *context = pipewire.context_new(loop, NULL, 0);
  producer->core = pipewire.context_connect(context, NULL, 0);
  if (producer->core == NULL) {
    fprintf(stderr, "no PipeWire\n");
    return false;
  }
  producer->timer = pw_loop_add_timer(loop, setup->on_tick, setup->user);
  producer->stream = pipewire.stream_new(producer->core, "producer", setup->properties);
  pipewire.stream_add_listener(producer->stream, &producer->hook, setup->events, setup->user);
  return pipewire.stream_connect(producer->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                                 PW_STREAM_FLAG_DRIVER | PW_STREAM_FLAG_ALLOC_BUFFERS,
                                 setup->offers, setup->offer_count) >= 0 &&
         pipewire.thread_loop_start(producer->loop) == 0;
}

void producer_pace(struct producer *producer, uint32_t rate) {
  struct pw_loop *loop = pipewire.thread_loop_get_loop(producer->loop);
  int64_t interval_ns = rate > 0 ? INT64_C(1000000000) / rate : 0;
  struct timespec first = {.tv_nsec = rate > 0 ? 1 : 0};
  struct timespec interval = {.tv_sec = interval_ns / 1000000000,
                              .tv_nsec = interval_ns % 1000000000};
  pw_loop_update_timer(loop, producer->timer, &first, &interval, false);
}

void producer_trigger(struct producer *producer) {
  more.stream_trigger_process(producer->stream);
}

void producer_obey(struct producer *producer, void (*obey)(void *user, const char *line),
                   void *user) {
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    pipewire.thread_loop_lock(producer->loop);
    obey(user, line);
    pipewire.thread_loop_unlock(producer->loop);
  }
}

void producer_say_state(enum pw_stream_state state, const char *error) {
  printf("{\"state\":%d,\"error\":\"%s\"}\n", (int)state, error != NULL ? error : "");
  fflush(stdout);
}

const struct spa_pod *producer_buffers_param(struct spa_pod_builder *builder,
                                             const struct producer_buffers *buffers) {
  return spa_pod_builder_add_object(
      builder, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers, SPA_PARAM_BUFFERS_buffers,
      SPA_POD_CHOICE_RANGE_Int((int)buffers->most, 2, (int)buffers->most), SPA_PARAM_BUFFERS_blocks,
      SPA_POD_Int((int)buffers->blocks), SPA_PARAM_BUFFERS_size, SPA_POD_Int((int)buffers->bytes),
      SPA_PARAM_BUFFERS_stride, SPA_POD_Int((int)buffers->stride), SPA_PARAM_BUFFERS_dataType,
      SPA_POD_CHOICE_FLAGS_Int(1 << buffers->data_type));
}

const struct spa_pod *producer_meta_param(struct spa_pod_builder *builder, uint32_t type,
                                          size_t bytes) {
  return spa_pod_builder_add_object(builder, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta,
                                    SPA_PARAM_META_type, SPA_POD_Id(type), SPA_PARAM_META_size,
                                    SPA_POD_Int((int)bytes));
}

#endif
