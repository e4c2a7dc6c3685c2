/*
 * A baseline JPEG writer (ITU-T T.81, JFIF) for pictures of which little changes.
 *
 * 4:2:0, one quantisation table of eights (so a flat block comes back exactly), the luminance
 * Huffman tables of annex K for all components. Every row of MCUs is a restart interval and is
 * coded for itself: rows that did not change are kept and only copied.
 *
 * One thread at a time; only create allocates.
 */
#ifndef MINIAV_TEST_DEVICE_JPEG_WRITER_H
#define MINIAV_TEST_DEVICE_JPEG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JPEG_WRITER_MCU 16u

/* Y, Cb, Cr, full range; all planes reach to the next multiple of 16 luma pixels. */
struct jpeg_picture {
  const uint8_t *planes[3];
  uint32_t strides_bytes[3];
};

struct jpeg_writer;

/* 1…65535 pixels a side; NULL when memory is exhausted. */
struct jpeg_writer *jpeg_writer_create(uint32_t width, uint32_t height);
void jpeg_writer_destroy(struct jpeg_writer *writer);

/* Codes the rows of MCUs that have any of the pixel rows top…bottom - 1. False when one grows over
 * what is kept for it, which a picture with detail everywhere does; it is then undefined. */
bool jpeg_writer_update(struct jpeg_writer *writer, const struct jpeg_picture *picture,
                        uint32_t top, uint32_t bottom);

/* Bytes of the file as it is now. */
size_t jpeg_writer_bytes(const struct jpeg_writer *writer);

/* Writes the file; 0 when it does not fit, otherwise its bytes. */
size_t jpeg_writer_assemble(const struct jpeg_writer *writer, uint8_t *out, size_t capacity);

#endif
