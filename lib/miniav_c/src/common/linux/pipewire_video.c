#include "common/linux/pipewire_video.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <inttypes.h>
#include <spa/param/buffers.h>
#include <spa/pod/builder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/linux/pipewire_video_frame.h"
#include "common/linux/pipewire_video_gpu.h"
#include "common/linux/pipewire_video_memory.h"
#include "common/linux/pipewire_video_request.h"
#include "common/lists.h"
#include "common/log.h"

#define BUFFERS_MAX  64u
#define BUFFERS_LESS 4u
#define BUFFERS_MOST 16u
#define PODS_BYTES   16384u
#define METAS_MAX    5u

struct pipewire_video {
  struct pipewire_video_setup setup;
  struct video_modifiers modifiers;
  struct pw_stream *stream;
  struct spa_hook stream_hook;
  struct pw_proxy *link;
  struct spa_hook link_hook;
  struct spa_hook link_proxy_hook;
  struct video_returns *returns;
  struct spa_source *returned;
  struct video_memory *memories[BUFFERS_MAX]; /* of the buffers that there are now */
  uint32_t memory_count;
  uint32_t lent_count;
  const struct spa_io_position *position; /* of the graph's cycle; NULL: not told */
  uint32_t driver;                        /* when it was last looked at */
  struct video_frames frames;
  bool has_format; /* and frames are delivered */
  bool was_connected;
  enum pipewire_video_phase phase;
  MiniAVResultCode failure;
  char reason[160];
};

static void change(struct pipewire_video *video, enum pipewire_video_phase phase) {
  if (video->phase != PIPEWIRE_VIDEO_FAILED && video->phase != phase) {
    video->phase = phase;
    video->setup.changed(video->setup.user);
  }
}

static void fail(struct pipewire_video *video, MiniAVResultCode failure, const char *reason,
                 const char *detail) {
  if (video->phase == PIPEWIRE_VIDEO_FAILED) {
    return;
  }
  char text[sizeof video->reason];
  snprintf(text, sizeof text, "%s%s%s", reason, detail != NULL ? ": " : "",
           detail != NULL ? detail : "");
  text_copy(video->reason, sizeof video->reason, text);
  video->failure = failure;
  video->has_format = false;
  change(video, PIPEWIRE_VIDEO_FAILED);
}

/* -- buffers ---------------------------------------------------------------------------------- */

static void give_back(struct pipewire_video *video, struct video_memory *memory) {
  if (!memory->lent) {
    return;
  }
  video_memory_end_read(memory);
  if (memory->buffer != NULL) { /* else it stays counted, until it goes (video_memory.busy) */
    memory->lent = false;
    video->lent_count--;
    pipewire.stream_queue_buffer(video->stream, memory->buffer);
  }
}

/* Gives libpipewire what consumers have released. */
static void drain(struct pipewire_video *video) {
  struct video_memory *memory = video_returns_take(video->returns);
  while (memory != NULL) {
    struct video_memory *next = memory->next_returned;
    give_back(video, memory);
    block_release(&memory->block);
    memory = next;
  }
}

static void on_returned(void *data, int fd, uint32_t mask) {
  (void)fd;
  (void)mask;
  drain(data);
}

static enum video_use use_of(const struct pipewire_video *video) {
  return !video->setup.wants_gpu             ? VIDEO_USE_MEMORY
         : video->frames.format.has_modifier ? VIDEO_USE_GPU
                                             : VIDEO_USE_DMABUF;
}

static void on_add_buffer(void *data, struct pw_buffer *buffer) {
  struct pipewire_video *video = data;
  buffer->user_data = NULL;
  if (video->memory_count == BUFFERS_MAX) {
    return;
  }
  struct pw_mempool *pool = pipewire.core_get_mempool(video->setup.core);
  struct video_memory *memory = video_memory_create(buffer, pool, use_of(video), video->returns);
  if (memory != NULL) {
    buffer->user_data = memory;
    video->memories[video->memory_count++] = memory;
  }
}

