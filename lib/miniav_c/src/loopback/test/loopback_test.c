/*
 * The test loopback: what a pretended system plays (440 Hz) and what a pretended player plays
 * (880 Hz): process 4242, name "test-player", window handle 4243, window id "test:window". The
 * player's sound is not in the system's mix, so that a test hears at once what it got. Everything
 * that plays is the two together.
 */
#include <stdlib.h>
#include <string.h>

#include "common/kinds.h"
#include "loopback/loopback_backend.h"
#include "test_device/test_capture.h"
#include "test_device/test_offer.h"

#define SYSTEM_HZ  440u
#define PROCESS_HZ 880u

/* What sounds, as a set. */
enum sources { SOURCE_NONE = 0, SOURCE_SYSTEM = 1, SOURCE_PROCESS = 2, SOURCE_ALL = 3 };

struct loopback_test {
  struct test_capture *capture;
  bool per_process; /* nothing but asked processes is heard */
};

static struct test_tone_spec tone_of(uint32_t sources) {
  struct test_tone_spec tone = {0};
  if ((sources & SOURCE_SYSTEM) != 0) {
    tone.frequencies_hz[tone.count++] = SYSTEM_HZ;
  }
  if ((sources & SOURCE_PROCESS) != 0) {
    tone.frequencies_hz[tone.count++] = PROCESS_HZ;
  }
  return tone;
}

/* ---- targets --------------------------------------------------------------------------------- */

static MiniAVResultCode loopback_test_probe(char why[MINIAV_TEXT_BYTES]) {
  (void)why;
  return test_devices_enabled() ? MINIAV_SUCCESS : MINIAV_ERROR_DEVICE_NOT_FOUND;
}

static void list_add(struct device_list *devices, const char *id, MiniAVLoopbackTargetType type,
                     uint32_t filter) {
  const struct test_device *device = test_device_find(
      MINIAV_KIND_LOOPBACK, type == MINIAV_LOOPBACK_TARGET_WINDOW ? "process" : id);
  if (device == NULL || (filter != MINIAV_LOOPBACK_TARGET_NONE && filter != (uint32_t)type)) {
    return;
  }
  MiniAVDeviceInfo info;
  test_device_describe(device, &info);
  text_copy(info.device_id, sizeof info.device_id, id);
  if (type != MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO) {
    info.process_id = TEST_PROCESS_ID;
    info.flags |= MINIAV_DEVICE_FLAG_PLAYING;
  }
  if (type == MINIAV_LOOPBACK_TARGET_WINDOW) {
    text_copy(info.name, sizeof info.name, "MiniAV test window");
  }
  device_list_add(devices, &info);
}

static MiniAVResultCode loopback_test_enumerate(uint32_t filter, struct device_list *devices,
                                                struct cancel *cancel) {
  if (!test_device_pass(MINIAV_KIND_LOOPBACK, NULL, MINIAV_TEST_HANG_ENUMERATE, cancel)) {
    return MINIAV_ERROR_USER_CANCELLED;
  }
  list_add(devices, "system", MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO, filter);
  list_add(devices, "process", MINIAV_LOOPBACK_TARGET_PROCESS, filter);
  list_add(devices, "window", MINIAV_LOOPBACK_TARGET_WINDOW, filter);
  return MINIAV_SUCCESS;
}

/* The device behind an id: a window's is its process. */
static const char *device_id_of(const char *id) {
  return strcmp(id, "window") == 0 ? "process" : id;
}

static MiniAVResultCode loopback_test_formats(const char *id, struct format_list *formats,
                                              struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result =
      test_device_ask(MINIAV_KIND_LOOPBACK, device_id_of(id), cancel, &device);
  if (result == MINIAV_SUCCESS) {
    test_audio_formats(formats);
  }
  return result;
}

static MiniAVResultCode loopback_test_default_format(const char *id, struct capture_format *format,
                                                     struct cancel *cancel) {
  struct test_device *device;
  MiniAVResultCode result =
      test_device_ask(MINIAV_KIND_LOOPBACK, device_id_of(id), cancel, &device);
  if (result == MINIAV_SUCCESS) {
    format->audio = test_audio_default();
  }
  return result;
}

