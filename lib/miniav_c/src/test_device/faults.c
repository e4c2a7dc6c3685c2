#include "test_device/faults.h"

#include <string.h>

#include "common/audio_format.h"
#include "common/kinds.h"
#include "common/registry.h"

#define KINDS           4u
#define DEVICES         9u
#define POLL_MS         20u
#define PERMISSION_NONE (-1)
#define MAX_FRAME_RATE  240

static struct test_device devices[DEVICES] = {
    {.id = "bars",
     .name = "MiniAV test camera",
     .kind = MINIAV_KIND_CAMERA,
     .can_be_default = true,
     .theme = PATTERN_THEME_BARS},
    {.id = "bars2",
     .name = "MiniAV test camera 2",
     .kind = MINIAV_KIND_CAMERA,
     .can_be_default = true,
     .theme = PATTERN_THEME_BARS2},
    {.id = "flood",
     .name = "MiniAV test camera, flat out",
     .kind = MINIAV_KIND_CAMERA,
     .can_be_default = true,
     .flat_out = true,
     .theme = PATTERN_THEME_BARS},
    {.id = "display",
     .name = "MiniAV test display",
     .kind = MINIAV_KIND_SCREEN,
     .can_be_default = true,
     .theme = PATTERN_THEME_DISPLAY,
     .tone = {.count = 1, .frequencies_hz = {440}}},
    {.id = "window",
     .name = "MiniAV test window",
     .kind = MINIAV_KIND_SCREEN,
     .theme = PATTERN_THEME_WINDOW,
     .tone = {.count = 1, .frequencies_hz = {880}}},
    {.id = "tone",
     .name = "MiniAV test microphone",
     .kind = MINIAV_KIND_AUDIO,
     .can_be_default = true,
     .tone = {.count = 1, .frequencies_hz = {1000}, .by_channel = true}},
    {.id = "tone2",
     .name = "MiniAV test microphone 2",
     .kind = MINIAV_KIND_AUDIO,
     .can_be_default = true,
     .tone = {.count = 1, .frequencies_hz = {600}, .by_channel = true}},
    {.id = "system",
     .name = "MiniAV test system sound",
     .kind = MINIAV_KIND_LOOPBACK,
     .can_be_default = true,
     .tone = {.count = 1, .frequencies_hz = {440}}},
    {.id = "process",
     .name = TEST_PROCESS_NAME,
     .kind = MINIAV_KIND_LOOPBACK,
     .tone = {.count = 1, .frequencies_hz = {880}}},
};

static struct mutex faults_mutex = MUTEX_INITIALIZER;
static _Atomic(struct test_device *) made_default[KINDS];
static atomic_int permissions[KINDS] = {PERMISSION_NONE, PERMISSION_NONE, PERMISSION_NONE,
                                        PERMISSION_NONE};

/* ---- devices ----------------------------------------------------------------------------- */

struct test_device *test_device_at(MiniAVKind kind, uint32_t index) {
  for (uint32_t i = 0; i < DEVICES; i++) {
    if (devices[i].kind == kind && index-- == 0) {
      return &devices[i];
    }
  }
  return NULL;
}

struct test_device *test_device_default(MiniAVKind kind) {
  struct test_device *device = atomic_load(&made_default[kind]);
  if (device != NULL && !atomic_load(&device->unplugged)) {
    return device;
  }
  for (uint32_t i = 0; (device = test_device_at(kind, i)) != NULL; i++) {
    if (device->can_be_default && !atomic_load(&device->unplugged)) {
      return device;
    }
  }
  return NULL;
}

struct test_device *test_device_find(MiniAVKind kind, const char *id) {
  if (id[0] == 0) {
    return test_device_default(kind);
  }
  struct test_device *device;
  for (uint32_t i = 0; (device = test_device_at(kind, i)) != NULL; i++) {
    if (strcmp(device->id, id) == 0) {
      return atomic_load(&device->unplugged) ? NULL : device;
    }
  }
  return NULL;
}

bool test_device_consume(_Atomic int64_t *remaining) {
  int64_t now = atomic_load_explicit(remaining, memory_order_relaxed);
  while (now > 0) {
    if (atomic_compare_exchange_weak(remaining, &now, now - 1)) {
      return true;
    }
  }
  return false;
}

static bool hangs(MiniAVKind kind, struct test_device *device, MiniAVTestHang operation) {
  if (device != NULL) {
    return (atomic_load(&device->hangs) & operation) != 0;
  }
  for (uint32_t i = 0; (device = test_device_at(kind, i)) != NULL; i++) {
    if ((atomic_load(&device->hangs) & operation) != 0) {
      return true;
    }
  }
  return false;
}

