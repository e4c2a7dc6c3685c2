/* Frames as another process might fill them in, all the way to the consumer's copy. The planes lie
 * in memory of exactly the size that the frame claims, so AddressSanitizer sees one byte too many.
 */
#include "common/frame_check.h"
#include "common/linux/pipewire_video_meta.h"
#include "common/pixel.h"
#include "input.h"
#include "support/fake_source.h"
#include "support/test_backends.h"

#define CLAIMED_MAX 65536u

static struct fake_source source;

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count;
  (void)arguments;
  use_test_backends();
  source = fake_source_create(MINIAV_KIND_SCREEN, NULL, NULL);
  must(fake_source_start(&source, NULL, NULL) == MINIAV_SUCCESS, "start");
  return 0;
}

/* Small numbers are the interesting ones; one in eight is any. */
static uint32_t side(struct input *input) {
  uint8_t choice = input_byte(input);
  return choice % 8 == 0 ? input_number(input) : choice;
}

/* A plane that its format would have, so that some frames are right, and then some lie in it. */
static void make_picture(struct input *input, MiniAVBuffer *buffer, void *memory[]) {
  MiniAVVideoInfo *info = &buffer->data.video.info;
  info->pixel_format = (MiniAVPixelFormat)(input_byte(input) % 24);
  info->width = side(input);
  info->height = side(input);
  uint32_t alignment = 1u << input_byte(input) % 6;
  pixel_lay_out(buffer, info->pixel_format, info->width, info->height, alignment, NULL);
  for (uint8_t lies = input_byte(input) % 4; lies > 0; lies--) {
    uint8_t at = input_byte(input);
    MiniAVPlane *plane = &buffer->data.video.planes[at % MINIAV_MAX_PLANES];
    uint32_t *const members[] = {&plane->width, &plane->height, &plane->stride_bytes,
                                 &plane->size_bytes};
    *members[at / 4 % 4] = at / 16 % 2 == 0 ? side(input) : *members[at / 4 % 4] - 1;
    if (at == 255) {
      buffer->data.video.num_planes = input_byte(input);
    }
  }
  for (uint32_t i = 0; i < MINIAV_MAX_PLANES; i++) {
    MiniAVPlane *plane = &buffer->data.video.planes[i];
    memory[i] = plane->size_bytes <= CLAIMED_MAX ? calloc(1, plane->size_bytes) : NULL;
    plane->data_ptr = memory[i];
  }
}

static void make_sound(struct input *input, MiniAVBuffer *buffer, void *memory[]) {
  static const uint32_t sample_bytes[] = {0, 1, 2, 3, 4, 4};
  uint32_t frames = side(input);
  uint32_t channels = input_byte(input) % 10;
  uint32_t format = input_byte(input) % 7;
  buffer->data.audio.frame_count = frames;
  buffer->data.audio.channel_count = channels;
  buffer->data.audio.format = (MiniAVAudioFormat)format;
  uint64_t bytes = (uint64_t)frames * channels * sample_bytes[format % 6];
  buffer->data_size_bytes = input_byte(input) % 4 == 0 ? side(input) : (size_t)bytes;
  memory[0] = buffer->data_size_bytes <= CLAIMED_MAX ? calloc(1, buffer->data_size_bytes) : NULL;
  buffer->data.audio.data = memory[0];
}

static void make_metadata(struct input *input, MiniAVFrameMetadata *metadata, void **pixels) {
  input_take(input, metadata, input_byte(input));
  if (metadata->damage_count > 0 && input_byte(input) % 2 == 0) {
    metadata->damage_count = metadata->damage_count % 40;
  }
  metadata->cursor_format = (MiniAVPixelFormat)(input_byte(input) % 24);
  metadata->cursor_width = side(input);
  metadata->cursor_height = side(input);
  metadata->cursor_stride_bytes = side(input) * 4;
  uint64_t bytes = (uint64_t)metadata->cursor_stride_bytes * metadata->cursor_height;
  *pixels = bytes <= CLAIMED_MAX ? calloc(1, (size_t)bytes) : NULL;
  metadata->cursor_pixels = *pixels;
}

static void copy(struct input *input, const MiniAVBuffer *buffer) {
  MiniAVCopyLayout layout = {0};
  if (input_byte(input) % 2 == 0) {
    layout.plane_count = input_byte(input) % 6;
    for (uint32_t i = 0; i < MINIAV_MAX_PLANES; i++) {
      layout.offsets_bytes[i] = input_byte(input) % 8 == 0 ? UINT64_MAX : side(input);
      layout.strides_bytes[i] = side(input);
    }
  }
  MiniAVCopyLayout asked = layout;
  MiniAVResultCode result = MiniAV_CopyBuffer(buffer->internal_handle, NULL, 0, &asked);
  if (result != MINIAV_ERROR_BUFFER_TOO_SMALL || asked.size_bytes > 16 * CLAIMED_MAX) {
    return;
  }
  uint8_t *destination = malloc((size_t)asked.size_bytes);
  must(destination != NULL, "memory");
  must(MiniAV_CopyBuffer(buffer->internal_handle, destination, (size_t)asked.size_bytes, &layout) ==
           MINIAV_SUCCESS,
       "the size that was told is enough");
  must(layout.size_bytes == asked.size_bytes, "the same size twice");
  if (asked.size_bytes > 0) {
    must(MiniAV_CopyBuffer(buffer->internal_handle, destination, (size_t)asked.size_bytes - 1,
                           &layout) == MINIAV_ERROR_BUFFER_TOO_SMALL,
         "one byte less is not");
  }
  free(destination);
}

