/* miniaudio.h with what this library uses of it; every includer sees the same options, because they
 * change its structs. */
#ifndef MINIAV_AUDIO_MINIAUDIO_CONFIG_H
#define MINIAV_AUDIO_MINIAUDIO_CONFIG_H

#define MA_ENABLE_ONLY_SPECIFIC_BACKENDS
#if defined(_WIN32)
#define MA_ENABLE_WASAPI
#else
#if defined(MINIAV_HAVE_PULSE)
#define MA_ENABLE_PULSEAUDIO
#endif
#define MA_ENABLE_ALSA
#define MA_ENABLE_JACK
#endif
#define MA_NO_DECODING
#define MA_NO_ENCODING
#define MA_NO_GENERATION
#define MA_NO_ENGINE
#define MA_NO_NODE_GRAPH
#define MA_NO_RESOURCE_MANAGER

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#endif
#include "miniaudio.h"
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#endif
