/*
 * Sound beside a picture: the loopback that the library runs for a screen whose own backend brings
 * no sound (BACKEND_BRINGS_SOUND is missing, or it left audio_result at NO_BUFFER).
 *
 * What is heard: of a display or region the system's mix; of a window what its process and the
 * descendants play, from the moment they do; the system's mix for a window only when AUDIO_SOURCE
 * says so. What cannot be had is not replaced: audio_result says why, and the picture goes on.
 *
 * The loopback backend gets an `inlet` for its capture. It is a struct capture in name only: each
 * function of capture.h sees `sound_of` and does for the screen what is right for its sound.
 *
 *   deliver, count_drop             the screen's, in the lane of sound
 *   format_changed                  the audio half of the format, with the event
 *   lost                            audio_result is the reason, FORMAT_CHANGED tells it, the next
 *                                   picture is flagged; the screen itself is not lost
 *   default_moved                   DISCONTINUITY on the next sound; no event: the screen stayed
 *   set_device, property, stalled   nothing: the screen's own are meant by those
 *   slot_count, gain, chunk         those of the screen
 *
 * Invariants
 * - Two lanes, one lock: pictures and sound have a queue and a slot table each, so that a consumer
 *   that holds or misses pictures loses no sound by that, nor the other way round, and a picture
 *   that waits while nothing changes is not pushed out by sound. QUEUE_CAPACITY and QUEUE_LATEST
 *   are the pictures'; sound, whose buffers are short, has every slot of its table. A take gives
 *   what was captured first. Sequences count in each lane.
 * - Start: picture first (it may ask the user), then sound; stop: sound first. Both on the thread
 *   that is busy with the capture, without its lock, so that open, start, stop and close of the
 *   loopback backend never overlap; each stop is bounded as backend.h says.
 * - A failed sound never fails the start; a cancelled one does, and leaves neither running.
 * - `accepting` is true from just before the loopback's start until its stop or loss. After stop
 *   the loopback is closed too: the next start may want another format or target.
 * - A screen that is lost lets its sound run until stop, unheard.
 * - The inlet lives as long as the capture.
 */
#ifndef MINIAV_COMMON_SCREEN_SOUND_H
#define MINIAV_COMMON_SCREEN_SOUND_H

#include "common/capture_internal.h"

/* Whether that backend leaves the sound to the library. */
bool screen_sound_is_needed(MiniAVKind kind, const struct backend *backend);

/* Locked and busy, before a start: what the backend reads in its request, and the lane of sound.
 * audio: NULL, or what is wanted. OUT_OF_MEMORY, DEVICE_BUSY. */
MiniAVResultCode screen_sound_prepare_locked(struct capture *capture, const MiniAVAudioInfo *audio);

/* Busy, the picture runs. SUCCESS, with or without sound; USER_CANCELLED. */
MiniAVResultCode screen_sound_start(struct capture *capture, struct cancel *cancel);

/* Busy; when it returns the loopback delivers no more. */
void screen_sound_stop(struct capture *capture);

/* What the inlet of this screen is told. */
void screen_sound_lost(struct capture *capture, MiniAVResultCode reason, const char *text);
void screen_sound_format_changed(struct capture *capture, const MiniAVAudioInfo *format);
void screen_sound_moved(struct capture *capture);

#endif
