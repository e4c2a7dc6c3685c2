/* What the parts of camera_source share. All of it is used under the loop's lock. */
#ifndef MINIAV_TEST_OS_CAMERA_SOURCE_H
#define MINIAV_TEST_OS_CAMERA_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "miniav_types.h"
#include "support/pipewire_producer.h"
#include "test_device/jpeg_writer.h"
#include "test_device/pattern.h"

#define FORMATS_MAX   24u
#define DATAS_MAX     4u
#define MODIFIERS_MAX 8u

/* What a buffer shows: only what has moved since is painted anew, so that 4K costs no more than its
 * rows that change. In the buffer's user_data; all zero: nothing yet. */
struct painted {
  uint32_t epoch;
  MiniAVRect box;
};

struct source {
  const char *name;
  const char *device; /* NULL: none */
  MiniAVPixelFormat formats[FORMATS_MAX];
  uint32_t format_count;
  uint32_t width;
  uint32_t height;
  uint32_t rate;
  enum pattern_theme theme;
  bool each;
  bool no_time;
  bool range;
  bool vgem;
  uint32_t alignment;
  uint32_t buffers_most;
  char memory[16];
  uint64_t modifiers[MODIFIERS_MAX]; /* of GPU memory that it offers, and prefers in that order */
  uint32_t modifier_count;
  bool only_gpu;
  bool is_for_gpu; /* agreed on */

  struct producer producer;
  MiniAVPixelFormat format; /* agreed on */
  uint32_t now_width;
  uint32_t now_height;
  struct pattern *pattern;
  struct pattern_marks marks;
  uint8_t *picture;
  uint32_t epoch; /* of the picture's plan */
  struct jpeg_writer *jpeg;
  uint32_t plane_count;
  struct pattern_plane planes[MINIAV_MAX_PLANES];
  uint32_t strides[MINIAV_MAX_PLANES];
  uint32_t sizes[MINIAV_MAX_PLANES];
  uint64_t sequence; /* frames that were due, from the first */
  uint64_t late;     /* of them: due while the machine had no time for us */
  uint64_t starved;  /* due while every buffer was out */
  uint64_t sent;
  bool streaming;
  bool stalled;
  uint32_t corrupt;
  bool discont;
  int crop[4];
  int transform;
  char lie[16];
  uint32_t lies;
  int memfds[64];
  uint32_t memfd_count;
  bool truncated; /* then it touches its memory no more, but goes on sending it */
  uint32_t used;
};

/* source_format.c */
MiniAVPixelFormat format_named(const char *name);
const char *format_name(MiniAVPixelFormat format);
/* EnumFormat params of all that it offers; how many. */
uint32_t source_offers(const struct source *source, struct spa_pod_builder *builder,
                       const struct spa_pod *params[FORMATS_MAX]);
/* Of a buffer: of all its datas, or of one where each plane has its own. */
uint32_t source_data_bytes(const struct source *source, uint32_t data);
/* Offers anew, with a fixed modifier (NULL: those that it has). */
void source_offer_again(struct source *source, const uint64_t *modifier);
void on_param_changed(void *data, uint32_t id, const struct spa_pod *param);

/* source_gpu.c */
bool gpu_read_option(struct source *source, const char *option);
/* Adds the modifiers to the format that is being built; the one that was picked, or NULL. */
void gpu_add_modifiers(const struct source *source, struct spa_pod_builder *builder,
                       const uint64_t *picked);
/* A choice of modifiers was agreed on: picks one and offers that. False: there is no choice. */
bool gpu_pick(struct source *source, const struct spa_pod *param);
/* Is GPU memory agreed on? */
bool gpu_is_agreed(const struct spa_pod *param);

/* source_memory.c */
void on_add_buffer(void *user, struct pw_buffer *buffer);
void on_remove_buffer(void *user, struct pw_buffer *buffer);
void source_truncate(const struct source *source);

/* source_frames.c */
void on_process(void *data);

#endif
