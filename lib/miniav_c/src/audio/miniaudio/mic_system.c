#include "audio/miniaudio/mic_system.h"

#if defined(__linux__)
#include "audio/linux/alsa_names.h"
#include "audio/linux/jack_client.h"
#endif

static const struct {
  const char *name;
  const char *log;
} systems[MIC_SYSTEMS] = {
    [MIC_PULSE] = {"pulse", "audio/pulse"},
    [MIC_ALSA] = {"alsa", "audio/alsa"},
    [MIC_JACK] = {"jack", "audio/jack"},
    [MIC_WASAPI] = {"wasapi", "audio/wasapi"},
};

const char *mic_system_name(enum mic_system system) {
  return systems[system].name;
}

const char *mic_system_log(enum mic_system system) {
  return systems[system].log;
}

void mic_system_quiet_thread(enum mic_system system) {
#if defined(__linux__)
  if (system == MIC_ALSA) {
    alsa_quiet_thread();
  } else if (system == MIC_JACK) {
    jack_quiet();
  }
#else
  (void)system;
#endif
}
