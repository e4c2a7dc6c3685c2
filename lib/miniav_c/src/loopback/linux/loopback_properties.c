#include "loopback/linux/loopback_properties.h"

#define VOLUME_MAX 10.0 /* PipeWire's own limit; no mixer of PulseAudio's offers more */

static bool is_stream_key(MiniAVPropertyKey key) {
  return key == MINIAV_PROPERTY_STREAM_VOLUME || key == MINIAV_PROPERTY_STREAM_MUTE;
}

MiniAVResultCode loopback_property_info(MiniAVPropertyKey key, bool is_per_process,
                                        MiniAVPropertyInfo *info) {
  if (key != MINIAV_PROPERTY_PER_PROCESS && !(is_stream_key(key) && is_per_process)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  bool is_number = key == MINIAV_PROPERTY_STREAM_VOLUME;
  *info = (MiniAVPropertyInfo){.key = key,
                               .type = is_number ? MINIAV_PROPERTY_TYPE_NUMBER
                                                 : MINIAV_PROPERTY_TYPE_BOOLEAN,
                               .flags = (uint32_t)MINIAV_PROPERTY_FLAG_READABLE,
                               .maximum = is_number ? VOLUME_MAX : 1.0,
                               .step = is_number ? 0.0 : 1.0};
  return MINIAV_SUCCESS;
}

MiniAVResultCode loopback_get_property(MiniAVPropertyKey key,
                                       const struct loopback_streams *streams,
                                       MiniAVPropertyValue *value) {
  if (key == MINIAV_PROPERTY_PER_PROCESS) {
    value->type = MINIAV_PROPERTY_TYPE_BOOLEAN;
    value->value.integer = streams->is_per_process;
    return MINIAV_SUCCESS;
  }
  if (!is_stream_key(key) || !streams->is_per_process) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  if (key == MINIAV_PROPERTY_STREAM_VOLUME) {
    value->type = MINIAV_PROPERTY_TYPE_NUMBER;
    value->value.number = streams->volume;
  } else {
    value->type = MINIAV_PROPERTY_TYPE_BOOLEAN;
    value->value.integer = streams->mute;
  }
  return streams->volume_result;
}
