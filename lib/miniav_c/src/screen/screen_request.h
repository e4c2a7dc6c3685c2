/* What every screen backend says of a request in the same words. */
#ifndef MINIAV_SCREEN_REQUEST_H
#define MINIAV_SCREEN_REQUEST_H

#include "common/capture.h"

#define SCREEN_FILTER_WINDOWS 1u /* of enumerate; 0: displays */
#define SCREEN_DEFAULT_RATE   60u
#define SCREEN_RATE_MAX       1000u

/* The rate that is asked for, where one is, instead of the source's own. FORMAT_NOT_SUPPORTED. */
MiniAVResultCode screen_choose_rate(const MiniAVVideoInfo *asked, MiniAVVideoInfo *chosen,
                                    struct cancel *cancel);

/* Is this key the region of a capture that has one? */
bool screen_has_region(const struct capture_request *request, MiniAVPropertyKey key);

/* As property_info of struct backend, for a backend whose only property with an answer is the
 * region. NOT_SUPPORTED. */
MiniAVResultCode screen_property_info(const struct capture_request *request, MiniAVPropertyKey key,
                                      MiniAVPropertyInfo *info);

void screen_region_value(const MiniAVRect *region, MiniAVPropertyValue *value);

#endif
