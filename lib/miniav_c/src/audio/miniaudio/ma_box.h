/* A context of miniaudio with its log, set up the same way for whoever needs one. */
#ifndef MINIAV_AUDIO_MA_BOX_H
#define MINIAV_AUDIO_MA_BOX_H

#include "audio/miniaudio/mic_system.h"
#include "audio/miniaudio/miniaudio_config.h"
#include "common/lists.h"
#include "miniav_buffer.h"

struct ma_box {
  ma_log log;
  ma_context context;
};

/* Connects; may wait for ever for a server that hangs. */
MiniAVResultCode ma_box_open(struct ma_box *box, enum mic_system system);
void ma_box_close(struct ma_box *box);

/* Bare ids as text, and back: false when it cannot be one. */
void ma_id_to_text(enum mic_system system, const ma_device_id *id, char text[MINIAV_TEXT_BYTES]);
bool ma_id_from_text(enum mic_system system, const char *text, ma_device_id *id);

MiniAVResultCode ma_result_to_code(ma_result result);
/* UNKNOWN for a format that is none of ours. */
MiniAVAudioFormat ma_format_to_format(ma_format format);

#endif
