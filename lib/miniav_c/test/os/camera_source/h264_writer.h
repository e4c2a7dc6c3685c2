/*
 * A picture as H.264 that any decoder reads and nobody has to compress: every macroblock holds its
 * samples as they are (I_PCM, ITU-T H.264, 7.3.5). A byte stream (Annex B) of one IDR picture with
 * its parameter sets.
 */
#ifndef MINIAV_TEST_OS_H264_WRITER_H
#define MINIAV_TEST_OS_H264_WRITER_H

#include <stdint.h>

/* I420. No sample may be 0, as in video of limited range: so nothing looks like a start code. */
struct h264_picture {
  const uint8_t *planes[3];
  uint32_t strides_bytes[3];
  uint32_t width; /* multiples of 16 */
  uint32_t height;
};

uint32_t h264_bytes(uint32_t width, uint32_t height);

/* `index`: of the picture; neighbours must differ. Returns the bytes written, h264_bytes at most.
 */
uint32_t h264_write(const struct h264_picture *picture, uint32_t index, uint8_t *to);

#endif