static void forget(struct pipewire_video *video, struct video_memory *memory) {
  memory->buffer = NULL;
  video->lent_count -= memory->lent ? 1 : 0;
  block_release(&memory->block);
}

static void on_remove_buffer(void *data, struct pw_buffer *buffer) {
  struct pipewire_video *video = data;
  struct video_memory *memory = buffer->user_data;
  buffer->user_data = NULL;
  for (uint32_t i = 0; memory != NULL && i < video->memory_count; i++) {
    if (video->memories[i] == memory) {
      video->memories[i] = video->memories[--video->memory_count];
      forget(video, memory);
      return;
    }
  }
}

/* A buffer that is queued comes back to the source only with a later one: of two or three all would
 * be on their way. */
static uint32_t lendable_count(uint32_t count) {
  return count < 4 ? 0 : count < 6 ? 1 : count / 2 - 1;
}

/* What cannot be copied is lent all the same. */
static uint32_t lendable_for_gpu(uint32_t count) {
  return count < 6 ? 1 : count / 2 - 1;
}

static bool may_lend(const struct pipewire_video *video) {
  uint32_t returning = video_frames_holds_alone(&video->frames) && video->lent_count > 0 ? 1 : 0;
  uint32_t most = use_of(video) == VIDEO_USE_MEMORY ? lendable_count(video->memory_count)
                                                    : lendable_for_gpu(video->memory_count);
  return video->lent_count - returning < most;
}

/* When the cycle began in which these frames came, on our clock. */
static int64_t cycle_us(struct pipewire_video *video) {
  struct pw_time time = {0};
  return pipewire.stream_get_time(video->stream, &time) == 0 ? time.now / 1000 : 0;
}

uint32_t pipewire_video_driver(const struct pipewire_video *video) {
  /* The daemon writes there. */
  return video->position != NULL ? *(const volatile uint32_t *)&video->position->clock.id
                                 : SPA_ID_INVALID;
}

/* Another driver may be another source. */
static void look_at_driver(struct pipewire_video *video) {
  uint32_t driver = pipewire_video_driver(video);
  if (driver != video->driver) {
    video->driver = driver;
    if (!video->setup.is_right(video->setup.user, pipewire.stream_get_node_id(video->stream))) {
      fail(video, MINIAV_ERROR_DEVICE_LOST, "the stream was linked to something else", NULL);
    }
  }
}

static void on_process(void *data) {
  struct pipewire_video *video = data;
  look_at_driver(video);
  drain(video);
  int64_t came_us = cycle_us(video);
  struct pw_buffer *buffer;
  while ((buffer = pipewire.stream_dequeue_buffer(video->stream)) != NULL) {
    struct video_memory *memory = buffer->user_data;
    if (video->has_format &&
        video_frames_take(&video->frames, memory, buffer->buffer, came_us, may_lend(video))) {
      memory->lent = true;
      video->lent_count++;
    } else {
      pipewire.stream_queue_buffer(video->stream, buffer);
    }
  }
}

/* -- format ----------------------------------------------------------------------------------- */

static const struct spa_pod *meta_param(struct spa_pod_builder *builder, uint32_t type,
                                        size_t bytes) {
  return spa_pod_builder_add_object(builder, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta,
                                    SPA_PARAM_META_type, SPA_POD_Id(type), SPA_PARAM_META_size,
                                    SPA_POD_Int((int)bytes));
}

static const struct spa_pod *damage_param(struct spa_pod_builder *builder) {
  const int one = sizeof(struct spa_meta_region);
  return spa_pod_builder_add_object(
      builder, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta, SPA_PARAM_META_type,
      SPA_POD_Id(SPA_META_VideoDamage), SPA_PARAM_META_size,
      SPA_POD_CHOICE_RANGE_Int(one * 16, one, one * (int)MINIAV_MAX_DAMAGE_RECTANGLES));
}

