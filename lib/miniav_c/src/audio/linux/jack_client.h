/* What miniaudio does not do with its client of JACK. */
#ifndef MINIAV_AUDIO_JACK_CLIENT_H
#define MINIAV_AUDIO_JACK_CLIENT_H

#include "audio/miniaudio/miniaudio_config.h"

/* libjack writes its messages to stderr, also the one that no server runs. Takes both message
 * functions of that library, for the whole process. */
void jack_quiet(void);

/* Before a device is initialised: when the server ends, gone(device's user data) is called, on a
 * thread of libjack's. miniaudio's own answer is to deactivate the client from there, which fails,
 * and then to say nothing. One function for the process. */
void jack_client_prepare(ma_context *context, void (*gone)(void *user));

/* After that call: gives the client up. Closing one whose server has ended crashes in libjack 2
 * (seen with 1.9.21), so its memory stays. */
void jack_client_abandon(ma_device *device);

#endif
