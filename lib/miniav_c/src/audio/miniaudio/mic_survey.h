/* Which microphones a sound system has, and which is the default. */
#ifndef MINIAV_AUDIO_MIC_SURVEY_H
#define MINIAV_AUDIO_MIC_SURVEY_H

#include "audio/miniaudio/mic_list.h"
#include "audio/miniaudio/mic_system.h"
#include "common/cancel.h"

/* Can it serve now? SUCCESS; NOT_SUPPORTED, DEVICE_NOT_FOUND, and `why` says why not. */
MiniAVResultCode mic_probe(enum mic_system system, char why[MINIAV_TEXT_BYTES]);

/* Every microphone. Waits for at most 3 s and heeds the token (may be NULL). */
MiniAVResultCode mic_survey(enum mic_system system, struct mic_list *list, struct cancel *cancel);

/* The same again after a change: what is in `known` is not examined again. */
MiniAVResultCode mic_survey_again(enum mic_system system, const struct mic_list *known,
                                  struct mic_list *list);

/* Whether a list made now may differ from one made when this last gave true; *stamp is its memory,
 * 0 at first. Cheap. */
bool mic_may_have_changed(enum mic_system system, uint64_t *stamp);

/* The bare id of the default microphone; DEVICE_NOT_FOUND when there is none. */
MiniAVResultCode mic_default_id(enum mic_system system, char id[MINIAV_TEXT_BYTES],
                                struct cancel *cancel);

#endif
