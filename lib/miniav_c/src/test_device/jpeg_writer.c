#include "test_device/jpeg_writer.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_CAPACITY 512u
#define QUANTUM         8
#define END_OF_IMAGE    2u /* bytes */
#define RESTART_BYTES   2u

struct code {
  uint16_t bits;
  uint8_t length;
};

struct jpeg_writer {
  uint32_t mcus_across;
  uint32_t mcus_down;
  uint8_t header[HEADER_CAPACITY];
  size_t header_bytes;
  int32_t cosines[8][8]; /* [frequency][sample], scaled by 2^13 */
  struct code dc[12];
  struct code ac[256];
  size_t row_capacity;
  uint8_t *rows; /* mcus_down times row_capacity bytes */
  size_t *row_bytes;
};

/* T.81 annex K.3.3.1 and K.3.3.2: how many codes of 1…16 bits, and what they stand for. */
static const uint8_t dc_lengths[16] = {0, 1, 5, 1, 1, 1, 1, 1, 1};
static const uint8_t dc_values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const uint8_t ac_lengths[16] = {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125};
static const uint8_t ac_values[162] = {
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61,
    0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52,
    0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25,
    0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
    0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64,
    0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
    0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3,
    0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8,
    0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa};

/* T.81 figure A.6: where the coefficients stand in the order in which they are coded. */
static const uint8_t zigzag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                   12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                   35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                   58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* ---- header ------------------------------------------------------------------------------- */

static void header_put(struct jpeg_writer *writer, const uint8_t *bytes, size_t count) {
  memcpy(writer->header + writer->header_bytes, bytes, count);
  writer->header_bytes += count;
}

static void header_put_table(struct jpeg_writer *writer, uint8_t id, const uint8_t lengths[16],
                             const uint8_t *values, uint32_t count) {
  const uint8_t head[] = {0xFF, 0xC4, 0, (uint8_t)(19 + count), id};
  header_put(writer, head, sizeof head);
  header_put(writer, lengths, 16);
  header_put(writer, values, count);
}

static void header_create(struct jpeg_writer *writer, uint32_t width, uint32_t height) {
  static const uint8_t start[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F',
                                  0,    1,    1,    0,    0, 1,  0,   1,   0,   0};
  static const uint8_t quantisation[] = {0xFF, 0xDB, 0, 67, 0};
  uint8_t quanta[64];
  memset(quanta, QUANTUM, sizeof quanta);
  const uint8_t frame[] = {0xFF,
                           0xC0,
                           0,
                           17,
                           8,
                           (uint8_t)(height >> 8),
                           (uint8_t)height,
                           (uint8_t)(width >> 8),
                           (uint8_t)width,
                           3,
                           1,
                           0x22,
                           0,
                           2,
                           0x11,
                           0,
                           3,
                           0x11,
                           0};
  const uint8_t restart[] = {
      0xFF, 0xDD, 0, 4, (uint8_t)(writer->mcus_across >> 8), (uint8_t)writer->mcus_across};
  static const uint8_t scan[] = {0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0};
  header_put(writer, start, sizeof start);
  header_put(writer, quantisation, sizeof quantisation);
  header_put(writer, quanta, sizeof quanta);
  header_put(writer, frame, sizeof frame);
  header_put_table(writer, 0x00, dc_lengths, dc_values, sizeof dc_values);
  header_put_table(writer, 0x10, ac_lengths, ac_values, sizeof ac_values);
  header_put(writer, restart, sizeof restart);
  header_put(writer, scan, sizeof scan);
}

/* T.81 annex C: codes of a length count up, and go on doubled at the next length. */
static void codes_create(struct code *codes, const uint8_t lengths[16], const uint8_t *values) {
  uint32_t code = 0;
  for (uint32_t length = 1; length <= 16; length++) {
    for (uint32_t i = 0; i < lengths[length - 1]; i++) {
      codes[*values++] = (struct code){(uint16_t)code++, (uint8_t)length};
    }
    code <<= 1;
  }
}

static void cosines_create(struct jpeg_writer *writer) {
  /* cos(k × π / 16) / 2 × 2^13; the first with its own factor of 1 / √2 */
  static const int32_t values[9] = {2896, 4017, 3784, 3406, 2896, 2276, 1567, 799, 0};
  for (uint32_t u = 0; u < 8; u++) {
    for (uint32_t x = 0; x < 8; x++) {
      uint32_t angle = (2 * x + 1) * u % 32;
      angle = angle > 16 ? 32 - angle : angle;
      writer->cosines[u][x] = angle > 8 ? -values[16 - angle] : values[angle];
    }
  }
}

