/*
 * A running capture of a screen through the desktop portal: the person's consent, the connection to
 * PipeWire that comes with it, one stream on that.
 *
 * Invariants
 * - portal, connection and video are there from start to stop, and belong to the thread that starts
 *   and stops; with the connection's lock others reach the shape.
 * - `lock` guards what says so, and is taken last; nothing is called with it.
 * - The person ending the sharing and a compositor that ends look alike from PipeWire: the stream
 *   goes. What the portal says of it decides, for which there is a moment's time: it must not be
 *   opened again by itself where the person has ended it.
 * - Nothing runs while nothing changes: the loop thread and the portal's sleep in their polls.
 */
#ifndef MINIAV_SCREEN_PORTAL_SCREEN_H
#define MINIAV_SCREEN_PORTAL_SCREEN_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)

#include "common/linux/pipewire_connection.h"
#include "common/linux/pipewire_video.h"
#include "common/linux/portal.h"
#include "screen/linux/portal_fresh.h"
#include "screen/linux/portal_shape.h"

struct portal_screen {
  struct capture *capture;
  const struct capture_request *request;
  uint32_t source_type;
  bool makes_display;
  uint32_t grant; /* what was asked for by its id, later what was given; 0: none */

  struct mutex lock; /* guards these */
  struct condition changed;
  bool started;
  bool failed;
  bool shown;
  bool streaming;
  MiniAVResultCode failure;
  char reason[160];
  char restore_token[MINIAV_TEXT_BYTES]; /* what the last start gave; empty: nothing */
  bool token_is_known;                   /* there was one, and the user set no other since */

  /* Of the thread that sets them. */
  MiniAVRect region;
  double limit;
  bool repeats;

  struct portal *portal;
  struct pipewire_connection *connection;
  struct pipewire_video *video;
  struct portal_shape shape;
  struct portal_fresh fresh;
  struct video_modifiers modifiers; /* that the stream offers, when GPU output is wanted */
  uint32_t node_id;
  uint64_t node_serial;
  struct spa_source *loss; /* a timer */
  char loss_reason[160];
};

/* As the functions of struct backend. */
MiniAVResultCode portal_screen_start(struct portal_screen *screen, struct cancel *cancel);
void portal_screen_stop(struct portal_screen *screen);

/* Settings, at any time between open and close. INVALID_ARG. */
MiniAVResultCode portal_screen_set_region(struct portal_screen *screen, const MiniAVRect *region);
void portal_screen_set_pace(struct portal_screen *screen, double limit, bool repeats);

#endif
#endif
