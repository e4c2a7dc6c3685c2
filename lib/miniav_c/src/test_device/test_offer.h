/* What the test devices offer: lists, formats, consent; the parts of the four backends that are
 * alike. */
#ifndef MINIAV_TEST_DEVICE_TEST_OFFER_H
#define MINIAV_TEST_DEVICE_TEST_OFFER_H

#include "common/backend.h"
#include "test_device/faults.h"

/* Fills the zero members of a wanted format with `fallback`'s; FORMAT_NOT_SUPPORTED when the result
 * cannot be made. max_rate: frames per second. */
MiniAVResultCode test_video_choose(const MiniAVVideoInfo *wanted, const MiniAVVideoInfo *fallback,
                                   uint32_t max_rate, MiniAVVideoInfo *chosen,
                                   struct cancel *cancel);
MiniAVResultCode test_audio_choose(const MiniAVAudioInfo *wanted, MiniAVAudioInfo *chosen,
                                   struct cancel *cancel);

/* Adds a device of the table to a list. */
void test_device_describe(const struct test_device *device, MiniAVDeviceInfo *info);

/* Native sound formats, best first: 48 kHz stereo float before all others. */
MiniAVAudioInfo test_audio_default(void);
void test_audio_formats(struct format_list *formats);

/* Devices that are plugged, by device_list_add, after a possible hang. */
MiniAVResultCode test_devices_list(MiniAVKind kind, struct device_list *devices,
                                   struct cancel *cancel);

/* The device that formats and default_format ask about, after a possible hang. */
MiniAVResultCode test_device_ask(MiniAVKind kind, const char *id, struct cancel *cancel,
                                 struct test_device **device);

MiniAVResultCode test_permission_tell(MiniAVKind kind, bool request, MiniAVPermission *permission,
                                      struct cancel *cancel);

#endif