static int cursor_bytes(uint32_t side) {
  return (int)(sizeof(struct spa_meta_cursor) + sizeof(struct spa_meta_bitmap) + side * side * 4);
}

/* Up to a size that no producer asks for: one that is out of the range brings no meta at all. */
static const struct spa_pod *cursor_param(struct spa_pod_builder *builder) {
  return spa_pod_builder_add_object(builder, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta,
                                    SPA_PARAM_META_type, SPA_POD_Id(SPA_META_Cursor),
                                    SPA_PARAM_META_size,
                                    SPA_POD_CHOICE_RANGE_Int(cursor_bytes(64), cursor_bytes(1),
                                                             cursor_bytes(VIDEO_CURSOR_MAX_SIDE)));
}

static uint32_t ask_metas(const struct pipewire_video *video, struct spa_pod_builder *builder,
                          const struct spa_pod *params[METAS_MAX]) {
  uint32_t count = 0;
  params[count++] = meta_param(builder, SPA_META_Header, sizeof(struct spa_meta_header));
  params[count++] = meta_param(builder, SPA_META_VideoCrop, sizeof(struct spa_meta_region));
  params[count++] =
      meta_param(builder, SPA_META_VideoTransform, sizeof(struct spa_meta_videotransform));
  if (video->setup.wants_damage) {
    params[count++] = damage_param(builder);
  }
  if (video->setup.wants_cursor) {
    params[count++] = cursor_param(builder);
  }
  return count;
}

/* With a modifier the memory is of a layout that only a GPU reads. */
static int data_types(const struct pipewire_video *video) {
  return video->frames.format.has_modifier
             ? 1 << SPA_DATA_DmaBuf
             : (1 << SPA_DATA_MemFd) | (1 << SPA_DATA_MemPtr) | (1 << SPA_DATA_DmaBuf);
}

/* As many buffers as half the queue needs: what waits for longer is copied. What is for a GPU
 * cannot be. */
static void ask_buffers(struct pipewire_video *video) {
  _Alignas(8) uint8_t bytes[PODS_BYTES];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *params[1 + METAS_MAX];
  uint32_t slots = capture_slot_count(video->setup.capture);
  uint32_t wish = (video->setup.wants_gpu ? slots * 2 : slots / 2) + 2;
  wish = wish < BUFFERS_LESS ? BUFFERS_LESS : wish > BUFFERS_MOST ? BUFFERS_MOST : wish;
  params[0] = spa_pod_builder_add_object(
      &builder, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers, SPA_PARAM_BUFFERS_buffers,
      SPA_POD_CHOICE_RANGE_Int((int)wish, 2, 32), SPA_PARAM_BUFFERS_dataType,
      SPA_POD_CHOICE_FLAGS_Int(data_types(video)));
  uint32_t count = 1 + ask_metas(video, &builder, &params[1]);
  pipewire.stream_update_params(video->stream, params, count);
}

static bool is_same(const MiniAVVideoInfo *left, const MiniAVVideoInfo *right) {
  return left->width == right->width && left->height == right->height &&
         left->pixel_format == right->pixel_format &&
         left->frame_rate_numerator == right->frame_rate_numerator &&
         left->frame_rate_denominator == right->frame_rate_denominator &&
         left->output_preference == right->output_preference;
}

static void tell_format(struct pipewire_video *video, const MiniAVVideoInfo *info) {
  if (video->setup.format != NULL) {
    video->setup.exact = *info;
    video->setup.format(video->setup.shape, info);
  } else if (!is_same(info, &video->setup.exact)) {
    struct capture_format told = {.video = *info, .audio_result = MINIAV_ERROR_NO_BUFFER};
    video->setup.exact = *info;
    capture_format_changed(video->setup.capture, &told);
  }
}

/* Whether frames are for a GPU is known when the buffers are there; the format comes before. */
static void tell_output(struct pipewire_video *video) {
  MiniAVVideoInfo info = video->setup.exact;
  bool is_for_gpu =
      video->memory_count > 0 && video_gpu_can(&video->frames.format, video->memories[0]);
  info.output_preference = is_for_gpu ? MINIAV_OUTPUT_PREFERENCE_GPU : MINIAV_OUTPUT_PREFERENCE_CPU;
  tell_format(video, &info);
}

