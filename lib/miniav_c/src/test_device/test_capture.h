/*
 * One capture of a test device, of any kind: what the four test backends have in common. A backend
 * decides what is to come (test_capture_setup); this runs it: one thread while it runs, which makes
 * pictures and sound on one clock and does what the device's faults say.
 *
 * Invariants
 * - The thread belongs to start … stop. `setup`, `video` and `sound` are the thread's while it runs
 *   and the caller's otherwise; `mutex` guards only what a running capture is told from outside.
 * - Faults are atomics that are looked at before each frame and at least every 50 ms.
 * - Stop wakes the thread, which ends after the frame at hand.
 */
#ifndef MINIAV_TEST_DEVICE_TEST_CAPTURE_H
#define MINIAV_TEST_DEVICE_TEST_CAPTURE_H

#include "common/capture.h"
#include "common/thread.h"
#include "test_device/test_sound.h"
#include "test_device/test_video.h"

struct test_capture_setup {
  bool has_video;
  struct test_video_setup video;
  bool has_sound;
  MiniAVAudioInfo audio;
  struct test_tone_spec tone;
  MiniAVResultCode audio_result; /* as in struct capture_format */
  bool follows_default;
};

struct test_capture {
  struct capture *capture;
  MiniAVKind kind;
  struct test_device *device; /* the thread's while it runs */
  struct test_capture_setup setup;

  struct mutex mutex;
  struct condition changed;
  bool running; /* the thread lives; under the mutex */
  atomic_bool stopping;
  atomic_uint told;  /* counts what follows */
  double rate_limit; /* under the mutex; 0: none */
  bool rate_limit_told;
  MiniAVRect region; /* under the mutex; width 0: as it is */

  uint32_t told_seen; /* the thread's from here on */
  uint32_t losses_seen;
  uint32_t changes_seen;
  bool was_stalled;
  MiniAVVideoInfo unlimited; /* the frame rate without the limit */
  struct test_video video;
  struct test_sound sound;
};

/* The device for an id, when it may be opened: hangs, consent and FAIL_OPEN are looked at here. */
MiniAVResultCode test_capture_admit(MiniAVKind kind, const char *id, struct cancel *cancel,
                                    struct test_device **device);

/* NULL: no memory. */
struct test_capture *test_capture_create(struct capture *capture, struct test_device *device,
                                         const struct test_capture_setup *setup);

/* What struct backend asks for; state is the struct test_capture. */
MiniAVResultCode test_capture_start(void *state, struct cancel *cancel);
void test_capture_stop(void *state);
void test_capture_close(void *state);

/* Whether it runs; the answer is stable for who is inside a property function. */
bool test_capture_is_running(struct test_capture *test);

/* Not running: sets the frame rate to the format's own or the limit, whichever is less (0: none).
 * True when the format is another one now, which is the caller's to tell. */
bool test_capture_apply_rate(struct test_capture *test, double frames_per_second);

/* For a capture of a screen, inside a property function; the format is told. */
void test_capture_limit_rate(struct test_capture *test, double frames_per_second);
void test_capture_move_region(struct test_capture *test, const MiniAVRect *region);

/* What capture_format says of a setup. */
struct capture_format test_capture_format(const struct test_capture_setup *setup);

#endif