static bool same_name(const char *a, const char *b) {
  for (; *a != 0 || *b != 0; a++, b++) {
    char lower = *a >= 'A' && *a <= 'Z' ? (char)(*a + ('a' - 'A')) : *a;
    if (lower != *b) {
      return false;
    }
  }
  return true;
}

/* What one target means; SOURCE_NONE: it does not play. */
static uint32_t sources_of(const MiniAVLoopbackTarget *target) {
  switch (target->type) {
  case MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO: {
    bool system = target->name[0] == 0 || strcmp(target->name, "test:system") == 0;
    return system ? SOURCE_SYSTEM : SOURCE_NONE;
  }
  case MINIAV_LOOPBACK_TARGET_PROCESS:
    return target->process_id == TEST_PROCESS_ID ? SOURCE_PROCESS : SOURCE_NONE;
  case MINIAV_LOOPBACK_TARGET_WINDOW:
    return (uintptr_t)target->window_handle == TEST_WINDOW_HANDLE ? SOURCE_PROCESS : SOURCE_NONE;
  case MINIAV_LOOPBACK_TARGET_NAME:
    return same_name(target->name, TEST_PROCESS_NAME) ? SOURCE_PROCESS : SOURCE_NONE;
  default:
    return SOURCE_NONE;
  }
}

/* The sum of the targets. A target that does not play is an error unless it may be waited for; it
 * never comes, and so adds silence. */