static void accept(struct pipewire_video *video, const struct video_format *format) {
  MiniAVVideoInfo info = format->info;
  info.output_preference =
      format->has_modifier ? MINIAV_OUTPUT_PREFERENCE_GPU : video->setup.exact.output_preference;
  tell_format(video, &info);
  /* Only the first format is bound to the wish; a later one is the source's own decision. */
  video->setup.wanted = (MiniAVVideoInfo){0};
  video_frames_format(&video->frames, format);
  video->has_format = true;
  ask_buffers(video);
}

static void on_param_changed(void *data, uint32_t id, const struct spa_pod *param) {
  struct pipewire_video *video = data;
  struct video_format format;
  if (id != SPA_PARAM_Format) {
    return;
  }
  video->has_format = false;
  video_frames_forget(&video->frames);
  if (param == NULL || video->phase == PIPEWIRE_VIDEO_FAILED) {
    return; /* cleared: another one may come */
  }
  uint32_t own_id = pipewire.stream_get_node_id(video->stream);
  if (!video->setup.is_right(video->setup.user, own_id)) {
    fail(video, MINIAV_ERROR_DEVICE_LOST, "the stream was linked to something else", NULL);
  } else if (!video_format_read(param, &format)) {
    fail(video, MINIAV_ERROR_FORMAT_NOT_SUPPORTED, "the source chose a format that is unknown",
         NULL);
  } else if (!video_format_meets(&format.info, &video->setup.wanted)) {
    fail(video, MINIAV_ERROR_FORMAT_NOT_SUPPORTED, "the source chose another format", NULL);
  } else {
    accept(video, &format);
  }
}

/* -- link and state --------------------------------------------------------------------------- */

static void on_link_info(void *data, const struct pw_link_info *info) {
  struct pipewire_video *video = data;
  if (info->state == PW_LINK_STATE_ERROR) {
    MiniAVResultCode failure = video->phase == PIPEWIRE_VIDEO_STREAMING
                                   ? MINIAV_ERROR_DEVICE_LOST
                                   : MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
    fail(video, failure, "PipeWire found no format for the link", info->error);
  }
}

static const struct pw_link_events link_events = {.version = PW_VERSION_LINK_EVENTS,
                                                  .info = on_link_info};

static void on_link_removed(void *data) {
  fail(data, MINIAV_ERROR_DEVICE_LOST, "the link to the source was taken away", NULL);
}

static void on_link_error(void *data, int sequence, int result, const char *message) {
  (void)sequence;
  (void)result;
  fail(data, MINIAV_ERROR_DEVICE_LOST, "PipeWire refused the link", message);
}

static const struct pw_proxy_events link_proxy_events = {
    .version = PW_VERSION_PROXY_EVENTS, .removed = on_link_removed, .error = on_link_error};

static void make_link(struct pipewire_video *video, uint32_t own_id) {
  char output[12];
  char port[12];
  char input[12];
  snprintf(output, sizeof output, "%u", video->setup.node_id);
  snprintf(port, sizeof port, "%u", video->setup.port_id);
  snprintf(input, sizeof input, "%u", own_id);
  const struct spa_dict_item items[] = {
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_NODE, output),
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_PORT, port),
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_NODE, input),
      SPA_DICT_ITEM_INIT(PW_KEY_OBJECT_LINGER, "false"), /* ends with our connection */
  };
  const struct spa_dict properties = SPA_DICT_INIT_ARRAY(items);
  video->link = pw_core_create_object(video->setup.core, "link-factory", PW_TYPE_INTERFACE_Link,
                                      PW_VERSION_LINK, &properties, 0);
  if (video->link == NULL) {
    fail(video, MINIAV_ERROR_OUT_OF_MEMORY, "no memory for a link", NULL);
    return;
  }
  pipewire.proxy_add_listener(video->link, &video->link_proxy_hook, &link_proxy_events, video);
  pw_link_add_listener((struct pw_link *)video->link, &video->link_hook, &link_events, video);
}