bool test_device_pass(MiniAVKind kind, struct test_device *device, MiniAVTestHang operation,
                      struct cancel *cancel) {
  while (hangs(kind, device, operation)) {
    if (cancel_wait(cancel, POLL_MS)) {
      return false;
    }
  }
  return true;
}

/* ---- consent ------------------------------------------------------------------------------ */

MiniAVPermission test_permission(MiniAVKind kind) {
  int permission = atomic_load(&permissions[kind]);
  return permission == PERMISSION_NONE ? MINIAV_PERMISSION_NOT_NEEDED
                                       : (MiniAVPermission)permission;
}

MiniAVPermission test_permission_request(MiniAVKind kind) {
  int undetermined = MINIAV_PERMISSION_UNDETERMINED;
  if (atomic_compare_exchange_strong(&permissions[kind], &undetermined,
                                     MINIAV_PERMISSION_GRANTED)) {
    registry_permission_changed(kind, MINIAV_PERMISSION_GRANTED);
  }
  return test_permission(kind);
}

/* ---- what listeners are told; under the lock ------------------------------------------------ */

static void tell_default(MiniAVKind kind, const struct test_device *before) {
  const struct test_device *now = test_device_default(kind);
  if (now != before) {
    char id[MINIAV_TEXT_BYTES] = "";
    if (now != NULL) {
      device_id_join(id, TEST_BACKEND_NAME, now->id);
    }
    registry_default_changed(kind, id);
  }
}

void test_devices_switch(bool enabled) {
  mutex_lock(&faults_mutex);
  if (test_devices_enabled() != enabled) {
    test_devices_enable(enabled);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
      registry_devices_changed((MiniAVKind)kind);
    }
  }
  mutex_unlock(&faults_mutex);
}

/* ---- faults; under the lock ---------------------------------------------------------------- */

static void set_permission(MiniAVKind kind, int permission) {
  MiniAVPermission before = test_permission(kind);
  atomic_store(&permissions[kind], permission);
  if (test_permission(kind) != before) {
    registry_permission_changed(kind, test_permission(kind));
  }
}

static void set_plugged(struct test_device *device, bool plugged, bool tell) {
  struct test_device *before = test_device_default(device->kind);
  if (!plugged) {
    atomic_fetch_add(&device->losses, 1);
  }
  bool changed = atomic_exchange(&device->unplugged, !plugged) == plugged;
  if (changed && tell) {
    registry_devices_changed(device->kind);
    tell_default(device->kind, before);
  }
}

static void make_default(struct test_device *device, MiniAVKind kind) {
  struct test_device *before = test_device_default(kind);
  atomic_store(&made_default[kind], device);
  tell_default(kind, before);
}

static void clear_all(struct test_device *device) {
  atomic_store(&device->stalled, false);
  atomic_store(&device->late_us, 0);
  atomic_store(&device->bad_strides, 0);
  atomic_store(&device->corrupted, 0);
  atomic_store(&device->skips, 0);
  atomic_store(&device->fail_open, 0);
  atomic_store(&device->fail_start, 0);
  atomic_store(&device->hangs, 0);
  atomic_store(&device->soundless, false);
  set_permission(device->kind, PERMISSION_NONE);
  set_plugged(device, true, true);
  if (atomic_load(&made_default[device->kind]) == device) {
    make_default(NULL, device->kind);
  }
}

static bool has_video(const struct test_device *device) {
  return device->kind == MINIAV_KIND_CAMERA || device->kind == MINIAV_KIND_SCREEN;
}

static bool change_is_valid(const struct test_device *device, int64_t value) {
  int64_t width = value >> 32;
  int64_t low = value & UINT32_MAX;
  if (width != 0) {
    return has_video(device) && width >= TEST_MIN_SIDE && width <= TEST_MAX_WIDTH &&
           low >= TEST_MIN_SIDE && low <= TEST_MAX_HEIGHT;
  }
  bool is_audio_rate = low >= AUDIO_RATE_MIN_HZ && low <= AUDIO_RATE_MAX_HZ;
  return has_video(device) ? (low >= 1 && low <= MAX_FRAME_RATE) ||
                                 (device->kind == MINIAV_KIND_SCREEN && is_audio_rate)
                           : is_audio_rate;
}

