#include "test_device/test_offer.h"

#include "common/audio_format.h"
#include "common/lists.h"

static uint32_t or_else(uint32_t value, uint32_t fallback) {
  return value != 0 ? value : fallback;
}

/* ---- formats ------------------------------------------------------------------------------- */

MiniAVResultCode test_video_choose(const MiniAVVideoInfo *wanted, const MiniAVVideoInfo *fallback,
                                   uint32_t max_rate, MiniAVVideoInfo *chosen,
                                   struct cancel *cancel) {
  *chosen = *fallback;
  chosen->width = or_else(wanted->width, fallback->width);
  chosen->height = or_else(wanted->height, fallback->height);
  if (wanted->pixel_format != MINIAV_PIXEL_FORMAT_UNKNOWN) {
    chosen->pixel_format = wanted->pixel_format;
  }
  if (wanted->frame_rate_numerator != 0) {
    chosen->frame_rate_numerator = wanted->frame_rate_numerator;
    chosen->frame_rate_denominator = or_else(wanted->frame_rate_denominator, 1);
  }
  if (chosen->width < TEST_MIN_SIDE || chosen->width > TEST_MAX_WIDTH ||
      chosen->height < TEST_MIN_SIDE || chosen->height > TEST_MAX_HEIGHT) {
    cancel_explain(cancel, "test pictures have %u to %u by %u to %u pixels", TEST_MIN_SIDE,
                   TEST_MAX_WIDTH, TEST_MIN_SIDE, TEST_MAX_HEIGHT);
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  if (!pattern_format_supported(chosen->pixel_format)) {
    cancel_explain(cancel, "test devices do not make this pixel format");
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  if (chosen->frame_rate_numerator > (uint64_t)max_rate * chosen->frame_rate_denominator) {
    cancel_explain(cancel, "this test device makes at most %u frames a second", max_rate);
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

MiniAVAudioInfo test_audio_default(void) {
  return (MiniAVAudioInfo){48000, 2, MINIAV_AUDIO_FORMAT_F32};
}

MiniAVResultCode test_audio_choose(const MiniAVAudioInfo *wanted, MiniAVAudioInfo *chosen,
                                   struct cancel *cancel) {
  *chosen = test_audio_default();
  chosen->sample_rate = or_else(wanted->sample_rate, chosen->sample_rate);
  chosen->channel_count = or_else(wanted->channel_count, chosen->channel_count);
  if (wanted->format != MINIAV_AUDIO_FORMAT_UNKNOWN) {
    chosen->format = wanted->format;
  }
  if (!audio_format_valid(chosen)) {
    cancel_explain(cancel, "sound has 8000 to 192000 Hz and 1 to 8 channels");
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

void test_audio_formats(struct format_list *formats) {
  static const uint32_t rates[] = {48000, 44100, 16000, 96000, 192000, 8000};
  static const uint32_t channels[] = {2, 1, 6, 8};
  static const MiniAVAudioFormat samples[] = {MINIAV_AUDIO_FORMAT_F32, MINIAV_AUDIO_FORMAT_S16,
                                              MINIAV_AUDIO_FORMAT_S24, MINIAV_AUDIO_FORMAT_S32,
                                              MINIAV_AUDIO_FORMAT_U8};
  for (uint32_t c = 0; c < sizeof channels / sizeof *channels; c++) {
    for (uint32_t r = 0; r < sizeof rates / sizeof *rates; r++) {
      for (uint32_t s = 0; s < sizeof samples / sizeof *samples; s++) {
        MiniAVAudioInfo info = {rates[r], channels[c], samples[s]};
        format_list_add_audio(formats, &info);
      }
    }
  }
}

/* ---- devices ------------------------------------------------------------------------------- */

void test_device_describe(const struct test_device *device, MiniAVDeviceInfo *info) {
  *info = (MiniAVDeviceInfo){.kind = device->kind};
  text_copy(info->device_id, sizeof info->device_id, device->id);
  text_copy(info->name, sizeof info->name, device->name);
  text_copy(info->model, sizeof info->model, "test device");
  text_copy(info->manufacturer, sizeof info->manufacturer, "MiniAV");
  info->flags = (uint32_t)MINIAV_DEVICE_FLAG_TEST | (uint32_t)MINIAV_DEVICE_FLAG_VIRTUAL;
  if (device == test_device_default(device->kind)) {
    info->flags |= MINIAV_DEVICE_FLAG_DEFAULT;
  }
}

static void list_add(const struct test_device *device, struct device_list *devices) {
  MiniAVDeviceInfo info;
  test_device_describe(device, &info);
  device_list_add(devices, &info);
}

MiniAVResultCode test_devices_list(MiniAVKind kind, struct device_list *devices,
                                   struct cancel *cancel) {
  if (!test_device_pass(kind, NULL, MINIAV_TEST_HANG_ENUMERATE, cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  const struct test_device *standard = test_device_default(kind);
  if (standard != NULL) {
    list_add(standard, devices);
  }
  struct test_device *device;
  for (uint32_t i = 0; (device = test_device_at(kind, i)) != NULL; i++) {
    if (device != standard && !atomic_load(&device->unplugged)) {
      list_add(device, devices);
    }
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode test_device_ask(MiniAVKind kind, const char *id, struct cancel *cancel,
                                 struct test_device **device) {
  *device = test_device_find(kind, id);
  if (*device == NULL) {
    cancel_explain(cancel, "no test device has the id \"%.100s\" now", id);
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return test_device_pass(kind, *device, MINIAV_TEST_HANG_FORMATS, cancel)
             ? MINIAV_SUCCESS
             : MINIAV_ERROR_USER_CANCELLED;
}

MiniAVResultCode test_permission_tell(MiniAVKind kind, bool request, MiniAVPermission *permission,
                                      struct cancel *cancel) {
  if (!test_device_pass(kind, NULL, MINIAV_TEST_HANG_PERMISSION, cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  *permission = request ? test_permission_request(kind) : test_permission(kind);
  return MINIAV_SUCCESS;
}
