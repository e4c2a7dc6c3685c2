/* The properties of a loopback capture that the sound servers of Linux have alike. No state. */
#ifndef MINIAV_LOOPBACK_LOOPBACK_PROPERTIES_H
#define MINIAV_LOOPBACK_LOOPBACK_PROPERTIES_H

#include <stdbool.h>

#include "miniav_capture.h"

/* What a backend knows of its streams; the result of asking for the volume. */
struct loopback_streams {
  bool is_per_process; /* nothing but chosen programs is heard; only then is there a volume */
  MiniAVResultCode volume_result;
  double volume;
  bool mute;
};

/* As the functions of struct backend. */
MiniAVResultCode loopback_property_info(MiniAVPropertyKey key, bool is_per_process,
                                        MiniAVPropertyInfo *info);
MiniAVResultCode loopback_get_property(MiniAVPropertyKey key,
                                       const struct loopback_streams *streams,
                                       MiniAVPropertyValue *value);

#endif
