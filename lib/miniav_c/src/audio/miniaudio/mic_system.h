/* The sound systems that miniaudio reaches, by name. */
#ifndef MINIAV_AUDIO_MIC_SYSTEM_H
#define MINIAV_AUDIO_MIC_SYSTEM_H

/* PulseAudio needs libpulse's headers for what miniaudio does not do; without them at build time
 * its backend is off, and ALSA's `pulse` PCM leads there. */
#if defined(__linux__) && defined(MINIAV_HAVE_PULSE)
#define MIC_HAS_PULSE 1
#else
#define MIC_HAS_PULSE 0
#endif

enum mic_system { MIC_PULSE, MIC_ALSA, MIC_JACK, MIC_WASAPI, MIC_SYSTEMS };

/* "pulse", the prefix of ids; "audio/pulse", for the log. */
const char *mic_system_name(enum mic_system system);
const char *mic_system_log(enum mic_system system);

/* A sound library that writes its errors to stderr does so no more for the calling thread. */
void mic_system_quiet_thread(enum mic_system system);

#endif
