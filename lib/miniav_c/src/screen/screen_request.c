#include "screen/screen_request.h"

MiniAVResultCode screen_choose_rate(const MiniAVVideoInfo *asked, MiniAVVideoInfo *chosen,
                                    struct cancel *cancel) {
  if (asked->frame_rate_numerator == 0 || asked->frame_rate_denominator == 0) {
    return MINIAV_SUCCESS;
  }
  if (asked->frame_rate_numerator / asked->frame_rate_denominator > SCREEN_RATE_MAX) {
    cancel_explain(cancel, "no more than %u pictures a second", SCREEN_RATE_MAX);
    return MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
  }
  chosen->frame_rate_numerator = asked->frame_rate_numerator;
  chosen->frame_rate_denominator = asked->frame_rate_denominator;
  return MINIAV_SUCCESS;
}

bool screen_has_region(const struct capture_request *request, MiniAVPropertyKey key) {
  return key == MINIAV_PROPERTY_REGION && request->target == REQUEST_REGION;
}

MiniAVResultCode screen_property_info(const struct capture_request *request, MiniAVPropertyKey key,
                                      MiniAVPropertyInfo *info) {
  if (!screen_has_region(request, key)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  *info = (MiniAVPropertyInfo){.key = key,
                               .type = MINIAV_PROPERTY_TYPE_RECTANGLE,
                               .flags = (uint32_t)MINIAV_PROPERTY_FLAG_READABLE |
                                        (uint32_t)MINIAV_PROPERTY_FLAG_WRITABLE};
  return MINIAV_SUCCESS;
}

void screen_region_value(const MiniAVRect *region, MiniAVPropertyValue *value) {
  value->type = MINIAV_PROPERTY_TYPE_RECTANGLE;
  value->value.rectangle = *region;
}
