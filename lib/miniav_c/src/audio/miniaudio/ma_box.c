#include "audio/miniaudio/ma_box.h"

#include <string.h>

#include "common/log.h"

static void on_log(void *user, ma_uint32 level, const char *message) {
  /* Its own debug and information lines may come from audio threads. */
  if (level <= MA_LOG_LEVEL_WARNING) {
    size_t length = strcspn(message, "\r\n");
    log_write(MINIAV_LOG_LEVEL_DEBUG, user, "%.*s", (int)length, message);
  }
}

static ma_backend backend_of(enum mic_system system) {
  static const ma_backend backends[MIC_SYSTEMS] = {
      [MIC_PULSE] = ma_backend_pulseaudio,
      [MIC_ALSA] = ma_backend_alsa,
      [MIC_JACK] = ma_backend_jack,
      [MIC_WASAPI] = ma_backend_wasapi,
  };
  return backends[system];
}

MiniAVResultCode ma_box_open(struct ma_box *box, enum mic_system system) {
  mic_system_quiet_thread(system);
  ma_result result = ma_log_init(NULL, &box->log);
  if (result != MA_SUCCESS) {
    return ma_result_to_code(result);
  }
  /* The text is constant; miniaudio's user data are not. */
  union {
    const char *text;
    void *user;
  } source = {.text = mic_system_log(system)};
  ma_log_register_callback(&box->log, ma_log_callback_init(on_log, source.user));
  ma_context_config config = ma_context_config_init();
  config.pLog = &box->log;
  config.alsa.useVerboseDeviceEnumeration = MA_TRUE; /* PCM names, not numbers that change */
  config.pulse.pApplicationName = "MiniAV";
  config.jack.pClientName = "MiniAV";
  ma_backend backend = backend_of(system);
  result = ma_context_init(&backend, 1, &config, &box->context);
  if (result != MA_SUCCESS) {
    ma_log_uninit(&box->log);
  }
  return ma_result_to_code(result);
}

void ma_box_close(struct ma_box *box) {
  ma_context_uninit(&box->context);
  ma_log_uninit(&box->log);
}

void ma_id_to_text(enum mic_system system, const ma_device_id *id, char text[MINIAV_TEXT_BYTES]) {
  memset(text, 0, MINIAV_TEXT_BYTES);
  switch (system) {
  case MIC_PULSE:
    memcpy(text, id->pulse, MINIAV_TEXT_BYTES - 1);
    break;
  case MIC_ALSA:
    memcpy(text, id->alsa, MINIAV_TEXT_BYTES - 1);
    break;
  case MIC_JACK:
    memcpy(text, "default", sizeof("default"));
    break;
  default: /* {0.0.1.00000000}.{guid}: ASCII */
    for (size_t i = 0; i < sizeof(id->wasapi) / sizeof(id->wasapi[0]) && id->wasapi[i] != 0; i++) {
      text[i] = id->wasapi[i] < 128 ? (char)id->wasapi[i] : '?';
    }
    break;
  }
}

bool ma_id_from_text(enum mic_system system, const char *text, ma_device_id *id) {
  memset(id, 0, sizeof(*id));
  size_t length = strlen(text);
  switch (system) {
  case MIC_PULSE:
    memcpy(id->pulse, text, length + 1);
    return length < sizeof(id->pulse);
  case MIC_ALSA:
    /* ":0,0" is a shorthand of miniaudio's that opens several PCMs. */
    memcpy(id->alsa, text, length + 1);
    return length < sizeof(id->alsa) && text[0] != ':';
  case MIC_JACK:
    return strcmp(text, "default") == 0;
  default:
    for (size_t i = 0; i < length && i < sizeof(id->wasapi) / sizeof(id->wasapi[0]); i++) {
      id->wasapi[i] = (ma_wchar_win32)(unsigned char)text[i];
    }
    return length < sizeof(id->wasapi) / sizeof(id->wasapi[0]);
  }
}

MiniAVResultCode ma_result_to_code(ma_result result) {
  switch (result) {
  case MA_SUCCESS:
    return MINIAV_SUCCESS;
  case MA_OUT_OF_MEMORY:
    return MINIAV_ERROR_OUT_OF_MEMORY;
  case MA_ACCESS_DENIED:
    return MINIAV_ERROR_PERMISSION_DENIED;
  case MA_BUSY:
  case MA_ALREADY_IN_USE:
    return MINIAV_ERROR_DEVICE_BUSY;
  case MA_NO_DEVICE:
  case MA_DOES_NOT_EXIST:
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  case MA_FORMAT_NOT_SUPPORTED:
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  case MA_NO_BACKEND:
    return MINIAV_ERROR_NOT_SUPPORTED;
  default:
    return MINIAV_ERROR_SYSTEM_CALL_FAILED;
  }
}

MiniAVAudioFormat ma_format_to_format(ma_format format) {
  switch (format) {
  case ma_format_u8:
    return MINIAV_AUDIO_FORMAT_U8;
  case ma_format_s16:
    return MINIAV_AUDIO_FORMAT_S16;
  case ma_format_s24:
    return MINIAV_AUDIO_FORMAT_S24;
  case ma_format_s32:
    return MINIAV_AUDIO_FORMAT_S32;
  case ma_format_f32:
    return MINIAV_AUDIO_FORMAT_F32;
  default:
    return MINIAV_AUDIO_FORMAT_UNKNOWN;
  }
}
