/*
 * Lists that grow while a backend fills them and then are the user's: devices and formats.
 *
 * A finished list is known to the library by its address until it is freed, so that a wrong pointer
 * or a second free is INVALID_ARG and touches nothing.
 */
#ifndef MINIAV_COMMON_LISTS_H
#define MINIAV_COMMON_LISTS_H

#include <stdbool.h>

#include "miniav_buffer.h"

struct device_list {
  MiniAVDeviceInfo *items;
  uint32_t count;
  uint32_t capacity;
  bool failed;        /* memory was exhausted once */
  const char *prefix; /* of the backend that fills it now */
  MiniAVKind kind;
};

/* Adds a copy; its device_id is given without the prefix, which is put before it here; an id that
 * grows over 255 bytes ends in a hash. Control characters in names become spaces. */
void device_list_add(struct device_list *list, const MiniAVDeviceInfo *device);

/* Elements are MiniAVVideoInfo or MiniAVAudioInfo, by kind. */
struct format_list {
  void *items;
  uint32_t count;
  uint32_t capacity;
  bool failed;
  uint32_t item_bytes;
};

void format_list_add_video(struct format_list *list, const MiniAVVideoInfo *format);
void format_list_add_audio(struct format_list *list, const MiniAVAudioInfo *format);

/* Puts "prefix:id" into out, shortened by a hash when it does not fit. */
void device_id_join(char out[MINIAV_TEXT_BYTES], const char *prefix, const char *id);

/* Copies a string into a field of `capacity` bytes: always terminated, cut at a UTF-8 boundary,
 * control characters made spaces. */
void text_copy(char *destination, size_t capacity, const char *source);

/* How many of `length` bytes are whole UTF-8 sequences: a last one that was cut is left out. */
size_t text_whole(const char *text, size_t length);

/* Bytes of a user's string, at most MINIAV_TEXT_BYTES - 1; the string is copied terminated. False
 * when it is longer. NULL is "". */
bool text_take(char destination[MINIAV_TEXT_BYTES], const char *source);

/* Whether it is UTF-8 to its end, as RFC 3629 has it. */
bool text_is_utf8(const char *text);

/* Makes a list the user's; NULL and 0 when it is empty. OUT_OF_MEMORY when adding failed. */
MiniAVResultCode list_publish(void **items, uint32_t count, uint32_t item_bytes, bool failed);
/* Frees a published list; INVALID_ARG when it is none. */
MiniAVResultCode list_free(void *items);
/* Bytes of a published list, 0 when it is none. */
size_t list_bytes(const void *items);

#endif
