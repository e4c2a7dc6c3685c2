#include "camera/linux/v4l2_stream.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"

#define MIN_BUFFERS    6u
#define MAX_BUFFERS    16u
#define BUDGET_BYTES   (96u << 20)
#define CLOSE_MS       200u
#define ERROR_PAUSE_MS 10u
#define MAX_ERRORS     100u /* in a row, a pause apart: a second */
#define BELIEVED_US    1000000

enum stream_state { STREAM_STARTING, STREAM_RUNNING, STREAM_FAILED };

struct v4l2_stream {
  atomic_uint references;
  struct v4l2_stream_setup setup;
  char device_id[MINIAV_TEXT_BYTES];
  MiniAVVideoInfo chosen;
  uint32_t pool_blocks; /* the thread may outlive the capture until it has told of its start */
  int wake_fd;
  atomic_bool stopping;
  _Atomic uint64_t returned; /* a bit each buffer */
  atomic_uint lent;

  struct mutex mutex;
  struct condition changed;
  enum stream_state state; /* guarded by mutex, as are the next four */
  MiniAVResultCode failure;
  char reason[MINIAV_TEXT_BYTES];
  bool delivering;
  bool closed;

  /* The thread's own. */
  struct v4l2_device device;
  struct v4l2_mode mode;
  bool exported;
  uint32_t count;
  uint32_t queued; /* with the driver now */
  struct v4l2_mapping *mappings[V4L2_MAX_BUFFERS];
  struct block_pool *pool;
  struct capture_frame frame; /* what is the same for all */
  bool has_sequence;
  uint32_t sequence;
  uint32_t errors;
};

/* ---- references ------------------------------------------------------------------------------ */

static void stream_release(struct v4l2_stream *stream) {
  if (atomic_fetch_sub_explicit(&stream->references, 1, memory_order_acq_rel) == 1) {
    close(stream->wake_fd);
    condition_destroy(&stream->changed);
    mutex_destroy(&stream->mutex);
    free(stream);
  }
}

static void wake(struct v4l2_stream *stream) {
  uint64_t one = 1;
  ssize_t written = write(stream->wake_fd, &one, sizeof one);
  (void)written; /* a full counter wakes too */
}

