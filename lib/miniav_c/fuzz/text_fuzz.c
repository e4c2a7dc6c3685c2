/* Names, ids and lists: what an operating system calls its devices, and what users call them. */
#include "common/lists.h"
#include "input.h"
#include "miniav.h"
#include "support/test_backends.h"

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count;
  (void)arguments;
  use_test_backends();
  return 0;
}

static void must_be_clean(const char *text, size_t capacity) {
  const char *end = memchr(text, 0, capacity);
  must(end != NULL, "text is terminated");
  for (const char *at = text; at < end; at++) {
    must((unsigned char)*at >= 0x20 && *at != 0x7f, "no control character");
  }
}

/* Exactly as many bytes as a user's string of that length has, so that a read beyond is seen. */
static char *string_of(struct input *input, size_t length) {
  char *text = malloc(length + 1);
  must(text != NULL, "memory");
  input_take(input, text, length);
  text[length] = 0;
  return text;
}

static void copy_text(struct input *input) {
  size_t length = input_byte(input) * 2u;
  char *text = string_of(input, length);
  char copied[MINIAV_TEXT_BYTES];
  size_t capacity = input_byte(input) % MINIAV_TEXT_BYTES + 1u;
  text_copy(copied, capacity, text);
  must_be_clean(copied, capacity);
  size_t whole = text_whole(text, length);
  must(whole <= length && length - whole < 4, "at most three bytes of a character go");
  must(text_whole(text, whole) <= whole, "whole stays in range");
  bool fits = text_take(copied, text);
  must(fits == (strlen(text) < MINIAV_TEXT_BYTES), "what fits is taken");
  must(!fits || strcmp(copied, text) == 0, "as it is");
  free(text);
  char *endless = malloc(MINIAV_TEXT_BYTES); /* a string without an end: 256 bytes may be read */
  must(endless != NULL, "memory");
  memset(endless, 'x', MINIAV_TEXT_BYTES);
  must(!text_take(copied, endless), "too long");
  free(endless);
}

static void list_devices(struct input *input) {
  struct device_list list = {.prefix = "fuzz", .kind = MINIAV_KIND_CAMERA};
  uint32_t count = input_byte(input) % 40;
  for (uint32_t i = 0; i < count; i++) {
    MiniAVDeviceInfo device = {0};
    input_take(input, device.device_id, i % 3 == 0 ? sizeof device.device_id : 8);
    input_take(input, device.name, i % 5 == 0 ? sizeof device.name : 8);
    input_take(input, device.model, i % 7 == 0 ? sizeof device.model : 4);
    device_list_add(&list, &device);
  }
  void *items = list.items;
  must(list_publish(&items, list.count, sizeof *list.items, list.failed) == MINIAV_SUCCESS, "list");
  const MiniAVDeviceInfo *devices = items;
  MiniAVDeviceInfo *copied = calloc(count + 1, sizeof *copied);
  must(copied != NULL, "memory");
  for (uint32_t i = 0; i < count; i++) {
    must(strncmp(devices[i].device_id, "fuzz:", 5) == 0, "an id has its prefix");
    must(memchr(devices[i].device_id, 0, MINIAV_TEXT_BYTES) != NULL, "an id has an end");
    must_be_clean(devices[i].name, sizeof devices[i].name);
    must_be_clean(devices[i].model, sizeof devices[i].model);
  }
  MiniAVResultCode result = MiniAV_CopyDeviceList(devices, count, copied, count);
  must(result == MINIAV_SUCCESS, "a list can be copied");
  must(count == 0 || memcmp(copied, devices, count * sizeof *copied) == 0, "as it is");
  if (count > 0) {
    must(MiniAV_CopyDeviceList(devices, count, copied, count - 1) == MINIAV_ERROR_BUFFER_TOO_SMALL,
         "not into less");
    must(MiniAV_CopyDeviceList(devices, count + 1, copied, count + 1) == MINIAV_ERROR_INVALID_ARG,
         "not more than there is");
    must(MiniAV_FreeDeviceList(items, count) == MINIAV_SUCCESS, "freed once");
    must(MiniAV_FreeDeviceList(items, count) == MINIAV_ERROR_INVALID_ARG, "not twice");
  }
  must(MiniAV_FreeDeviceList(copied, count) == MINIAV_ERROR_INVALID_ARG, "not what is no list");
  free(copied);
}

/* Any id leads to a format list or to an error, never anywhere else. */
static void ask_for_id(struct input *input) {
  static const char *const beginnings[] = {"", "test:", "test", "test:bars", "test:tone", "x11:"};
  char id[600] = {0};
  const char *beginning = beginnings[input_byte(input) % 6];
  size_t length = strlen(beginning);
  memcpy(id, beginning, length);
  input_take(input, id + length, input_byte(input) * 2u);
  void *formats = NULL;
  MiniAVVideoInfo *video = NULL;
  MiniAVAudioInfo *audio = NULL;
  uint32_t count = 0;
  if (input_byte(input) % 2 == 0) {
    MiniAV_Camera_GetSupportedFormats(id, &video, &count);
    formats = video;
  } else {
    MiniAV_Audio_GetSupportedFormats(id, &audio, &count);
    formats = audio;
  }
  must((formats == NULL) == (count == 0), "a list has elements");
  must(MiniAV_FreeFormatList(formats, count) == MINIAV_SUCCESS, "freed");
  MiniAV_TestLog((MiniAVLogLevel)(input_byte(input) % 5), id);
  MiniAV_TestSetFault(id, (MiniAVTestFault)input_byte(input), input_number(input) % 3);
  MiniAV_TestSetFault(id, MINIAV_TEST_FAULT_NONE, 0); /* nothing of it hangs or is gone */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct input input = {bytes, size};
  switch (input_byte(&input) % 3) {
  case 0:
    copy_text(&input);
    break;
  case 1:
    list_devices(&input);
    break;
  default:
    ask_for_id(&input);
    break;
  }
  return 0;
}
