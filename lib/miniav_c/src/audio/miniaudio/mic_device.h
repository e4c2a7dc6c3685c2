/*
 * One open microphone: a context and a device of miniaudio, and the ring its samples fall into.
 *
 * All functions but mic_device_events may wait for a sound server, for ever if it hangs; they
 * belong to one thread that nobody waits for without a limit. A device is opened in its own format;
 * nothing is converted on the audio thread.
 */
#ifndef MINIAV_AUDIO_MIC_DEVICE_H
#define MINIAV_AUDIO_MIC_DEVICE_H

#include "audio/miniaudio/mic_system.h"
#include "common/sample_ring.h"
#include "audio/miniaudio/wake.h"
#include "miniav_buffer.h"

enum mic_device_event {
  MIC_DEVICE_GONE = 1u << 0, /* unplugged, or the sound server ended */
  MIC_DEVICE_MOVED = 1u << 1 /* the server has put the stream on another source: nothing of that
                                one comes through */
};

struct mic_device;

/* id: never "". wake is given when samples or events have come; it outlives the device.
 * DEVICE_NOT_FOUND, DEVICE_BUSY, PERMISSION_DENIED, SYSTEM_CALL_FAILED, OUT_OF_MEMORY,
 * FORMAT_NOT_SUPPORTED. */
MiniAVResultCode mic_device_open(enum mic_system system, const char *id, struct wake *wake,
                                 struct mic_device **device);
/* NULL is fine. */
void mic_device_close(struct mic_device *device);

MiniAVResultCode mic_device_start(struct mic_device *device);

const char *mic_device_id(const struct mic_device *device);
MiniAVAudioInfo mic_device_format(const struct mic_device *device);
struct sample_ring *mic_device_ring(struct mic_device *device);

/* What happened since it was opened; stays set. Any thread. */
uint32_t mic_device_events(struct mic_device *device);

#endif
