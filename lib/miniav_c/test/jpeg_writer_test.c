/* The JPEG writer, against a small decoder of its own that believes only what the file says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/strip.h"
#include "test_device/jpeg_writer.h"
#include "test_device/pattern.h"

#define PI 3.14159265358979323846

/* ---- a decoder: baseline, 4:2:0, restart intervals --------------------------------------------
 */

struct huffman {
  uint32_t lengths[16];
  uint8_t values[256];
};

struct decoder {
  const uint8_t *next;
  const uint8_t *end;
  uint32_t width;
  uint32_t height;
  uint32_t restart;
  uint32_t quanta[64];
  struct huffman tables[2]; /* DC, AC */
  uint32_t bits;
  uint32_t count;
  bool failed;
  uint8_t *planes[3]; /* whole MCUs */
  uint32_t strides[3];
};

static const uint8_t order[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                  58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

static uint32_t read_bit(struct decoder *d) {
  if (d->count == 0) {
    if (d->next >= d->end || (d->next[0] == 0xFF && d->next[1] != 0)) {
      d->failed = true; /* a marker where data should be */
      return 0;
    }
    d->bits = *d->next;
    d->next += *d->next == 0xFF ? 2 : 1;
    d->count = 8;
  }
  return d->bits >> --d->count & 1;
}

static uint32_t read_symbol(struct decoder *d, const struct huffman *table) {
  uint32_t code = 0, first = 0, index = 0;
  for (uint32_t length = 0; length < 16; length++) {
    code = code << 1 | read_bit(d);
    if (code - first < table->lengths[length]) {
      return table->values[index + code - first];
    }
    index += table->lengths[length];
    first = (first + table->lengths[length]) << 1;
  }
  d->failed = true;
  return 0;
}

static int32_t read_value(struct decoder *d, uint32_t category) {
  int32_t value = 0;
  for (uint32_t i = 0; i < category; i++) {
    value = value * 2 + (int32_t)read_bit(d);
  }
  return category > 0 && value < 1 << (category - 1) ? value - (1 << category) + 1 : value;
}

static void read_block(struct decoder *d, int32_t *predicted, uint8_t *out, uint32_t stride) {
  double coefficients[64] = {0};
  *predicted += read_value(d, read_symbol(d, &d->tables[0]));
  coefficients[0] = *predicted * (double)d->quanta[0];
  for (uint32_t i = 1; i < 64 && !d->failed; i++) {
    uint32_t symbol = read_symbol(d, &d->tables[1]);
    if (symbol == 0) {
      break;
    }
    i += symbol >> 4;
    if (i > 63) {
      d->failed = true;
    } else if ((symbol & 15) != 0) {
      coefficients[order[i]] = read_value(d, symbol & 15) * (double)d->quanta[i];
    }
  }
  for (uint32_t y = 0; y < 8; y++) {
    for (uint32_t x = 0; x < 8; x++) {
      double sum = 0;
      for (uint32_t v = 0; v < 8; v++) {
        for (uint32_t u = 0; u < 8; u++) {
          double scale = (u == 0 ? sqrt(0.5) : 1.0) * (v == 0 ? sqrt(0.5) : 1.0) / 4.0;
          sum += scale * coefficients[v * 8 + u] * cos((2 * x + 1) * u * PI / 16) *
                 cos((2 * y + 1) * v * PI / 16);
        }
      }
      sum = floor(sum + 128.5);
      out[y * stride + x] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
  }
}

static void read_scan(struct decoder *d) {
  uint32_t across = (d->width + 15) / 16;
  uint32_t down = (d->height + 15) / 16;
  int32_t predicted[3] = {0, 0, 0};
  for (uint32_t mcu = 0; mcu < across * down && !d->failed; mcu++) {
    if (d->restart != 0 && mcu != 0 && mcu % d->restart == 0) {
      uint8_t expected = (uint8_t)(0xD0 + (mcu / d->restart - 1) % 8);
      d->failed = d->end - d->next < 2 || d->next[0] != 0xFF || d->next[1] != expected;
      d->next += 2;
      d->count = 0;
      memset(predicted, 0, sizeof predicted);
    }
    uint32_t x = mcu % across;
    uint32_t y = mcu / across;
    for (uint32_t i = 0; i < 4; i++) {
      uint8_t *out =
          d->planes[0] + (size_t)(y * 16 + i / 2 * 8) * d->strides[0] + x * 16 + i % 2 * 8;
      read_block(d, &predicted[0], out, d->strides[0]);
    }
    for (uint32_t c = 1; c < 3; c++) {
      read_block(d, &predicted[c], d->planes[c] + (size_t)y * 8 * d->strides[c] + x * 8,
                 d->strides[c]);
    }
  }
}

static void read_segment(struct decoder *d, uint8_t marker, const uint8_t *in, size_t bytes) {
  if (marker == 0xDB) {
    CHECK_EQ(bytes, 65);
    for (uint32_t i = 0; i < 64; i++) {
      d->quanta[i] = in[1 + i];
    }
  } else if (marker == 0xC0) {
    d->height = (uint32_t)(in[1] << 8 | in[2]);
    d->width = (uint32_t)(in[3] << 8 | in[4]);
    CHECK(in[0] == 8 && in[5] == 3 && in[7] == 0x22 && in[10] == 0x11 && in[13] == 0x11);
  } else if (marker == 0xC4) {
    struct huffman *table = &d->tables[in[0] >> 4];
    size_t total = 0;
    for (uint32_t i = 0; i < 16; i++) {
      table->lengths[i] = in[1 + i];
      total += in[1 + i];
    }
    CHECK_EQ(bytes, 17 + total);
    memcpy(table->values, in + 17, total);
  } else if (marker == 0xDD) {
    d->restart = (uint32_t)(in[0] << 8 | in[1]);
  }
}

/* Planes are the caller's to free. */
static bool decode(struct decoder *d, const uint8_t *file, size_t bytes) {
  *d = (struct decoder){.next = file + 2, .end = file + bytes};
  if (!CHECK(bytes > 4 && file[0] == 0xFF && file[1] == 0xD8)) {
    return false;
  }
  for (uint8_t marker = 0; marker != 0xDA;) {
    if (!CHECK(d->end - d->next > 4 && d->next[0] == 0xFF)) {
      return false;
    }
    marker = d->next[1];
    size_t length = (size_t)(d->next[2] << 8 | d->next[3]);
    read_segment(d, marker, d->next + 4, length - 2);
    d->next += 2 + length;
  }
  uint32_t width = (d->width + 15) / 16 * 16;
  uint32_t height = (d->height + 15) / 16 * 16;
  for (uint32_t i = 0; i < 3; i++) {
    d->strides[i] = i == 0 ? width : width / 2;
    d->planes[i] = malloc((size_t)width * height);
  }
  read_scan(d);
  return CHECK(!d->failed) && CHECK(d->end - d->next == 2 && d->next[0] == 0xFF) &&
         CHECK_EQ(d->next[1], 0xD9);
}

static void decoder_free(struct decoder *d) {
  for (uint32_t i = 0; i < 3; i++) {
    free(d->planes[i]);
  }
}

/* ---- tests ------------------------------------------------------------------------------------
 */

struct movie {
  struct pattern *pattern;
  struct pattern_marks marks;
  uint8_t *data;
  struct jpeg_writer *writer;
  struct jpeg_picture picture;
  struct pattern_plane planes[MINIAV_MAX_PLANES];
};

static void movie_create(struct movie *movie, uint32_t width, uint32_t height) {
  struct pattern_plan plan = {
      .format = MINIAV_PIXEL_FORMAT_MJPEG, .width = width, .height = height};
  *movie =
      (struct movie){.pattern = pattern_create(&plan), .writer = jpeg_writer_create(width, height)};
  movie->data = malloc(pattern_bytes(movie->pattern));
  CHECK_EQ(pattern_planes(movie->pattern, movie->planes), 3);
  for (uint32_t i = 0; i < 3; i++) {
    movie->picture.planes[i] = movie->data + movie->planes[i].offset_bytes;
    movie->picture.strides_bytes[i] = movie->planes[i].stride_bytes;
  }
}

static void movie_destroy(struct movie *movie) {
  pattern_destroy(movie->pattern);
  jpeg_writer_destroy(movie->writer);
  free(movie->data);
}

/* The largest difference between what was written and what is read. */
static int difference(const struct movie *movie, const struct decoder *d) {
  int largest = 0;
  for (uint32_t i = 0; i < 3; i++) {
    for (uint32_t y = 0; y < movie->planes[i].height; y++) {
      for (uint32_t x = 0; x < movie->planes[i].width; x++) {
        int a = movie->picture.planes[i][(size_t)y * movie->picture.strides_bytes[i] + x];
        int b = d->planes[i][(size_t)y * d->strides[i] + x];
        largest = abs(a - b) > largest ? abs(a - b) : largest;
      }
    }
  }
  return largest;
}

static void check_file(const struct movie *movie, const uint8_t *file, size_t bytes, uint32_t width,
                       uint32_t height, uint64_t counter, int tolerance) {
  struct decoder d;
  if (decode(&d, file, bytes)) {
    CHECK(d.width == width && d.height == height);
    CHECK(difference(movie, &d) <= tolerance);
    MiniAVBuffer buffer = {.type = MINIAV_BUFFER_TYPE_VIDEO};
    buffer.data.video.info.width = width;
    buffer.data.video.info.height = height;
    buffer.data.video.info.pixel_format = MINIAV_PIXEL_FORMAT_GRAY8;
    buffer.data.video.planes[0].data_ptr = d.planes[0];
    buffer.data.video.planes[0].stride_bytes = d.strides[0];
    struct strip strip;
    CHECK(strip_read(&buffer, &strip) && strip.counter == counter);
  }
  decoder_free(&d);
}

/* Whole pictures and updates of changed rows, read back. A quantum of 8 leaves at most 4 in each
 * coefficient, which edges add up to a few levels. */
static void test_pictures(void) {
  static const uint32_t sizes[][2] = {{320, 240}, {333, 251}, {640, 360}, {96, 80}, {50, 40}};
  for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    uint32_t width = sizes[s][0];
    uint32_t height = sizes[s][1];
    struct movie movie;
    movie_create(&movie, width, height);
    size_t capacity = 1 << 20;
    uint8_t *file = malloc(capacity);
    pattern_paint(movie.pattern, movie.data, &movie.marks, 0, 0);
    CHECK(jpeg_writer_update(movie.writer, &movie.picture, 0, height));
    for (uint64_t counter = 1; counter < 40; counter += 13) {
      MiniAVRect old = movie.marks.box;
      pattern_paint(movie.pattern, movie.data, &movie.marks, counter, 99);
      MiniAVRect box = movie.marks.box;
      uint32_t strip_height = (uint32_t)pattern_strip(movie.pattern).height;
      CHECK(jpeg_writer_update(movie.writer, &movie.picture, 0, strip_height));
      CHECK(jpeg_writer_update(movie.writer, &movie.picture, (uint32_t)old.y,
                               (uint32_t)(old.y + old.height)));
      CHECK(jpeg_writer_update(movie.writer, &movie.picture, (uint32_t)box.y,
                               (uint32_t)(box.y + box.height)));
      size_t bytes = jpeg_writer_assemble(movie.writer, file, capacity);
      CHECK_EQ(bytes, jpeg_writer_bytes(movie.writer));
      check_file(&movie, file, bytes, width, height, counter, 24);
    }
    free(file);
    movie_destroy(&movie);
  }
}

/* Flat areas come back exactly: every level of a grey picture. */
static void test_flat_is_exact(void) {
  uint8_t luma[16 * 16], chroma[8 * 8];
  for (uint32_t level = 0; level < 256; level++) {
    struct jpeg_writer *writer = jpeg_writer_create(16, 16);
    memset(luma, (int)level, sizeof luma);
    memset(chroma, (int)(255 - level), sizeof chroma);
    struct jpeg_picture picture = {{luma, chroma, chroma}, {16, 8, 8}};
    uint8_t file[2048];
    CHECK(jpeg_writer_update(writer, &picture, 0, 16));
    size_t bytes = jpeg_writer_assemble(writer, file, sizeof file);
    struct decoder d;
    if (decode(&d, file, bytes)) {
      CHECK(memcmp(d.planes[0], luma, sizeof luma) == 0);
      CHECK(memcmp(d.planes[1], chroma, sizeof chroma) == 0);
    }
    decoder_free(&d);
    jpeg_writer_destroy(writer);
  }
}

/* Noise fits or is refused; nothing is written beyond what there is room for. */
static void test_limits(void) {
  enum { SIDE = 256 };
  static uint8_t noise[SIDE * SIDE];
  uint32_t seed = 1;
  for (uint32_t i = 0; i < sizeof noise; i++) {
    seed = seed * 1664525 + 1013904223;
    noise[i] = (seed >> 24 & 1) != 0 ? 255 : 0;
  }
  struct jpeg_writer *writer = jpeg_writer_create(SIDE, SIDE);
  struct jpeg_picture picture = {{noise, noise, noise}, {SIDE, SIDE, SIDE}};
  CHECK(!jpeg_writer_update(writer, &picture, 0, SIDE));
  jpeg_writer_destroy(writer);

  struct movie movie;
  movie_create(&movie, 320, 240);
  pattern_paint(movie.pattern, movie.data, &movie.marks, 5, 6);
  CHECK(jpeg_writer_update(movie.writer, &movie.picture, 0, 240));
  size_t bytes = jpeg_writer_bytes(movie.writer);
  uint8_t *file = malloc(bytes); /* exactly: a sanitizer sees one byte more */
  CHECK_EQ(jpeg_writer_assemble(movie.writer, file, bytes - 1), 0);
  CHECK_EQ(jpeg_writer_assemble(movie.writer, file, bytes), bytes);
  check_file(&movie, file, bytes, 320, 240, 5, 24);
  free(file);
  movie_destroy(&movie);
}

int main(void) {
  test_pictures();
  test_flat_is_exact();
  test_limits();
  return check_report("jpeg_writer");
}
