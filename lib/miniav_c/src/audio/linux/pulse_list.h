/* Microphones of a PulseAudio server (PulseAudio's own or PipeWire's). */
#ifndef MINIAV_AUDIO_PULSE_LIST_H
#define MINIAV_AUDIO_PULSE_LIST_H

#include "audio/miniaudio/mic_list.h"
#include "common/cancel.h"

#if defined(MINIAV_HAVE_PULSE)

struct pulse_client;

/* Every source that is not the monitor of a sink: what a monitor gives is what the machine plays,
 * and nobody who asks for a microphone asks for that. A default source that is one is none. */
MiniAVResultCode pulse_list(struct mic_list *list, uint32_t timeout_ms, struct cancel *cancel);

/* The same over a connection of the caller's. */
MiniAVResultCode pulse_list_with(struct pulse_client *client, struct mic_list *list,
                                 uint32_t timeout_ms, struct cancel *cancel);

#endif
#endif
