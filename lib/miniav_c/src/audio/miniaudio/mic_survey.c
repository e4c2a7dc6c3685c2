#include "audio/miniaudio/mic_survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/miniaudio/job.h"
#include "audio/miniaudio/ma_box.h"

#if defined(__linux__)
#include "audio/linux/alsa_names.h"
#endif
#if MIC_HAS_PULSE
#include "audio/linux/pulse_list.h"
#include "common/linux/pulse_library.h"
#endif

#define ANSWER_MS 3000u

/* -- through miniaudio ---------------------------------------------------------------------- */

struct listing {
  enum mic_system system;
  struct mic_list list;
  struct mic_list known; /* these are microphones */
};

static bool is_listed(const struct mic_list *list, const char *id) {
  for (uint32_t i = 0; i < list->count; i++) {
    if (strcmp(list->items[i].device_id, id) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_microphone(enum mic_system system, const char *id) {
#if defined(__linux__)
  if (system == MIC_ALSA) {
    return alsa_is_microphone(id);
  }
#endif
  (void)system;
  return id[0] != 0;
}

static ma_bool32 add_device(ma_context *context, ma_device_type type, const ma_device_info *info,
                            void *user) {
  (void)context;
  struct listing *listing = user;
  MiniAVDeviceInfo device = {.kind = MINIAV_KIND_AUDIO};
  ma_id_to_text(listing->system, &info->id, device.device_id);
  if (type == ma_device_type_capture && !is_listed(&listing->list, device.device_id)) {
    text_copy(device.name, sizeof(device.name), info->name);
    device.flags = info->isDefault ? MINIAV_DEVICE_FLAG_DEFAULT : 0;
    mic_list_add(&listing->list, &device);
  }
  return MA_TRUE;
}

static MiniAVResultCode listing_run(void *argument) {
  struct listing *listing = argument;
  struct ma_box *box = malloc(sizeof(*box));
  if (box == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  MiniAVResultCode result = ma_box_open(box, listing->system);
  if (result == MINIAV_SUCCESS) {
    result = ma_result_to_code(ma_context_enumerate_devices(&box->context, add_device, listing));
    ma_device_info info;
    if (listing->system == MIC_JACK &&
        ma_context_get_device_info(&box->context, ma_device_type_capture, NULL, &info) !=
            MA_SUCCESS) {
      listing->list.count = 0; /* miniaudio lists it also where there is no physical input */
    }
    ma_box_close(box);
  }
  free(box);
  /* Not within the enumeration: looking at a PCM may open it. */
  uint32_t kept = 0;
  for (uint32_t i = 0; i < listing->list.count; i++) {
    const char *id = listing->list.items[i].device_id;
    if (is_listed(&listing->known, id) || is_microphone(listing->system, id)) {
      listing->list.items[kept++] = listing->list.items[i];
    }
  }
  listing->list.count = kept;
  return result;
}

static void listing_drop(void *argument) {
  struct listing *listing = argument;
  mic_list_free(&listing->list);
  mic_list_free(&listing->known);
  free(listing);
}

static MiniAVResultCode list_by_miniaudio(enum mic_system system, const struct mic_list *known,
                                          struct mic_list *list, uint32_t timeout_ms,
                                          struct cancel *cancel) {
  struct listing *listing = calloc(1, sizeof(*listing));
  if (listing == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  listing->system = system;
  for (uint32_t i = 0; known != NULL && i < known->count; i++) {
    mic_list_add(&listing->known, &known->items[i]);
  }
  MiniAVResultCode result = job_run(listing_run, listing_drop, listing, timeout_ms, cancel);
  if (result == MINIAV_ERROR_TIMEOUT || result == MINIAV_ERROR_USER_CANCELLED) {
    return result; /* the job's own thread drops it */
  }
  if (result == MINIAV_SUCCESS) {
    *list = listing->list;
    listing->list = (struct mic_list){0};
  }
  listing_drop(listing);
  return result;
}

/* -- what others call ----------------------------------------------------------------------- */

MiniAVResultCode mic_survey(enum mic_system system, struct mic_list *list, struct cancel *cancel) {
  *list = (struct mic_list){0};
#if MIC_HAS_PULSE
  if (system == MIC_PULSE) {
    return pulse_list(list, ANSWER_MS, cancel);
  }
#endif
  return list_by_miniaudio(system, NULL, list, ANSWER_MS, cancel);
}

MiniAVResultCode mic_survey_again(enum mic_system system, const struct mic_list *known,
                                  struct mic_list *list) {
  *list = (struct mic_list){0};
  return list_by_miniaudio(system, known, list, ANSWER_MS, NULL);
}

bool mic_may_have_changed(enum mic_system system, uint64_t *stamp) {
#if defined(__linux__)
  if (system == MIC_ALSA) {
    uint64_t now = alsa_cards_stamp() + 1; /* never 0 */
    bool changed = now != *stamp;
    *stamp = now;
    return changed;
  }
#endif
  (void)system;
  (void)stamp;
  return true;
}

MiniAVResultCode mic_default_id(enum mic_system system, char id[MINIAV_TEXT_BYTES],
                                struct cancel *cancel) {
  if (system == MIC_ALSA || system == MIC_JACK) {
    text_copy(id, MINIAV_TEXT_BYTES, "default"); /* a name of its own; opening tells the rest */
    return MINIAV_SUCCESS;
  }
  struct mic_list list;
  MiniAVResultCode result = mic_survey(system, &list, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  const char *found = mic_list_default(&list);
  if (found == NULL) {
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  } else {
    text_copy(id, MINIAV_TEXT_BYTES, found);
  }
  mic_list_free(&list);
  return result;
}

MiniAVResultCode mic_probe(enum mic_system system, char why[MINIAV_TEXT_BYTES]) {
  /* Long enough for an answer, short enough to try the next system when there is none. */
  const uint32_t probe_ms = 500;
#if MIC_HAS_PULSE
  if (system == MIC_PULSE) {
    return pulse_probe(probe_ms, why);
  }
#else
  if (system == MIC_PULSE) {
    snprintf(why, MINIAV_TEXT_BYTES, "the library was built without libpulse's headers");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
#endif
  struct mic_list list = {0};
  MiniAVResultCode result = list_by_miniaudio(system, NULL, &list, probe_ms, NULL);
  if (result == MINIAV_ERROR_TIMEOUT) {
    return MINIAV_SUCCESS; /* it is there, and hangs: what is asked of it next will say so */
  }
  if (result == MINIAV_SUCCESS && list.count == 0) {
    result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  if (result != MINIAV_SUCCESS) {
    snprintf(why, MINIAV_TEXT_BYTES, "%s",
             result == MINIAV_ERROR_DEVICE_NOT_FOUND ? "it has no microphone"
                                                     : "it cannot be reached");
  }
  mic_list_free(&list);
  return result;
}