static void give_back(void *owner, uint64_t index) {
  struct v4l2_stream *stream = owner;
  atomic_fetch_sub(&stream->lent, 1);
  atomic_fetch_or(&stream->returned, UINT64_C(1) << index);
  if (!atomic_load(&stream->stopping)) {
    wake(stream);
  }
  stream_release(stream);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void buffer_init(const struct v4l2_stream *stream, struct v4l2_buffer *buffer,
                        struct v4l2_plane planes[VIDEO_MAX_PLANES]) {
  memset(buffer, 0, sizeof *buffer);
  memset(planes, 0, sizeof *planes * VIDEO_MAX_PLANES);
  buffer->type = stream->device.buffer_type;
  buffer->memory = V4L2_MEMORY_MMAP;
  if (buffer->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
    buffer->m.planes = planes;
    buffer->length = VIDEO_MAX_PLANES;
  }
}

static int enqueue(struct v4l2_stream *stream, uint32_t index) {
  struct v4l2_plane planes[VIDEO_MAX_PLANES];
  struct v4l2_buffer buffer;
  buffer_init(stream, &buffer, planes);
  buffer.index = index;
  if (buffer.type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
    buffer.length = stream->mode.memory_count;
  }
  int error = v4l2_call(stream->device.fd, VIDIOC_QBUF, &buffer);
  stream->queued += error == 0 ? 1 : 0;
  return error;
}

static void enqueue_returned(struct v4l2_stream *stream) {
  uint64_t returned = atomic_exchange(&stream->returned, 0);
  for (uint32_t i = 0; i < stream->count; i++) {
    if ((returned >> i & 1) != 0) {
      enqueue(stream, i); /* one that fails is missed: the device tells at the next dequeue */
    }
  }
}

static uint32_t wanted_buffers(const struct v4l2_mode *mode) {
  uint64_t bytes = 1;
  for (uint32_t i = 0; i < mode->memory_count; i++) {
    bytes += mode->memory_bytes[i];
  }
  uint64_t count = BUDGET_BYTES / bytes;
  return count < MIN_BUFFERS ? MIN_BUFFERS : count > MAX_BUFFERS ? MAX_BUFFERS : (uint32_t)count;
}

static MiniAVResultCode request_buffers(struct v4l2_stream *stream, uint32_t *count) {
  struct v4l2_requestbuffers request = {
      .count = *count, .type = stream->device.buffer_type, .memory = V4L2_MEMORY_MMAP};
  int error = v4l2_call(stream->device.fd, VIDIOC_REQBUFS, &request);
  *count = request.count;
  if (error == EINVAL) {
    return MINIAV_ERROR_NOT_SUPPORTED; /* no memory that can be mapped */
  }
  return v4l2_result(error);
}

static void forget_buffers(struct v4l2_stream *stream) {
  for (uint32_t i = 0; i < stream->count; i++) {
    block_release(&stream->mappings[i]->block);
  }
  stream->count = 0;
}

static MiniAVResultCode map_buffers(struct v4l2_stream *stream, uint32_t count) {
  MiniAVResultCode result = count == 0 ? MINIAV_ERROR_OUT_OF_MEMORY : MINIAV_SUCCESS;
  for (uint32_t i = 0; i < count && result == MINIAV_SUCCESS; i++) {
    result = v4l2_mapping_create(&stream->device, &stream->mode, i, stream->exported,
                                 &stream->mappings[i]);
    stream->count += result == MINIAV_SUCCESS ? 1 : 0;
  }
  if (result == MINIAV_ERROR_NOT_SUPPORTED && stream->exported) {
    forget_buffers(stream);
    stream->exported = false; /* memory then */
    return map_buffers(stream, count);
  }
  return result;
}

static MiniAVResultCode make_buffers(struct v4l2_stream *stream) {
  uint32_t count = wanted_buffers(&stream->mode);
  stream->exported = stream->mode.info.output_preference == MINIAV_OUTPUT_PREFERENCE_GPU &&
                     stream->mode.drm_fourcc != 0;
  MiniAVResultCode result = request_buffers(stream, &count);
  if (result == MINIAV_SUCCESS) {
    result = map_buffers(stream, count < V4L2_MAX_BUFFERS ? count : V4L2_MAX_BUFFERS);
  }
  for (uint32_t i = 0; i < stream->count && result == MINIAV_SUCCESS; i++) {
    result = v4l2_result(enqueue(stream, i));
  }
  if (result != MINIAV_SUCCESS || stream->exported) {
    return result;
  }
  size_t bytes = 0;
  for (uint32_t i = 0; i < stream->mode.memory_count; i++) {
    bytes += stream->mappings[0]->planes[i].bytes;
  }
  stream->pool = block_pool_create(stream->pool_blocks, bytes);
  return stream->pool != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

static void prepare_frame(struct v4l2_stream *stream) {
  struct v4l2_mode *mode = &stream->mode;
  mode->info.output_preference =
      stream->exported ? MINIAV_OUTPUT_PREFERENCE_GPU : MINIAV_OUTPUT_PREFERENCE_CPU;
  capture_frame_init(&stream->frame, MINIAV_BUFFER_TYPE_VIDEO);
  MiniAVBuffer *buffer = &stream->frame.buffer;
  buffer->data.video.info = mode->info;
  buffer->color_range = mode->color_range;
  buffer->color_matrix = mode->color_matrix;
  buffer->color_primaries = mode->color_primaries;
  buffer->color_transfer = mode->color_transfer;
  buffer->rotation_degrees = v4l2_rotation(&stream->device);
  if (mode->info.frame_rate_numerator != 0) {
    buffer->duration_us =
        INT64_C(1000000) * mode->info.frame_rate_denominator / mode->info.frame_rate_numerator;
  }
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* The driver's time where it is on our clock and can be true. */
static void stamp(const struct v4l2_buffer *from, MiniAVBuffer *buffer) {
  int64_t now_us = clock_now_us();
  int64_t time_us = (int64_t)from->timestamp.tv_sec * 1000000 + (int64_t)from->timestamp.tv_usec;
  bool is_monotonic =
      (from->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  if (is_monotonic && time_us - now_us < BELIEVED_US && now_us - time_us < BELIEVED_US) {
    buffer->timestamp_us = time_us;
  } else {
    buffer->timestamp_us = now_us;
    buffer->flags |= MINIAV_BUFFER_FLAG_ESTIMATED_TIME;
  }
}

/* Frames that the driver counted but never gave, for want of a buffer or of time. */
static void count_missing(struct v4l2_stream *stream, uint32_t sequence) {
  uint32_t missing = sequence - stream->sequence - 1;
  if (stream->has_sequence && missing > 0 && missing < UINT32_MAX / 2) {
    capture_count_drop(stream->setup.capture, DROP_LATE, missing);
  }
  stream->has_sequence = true;
  stream->sequence = sequence;
}

static bool describe(struct v4l2_stream *stream, const struct v4l2_buffer *from,
                     struct capture_frame *frame) {
  uint32_t used[MINIAV_MAX_PLANES] = {from->bytesused};
  uint32_t begins[MINIAV_MAX_PLANES] = {0};
  if (from->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
    for (uint32_t i = 0; i < stream->mode.memory_count; i++) {
      used[i] = from->m.planes[i].bytesused;
      begins[i] = from->m.planes[i].data_offset;
    }
  }
  *frame = stream->frame;
  if ((from->flags & V4L2_BUF_FLAG_ERROR) != 0) {
    frame->buffer.flags |= MINIAV_BUFFER_FLAG_CORRUPTED;
  }
  stamp(from, &frame->buffer);
  return v4l2_mapping_place(stream->mappings[from->index], &stream->mode, used, begins, frame);
}

/* Lends the buffer, or a copy, or counts a drop; true when the buffer is free again. */
static bool hand_over(struct v4l2_stream *stream, uint32_t index, struct capture_frame *frame) {
  uint32_t most = stream->count / 2 > 2 ? stream->count / 2 - 1 : 1;
  if (atomic_load(&stream->lent) < most) {
    struct block *block = &stream->mappings[index]->block;
    block_reference(block);
    atomic_fetch_add(&stream->references, 1);
    atomic_fetch_add(&stream->lent, 1);
    frame->block = block;
    frame->release = give_back;
    frame->owner = stream;
    frame->token = index;
    capture_deliver(stream->setup.capture, frame);
    return false;
  }
  struct block *copy = stream->pool != NULL ? block_pool_take(stream->pool) : NULL;
  if (copy != NULL) {
    v4l2_mapping_copy(frame, copy);
    capture_deliver(stream->setup.capture, frame);
  } else {
    capture_count_drop(stream->setup.capture, DROP_BUFFERS_HELD, 1);
  }
  return true;
}

static void lose(struct v4l2_stream *stream, MiniAVResultCode reason, const char *text) {
  capture_lost(stream->setup.capture, reason, text);
}

/* A device that answers an error again and again gives nothing any more. True: go on. */
static bool survive(struct v4l2_stream *stream, int error) {
  struct v4l2_capability about;
  if (error == ENODEV || v4l2_call(stream->device.fd, VIDIOC_QUERYCAP, &about) == ENODEV) {
    lose(stream, MINIAV_ERROR_DEVICE_LOST, "the camera was unplugged");
    return false;
  }
  if (++stream->errors >= MAX_ERRORS) {
    lose(stream, MINIAV_ERROR_SYSTEM_CALL_FAILED, "the camera's driver gives only errors");
    return false;
  }
  clock_sleep_until_us(clock_now_us() + ERROR_PAUSE_MS * 1000);
  return true;
}

/* Takes what is filled; false when the device is gone. */
static bool take_frames(struct v4l2_stream *stream, bool has_error) {
  for (bool first = true; !atomic_load(&stream->stopping); first = false) {
    struct v4l2_plane planes[VIDEO_MAX_PLANES];
    struct v4l2_buffer buffer;
    buffer_init(stream, &buffer, planes);
    int error = v4l2_call(stream->device.fd, VIDIOC_DQBUF, &buffer);
    if (error == EAGAIN) {
      return !(has_error && first) || survive(stream, error);
    }
    if (error != 0 || buffer.index >= stream->count) {
      return survive(stream, error);
    }
    stream->errors = 0;
    stream->queued--;
    count_missing(stream, buffer.sequence);
    struct capture_frame frame;
    bool is_free = true;
    if (describe(stream, &buffer, &frame)) {
      is_free = hand_over(stream, buffer.index, &frame);
    } else {
      capture_count_drop(stream->setup.capture, DROP_INVALID, 1);
    }
    if (is_free) {
      enqueue(stream, buffer.index);
    }
    enqueue_returned(stream);
  }
  return true;
}

static void stream_frames(struct v4l2_stream *stream) {
  thread_raise_priority();
  bool alive = true;
  while (alive && !atomic_load(&stream->stopping)) {
    struct pollfd fds[] = {{.fd = stream->wake_fd, .events = POLLIN},
                           /* Without a buffer in the queue some drivers answer an error. */
                           {.fd = stream->queued > 0 ? stream->device.fd : -1, .events = POLLIN},
                           {.fd = stream->setup.watched_fd, .events = POLLPRI}};
    if (poll(fds, 3, -1) < 0) {
      continue;
    }
    if ((fds[0].revents & POLLIN) != 0) {
      uint64_t count;
      ssize_t got = read(stream->wake_fd, &count, sizeof count);
      (void)got;
      enqueue_returned(stream);
    }
    if ((fds[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
      stream->setup.watched_fd = -1; /* unplugged: the other one tells it too */
    } else if ((fds[2].revents & POLLPRI) != 0) {
      stream->setup.on_event(stream->setup.user);
    }
    if (fds[1].revents != 0) {
      alive = take_frames(stream, (fds[1].revents & (POLLERR | POLLHUP)) != 0);
    }
  }
}

/* ---- the thread ------------------------------------------------------------------------------ */

static MiniAVResultCode set_up(struct v4l2_stream *stream) {
  MiniAVResultCode result = v4l2_open_id(stream->device_id, &stream->device);
  if (result == MINIAV_SUCCESS) {
    result = v4l2_apply(&stream->device, &stream->chosen, &stream->mode);
  }
  if (result == MINIAV_SUCCESS) {
    result = make_buffers(stream);
  }
  if (result == MINIAV_SUCCESS) {
    prepare_frame(stream);
    int type = (int)stream->device.buffer_type;
    int error = v4l2_call(stream->device.fd, VIDIOC_STREAMON, &type);
    /* A USB bus that has no room for one more stream. */
    result = error == ENOSPC ? MINIAV_ERROR_DEVICE_BUSY : v4l2_result(error);
  }
  return result;
}

/* Frees the device for others even while frames are held: since Linux 5.0 a queue lets go of
 * buffers that are still mapped. */
static void shut(struct v4l2_stream *stream) {
  if (stream->device.fd >= 0) {
    int type = (int)stream->device.buffer_type;
    v4l2_call(stream->device.fd, VIDIOC_STREAMOFF, &type);
    forget_buffers(stream);
    uint32_t none = 0;
    request_buffers(stream, &none);
  }
  v4l2_close(&stream->device);
  block_pool_close(stream->pool);
}

/* True: start has taken the news, and frames may be delivered. */
static bool tell_start(struct v4l2_stream *stream, MiniAVResultCode result) {
  mutex_lock(&stream->mutex);
  bool goes_on = result == MINIAV_SUCCESS && !atomic_load(&stream->stopping);
  stream->state = goes_on ? STREAM_RUNNING : STREAM_FAILED;
  stream->failure = result;
  stream->delivering = goes_on;
  condition_broadcast(&stream->changed);
  mutex_unlock(&stream->mutex);
  return goes_on;
}

static void run(void *argument) {
  struct v4l2_stream *stream = argument;
  if (tell_start(stream, set_up(stream))) {
    stream_frames(stream);
    mutex_lock(&stream->mutex);
    stream->delivering = false;
    condition_broadcast(&stream->changed);
    mutex_unlock(&stream->mutex);
  }
  shut(stream);
  mutex_lock(&stream->mutex);
  stream->closed = true;
  condition_broadcast(&stream->changed);
  mutex_unlock(&stream->mutex);
  stream_release(stream);
}

/* ---- life ------------------------------------------------------------------------------------ */

static struct v4l2_stream *stream_create(const struct v4l2_stream_setup *setup) {
  struct v4l2_stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) {
    return NULL;
  }
  stream->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stream->wake_fd < 0) {
    free(stream);
    return NULL;
  }
  stream->setup = *setup;
  stream->chosen = *setup->format;
  stream->pool_blocks = capture_slot_count(setup->capture) + 2;
  text_copy(stream->device_id, sizeof stream->device_id, setup->device_id);
  stream->device.fd = -1;
  atomic_init(&stream->references, 2); /* the starter's and the thread's */
  mutex_init(&stream->mutex);
  condition_init(&stream->changed);
  return stream;
}

static void wake_starter(void *user) {
  struct v4l2_stream *stream = user;
  mutex_lock(&stream->mutex);
  condition_broadcast(&stream->changed);
  mutex_unlock(&stream->mutex);
}

/* Until the thread has set up the device, or the caller has had enough. */
static MiniAVResultCode await_start(struct v4l2_stream *stream, struct cancel *cancel) {
  cancel_set_hook(cancel, wake_starter, stream);
  mutex_lock(&stream->mutex);
  while (stream->state == STREAM_STARTING && !cancel_requested(cancel)) {
    condition_wait(&stream->changed, &stream->mutex);
  }
  MiniAVResultCode result = stream->failure;
  if (stream->state == STREAM_STARTING) {
    atomic_store(&stream->stopping, true); /* seen by the thread under this lock */
    result = MINIAV_ERROR_USER_CANCELLED;
  }
  mutex_unlock(&stream->mutex);
  cancel_set_hook(cancel, NULL, NULL);
  return result;
}

MiniAVResultCode v4l2_stream_start(const struct v4l2_stream_setup *setup, struct cancel *cancel,
                                   MiniAVVideoInfo *format, struct v4l2_stream **result) {
  struct v4l2_stream *stream = stream_create(setup);
  if (stream == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  if (!thread_start("miniav-v4l2", run, stream)) {
    stream_release(stream);
    stream_release(stream);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode started = await_start(stream, cancel);
  if (started != MINIAV_SUCCESS) {
    stream_release(stream);
    return started;
  }
  *format = stream->mode.info;
  *result = stream;
  return MINIAV_SUCCESS;
}

void v4l2_stream_stop(struct v4l2_stream *stream) {
  atomic_store(&stream->stopping, true);
  wake(stream);
  int64_t deadline_us = clock_deadline_us(CLOSE_MS);
  mutex_lock(&stream->mutex);
  while (stream->delivering) {
    condition_wait(&stream->changed, &stream->mutex);
  }
  bool time_left = true;
  while (!stream->closed && time_left) {
    time_left = condition_wait_until(&stream->changed, &stream->mutex, deadline_us);
  }
  mutex_unlock(&stream->mutex);
  stream_release(stream);
}