static MiniAVResultCode sum_targets(const struct capture_request *request, uint32_t *sources,
                                    struct cancel *cancel) {
  uint32_t sum = SOURCE_NONE;
  for (uint32_t i = 0; i < request->target_count; i++) {
    const MiniAVLoopbackTarget *target = &request->targets[i];
    uint32_t found = sources_of(target);
    if (found == SOURCE_NONE && (target->flags & MINIAV_LOOPBACK_FLAG_WAIT) == 0) {
      cancel_explain(cancel, "target %u does not play", i);
      return MINIAV_ERROR_DEVICE_NOT_FOUND;
    }
    if (found == SOURCE_SYSTEM && request->mode == MINIAV_LOOPBACK_MODE_EXCLUDE) {
      cancel_explain(cancel, "everything but the system's mix is nothing");
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    sum |= found;
  }
  *sources = request->mode == MINIAV_LOOPBACK_MODE_EXCLUDE ? SOURCE_ALL & ~sum : sum;
  return MINIAV_SUCCESS;
}

/* ---- captures -------------------------------------------------------------------------------- */

static struct loopback_test *loopback_create(struct capture *capture, struct test_device *device,
                                             const struct test_capture_setup *setup) {
  struct loopback_test *loopback = calloc(1, sizeof *loopback);
  if (loopback != NULL) {
    loopback->capture = test_capture_create(capture, device, setup);
    if (loopback->capture == NULL) {
      free(loopback);
      loopback = NULL;
    }
  }
  return loopback;
}

static MiniAVResultCode loopback_test_open(struct capture *capture,
                                           const struct capture_request *request,
                                           struct capture_format *format, void **state,
                                           struct cancel *cancel) {
  bool by_targets = request->target == REQUEST_TARGETS;
  uint32_t sources = SOURCE_NONE;
  struct test_device *device;
  struct test_capture_setup setup = {.has_sound = true};
  MiniAVResultCode result = test_audio_choose(&request->audio, &setup.audio, cancel);
  if (result == MINIAV_SUCCESS && by_targets) {
    result = sum_targets(request, &sources, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  const char *id = device_id_of(request->device_id);
  if (by_targets) {
    id = sources == SOURCE_PROCESS ? "process" : "system"; /* whose faults count */
  }
  result = test_capture_admit(MINIAV_KIND_LOOPBACK, id, cancel, &device);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  setup.tone = by_targets ? tone_of(sources) : device->tone;
  setup.follows_default = !by_targets && id[0] == 0;
  struct loopback_test *loopback = loopback_create(capture, device, &setup);
  if (loopback == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  loopback->per_process =
      by_targets ? request->mode == MINIAV_LOOPBACK_MODE_INCLUDE && (sources & SOURCE_SYSTEM) == 0
                 : strcmp(device->id, "process") == 0;
  *format = test_capture_format(&setup);
  *state = loopback;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode loopback_test_start(void *state, struct cancel *cancel) {
  struct loopback_test *loopback = state;
  return test_capture_start(loopback->capture, cancel);
}

static void loopback_test_stop(void *state) {
  struct loopback_test *loopback = state;
  test_capture_stop(loopback->capture);
}

static void loopback_test_close(void *state) {
  struct loopback_test *loopback = state;
  test_capture_close(loopback->capture);
  free(loopback);
}

/* ---- properties ------------------------------------------------------------------------------ */

static MiniAVPropertyType type_of(const struct loopback_test *loopback, MiniAVPropertyKey key) {
  switch (key) {
  case MINIAV_PROPERTY_PER_PROCESS:
    return MINIAV_PROPERTY_TYPE_BOOLEAN;
  case MINIAV_PROPERTY_STREAM_VOLUME:
    return loopback->per_process ? MINIAV_PROPERTY_TYPE_NUMBER : MINIAV_PROPERTY_TYPE_NONE;
  case MINIAV_PROPERTY_STREAM_MUTE:
    return loopback->per_process ? MINIAV_PROPERTY_TYPE_BOOLEAN : MINIAV_PROPERTY_TYPE_NONE;
  default:
    return MINIAV_PROPERTY_TYPE_NONE;
  }
}

static MiniAVResultCode loopback_test_property_info(void *state, MiniAVPropertyKey key,
                                                    MiniAVPropertyInfo *info) {
  MiniAVPropertyType type = type_of(state, key);
  *info = (MiniAVPropertyInfo){.key = key,
                               .type = type,
                               .flags = (uint32_t)MINIAV_PROPERTY_FLAG_READABLE,
                               .maximum = 1.0,
                               .step = type == MINIAV_PROPERTY_TYPE_BOOLEAN ? 1.0 : 0.0};
  return type != MINIAV_PROPERTY_TYPE_NONE ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

static MiniAVResultCode loopback_test_get_property(void *state, MiniAVPropertyKey key,
                                                   MiniAVPropertyValue *value) {
  const struct loopback_test *loopback = state;
  value->type = type_of(loopback, key);
  switch (value->type) {
  case MINIAV_PROPERTY_TYPE_BOOLEAN:
    value->value.integer = key == MINIAV_PROPERTY_PER_PROCESS && loopback->per_process;
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_TYPE_NUMBER:
    value->value.number = 1.0;
    return MINIAV_SUCCESS;
  default:
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
}

/* ---- the rest -------------------------------------------------------------------------------- */

static MiniAVResultCode loopback_test_permission(MiniAVPermission *permission,
                                                 struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_LOOPBACK, false, permission, cancel);
}

static MiniAVResultCode loopback_test_request_permission(MiniAVPermission *permission,
                                                         struct cancel *cancel) {
  return test_permission_tell(MINIAV_KIND_LOOPBACK, true, permission, cancel);
}

const struct backend loopback_test_backend = {
    .name = TEST_BACKEND_NAME,
    .flags = BACKEND_IS_TEST,
    .probe = loopback_test_probe,
    .enumerate = loopback_test_enumerate,
    .formats = loopback_test_formats,
    .default_format = loopback_test_default_format,
    .open = loopback_test_open,
    .start = loopback_test_start,
    .stop = loopback_test_stop,
    .close = loopback_test_close,
    .property_info = loopback_test_property_info,
    .get_property = loopback_test_get_property,
    .permission = loopback_test_permission,
    .request_permission = loopback_test_request_permission,
};
