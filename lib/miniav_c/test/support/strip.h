/* Reads the strip of a test picture (src/test_device/pattern.h says what it is) from any raw pixel
 * format, without a line of what paints it. */
#ifndef MINIAV_TEST_SUPPORT_STRIP_H
#define MINIAV_TEST_SUPPORT_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "miniav_buffer.h"

struct strip {
  uint64_t counter;
  int64_t time_us;
};

/* Brightness of a pixel, 0…255: its luma, or its green. */
static inline uint32_t strip_luma(const MiniAVBuffer *buffer, uint32_t x, uint32_t y) {
  const MiniAVPlane *plane = &buffer->data.video.planes[0];
  const uint8_t *row = (const uint8_t *)plane->data_ptr + (uint64_t)y * plane->stride_bytes;
  switch (buffer->data.video.info.pixel_format) {
  case MINIAV_PIXEL_FORMAT_YUY2:
    return row[2 * x];
  case MINIAV_PIXEL_FORMAT_UYVY:
    return row[2 * x + 1];
  case MINIAV_PIXEL_FORMAT_RGB24:
  case MINIAV_PIXEL_FORMAT_BGR24:
    return row[3 * x + 1];
  case MINIAV_PIXEL_FORMAT_RGBA32:
  case MINIAV_PIXEL_FORMAT_BGRA32:
  case MINIAV_PIXEL_FORMAT_BGRX32:
  case MINIAV_PIXEL_FORMAT_RGBX32:
    return row[4 * x + 1];
  case MINIAV_PIXEL_FORMAT_ARGB32:
  case MINIAV_PIXEL_FORMAT_ABGR32:
  case MINIAV_PIXEL_FORMAT_XRGB32:
  case MINIAV_PIXEL_FORMAT_XBGR32:
    return row[4 * x + 2];
  case MINIAV_PIXEL_FORMAT_P010:
    return row[2 * x + 1];
  case MINIAV_PIXEL_FORMAT_X2RGB10:
  case MINIAV_PIXEL_FORMAT_X2BGR10:
    return (uint32_t)(row[4 * x + 1] >> 4 | (row[4 * x + 2] & 15) << 4);
  default:
    return row[x];
  }
}

static inline uint32_t strip_cell(uint32_t width, uint32_t height) {
  for (uint32_t side = 16; side > 0; side /= 2) {
    if (40 * side <= width && 8 * side <= height) {
      return side;
    }
  }
  return 0;
}

/* False when there is no strip or it says nothing that is right. */
static inline bool strip_read(const MiniAVBuffer *buffer, struct strip *strip) {
  uint8_t bytes[20] = {0};
  uint32_t cell = strip_cell(buffer->data.video.info.width, buffer->data.video.info.height);
  for (uint32_t bit = 0; cell > 0 && bit < 160; bit++) {
    uint32_t x = bit % 40 * cell + cell / 2;
    uint32_t y = bit / 40 * cell + cell / 2;
    if (strip_luma(buffer, x, y) >= 128) {
      bytes[bit / 8] = (uint8_t)(bytes[bit / 8] | 128u >> bit % 8);
    }
  }
  uint64_t time = 0;
  uint32_t crc = 0xFFFF;
  strip->counter = 0;
  for (uint32_t i = 0; i < 16; i++) {
    if (i < 8) {
      strip->counter = strip->counter << 8 | bytes[2 + i];
    } else {
      time = time << 8 | bytes[2 + i];
    }
    crc ^= (uint32_t)bytes[2 + i] << 8;
    for (uint32_t bit = 0; bit < 8; bit++) {
      crc = ((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1) & 0xFFFF;
    }
  }
  strip->time_us = (int64_t)time;
  return bytes[0] == 0xA5 && bytes[1] == 0x3C && bytes[18] == crc >> 8 && bytes[19] == (crc & 255);
}

#endif
