/*
 * MiniAV: the built-in test devices and their faults. Off until MINIAV_TEST_DEVICES=1 is in the
 * environment or MiniAV_EnableTestDevices(1) is called. They are real backends ("test") of all four
 * kinds; their ids:
 *   test:bars, test:bars2     cameras: colour bars, a moving box, counter and clock in the pixels;
 *                             16 × 16 to 7680 × 4320 pixels, up to 240 frames a second, every pixel
 *                             format but H264; the second one has other colours and intrinsics
 *   test:display              a screen of 1920 × 1080; test:window a window of it, 640 × 480, of
 *                             process 4242; with sound: 440 Hz, and 880 Hz of the window
 *   test:tone, test:tone2     microphones: sine of 1000 Hz × (channel + 1), -12 dB full scale; 600
 * Hz × (channel + 1); what reaches half the sample rate is silent test:system, test:process a
 * loopback of the system (440 Hz) and of one process (880 Hz), which is number 4242, "test-player",
 * with the window handle 4243 test:flood                a camera that delivers as fast as it can,
 * or, when a frame rate is asked for, up to 10000 frames a second
 *
 * Frame n is stamped start + n / rate, sample n start + n / sample rate, in whole microseconds; the
 * first frame is taken at the start. What the device could not deliver in time is counted as
 * dropped_late. The picture and its machine-readable strip: src/test_device/pattern.h.
 */
#ifndef MINIAV_TEST_H
#define MINIAV_TEST_H

#include "miniav_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  MINIAV_TEST_FAULT_NONE = 0,          /* clears every fault of the device */
  MINIAV_TEST_FAULT_LOSE = 1,          /* the device vanishes: running captures are lost; it is no
                                          longer listed until NONE or PLUG */
  MINIAV_TEST_FAULT_STALL = 2,         /* value 1: nothing comes any more; 0: it comes again, and
                                          nothing was produced meanwhile */
  MINIAV_TEST_FAULT_CHANGE_FORMAT = 3, /* mid-stream: value is width << 32 | height, or a rate: of
                                          frames up to 240, of samples from 8000 */
  MINIAV_TEST_FAULT_DELIVER_LATE = 4,  /* each buffer `value` microseconds late */
  MINIAV_TEST_FAULT_BAD_STRIDE = 5,    /* the next `value` frames claim strides that do not fit */
  MINIAV_TEST_FAULT_FAIL_OPEN = 6,     /* configure answers the result code `value` */
  MINIAV_TEST_FAULT_FAIL_START = 7,    /* start answers the result code `value` */
  MINIAV_TEST_FAULT_PERMISSION = 8,    /* value: MiniAVPermission of the whole kind; DENIED refuses
                                          configure, asking turns UNDETERMINED into GRANTED */
  MINIAV_TEST_FAULT_UNPLUG = 9,        /* as LOSE, with a devices-changed event */
  MINIAV_TEST_FAULT_PLUG = 10,         /* listed again, with the event */
  MINIAV_TEST_FAULT_HANG = 11,         /* value: set of MiniAVTestHang; cleared by 0 */
  MINIAV_TEST_FAULT_MAKE_DEFAULT = 12, /* this device is its kind's default from now on, and
                                          captures of "" move to it */
  MINIAV_TEST_FAULT_CORRUPT = 13,      /* the next `value` frames are flagged CORRUPTED */
  MINIAV_TEST_FAULT_SKIP = 14,         /* the next `value` frames are lost before delivery */
  MINIAV_TEST_FAULT_SOUNDLESS = 15     /* screens; value 1: from the next start on it brings no
                                          sound itself, as a real screen, and the library adds a
                                          loopback's; 0: its own again */
} MiniAVTestFault;

/* Which operations of the device hang until cancelled or cleared. */
typedef enum {
  MINIAV_TEST_HANG_ENUMERATE = 1u << 0,
  MINIAV_TEST_HANG_FORMATS = 1u << 1,
  MINIAV_TEST_HANG_CONFIGURE = 1u << 2,
  MINIAV_TEST_HANG_START = 1u << 3,
  MINIAV_TEST_HANG_PERMISSION = 1u << 4
} MiniAVTestHang;

/* enable 1 or 0; captures that run go on. Whoever watches devices is told. */
MINIAV_API MiniAVResultCode MiniAV_EnableTestDevices(uint32_t enable);

/* Makes a test device misbehave; also while test devices are off. A capture that runs does as told
 * at its next frame, within 50 ms. DEVICE_NOT_FOUND: no test device has this id. NOT_SUPPORTED:
 * this device does not have this fault (BAD_STRIDE of a sound, MAKE_DEFAULT of a window or
 * process, SOUNDLESS of anything but a screen). */
MINIAV_API MiniAVResultCode MiniAV_TestSetFault(const char *device_id, MiniAVTestFault fault,
                                                int64_t value);

/* Writes a log line, for tests of the log. */
MINIAV_API MiniAVResultCode MiniAV_TestLog(MiniAVLogLevel level, const char *message);

#ifdef __cplusplus
}
#endif

#endif
