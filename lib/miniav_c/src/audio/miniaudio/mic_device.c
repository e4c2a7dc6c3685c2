#include "audio/miniaudio/mic_device.h"

#include <stdlib.h>
#include <string.h>

#include "audio/miniaudio/ma_box.h"
#include "common/audio_format.h"
#include "common/clock.h"

#if defined(__linux__)
#include "audio/linux/alsa_names.h"
#include "audio/linux/jack_client.h"
#endif
#if MIC_HAS_PULSE
#include "common/linux/pulse_gate.h"
#include "audio/linux/pulse_stream.h"
#endif

/* A wake-up of the audio thread each 10 ms. The server's buffer behind it is long, so that a busy
 * machine delays samples and loses none; it adds no latency. */
#define PERIOD_MS    10
#define PERIODS      32
#define PERIODS_ALSA 8 /* real hardware has small buffers; ALSA takes the nearest */
#define RING_MS      1000u
/* How long a device waits for its turn to connect to PulseAudio. */
#define CONNECT_TURN_MS 2000u

struct mic_device {
  enum mic_system system;
  char id[MINIAV_TEXT_BYTES];
  struct wake *wake;
  struct sample_ring *ring;
  MiniAVAudioInfo format;
  atomic_uint events;
  atomic_bool stopping;
  struct ma_box box;
  ma_device device;
#if MIC_HAS_PULSE
  struct pulse_stream_watch watch;
#endif
};

static void event_raise(struct mic_device *device, uint32_t event) {
  atomic_fetch_or_explicit(&device->events, event, memory_order_relaxed);
  wake_give(device->wake);
}

/* -- audio thread --------------------------------------------------------------------------- */

static void on_data(ma_device *native, void *out, const void *in, ma_uint32 frames) {
  (void)out;
  struct mic_device *device = native->pUserData;
  if (in == NULL || atomic_load_explicit(&device->events, memory_order_relaxed) != 0) {
    return;
  }
  /* JACK, ALSA and WASAPI hand over a period when its last frame is there, but for what the
   * hardware adds, which miniaudio does not tell. */
  uint32_t latency_us = 0;
#if MIC_HAS_PULSE
  if (device->system == MIC_PULSE) {
    latency_us = pulse_stream_latency_us(native, frames);
  }
#endif
  sample_ring_push(device->ring, in, frames, clock_now_us(), latency_us);
  wake_give(device->wake);
}

static void on_notification(const ma_device_notification *notification) {
  struct mic_device *device = notification->pDevice->pUserData;
  switch (notification->type) {
  case ma_device_notification_type_started:
    mic_system_quiet_thread(device->system);
    break;
  case ma_device_notification_type_rerouted:
    event_raise(device, MIC_DEVICE_MOVED);
    break;
  case ma_device_notification_type_stopped:
    /* PulseAudio's mean "suspended", which passes; the end of its streams is told otherwise. */
    if (device->system != MIC_PULSE && !atomic_load(&device->stopping)) {
      event_raise(device, MIC_DEVICE_GONE);
    }
    break;
  default:
    break;
  }
}

#if defined(__linux__)
static void on_stream_gone(void *user) {
  struct mic_device *device = user;
  if (!atomic_load(&device->stopping)) {
    event_raise(device, MIC_DEVICE_GONE);
  }
}
#endif

/* -- open ----------------------------------------------------------------------------------- */

/* Checks that the name is a microphone's, which miniaudio does not, and adapts the configuration.
 */
static MiniAVResultCode prepare(struct mic_device *device, ma_device_config *config) {
#if MIC_HAS_PULSE
  if (device->system == MIC_PULSE) {
    return pulse_stream_prepare(&device->box.context, device->id, config);
  }
#endif
#if defined(__linux__)
  if (device->system == MIC_ALSA) {
    config->periods = PERIODS_ALSA;
    return alsa_check(device->id);
  }
  if (device->system == MIC_JACK) {
    jack_client_prepare(&device->box.context, on_stream_gone);
  }
#endif
  (void)device;
  (void)config;
  return MINIAV_SUCCESS;
}

static ma_device_config make_config(struct mic_device *device, const ma_device_id *id) {
  ma_device_config config = ma_device_config_init(ma_device_type_capture);
  config.capture.pDeviceID = id;
  config.capture.format = ma_format_unknown; /* this and 0: the device's own, nothing converted */
  config.capture.channels = 0;
  config.sampleRate = 0;
  config.periodSizeInMilliseconds = PERIOD_MS;
  config.periods = PERIODS;
  config.noFixedSizedCallback = MA_TRUE; /* fixed sizes cost a copy */
  config.noDisableDenormals = MA_TRUE;
  config.dataCallback = on_data;
  config.notificationCallback = on_notification;
  config.pUserData = device;
  config.pulse.pStreamNameCapture = "capture";
  config.wasapi.noAutoStreamRouting = MA_TRUE; /* an explicit microphone never becomes another */
  return config;
}

/* Initialises the device and finds out what it gives. */
static MiniAVResultCode init_in(struct mic_device *device, const ma_device_config *config) {
  MiniAVResultCode result =
      ma_result_to_code(ma_device_init(&device->box.context, config, &device->device));
  if (result == MINIAV_SUCCESS) {
    device->format = (MiniAVAudioInfo){
        .sample_rate = device->device.sampleRate,
        .channel_count = device->device.capture.channels,
        .format = ma_format_to_format(device->device.capture.format),
    };
  }
  return result;
}

