/*
 * Changes of the list of microphones and of the default one. One thread a sound system while
 * anybody watches; with libpulse the server tells, elsewhere the list is asked for once a second.
 */
#ifndef MINIAV_AUDIO_MIC_WATCHES_H
#define MINIAV_AUDIO_MIC_WATCHES_H

#include "audio/miniaudio/mic_watch.h"

/* As mic_watch_add and mic_watch_remove. */
void mic_watch_begin(enum mic_system system, struct mic_watcher *watcher);
void mic_watch_end(enum mic_system system, struct mic_watcher *watcher);

#endif
