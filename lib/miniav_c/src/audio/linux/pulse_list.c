#include "audio/linux/pulse_list.h"

#if defined(MINIAV_HAVE_PULSE)

#include <string.h>

#include "common/linux/pulse_library.h"

struct listing {
  struct mic_list *list;
  char default_name[MINIAV_TEXT_BYTES];
};

static void copy_property(char *field, size_t capacity, const pa_source_info *source,
                          const char *key) {
  const char *value = source->proplist != NULL ? pulse.proplist_gets(source->proplist, key) : NULL;
  if (value != NULL) {
    text_copy(field, capacity, value);
  }
}

static void add_source(const pa_source_info *source, void *user) {
  struct listing *listing = user;
  if (source->monitor_of_sink != PA_INVALID_INDEX) {
    return;
  }
  MiniAVDeviceInfo device = {.kind = MINIAV_KIND_AUDIO};
  text_copy(device.device_id, sizeof(device.device_id), source->name);
  text_copy(device.name, sizeof(device.name),
            source->description != NULL ? source->description : source->name);
  if (strcmp(source->name, listing->default_name) == 0) {
    device.flags |= MINIAV_DEVICE_FLAG_DEFAULT;
  }
  if ((source->flags & PA_SOURCE_HARDWARE) == 0) {
    device.flags |= MINIAV_DEVICE_FLAG_VIRTUAL;
  }
  copy_property(device.model, sizeof(device.model), source, PA_PROP_DEVICE_PRODUCT_NAME);
  copy_property(device.manufacturer, sizeof(device.manufacturer), source,
                PA_PROP_DEVICE_VENDOR_NAME);
  copy_property(device.icon, sizeof(device.icon), source, PA_PROP_DEVICE_ICON_NAME);
  mic_list_add(listing->list, &device);
}

MiniAVResultCode pulse_list_with(struct pulse_client *client, struct mic_list *list,
                                 uint32_t timeout_ms, struct cancel *cancel) {
  struct listing listing = {.list = list};
  MiniAVResultCode result = pulse_default_source(client, listing.default_name, timeout_ms, cancel);
  if (result == MINIAV_SUCCESS) {
    result = pulse_sources(client, NULL, add_source, &listing, timeout_ms, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    mic_list_free(list);
  }
  return result;
}

MiniAVResultCode pulse_list(struct mic_list *list, uint32_t timeout_ms, struct cancel *cancel) {
  struct pulse_client client;
  MiniAVResultCode result = pulse_connect(&client, timeout_ms, cancel);
  if (result == MINIAV_SUCCESS) {
    result = pulse_list_with(&client, list, timeout_ms, cancel);
    pulse_disconnect(&client);
  }
  return result;
}

#endif
