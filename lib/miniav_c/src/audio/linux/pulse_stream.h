/* What miniaudio does not do with its stream of PulseAudio, done on the stream itself. All of it on
 * the thread that owns the miniaudio context, before the device is started. */
#ifndef MINIAV_AUDIO_PULSE_STREAM_H
#define MINIAV_AUDIO_PULSE_STREAM_H

#include <stdbool.h>

#include "audio/miniaudio/miniaudio_config.h"
#include "miniav_types.h"

/* Is there a source of that name? (A stream for a name that is not there would get another source
 * from some servers.) Sets the channel map of the source, so that the server mixes nothing, and
 * sees to the flags of the stream that miniaudio will connect. DEVICE_NOT_FOUND,
 * SYSTEM_CALL_FAILED, TIMEOUT. */
MiniAVResultCode pulse_stream_prepare(ma_context *context, const char *source,
                                      ma_device_config *config);

/* Whether the stream hangs on that source. */
bool pulse_stream_is_from(ma_device *device, const char *source);

/* On the audio thread, with `frames` just come: how long ago the last of them was captured, as far
 * as the server tells; 0 where it does not. Costs some arithmetic. */
uint32_t pulse_stream_latency_us(ma_device *device, uint32_t frames);

/* Calls gone(user), on the audio thread, when the server ends the stream or is gone itself. *watch
 * lives as long as the device.
 *
 * Also keeps the stream's loop turning: miniaudio ends it by changing a flag and waking it, but a
 * wake that comes between its look at the flag and pa_mainloop_prepare(), which clears wakes, is
 * lost. While samples come the next ones help; after the end of a stream nothing comes, and its
 * stop would wait for ever. */
struct pulse_stream_watch {
  void (*gone)(void *user);
  void *user;
  void *context; /* private */
};
void pulse_stream_watch(ma_device *device, struct pulse_stream_watch *watch);

#endif
