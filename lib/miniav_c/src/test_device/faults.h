/*
 * The test devices there are, and how each of them misbehaves now.
 *
 * Invariants
 * - The table is fixed; a struct test_device lives for ever.
 * - Faults are set under one lock (MiniAV_TestSetFault) and read by capture threads as atomics.
 * - A device that vanishes counts `losses` up before it becomes unplugged, so that a capture that
 *   sees the default move because of that sees the loss too.
 * - Changes are told to the registry at once, whether somebody watches or not: it knows who does.
 *   So whoever begins to watch and then sets a fault hears of it.
 */
#ifndef MINIAV_TEST_DEVICE_FAULTS_H
#define MINIAV_TEST_DEVICE_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/cancel.h"
#include "miniav_test.h"
#include "test_device/pattern.h"
#include "test_device/tone.h"

#define TEST_BACKEND_NAME  "test"
#define TEST_PROCESS_ID    4242u
#define TEST_PROCESS_NAME  "test-player"
#define TEST_WINDOW_HANDLE 4243u
#define TEST_MIN_SIDE      16u
#define TEST_MAX_WIDTH     7680u
#define TEST_MAX_HEIGHT    4320u

struct test_device {
  const char *id; /* without the prefix */
  const char *name;
  MiniAVKind kind;
  bool can_be_default;
  bool flat_out;              /* without a frame rate: as fast as it can */
  enum pattern_theme theme;   /* cameras and screens */
  struct test_tone_spec tone; /* what sounds */

  atomic_bool unplugged;
  atomic_uint losses;
  atomic_uint changes; /* of format, counted */
  _Atomic int64_t change_value;
  atomic_bool stalled;
  _Atomic int64_t late_us;
  _Atomic int64_t bad_strides; /* frames still to come, as the two below */
  _Atomic int64_t corrupted;
  _Atomic int64_t skips;
  atomic_int fail_open;
  atomic_int fail_start;
  atomic_uint hangs;     /* MiniAVTestHang */
  atomic_bool soundless; /* screens */
};

/* The n-th device of a kind, plugged or not; NULL after the last. */
struct test_device *test_device_at(MiniAVKind kind, uint32_t index);

/* A plugged device by its id without prefix, "" for the default one; NULL when there is none. */
struct test_device *test_device_find(MiniAVKind kind, const char *id);

/* What "" means now: the one that was made default or else the first, of those that are plugged. */
struct test_device *test_device_default(MiniAVKind kind);

/* Takes one of a number of frames still to come; true if there was one. */
bool test_device_consume(_Atomic int64_t *remaining);

/* Waits while any device of the kind (device NULL) or this one hangs in `operation`; false when
 * cancelled. */
bool test_device_pass(MiniAVKind kind, struct test_device *device, MiniAVTestHang operation,
                      struct cancel *cancel);

/* The consent that a kind of test device pretends. Asking turns UNDETERMINED into GRANTED. */
MiniAVPermission test_permission(MiniAVKind kind);
MiniAVPermission test_permission_request(MiniAVKind kind);

/* What MiniAV_EnableTestDevices and MiniAV_TestSetFault do. */
void test_devices_switch(bool enabled);
MiniAVResultCode test_fault_set(const char *device_id, MiniAVTestFault fault, int64_t value);

#endif
