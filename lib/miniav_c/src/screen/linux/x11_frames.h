/*
 * What a capture of an X server delivers at a tick: a picture and what it means, or the last one
 * again. For whoever has the turn (x11_turn.h).
 */
#ifndef MINIAV_SCREEN_X11_FRAMES_H
#define MINIAV_SCREEN_X11_FRAMES_H

#include "screen/linux/x11_stream.h"

#if defined(MINIAV_HAVE_XCB)

bool x11_shows_cursor(const struct x11_stream *stream);

/* Something may be new. */
bool x11_frames_are_wanted(const struct x11_stream *stream);
/* Where nothing is, the last picture is delivered again. */
bool x11_frames_repeat(struct x11_stream *stream);

/* Does what is to be done at a tick. NO_BUFFER: every block is held; SYSTEM_CALL_FAILED: the source
 * is another one now; as x11_ask_end. */
MiniAVResultCode x11_frames_show(struct x11_stream *stream, bool repeats);

/* Something was shown, or there was nothing to show: the next tick comes after now. */
void x11_frames_pace(struct x11_stream *stream, int64_t now_us);

#endif
#endif