static void on_state_changed(void *data, enum pw_stream_state old, enum pw_stream_state state,
                             const char *error) {
  (void)old;
  struct pipewire_video *video = data;
  uint32_t own_id = pipewire.stream_get_node_id(video->stream);
  if (state == PW_STREAM_STATE_ERROR) {
    fail(video, MINIAV_ERROR_DEVICE_LOST, "PipeWire ended the stream", error);
  } else if (state == PW_STREAM_STATE_UNCONNECTED) {
    if (video->was_connected) {
      fail(video, MINIAV_ERROR_DEVICE_LOST, "PipeWire disconnected the stream", error);
    }
  } else if (state == PW_STREAM_STATE_STREAMING) {
    tell_output(video);
    change(video, PIPEWIRE_VIDEO_STREAMING);
  }
  video->was_connected = video->was_connected || state >= PW_STREAM_STATE_PAUSED;
  bool unlinked = video->setup.links_itself && video->link == NULL;
  if (state == PW_STREAM_STATE_PAUSED && unlinked && own_id != SPA_ID_INVALID) {
    make_link(video, own_id);
  }
}

static void on_io_changed(void *data, uint32_t id, void *area, uint32_t size) {
  struct pipewire_video *video = data;
  if (id == SPA_IO_Position) {
    video->position = area != NULL && size >= sizeof *video->position ? area : NULL;
  }
}

static const struct pw_stream_events stream_events = {.version = PW_VERSION_STREAM_EVENTS,
                                                      .state_changed = on_state_changed,
                                                      .io_changed = on_io_changed,
                                                      .param_changed = on_param_changed,
                                                      .add_buffer = on_add_buffer,
                                                      .remove_buffer = on_remove_buffer,
                                                      .process = on_process};

/* -- life ------------------------------------------------------------------------------------- */

/* Each request for GPU memory first, where the source has some. */
static uint32_t request_formats(struct pipewire_video *video, struct spa_pod_builder *builder,
                                const struct spa_pod *params[2 * VIDEO_REQUESTS_MAX]) {
  const struct spa_pod *requests[VIDEO_REQUESTS_MAX];
  uint32_t request_count =
      video_format_requests(builder, &video->setup.exact, video->setup.most, requests);
  uint32_t count = 0;
  for (uint32_t i = 0; i < request_count; i++) {
    params[count] = video_modifiers_request(builder, requests[i], &video->modifiers);
    count += params[count] != NULL ? 1 : 0;
    params[count++] = requests[i];
  }
  return count;
}

static bool connect_stream(struct pipewire_video *video) {
  _Alignas(8) uint8_t bytes[PODS_BYTES];
  struct spa_pod_builder builder = {.data = bytes, .size = sizeof bytes};
  const struct spa_pod *requests[2 * VIDEO_REQUESTS_MAX];
  const struct pipewire_video_setup *setup = &video->setup;
  uint32_t count = request_formats(video, &builder, requests);
  /* Ids are used again, serials never: a session manager that knows them takes no other source. */
  bool by_serial = !setup->links_itself && setup->node_serial != 0;
  char serial[24];
  snprintf(serial, sizeof serial, "%" PRIu64, setup->node_serial);
  video->stream = pipewire.stream_new(
      setup->core, setup->name,
      pipewire.properties_new(PW_KEY_NODE_NAME, setup->name, PW_KEY_NODE_DESCRIPTION, setup->name,
                              PW_KEY_MEDIA_TYPE, "Video", PW_KEY_MEDIA_CATEGORY, "Capture",
                              PW_KEY_MEDIA_ROLE, setup->role, PW_KEY_NODE_DONT_RECONNECT, "true",
                              PW_KEY_NODE_AUTOCONNECT, setup->links_itself ? "false" : "true",
                              by_serial ? "target.object" : NULL, serial, NULL));
  if (video->stream == NULL) {
    return false;
  }
  pipewire.stream_add_listener(video->stream, &video->stream_hook, &stream_events, video);
  /* By id: as target.object an id is ignored, and the default camera linked. */
  uint32_t target = setup->links_itself ? PW_ID_ANY : setup->node_id;
  enum pw_stream_flags flags = PW_STREAM_FLAG_DONT_RECONNECT;
  if (!setup->links_itself) {
    flags |= PW_STREAM_FLAG_AUTOCONNECT;
  }
  return pipewire.stream_connect(video->stream, PW_DIRECTION_INPUT, target, flags, requests,
                                 count) >= 0;
}