static bool code_is_valid(int64_t value) {
  return value >= MINIAV_ERROR_NO_BUFFER && value <= MINIAV_SUCCESS;
}

static bool value_is_valid(const struct test_device *device, MiniAVTestFault fault, int64_t value) {
  switch (fault) {
  case MINIAV_TEST_FAULT_CHANGE_FORMAT:
    return change_is_valid(device, value);
  case MINIAV_TEST_FAULT_FAIL_OPEN:
  case MINIAV_TEST_FAULT_FAIL_START:
    return code_is_valid(value);
  case MINIAV_TEST_FAULT_PERMISSION:
    return value >= MINIAV_PERMISSION_UNKNOWN && value <= MINIAV_PERMISSION_NOT_NEEDED;
  case MINIAV_TEST_FAULT_HANG:
    return value >= 0 && value < 32;
  case MINIAV_TEST_FAULT_DELIVER_LATE:
    return value >= 0 && value <= INT64_C(60000000);
  case MINIAV_TEST_FAULT_STALL:
  case MINIAV_TEST_FAULT_SOUNDLESS:
    return value == 0 || value == 1;
  case MINIAV_TEST_FAULT_BAD_STRIDE:
  case MINIAV_TEST_FAULT_CORRUPT:
  case MINIAV_TEST_FAULT_SKIP:
    return value >= 0;
  default:
    return true;
  }
}

static MiniAVResultCode set_locked(struct test_device *device, MiniAVTestFault fault,
                                   int64_t value) {
  switch (fault) {
  case MINIAV_TEST_FAULT_NONE:
    clear_all(device);
    break;
  case MINIAV_TEST_FAULT_LOSE:
    set_plugged(device, false, false);
    break;
  case MINIAV_TEST_FAULT_UNPLUG:
    set_plugged(device, false, true);
    break;
  case MINIAV_TEST_FAULT_PLUG:
    set_plugged(device, true, true);
    break;
  case MINIAV_TEST_FAULT_STALL:
    atomic_store(&device->stalled, value != 0);
    break;
  case MINIAV_TEST_FAULT_CHANGE_FORMAT:
    atomic_store(&device->change_value, value);
    atomic_fetch_add(&device->changes, 1);
    break;
  case MINIAV_TEST_FAULT_DELIVER_LATE:
    atomic_store(&device->late_us, value);
    break;
  case MINIAV_TEST_FAULT_BAD_STRIDE:
    if (!has_video(device)) {
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    atomic_store(&device->bad_strides, value);
    break;
  case MINIAV_TEST_FAULT_FAIL_OPEN:
    atomic_store(&device->fail_open, (int)value);
    break;
  case MINIAV_TEST_FAULT_FAIL_START:
    atomic_store(&device->fail_start, (int)value);
    break;
  case MINIAV_TEST_FAULT_PERMISSION:
    set_permission(device->kind, (int)value);
    break;
  case MINIAV_TEST_FAULT_HANG:
    atomic_store(&device->hangs, (unsigned)value);
    break;
  case MINIAV_TEST_FAULT_MAKE_DEFAULT:
    if (!device->can_be_default) {
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    make_default(device, device->kind);
    break;
  case MINIAV_TEST_FAULT_CORRUPT:
    atomic_store(&device->corrupted, value);
    break;
  case MINIAV_TEST_FAULT_SKIP:
    atomic_store(&device->skips, value);
    break;
  case MINIAV_TEST_FAULT_SOUNDLESS:
    if (device->kind != MINIAV_KIND_SCREEN) {
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    atomic_store(&device->soundless, value != 0);
    break;
  default:
    return MINIAV_ERROR_INVALID_ARG;
  }
  return MINIAV_SUCCESS;
}

MiniAVResultCode test_fault_set(const char *device_id, MiniAVTestFault fault, int64_t value) {
  size_t prefix = strlen(TEST_BACKEND_NAME);
  if (strncmp(device_id, TEST_BACKEND_NAME, prefix) != 0 || device_id[prefix] != ':') {
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  for (uint32_t i = 0; i < DEVICES; i++) {
    if (strcmp(device_id + prefix + 1, devices[i].id) == 0) {
      if (!value_is_valid(&devices[i], fault, value)) {
        return MINIAV_ERROR_INVALID_ARG;
      }
      mutex_lock(&faults_mutex);
      MiniAVResultCode result = set_locked(&devices[i], fault, value);
      mutex_unlock(&faults_mutex);
      return result;
    }
  }
  return MINIAV_ERROR_DEVICE_NOT_FOUND;
}
