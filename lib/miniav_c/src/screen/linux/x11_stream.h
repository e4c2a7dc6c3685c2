/*
 * A running capture of an X server: one connection, one thread, and the consumer in its place where
 * it waits for the next picture (x11_turn.h).
 *
 * Invariants
 * - Whoever has the turn alone uses the connection between start and the end of stop; it is the
 *   thread's outside of x11_stream_drive.
 * - A guest takes the picture of a tick and nothing else: what is to be judged (changes of the
 *   source, failures, the end) it leaves to the thread, as `outcome`.
 * - `lock` guards the settings and `running`; it is never held while the server is spoken to.
 * - While nothing changes the thread sleeps in one poll without a limit. It wakes for damage, for
 *   motion of the pointer if that is shown, for changes of the source, and for x11_interrupt.
 * - Once something has changed, the server is heard only now and then until the tick (DEAF_US): the
 *   box of the damage may grow many times, and all of it counts at the tick.
 * - A change is taken at the next tick of the rate: start + n intervals, so that nothing drifts.
 * - Stop interrupts the poll; a thread that is inside libxcb (in the middle of a large reply) is
 *   freed by shutting the socket down.
 */
#ifndef MINIAV_SCREEN_X11_STREAM_H
#define MINIAV_SCREEN_X11_STREAM_H

#include "screen/frame_pace.h"
#include "screen/linux/x11_cursor.h"
#include "screen/linux/x11_source.h"
#include "screen/linux/x11_turn.h"

#if defined(MINIAV_HAVE_XCB)

#include "common/capture.h"

struct x11_stream {
  struct capture *capture;
  const struct capture_request *request;
  struct capture_format format;

  struct mutex lock; /* guards these */
  struct condition ended;
  bool running;
  bool stopping;
  double limit; /* pictures a second; 0: none */
  bool repeats;
  bool region_moved;
  MiniAVRect region;
  MiniAVRect display; /* of which the region is a part, at 0, 0 */

  struct x11_turn turn;

  /* Whose turn it is. */
  struct x11 *x11;
  struct x11_extensions extensions;
  struct x11_source source;
  struct x11_pictures pictures;
  MiniAVCursorMode cursor_mode;
  bool whole;        /* everything counts as changed */
  bool cursor_moved; /* told by an event */
  bool cursor_known; /* the next five are of the last picture */
  bool cursor_inside;
  int32_t cursor_x;
  int32_t cursor_y;
  uint32_t cursor_serial;
  MiniAVRect cursor_painted; /* width 0: nothing */
  struct block *last;        /* for repeats */
  struct frame_pace pace;
  uint32_t failures;        /* pictures in a row that could not be taken */
  uint64_t shown;           /* frames delivered */
  MiniAVResultCode outcome; /* of a guest's tick, for the thread */
};

/* Connects and begins; as x11_connect and x11_source_open. */
MiniAVResultCode x11_stream_start(struct x11_stream *stream, struct cancel *cancel);
/* Ends it: when it returns nothing is delivered any more. */
void x11_stream_stop(struct x11_stream *stream);
/* backend.drive. */
bool x11_stream_drive(struct x11_stream *stream, int64_t deadline_us);
/* Settings while it runs; the thread sees them at once. */
void x11_stream_wake(struct x11_stream *stream);

#endif
#endif