static void consume(struct input *input, const MiniAVBuffer *buffer) {
  copy(input, buffer);
  MiniAVFrameMetadata metadata;
  if (MiniAV_CopyMetadata(buffer->internal_handle, &metadata) == MINIAV_SUCCESS) {
    must(metadata.damage_count <= MINIAV_MAX_DAMAGE_RECTANGLES, "damage fits its array");
    for (uint32_t i = 0; i < metadata.damage_count; i++) {
      const MiniAVRect *is = &metadata.damage[i];
      must(is->x >= 0 && is->y >= 0 && is->width > 0 && is->height > 0, "damage is in the frame");
    }
    static uint8_t pixels[CLAIMED_MAX];
    MiniAV_CopyCursorPixels(buffer->internal_handle, pixels, sizeof pixels);
  }
  must(MiniAV_ReleaseBuffer(buffer->internal_handle) == MINIAV_SUCCESS, "released once");
  must(MiniAV_ReleaseBuffer(buffer->internal_handle) == MINIAV_ERROR_INVALID_HANDLE, "not twice");
}

#if defined(MINIAV_HAVE_PIPEWIRE)

/* What a producer writes beside a picture, in memory of exactly its size. */
static void read_metas(const uint8_t *bytes, size_t size) {
  static const MiniAVVideoInfo screen = {.width = 640, .height = 480};
  static uint8_t pixels[CLAIMED_MAX];
  MiniAVFrameMetadata metadata = {0};
  struct video_cursor_meta cursor;
  void *meta = malloc(size + 1);
  must(meta != NULL, "memory");
  memcpy(meta, bytes, size);
  meta = realloc(meta, size > 0 ? size : 1);
  video_damage_read(meta, size, &screen, &metadata);
  must(metadata.damage_count <= MINIAV_MAX_DAMAGE_RECTANGLES, "damage fits its array");
  for (uint32_t i = 0; i < metadata.damage_count; i++) {
    const MiniAVRect *is = &metadata.damage[i];
    must(is->x >= 0 && is->y >= 0 && is->width > 0 && is->height > 0 && is->x + is->width <= 640 &&
             is->y + is->height <= 480,
         "damage is in the picture");
  }
  if (video_cursor_read(meta, size, &cursor) == VIDEO_SAID && cursor.width > 0) {
    size_t needed = (size_t)cursor.width * cursor.height * 4;
    must(needed <= size, "a picture lies within its meta");
    if (needed <= sizeof pixels) {
      video_cursor_pixels(meta, &cursor, pixels);
    }
  }
  free(meta);
}

#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
#if defined(MINIAV_HAVE_PIPEWIRE)
  read_metas(bytes, size);
#endif
  struct input input = {bytes, size};
  struct capture_frame frame;
  void *memory[MINIAV_MAX_PLANES + 1] = {NULL};
  MiniAVFrameMetadata metadata = {0};
  MiniAVBuffer buffer;
  uint8_t shape = input_byte(&input);
  capture_frame_init(&frame, shape % 2 == 0 ? MINIAV_BUFFER_TYPE_VIDEO : MINIAV_BUFFER_TYPE_AUDIO);
  if (shape % 2 == 0) {
    make_picture(&input, &frame.buffer, memory);
  } else {
    make_sound(&input, &frame.buffer, memory);
  }
  if (shape / 2 % 2 == 0) {
    make_metadata(&input, &metadata, &memory[MINIAV_MAX_PLANES]);
    frame.metadata = &metadata;
  }
  if (shape / 4 % 4 == 0) {
    input_take(&input, &frame.buffer.crop, sizeof frame.buffer.crop);
    frame.buffer.content_type = (MiniAVBufferContentType)(input_byte(&input) % 6);
    frame.buffer.num_fds = input_byte(&input);
  }
  capture_deliver(source.capture, &frame);
  if (MiniAV_TakeBuffer(source.handle, &buffer) == MINIAV_SUCCESS) {
    must(frame_is_sound(&frame), "what arrives is sound");
    consume(&input, &buffer);
  } else {
    must(!frame_is_sound(&frame), "what is sound arrives");
  }
  for (uint32_t i = 0; i <= MINIAV_MAX_PLANES; i++) {
    free(memory[i]);
  }
  return 0;
}
