/*
 * The sound systems that miniaudio reaches, and what differs between them: names, lists of
 * microphones, the default one.
 */
#ifndef MINIAV_AUDIO_MIC_SYSTEM_H
#define MINIAV_AUDIO_MIC_SYSTEM_H

#include "common/cancel.h"
#include "common/lists.h"

/* PulseAudio needs libpulse's headers for what miniaudio does not do; without them at build time
 * its backend is off, and ALSA's `pulse` PCM leads there. */
#if defined(__linux__) && defined(MINIAV_HAVE_PULSE)
#define MIC_HAS_PULSE 1
#else
#define MIC_HAS_PULSE 0
#endif

enum mic_system { MIC_PULSE, MIC_ALSA, MIC_JACK, MIC_WASAPI, MIC_SYSTEMS };

/* Microphones by their bare ids. */
struct mic_list {
  MiniAVDeviceInfo *items;
  uint32_t count;
  uint32_t capacity;
};

/* "pulse", the prefix of ids; "audio/pulse", for the log. */
const char *mic_system_name(enum mic_system system);
const char *mic_system_log(enum mic_system system);

/* A sound library that writes its errors to stderr does so no more for the calling thread. */
void mic_system_quiet_thread(enum mic_system system);

/* Adds one; out of memory is silence: the list stays short. */
void mic_list_add(struct mic_list *list, const MiniAVDeviceInfo *device);
void mic_list_free(struct mic_list *list);
/* NULL when none is flagged. */
const char *mic_list_default(const struct mic_list *list);

/* Can it serve now? SUCCESS, NOT_SUPPORTED, DEVICE_NOT_FOUND. */
MiniAVResultCode mic_system_probe(enum mic_system system);

/* Every microphone. Waits for at most 3 s and heeds the token (may be NULL). */
MiniAVResultCode mic_system_list(enum mic_system system, struct mic_list *list,
                                 struct cancel *cancel);

/* The same again after a change: what is in `known` is not examined again. */
MiniAVResultCode mic_system_relist(enum mic_system system, const struct mic_list *known,
                                   struct mic_list *list);

/* Whether a list made now may differ from one made when this last gave true; *stamp is its memory,
 * 0 at first. Cheap. */
bool mic_system_may_have_changed(enum mic_system system, uint64_t *stamp);

/* The bare id of the default microphone; DEVICE_NOT_FOUND when there is none. */
MiniAVResultCode mic_system_default(enum mic_system system, char id[MINIAV_TEXT_BYTES],
                                    struct cancel *cancel);

#endif