struct jpeg_writer *jpeg_writer_create(uint32_t width, uint32_t height) {
  struct jpeg_writer *writer = calloc(1, sizeof *writer);
  if (writer == NULL) {
    return NULL;
  }
  writer->mcus_across = (width + JPEG_WRITER_MCU - 1) / JPEG_WRITER_MCU;
  writer->mcus_down = (height + JPEG_WRITER_MCU - 1) / JPEG_WRITER_MCU;
  writer->row_capacity = (size_t)writer->mcus_across * 160 + 2048;
  writer->rows = malloc(writer->row_capacity * writer->mcus_down);
  writer->row_bytes = calloc(writer->mcus_down, sizeof *writer->row_bytes);
  if (writer->rows == NULL || writer->row_bytes == NULL) {
    jpeg_writer_destroy(writer);
    return NULL;
  }
  codes_create(writer->dc, dc_lengths, dc_values);
  codes_create(writer->ac, ac_lengths, ac_values);
  cosines_create(writer);
  header_create(writer, width, height);
  return writer;
}

void jpeg_writer_destroy(struct jpeg_writer *writer) {
  if (writer != NULL) {
    free(writer->rows);
    free(writer->row_bytes);
    free(writer);
  }
}

/* ---- entropy coding ------------------------------------------------------------------------ */

struct bit_writer {
  uint8_t *next;
  uint8_t *end;
  uint64_t bits; /* the lowest `count` are not written yet */
  uint32_t count;
  bool overflow;
};

static void bits_put(struct bit_writer *out, uint32_t bits, uint32_t length) {
  out->bits = out->bits << length | bits;
  out->count += length;
  while (out->count >= 8) {
    if (out->end - out->next < 2) {
      out->overflow = true;
      out->count = 0;
      return;
    }
    out->count -= 8;
    uint8_t byte = (uint8_t)(out->bits >> out->count);
    *out->next++ = byte;
    if (byte == 0xFF) {
      *out->next++ = 0; /* so that no marker appears in the data */
    }
  }
}

/* How many bits the magnitude of a value has: its category. */
static uint32_t category_of(int32_t value) {
  uint32_t magnitude = (uint32_t)(value < 0 ? -value : value);
  uint32_t category = 0;
  while (magnitude >> category != 0) {
    category++;
  }
  return category;
}

/* A code, then the value's bits; negative values as their complement. */
static void value_put(struct bit_writer *out, const struct code *code, int32_t value,
                      uint32_t category) {
  uint32_t bits = (uint32_t)(value < 0 ? value - 1 : value) & ((1u << category) - 1);
  bits_put(out, (uint32_t)code->bits << category | bits, code->length + category);
}

/* coefficients: quantised, in zigzag order; last is the index of the last that is not 0. */
static void block_put(const struct jpeg_writer *writer, struct bit_writer *out,
                      const int32_t coefficients[64], uint32_t last, int32_t *predicted) {
  int32_t difference = coefficients[0] - *predicted;
  *predicted = coefficients[0];
  uint32_t category = category_of(difference);
  value_put(out, &writer->dc[category], difference, category);
  uint32_t zeros = 0;
  for (uint32_t i = 1; i <= last; i++) {
    if (coefficients[i] == 0) {
      zeros++;
      continue;
    }
    for (; zeros >= 16; zeros -= 16) {
      bits_put(out, writer->ac[0xF0].bits, writer->ac[0xF0].length);
    }
    category = category_of(coefficients[i]);
    value_put(out, &writer->ac[zeros << 4 | category], coefficients[i], category);
    zeros = 0;
  }
  if (last < 63) {
    bits_put(out, writer->ac[0].bits, writer->ac[0].length);
  }
}

/* ---- transform ----------------------------------------------------------------------------- */

static int32_t round_shift(int32_t value, uint32_t shift) {
  return (value + (1 << (shift - 1))) >> shift;
}

static int32_t quantise(int32_t value) {
  return value >= 0 ? (value + QUANTUM / 2) / QUANTUM : -((-value + QUANTUM / 2) / QUANTUM);
}

/* Rows, then columns; four bits more than an integer between the two. */
static void transform(const struct jpeg_writer *writer, const uint8_t *samples, uint32_t stride,
                      int32_t out[64]) {
  int32_t half[8][8];
  for (uint32_t y = 0; y < 8; y++) {
    for (uint32_t u = 0; u < 8; u++) {
      int32_t sum = 0;
      for (uint32_t x = 0; x < 8; x++) {
        sum += writer->cosines[u][x] * (samples[(size_t)y * stride + x] - 128);
      }
      half[y][u] = round_shift(sum, 9);
    }
  }
  for (uint32_t v = 0; v < 8; v++) {
    for (uint32_t u = 0; u < 8; u++) {
      int32_t sum = 0;
      for (uint32_t y = 0; y < 8; y++) {
        sum += writer->cosines[v][y] * half[y][u];
      }
      out[v * 8 + u] = quantise(round_shift(sum, 17));
    }
  }
}