struct pipewire_video *pipewire_video_create(const struct pipewire_video_setup *setup) {
  struct pipewire_video *video = calloc(1, sizeof *video);
  if (video == NULL) {
    return NULL;
  }
  video->setup = *setup;
  if (setup->wants_gpu && setup->modifiers != NULL) {
    video->modifiers = *setup->modifiers;
  }
  video->setup.modifiers = NULL;
  video->frames = (struct video_frames){.capture = setup->capture,
                                        .deliver = setup->deliver,
                                        .shape = setup->shape,
                                        .wants_damage = setup->wants_damage,
                                        .wants_cursor = setup->wants_cursor,
                                        .keeps_last = setup->keeps_last || setup->wants_cursor};
  video->returns = video_returns_create();
  if (video->returns != NULL) {
    video->returned =
        pw_loop_add_io(setup->loop, video->returns->event_fd, SPA_IO_IN, false, on_returned, video);
  }
  if (video->returned == NULL || !connect_stream(video)) {
    pipewire_video_destroy(video);
    return NULL;
  }
  return video;
}

/* What has come and nobody took: the source would find it busy for ever. */
static void return_untaken(struct pipewire_video *video) {
  struct pw_buffer *buffer;
  while ((buffer = pipewire.stream_dequeue_buffer(video->stream)) != NULL) {
    pipewire.stream_queue_buffer(video->stream, buffer);
  }
}

void pipewire_video_destroy(struct pipewire_video *video) {
  if (video == NULL) {
    return;
  }
  if (video->link != NULL) {
    spa_hook_remove(&video->link_hook);
    spa_hook_remove(&video->link_proxy_hook);
    pipewire.proxy_destroy(video->link);
  }
  if (video->stream != NULL) {
    spa_hook_remove(&video->stream_hook);
    return_untaken(video);
    pipewire.stream_destroy(video->stream);
  }
  if (video->returned != NULL) {
    pw_loop_destroy_source(video->setup.loop, video->returned);
  }
  for (uint32_t i = 0; i < video->memory_count; i++) {
    forget(video, video->memories[i]);
  }
  video_returns_close(video->returns);
  video_frames_end(&video->frames);
  free(video);
}

/* -- what others ask -------------------------------------------------------------------------- */

enum pipewire_video_phase pipewire_video_phase_of(const struct pipewire_video *video) {
  return video->phase;
}

MiniAVResultCode pipewire_video_failure(const struct pipewire_video *video, const char **reason) {
  *reason = video->reason;
  return video->failure;
}

bool pipewire_video_has_format(const struct pipewire_video *video) {
  return video->has_format;
}

const MiniAVVideoInfo *pipewire_video_info(const struct pipewire_video *video) {
  return &video->setup.exact;
}

uint32_t pipewire_video_own_id(const struct pipewire_video *video) {
  return pipewire.stream_get_node_id(video->stream);
}

void pipewire_video_restart(struct pipewire_video *video) {
  pipewire.stream_set_active(video->stream, false);
  pipewire.stream_set_active(video->stream, true);
}

bool pipewire_video_repeat(struct pipewire_video *video) {
  return video->has_format && video_frames_repeat(&video->frames);
}

#endif
