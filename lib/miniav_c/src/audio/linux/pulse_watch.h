/* Hot-plug and the default microphone as a PulseAudio server tells them. */
#ifndef MINIAV_AUDIO_PULSE_WATCH_H
#define MINIAV_AUDIO_PULSE_WATCH_H

#include "audio/miniaudio/mic_watch.h"

#if defined(MINIAV_HAVE_PULSE)

/* Watches until nobody wants it any more. */
void pulse_watch_run(struct mic_watch *watch);

#endif
#endif