static bool is_flat(const uint8_t *samples, uint32_t stride) {
  uint64_t first = UINT64_C(0x0101010101010101) * samples[0];
  for (uint32_t y = 0; y < 8; y++) {
    if (memcmp(samples + (size_t)y * stride, &first, 8) != 0) {
      return false;
    }
  }
  return true;
}

static void block_write(const struct jpeg_writer *writer, struct bit_writer *out,
                        const uint8_t *samples, uint32_t stride, int32_t *predicted) {
  int32_t coefficients[64];
  uint32_t last = 0;
  if (is_flat(samples, stride)) {
    coefficients[0] = quantise((samples[0] - 128) * 8);
  } else {
    int32_t transformed[64];
    transform(writer, samples, stride, transformed);
    for (uint32_t i = 0; i < 64; i++) {
      coefficients[i] = transformed[zigzag[i]];
      last = coefficients[i] != 0 ? i : last;
    }
  }
  block_put(writer, out, coefficients, last, predicted);
}

static bool row_write(struct jpeg_writer *writer, const struct jpeg_picture *picture,
                      uint32_t row) {
  uint8_t *start = writer->rows + writer->row_capacity * row;
  struct bit_writer out = {.next = start, .end = start + writer->row_capacity};
  int32_t predicted[3] = {0, 0, 0};
  const uint8_t *luma = picture->planes[0] + (size_t)row * 16 * picture->strides_bytes[0];
  const uint8_t *chroma[2] = {
      picture->planes[1] + (size_t)row * 8 * picture->strides_bytes[1],
      picture->planes[2] + (size_t)row * 8 * picture->strides_bytes[2],
  };
  for (uint32_t mcu = 0; mcu < writer->mcus_across; mcu++) {
    uint32_t stride = picture->strides_bytes[0];
    for (uint32_t block = 0; block < 4; block++) {
      const uint8_t *samples =
          luma + mcu * 16 + (block & 1) * 8 + (size_t)(block >> 1) * 8 * stride;
      block_write(writer, &out, samples, stride, &predicted[0]);
    }
    for (uint32_t c = 0; c < 2; c++) {
      block_write(writer, &out, chroma[c] + mcu * 8, picture->strides_bytes[c + 1],
                  &predicted[c + 1]);
    }
  }
  if (out.count > 0) {
    uint32_t padding = 8 - out.count;
    bits_put(&out, (1u << padding) - 1, padding);
  }
  writer->row_bytes[row] = (size_t)(out.next - start);
  return !out.overflow;
}

bool jpeg_writer_update(struct jpeg_writer *writer, const struct jpeg_picture *picture,
                        uint32_t top, uint32_t bottom) {
  uint32_t first = top / JPEG_WRITER_MCU;
  uint32_t end = (bottom + JPEG_WRITER_MCU - 1) / JPEG_WRITER_MCU;
  end = end < writer->mcus_down ? end : writer->mcus_down;
  for (uint32_t row = first; top < bottom && row < end; row++) {
    if (!row_write(writer, picture, row)) {
      return false;
    }
  }
  return true;
}

/* ---- file ---------------------------------------------------------------------------------- */

size_t jpeg_writer_bytes(const struct jpeg_writer *writer) {
  size_t bytes = writer->header_bytes + END_OF_IMAGE;
  for (uint32_t row = 0; row < writer->mcus_down; row++) {
    bytes += writer->row_bytes[row] + (row > 0 ? RESTART_BYTES : 0);
  }
  return bytes;
}

size_t jpeg_writer_assemble(const struct jpeg_writer *writer, uint8_t *out, size_t capacity) {
  size_t bytes = jpeg_writer_bytes(writer);
  if (bytes > capacity) {
    return 0;
  }
  memcpy(out, writer->header, writer->header_bytes);
  out += writer->header_bytes;
  for (uint32_t row = 0; row < writer->mcus_down; row++) {
    if (row > 0) {
      *out++ = 0xFF;
      *out++ = (uint8_t)(0xD0 + (row - 1) % 8);
    }
    memcpy(out, writer->rows + writer->row_capacity * row, writer->row_bytes[row]);
    out += writer->row_bytes[row];
  }
  *out++ = 0xFF;
  *out++ = 0xD9;
  return bytes;
}
