#include "h264_writer.h"

#include <string.h>

#define HEADERS_BYTES 64u
#define BLOCK_BYTES   386u /* type and alignment, 256 of luma, 64 of each colour */

struct bits {
  uint8_t *to;
  uint32_t count;
};

static void put(struct bits *bits, uint32_t value, uint32_t width) {
  for (uint32_t i = width; i > 0; i--) {
    uint8_t *byte = &bits->to[bits->count / 8];
    *byte = (uint8_t)(bits->count % 8 == 0 ? 0 : *byte);
    *byte |= (uint8_t)((value >> (i - 1) & 1) << (7 - bits->count % 8));
    bits->count++;
  }
}

/* ue(v), 9.1 */
static void put_golomb(struct bits *bits, uint32_t value) {
  uint32_t length = 0;
  while ((value + 1) >> (length + 1) != 0) {
    length++;
  }
  put(bits, 0, length);
  put(bits, value + 1, length + 1);
}

static void align(struct bits *bits) {
  put(bits, 0, (8 - bits->count % 8) % 8);
}

static void begin_unit(struct bits *bits, uint32_t header) {
  put(bits, 1, 32);
  put(bits, header, 8);
}

static void end_unit(struct bits *bits) {
  put(bits, 1, 1);
  align(bits);
}

static void put_sequence_set(struct bits *bits, const struct h264_picture *picture) {
  begin_unit(bits, 0x67);
  put(bits, 66, 8); /* the baseline profile */
  put(bits, 0, 8);
  put(bits, 40, 8);    /* level 4 */
  put_golomb(bits, 0); /* its id */
  put_golomb(bits, 0); /* frame numbers of four bits */
  put_golomb(bits, 2); /* order of output is that of decoding */
  put_golomb(bits, 0); /* no reference frames */
  put(bits, 0, 1);
  put_golomb(bits, picture->width / 16 - 1);
  put_golomb(bits, picture->height / 16 - 1);
  put(bits, 1, 1); /* frames, no fields */
  put(bits, 1, 1);
  put(bits, 0, 2); /* no cropping, no VUI */
  end_unit(bits);
}

static void put_picture_set(struct bits *bits) {
  begin_unit(bits, 0x68);
  put_golomb(bits, 0);
  put_golomb(bits, 0);
  put(bits, 0, 2);     /* CAVLC */
  put_golomb(bits, 0); /* one group of slices */
  put_golomb(bits, 0);
  put_golomb(bits, 0);
  put(bits, 0, 3);
  put_golomb(bits, 0); /* quantisers, not used */
  put_golomb(bits, 0);
  put_golomb(bits, 0);
  put(bits, 4, 3); /* slices say how they are filtered */
  end_unit(bits);
}

static void put_slice_header(struct bits *bits, uint32_t index) {
  begin_unit(bits, 0x65);
  put_golomb(bits, 0);
  put_golomb(bits, 7); /* intra only */
  put_golomb(bits, 0);
  put(bits, 0, 4);
  put_golomb(bits, index % 2);
  put(bits, 0, 2);
  put_golomb(bits, 0);
  put_golomb(bits, 1); /* not filtered */
}

static void put_samples(struct bits *bits, const uint8_t *from, uint32_t stride, uint32_t side) {
  for (uint32_t row = 0; row < side; row++) {
    memcpy(bits->to + bits->count / 8, from + (size_t)row * stride, side);
    bits->count += side * 8;
  }
}

static void put_block(struct bits *bits, const struct h264_picture *picture, uint32_t x,
                      uint32_t y) {
  put_golomb(bits, 25); /* I_PCM */
  align(bits);
  for (uint32_t plane = 0; plane < 3; plane++) {
    uint32_t side = plane == 0 ? 16 : 8;
    uint32_t stride = picture->strides_bytes[plane];
    put_samples(bits, picture->planes[plane] + (size_t)y * side * stride + (size_t)x * side, stride,
                side);
  }
}

uint32_t h264_bytes(uint32_t width, uint32_t height) {
  return HEADERS_BYTES + width / 16 * (height / 16) * BLOCK_BYTES;
}

uint32_t h264_write(const struct h264_picture *picture, uint32_t index, uint8_t *to) {
  struct bits bits = {.to = to};
  put_sequence_set(&bits, picture);
  put_picture_set(&bits);
  put_slice_header(&bits, index);
  for (uint32_t y = 0; y < picture->height / 16; y++) {
    for (uint32_t x = 0; x < picture->width / 16; x++) {
      put_block(&bits, picture, x, y);
    }
  }
  end_unit(&bits);
  return bits.count / 8;
}
