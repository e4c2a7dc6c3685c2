#include "common/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/thread.h"

/* Stands before the items of a published list. */
struct published {
  struct published *next;
  size_t bytes;
  max_align_t items[];
};

static struct mutex published_mutex = MUTEX_INITIALIZER;
static struct published *published_first;

static void *grow(void *items, uint32_t count, uint32_t *capacity, size_t item_bytes) {
  if (count < *capacity) {
    return items;
  }
  uint32_t wanted = *capacity == 0 ? 16 : *capacity * 2;
  void *grown = realloc(items, wanted * item_bytes);
  if (grown != NULL) {
    *capacity = wanted;
  }
  return grown;
}

size_t text_whole(const char *text, size_t length) {
  for (size_t back = 1; back <= 4 && back <= length; back++) {
    unsigned char byte = (unsigned char)text[length - back];
    if ((byte & 0xc0) == 0x80) {
      continue; /* in a sequence; its first byte says how long it is */
    }
    size_t needed = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return needed > back ? length - back : length;
  }
  return length;
}

void text_copy(char *destination, size_t capacity, const char *source) {
  size_t length = 0;
  for (; source != NULL && source[length] != 0 && length < capacity - 1; length++) {
    unsigned char byte = (unsigned char)source[length];
    destination[length] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
  }
  if (source != NULL && source[length] != 0) {
    length = text_whole(source, length);
  }
  memset(destination + length, 0, capacity - length);
}

bool text_take(char destination[MINIAV_TEXT_BYTES], const char *source) {
  size_t length = 0;
  while (source != NULL && length < MINIAV_TEXT_BYTES && source[length] != 0) {
    length++;
  }
  if (length == MINIAV_TEXT_BYTES) {
    return false;
  }
  if (length > 0) {
    memcpy(destination, source, length);
  }
  memset(destination + length, 0, MINIAV_TEXT_BYTES - length);
  return true;
}

/* Bytes of the sequence that begins there, 0 when it is none. RFC 3629, section 4. */
static size_t sequence_bytes(const unsigned char *at) {
  unsigned char first = at[0];
  size_t bytes = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (first > 0xf4 || (bytes > 1 && (at[1] < least || at[1] > most))) {
    return 0;
  }
  for (size_t i = 2; i < bytes; i++) {
    if ((at[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  return bytes;
}

bool text_is_utf8(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at != 0) {
    size_t bytes = sequence_bytes(at);
    if (bytes == 0) {
      return false;
    }
    at += bytes;
  }
  return true;
}

static uint64_t hash_text(const char *text) {
  uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
  for (; *text != 0; text++) {
    hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
  }
  return hash;
}

void device_id_join(char out[MINIAV_TEXT_BYTES], const char *prefix, const char *id) {
  char joined[2 * MINIAV_TEXT_BYTES + 64];
  int length = snprintf(joined, sizeof joined, "%s:%s", prefix, id);
  if (length >= MINIAV_TEXT_BYTES) {
    char tail[24];
    snprintf(tail, sizeof tail, "#%016llx", (unsigned long long)hash_text(id));
    size_t kept = text_whole(joined, MINIAV_TEXT_BYTES - 1 - strlen(tail));
    memcpy(joined + kept, tail, strlen(tail) + 1);
  }
  memset(out, 0, MINIAV_TEXT_BYTES);
  memcpy(out, joined, strlen(joined));
}

static void clean_text(char *text, size_t capacity) {
  if (text[capacity - 1] != 0) {
    text[text_whole(text, capacity - 1)] = 0;
  }
  for (char *at = text; *at != 0; at++) {
    if ((unsigned char)*at < 0x20 || *at == 0x7f) {
      *at = ' ';
    }
  }
}

void device_list_add(struct device_list *list, const MiniAVDeviceInfo *device) {
  MiniAVDeviceInfo *items = grow(list->items, list->count, &list->capacity, sizeof *items);
  if (items == NULL) {
    list->failed = true;
    return;
  }
  list->items = items;
  MiniAVDeviceInfo *added = &items[list->count++];
  *added = *device;
  added->device_id[MINIAV_TEXT_BYTES - 1] = 0;
  char id[MINIAV_TEXT_BYTES];
  memcpy(id, added->device_id, sizeof id);
  device_id_join(added->device_id, list->prefix, id);
  clean_text(added->name, sizeof added->name);
  clean_text(added->model, sizeof added->model);
  clean_text(added->manufacturer, sizeof added->manufacturer);
  clean_text(added->icon, sizeof added->icon);
  added->kind = list->kind;
}

static void format_list_add(struct format_list *list, const void *format, uint32_t bytes) {
  list->item_bytes = bytes;
  char *items = grow(list->items, list->count, &list->capacity, bytes);
  if (items == NULL) {
    list->failed = true;
    return;
  }
  list->items = items;
  memcpy(items + (size_t)list->count++ * bytes, format, bytes);
}

void format_list_add_video(struct format_list *list, const MiniAVVideoInfo *format) {
  format_list_add(list, format, sizeof *format);
}

void format_list_add_audio(struct format_list *list, const MiniAVAudioInfo *format) {
  format_list_add(list, format, sizeof *format);
}

MiniAVResultCode list_publish(void **items, uint32_t count, uint32_t item_bytes, bool failed) {
  void *filled = *items;
  *items = NULL;
  size_t bytes = (size_t)count * item_bytes;
  struct published *published = NULL;
  if (!failed && count > 0) {
    published = calloc(1, sizeof *published + bytes);
  }
  if (published != NULL) {
    published->bytes = bytes;
    memcpy(published->items, filled, bytes);
    mutex_lock(&published_mutex);
    published->next = published_first;
    published_first = published;
    mutex_unlock(&published_mutex);
    *items = published->items;
  }
  free(filled);
  return published == NULL && (failed || count > 0) ? MINIAV_ERROR_OUT_OF_MEMORY : MINIAV_SUCCESS;
}

MiniAVResultCode list_free(void *items) {
  if (items == NULL) {
    return MINIAV_SUCCESS;
  }
  struct published *found = NULL;
  mutex_lock(&published_mutex);
  for (struct published **at = &published_first; *at != NULL; at = &(*at)->next) {
    if ((void *)(*at)->items == items) {
      found = *at;
      *at = found->next;
      break;
    }
  }
  mutex_unlock(&published_mutex);
  free(found);
  return found == NULL ? MINIAV_ERROR_INVALID_ARG : MINIAV_SUCCESS;
}

size_t list_bytes(const void *items) {
  size_t bytes = 0;
  mutex_lock(&published_mutex);
  for (struct published *at = published_first; at != NULL; at = at->next) {
    if ((const void *)at->items == items) {
      bytes = at->bytes;
    }
  }
  mutex_unlock(&published_mutex);
  return bytes;
}
