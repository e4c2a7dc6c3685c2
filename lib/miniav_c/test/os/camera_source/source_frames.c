/* A frame: the picture, what is said of it, and what of that is a lie. */
#include "source.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/pixel.h"
#include "h264_writer.h"

static void copy_rows(const struct source *source, uint32_t plane, uint8_t *to, uint32_t first,
                      uint32_t end) {
  const struct pattern_plane *from = &source->planes[plane];
  for (uint32_t y = first; y < end && y < from->height; y++) {
    memcpy(to + (size_t)y * source->strides[plane],
           source->picture + from->offset_bytes + (size_t)y * from->stride_bytes, from->row_bytes);
  }
}

/* The rows of a plane that show some of a rectangle of the picture. */
static void copy_rectangle(const struct source *source, uint32_t plane, uint8_t *to,
                           const MiniAVRect *what) {
  uint32_t shrink = source->now_height / source->planes[plane].height;
  uint32_t first = (uint32_t)what->y / shrink;
  uint32_t end = ((uint32_t)what->y + (uint32_t)what->height + shrink - 1) / shrink;
  copy_rows(source, plane, to, first, end);
}

static void copy_plane(const struct source *source, uint32_t plane, uint8_t *to,
                       const struct painted *painted) {
  if (painted->epoch != source->epoch) {
    copy_rows(source, plane, to, 0, UINT32_MAX);
    return;
  }
  MiniAVRect strip = pattern_strip(source->pattern);
  MiniAVRect box = pattern_box(source->pattern, source->sequence);
  copy_rectangle(source, plane, to, &strip);
  copy_rectangle(source, plane, to, &painted->box);
  copy_rectangle(source, plane, to, &box);
}

static uint32_t fill_jpeg(struct source *source, struct spa_data *data) {
  struct jpeg_picture picture = {.planes = {NULL}};
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  uint32_t count = pattern_planes(source->pattern, planes);
  for (uint32_t i = 0; i < count; i++) {
    picture.planes[i] = source->picture + planes[i].offset_bytes;
    picture.strides_bytes[i] = planes[i].stride_bytes;
  }
  jpeg_writer_update(source->jpeg, &picture, 0, source->now_height);
  return (uint32_t)jpeg_writer_assemble(source->jpeg, data->data, source->sizes[0]);
}

static uint32_t fill_h264(struct source *source, const struct spa_data *data) {
  struct h264_picture picture = {.width = source->now_width, .height = source->now_height};
  for (uint32_t i = 0; i < 3; i++) {
    picture.planes[i] = source->picture + source->planes[i].offset_bytes;
    picture.strides_bytes[i] = source->planes[i].stride_bytes;
  }
  return h264_write(&picture, (uint32_t)source->sequence, data->data);
}

static void fill(struct source *source, const struct pw_buffer *buffer, int64_t time_us) {
  if (source->truncated) {
    return;
  }
  struct painted *painted = buffer->user_data;
  pattern_paint(source->pattern, source->picture, &source->marks, source->sequence, time_us);
  uint32_t offset = 0;
  for (uint32_t i = 0; i < source->plane_count; i++) {
    struct spa_data *data = &buffer->buffer->datas[source->each ? i : 0];
    if (pixel_is_compressed(source->format)) {
      bool is_jpeg = source->jpeg != NULL;
      *data->chunk =
          (struct spa_chunk){.size = is_jpeg ? fill_jpeg(source, data) : fill_h264(source, data)};
      return;
    }
    copy_plane(source, i, (uint8_t *)data->data + offset, painted);
    offset += source->each ? 0 : source->sizes[i];
    if (source->each || i == 0) {
      *data->chunk = (struct spa_chunk){.size = source_data_bytes(source, i),
                                        .stride = (int32_t)source->strides[i]};
    }
  }
  painted->epoch = source->epoch;
  painted->box = pattern_box(source->pattern, source->sequence);
}

static void lie_about_chunk(struct source *source, struct spa_buffer *buffer) {
  struct spa_chunk *chunk = buffer->datas[buffer->n_datas - 1].chunk;
  struct spa_meta_region *crop =
      spa_buffer_find_meta_data(buffer, SPA_META_VideoCrop, sizeof *crop);
  source->lies--;
  if (strcmp(source->lie, "stride") == 0) {
    chunk->stride = source->lies % 2 == 0 ? 3 : INT32_MAX;
  } else if (strcmp(source->lie, "negative") == 0) {
    chunk->stride = -chunk->stride;
  } else if (strcmp(source->lie, "offset") == 0) {
    chunk->offset = source->lies % 2 == 0 ? 4096 : UINT32_MAX - 4095;
  } else if (strcmp(source->lie, "size") == 0) {
    chunk->size = source->lies % 2 == 0 ? UINT32_MAX : chunk->size + 1;
  } else if (strcmp(source->lie, "zero") == 0) {
    chunk->size = 0;
  } else if (strcmp(source->lie, "crop") == 0 && crop != NULL) {
    crop->region = SPA_REGION(-8, 4, UINT32_MAX, 16);
  }
}

static void set_metas(struct source *source, struct spa_buffer *buffer, int64_t time_us) {
  struct spa_meta_header *header =
      spa_buffer_find_meta_data(buffer, SPA_META_Header, sizeof *header);
  struct spa_meta_region *crop =
      spa_buffer_find_meta_data(buffer, SPA_META_VideoCrop, sizeof *crop);
  struct spa_meta_videotransform *transform =
      spa_buffer_find_meta_data(buffer, SPA_META_VideoTransform, sizeof *transform);
  if (header != NULL) {
    *header = (struct spa_meta_header){
        .flags = source->discont ? (uint32_t)SPA_META_HEADER_FLAG_DISCONT : 0,
        .pts = time_us * 1000,
        .seq = source->sequence};
    source->discont = false;
  }
  if (crop != NULL) {
    crop->region = SPA_REGION(source->crop[0], source->crop[1], (uint32_t)source->crop[2],
                              (uint32_t)source->crop[3]);
  }
  if (transform != NULL) {
    transform->transform = (uint32_t)source->transform;
  }
}

/* A buffer that somebody still holds goes behind the others (pw_stream_dequeue_buffer, EBUSY): the
 * next one may be free. */
static struct pw_buffer *free_buffer(const struct source *source) {
  struct pw_buffer *buffer = NULL;
  for (uint32_t i = 0; i <= source->buffers_most && buffer == NULL; i++) {
    errno = 0;
    buffer = pipewire.stream_dequeue_buffer(source->producer.stream);
    if (buffer == NULL && errno != EBUSY) {
      break;
    }
  }
  return buffer;
}

void on_process(void *data) {
  struct source *source = data;
  struct pw_buffer *buffer = free_buffer(source);
  if (buffer == NULL) {
    source->starved++;
    return; /* every buffer is out: this frame is lost, and its number with it */
  }
  int64_t time_us = clock_now_us();
  set_metas(source, buffer->buffer, time_us);
  fill(source, buffer, time_us);
  if (source->corrupt > 0) {
    source->corrupt--;
    buffer->buffer->datas[0].chunk->flags = (int32_t)SPA_CHUNK_FLAG_CORRUPTED;
  }
  if (source->lies > 0) {
    lie_about_chunk(source, buffer->buffer);
  }
  pipewire.stream_queue_buffer(source->producer.stream, buffer);
  source->sent++;
}

#endif
