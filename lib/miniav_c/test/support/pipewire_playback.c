#include "support/pipewire_playback.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <spa/param/audio/format-utils.h>
#include <stddef.h>

#include "common/dynlib.h"

#define FRAME_BYTES    (2 * (uint32_t)sizeof(float))
#define FRAMES_UNKNOWN 1024u

static struct functions {
  __typeof__(&pw_stream_new_simple) stream_new_simple;
  __typeof__(&pw_stream_connect) stream_connect;
  __typeof__(&pw_stream_dequeue_buffer) stream_dequeue_buffer;
  __typeof__(&pw_stream_queue_buffer) stream_queue_buffer;
  __typeof__(&pw_stream_set_active) stream_set_active;
  __typeof__(&pw_stream_get_time_n) stream_get_time_n;
} stream;

#define SYMBOL(name)                                                                               \
  { "pw_" #name, offsetof(struct functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol symbols[] = {
    SYMBOL(stream_new_simple),   SYMBOL(stream_connect),    SYMBOL(stream_dequeue_buffer),
    SYMBOL(stream_queue_buffer), SYMBOL(stream_set_active), SYMBOL(stream_get_time_n)};

static const char *const files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib library = DYNLIB_INITIALIZER(files, symbols, &stream);

bool playback_load(void) {
  return pipewire_load() == MINIAV_SUCCESS && dynlib_load(&library, NULL, 0);
}

static void on_io(void *user, uint32_t id, void *area, uint32_t size) {
  struct playback *playback = user;
  if (id == SPA_IO_Position && (area == NULL || size >= sizeof(struct spa_io_position))) {
    atomic_store(&playback->position, area);
  }
}

/* What a cycle asks for; a clock may say nonsense. */
static uint32_t frames_of(const struct spa_io_position *position, uint32_t room) {
  uint64_t frames = position != NULL ? position->clock.duration : FRAMES_UNKNOWN;
  uint32_t most = room < FRAMES_UNKNOWN ? room : FRAMES_UNKNOWN;
  return frames > 0 && frames < room ? (uint32_t)frames : most;
}

static void on_process(void *user) {
  struct playback *playback = user;
  struct spa_io_position *position = atomic_load(&playback->position);
  struct pw_buffer *buffer = stream.stream_dequeue_buffer(playback->stream);
  if (buffer == NULL) {
    return;
  }
  struct spa_data *data = &buffer->buffer->datas[0];
  uint32_t frames = frames_of(position, data->maxsize / FRAME_BYTES);
  playback->fill(playback->user, data->data, frames, position != NULL ? &position->clock : NULL);
  *data->chunk = (struct spa_chunk){.size = frames * FRAME_BYTES, .stride = FRAME_BYTES};
  stream.stream_queue_buffer(playback->stream, buffer);
  atomic_fetch_add(&playback->cycles, 1);
}

static const struct pw_stream_events events = {
    .version = PW_VERSION_STREAM_EVENTS, .io_changed = on_io, .process = on_process};

/* Locked. */
static bool connect_stream(struct playback *playback) {
  uint8_t memory[1024];
  struct spa_pod_builder builder = {.data = memory, .size = sizeof memory};
  struct spa_audio_info_raw format = {.format = SPA_AUDIO_FORMAT_F32,
                                      .rate = PLAYBACK_RATE_HZ,
                                      .channels = 2,
                                      .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}};
  const struct spa_pod *formats[] = {
      spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &format)};
  return stream.stream_connect(playback->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                               PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
                                   PW_STREAM_FLAG_RT_PROCESS,
                               formats, 1) >= 0;
}

bool playback_start(struct playback *playback, const char *name, struct pw_properties *properties) {
  playback->loop = pipewire.thread_loop_new(name, NULL);
  pipewire.thread_loop_start(playback->loop);
  pipewire.thread_loop_lock(playback->loop);
  playback->stream = stream.stream_new_simple(pipewire.thread_loop_get_loop(playback->loop), name,
                                              properties, &events, playback);
  bool plays = playback->stream != NULL && connect_stream(playback);
  pipewire.thread_loop_unlock(playback->loop);
  return plays;
}

void playback_set_active(struct playback *playback, bool active) {
  pipewire.thread_loop_lock(playback->loop);
  stream.stream_set_active(playback->stream, active);
  pipewire.thread_loop_unlock(playback->loop);
}

bool playback_time(struct playback *playback, struct pw_time *time) {
  return stream.stream_get_time_n(playback->stream, time, sizeof *time) >= 0 &&
         time->rate.denom != 0;
}

#endif