/* Its own format; what is beyond ours (more than 8 channels, 384 kHz) by miniaudio's conversion. */
static MiniAVResultCode init_native(struct mic_device *device, ma_device_config *config) {
  MiniAVResultCode result = init_in(device, config);
  if (result != MINIAV_SUCCESS || audio_format_valid(&device->format)) {
    return result;
  }
  uint32_t rate = device->format.sample_rate;
  config->sampleRate = rate > AUDIO_RATE_MAX_HZ   ? AUDIO_RATE_MAX_HZ
                       : rate < AUDIO_RATE_MIN_HZ ? AUDIO_RATE_MIN_HZ
                                                  : 0;
  config->capture.channels =
      device->format.channel_count > AUDIO_CHANNELS_MAX ? AUDIO_CHANNELS_MAX : 0;
  config->capture.format =
      device->format.format == MINIAV_AUDIO_FORMAT_UNKNOWN ? ma_format_f32 : ma_format_unknown;
  ma_device_uninit(&device->device);
  result = init_in(device, config);
  if (result == MINIAV_SUCCESS && !audio_format_valid(&device->format)) {
    ma_device_uninit(&device->device);
    result = MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  return result;
}

/* The device has been initialised. */
static MiniAVResultCode finish_open(struct mic_device *device) {
#if MIC_HAS_PULSE
  if (device->system == MIC_PULSE) {
    if (!pulse_stream_is_from(&device->device, device->id)) {
      return MINIAV_ERROR_DEVICE_NOT_FOUND; /* it went away after we had looked */
    }
    device->watch = (struct pulse_stream_watch){.gone = on_stream_gone, .user = device};
    pulse_stream_watch(&device->device, &device->watch);
  }
#endif
  device->ring =
      sample_ring_create(audio_format_frame_bytes(&device->format),
                         (uint32_t)((uint64_t)device->format.sample_rate * RING_MS / 1000u));
  return device->ring != NULL ? MINIAV_SUCCESS : MINIAV_ERROR_OUT_OF_MEMORY;
}

/* Opens the system and the device; on failure nothing is open. */
static MiniAVResultCode open_native(struct mic_device *device, const ma_device_id *id) {
  MiniAVResultCode result = ma_box_open(&device->box, device->system);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  ma_device_config config = make_config(device, id);
  result = prepare(device, &config);
  if (result == MINIAV_SUCCESS) {
    result = init_native(device, &config);
  }
  if (result != MINIAV_SUCCESS) {
    ma_box_close(&device->box);
  }
  return result;
}

#if MIC_HAS_PULSE
/* What miniaudio makes of a server that took no connection, of the context's or the device's own.
 */
static bool was_refused(MiniAVResultCode result) {
  return result == MINIAV_ERROR_SYSTEM_CALL_FAILED || result == MINIAV_ERROR_NOT_SUPPORTED;
}
#endif

static MiniAVResultCode connect_device(struct mic_device *device, const ma_device_id *id) {
#if MIC_HAS_PULSE
  bool entered = device->system == MIC_PULSE && pulse_gate_enter(CONNECT_TURN_MS, NULL);
  MiniAVResultCode result;
  uint32_t tries = 0;
  do {
    result = open_native(device, id);
  } while (device->system == MIC_PULSE && was_refused(result) && pulse_gate_try_again(++tries));
  if (entered) {
    pulse_gate_leave();
  }
  return result;
#else
  return open_native(device, id);
#endif
}

MiniAVResultCode mic_device_open(enum mic_system system, const char *id, struct wake *wake,
                                 struct mic_device **out) {
  *out = NULL;
  ma_device_id native_id;
  if (!ma_id_from_text(system, id, &native_id)) {
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  struct mic_device *device = calloc(1, sizeof(*device));
  if (device == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  device->system = system;
  device->wake = wake;
  text_copy(device->id, sizeof(device->id), id);
  MiniAVResultCode result = connect_device(device, &native_id);
  if (result != MINIAV_SUCCESS) {
    free(device);
    return result;
  }
  result = finish_open(device);
  if (result != MINIAV_SUCCESS) {
    mic_device_close(device);
    return result;
  }
  *out = device;
  return MINIAV_SUCCESS;
}

void mic_device_close(struct mic_device *device) {
  if (device == NULL) {
    return;
  }
  atomic_store(&device->stopping, true);
#if defined(__linux__)
  if (device->system == MIC_JACK && mic_device_events(device) != 0) {
    jack_client_abandon(&device->device);
  }
#endif
  ma_device_uninit(&device->device);
  ma_box_close(&device->box);
  sample_ring_destroy(device->ring);
  free(device);
}

MiniAVResultCode mic_device_start(struct mic_device *device) {
  sample_ring_clear(device->ring);
  atomic_store(&device->stopping, false);
  return ma_result_to_code(ma_device_start(&device->device));
}

const char *mic_device_id(const struct mic_device *device) {
  return device->id;
}

MiniAVAudioInfo mic_device_format(const struct mic_device *device) {
  return device->format;
}

struct sample_ring *mic_device_ring(struct mic_device *device) {
  return device->ring;
}

uint32_t mic_device_events(struct mic_device *device) {
  return atomic_load(&device->events);
}
