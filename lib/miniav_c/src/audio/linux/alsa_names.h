/* Which of ALSA's PCM names are microphones. */
#ifndef MINIAV_AUDIO_ALSA_NAMES_H
#define MINIAV_AUDIO_ALSA_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "miniav_types.h"

/* Whether a PCM of the hints is worth listing: the raw devices of cards, and what opens besides
 * (sound servers, a user's own PCMs); one name for each device, and no converters, no `null`, no
 * `file`. May open the PCM: may wait for a sound server. */
bool alsa_is_microphone(const char *name);

/* Can a user's name be captured from? DEVICE_NOT_FOUND: there is no such PCM, or it is none that
 * captures in real time. DEVICE_BUSY. */
MiniAVResultCode alsa_check(const char *name);

/* Another number when a card came or went since: cheap enough to ask each second. */
uint64_t alsa_cards_stamp(void);

/* libasound writes its errors to stderr; not those of the calling thread any more. */
void alsa_quiet_thread(void);

#endif
