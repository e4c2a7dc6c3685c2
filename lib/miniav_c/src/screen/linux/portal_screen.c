#include "screen/linux/portal_screen.h"

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/linux/pipewire_video_query.h"
#include "common/lists.h"
#include "screen/linux/portal_grants.h"

#define DIALOG_MS 300000u /* how long a person may take */
#define ANSWER_MS 3000u
#define FIRST_MS                                                                                   \
  1500u /* until the first picture: some compositors send none while all is still                  \
         */
#define LOSS_MS         500
#define OTHER_REASON_MS 100u
#define STREAM_NAME     "MiniAV screen"

/* -- what becomes of it ----------------------------------------------------------------------- */

/* Any thread: it is over, or start fails. The first reason counts. */
static void fail(struct portal_screen *screen, MiniAVResultCode failure, const char *reason) {
  mutex_lock(&screen->lock);
  bool is_first = !screen->failed;
  bool lost = is_first && screen->started;
  if (is_first) {
    screen->failed = true;
    screen->failure = failure;
    text_copy(screen->reason, sizeof screen->reason, reason);
  }
  condition_broadcast(&screen->changed);
  mutex_unlock(&screen->lock);
  if (lost) {
    capture_lost(screen->capture, failure, reason);
  }
}

/* A compositor that loses PipeWire closes its sessions too: then PipeWire's end is the reason, of
 * which our own connection tells in a moment. */
static void wait_for_other_reason(struct portal_screen *screen) {
  int64_t deadline_us = clock_deadline_us(OTHER_REASON_MS);
  mutex_lock(&screen->lock);
  while (screen->started && !screen->failed &&
         condition_wait_until(&screen->changed, &screen->lock, deadline_us)) {
  }
  mutex_unlock(&screen->lock);
}

/* The portal's thread. */
static void on_session_closed(void *user, const char *why) {
  struct portal_screen *screen = user;
  bool by_person = portal_closed_session(screen->portal);
  if (by_person) {
    wait_for_other_reason(screen);
  }
  fail(screen, by_person ? MINIAV_ERROR_USER_CANCELLED : MINIAV_ERROR_DEVICE_LOST, why);
}

/* Loop thread: the stream is gone; why, the portal may yet tell. */
static void lose(struct portal_screen *screen, const char *reason) {
  struct timespec wait = {.tv_nsec = LOSS_MS * 1000000};
  if (screen->loss_reason[0] == 0) {
    text_copy(screen->loss_reason, sizeof screen->loss_reason, reason);
    pw_loop_update_timer(pipewire_loop_of(screen->connection), screen->loss, &wait, NULL, false);
  }
}

static void on_loss(void *user, uint64_t expirations) {
  (void)expirations;
  struct portal_screen *screen = user;
  fail(screen, MINIAV_ERROR_DEVICE_LOST, screen->loss_reason);
}

/* Loop thread. */
static void on_video_changed(void *user) {
  struct portal_screen *screen = user;
  const char *reason = "";
  if (screen->video == NULL) {
    return; /* it is being made, or unmade */
  }
  enum pipewire_video_phase phase = pipewire_video_phase_of(screen->video);
  MiniAVResultCode failure = pipewire_video_failure(screen->video, &reason);
  if (phase == PIPEWIRE_VIDEO_FAILED && failure == MINIAV_ERROR_DEVICE_LOST) {
    lose(screen, reason);
  } else if (phase == PIPEWIRE_VIDEO_FAILED) {
    fail(screen, failure, reason);
  }
  mutex_lock(&screen->lock);
  screen->streaming = phase == PIPEWIRE_VIDEO_STREAMING;
  condition_broadcast(&screen->changed);
  mutex_unlock(&screen->lock);
}

/* Loop thread. */
static bool is_right(void *user, uint32_t own_id) {
  struct portal_screen *screen = user;
  return pipewire_graph_is_linked(pipewire_graph_of(screen->connection), own_id, screen->node_id,
                                  screen->node_serial);
}

static void on_graph_changed(void *user) {
  struct portal_screen *screen = user;
  if (screen->video == NULL) {
    return; /* also while it connects, when there is no connection to look at */
  }
  const struct pipewire_object *node =
      pipewire_graph_find(pipewire_graph_of(screen->connection), PIPEWIRE_NODE, screen->node_id);
  if (node == NULL || node->serial != screen->node_serial) {
    lose(screen, "the desktop ended the stream");
  }
}

static void on_daemon_lost(void *user, const char *reason) {
  fail(user, MINIAV_ERROR_DEVICE_LOST, reason);
}

static void on_shown(void *user) {
  struct portal_screen *screen = user;
  mutex_lock(&screen->lock);
  screen->shown = true;
  condition_broadcast(&screen->changed);
  mutex_unlock(&screen->lock);
}

static void on_format(void *user, const MiniAVVideoInfo *info) {
  struct portal_screen *screen = user;
  portal_shape_format(&screen->shape, info);
  portal_fresh_streaming(&screen->fresh);
}

static void on_frame(void *user, const struct capture_frame *frame) {
  struct portal_screen *screen = user;
  bool is_same = portal_fresh_doubts(&screen->fresh) && portal_shape_is_same(&screen->shape, frame);
  portal_fresh_frame(&screen->fresh, &frame->buffer, is_same);
  if (is_same) {
    portal_shape_give_back(frame);
  } else {
    portal_shape_frame(&screen->shape, frame);
  }
}

static void on_refused(void *user, MiniAVResultCode why, const char *text) {
  fail(user, why, text);
}

/* -- consent ---------------------------------------------------------------------------------- */

/* The token to come with: the last one that was given, unless the user has another; and the grant
 * that it belongs to. */
static struct portal_grant grant_to_use(struct portal_screen *screen, char token[]) {
  const struct screen_settings *settings = &screen->request->screen;
  mutex_lock(&screen->lock);
  bool own = screen->token_is_known && screen->restore_token[0] != 0;
  text_copy(token, MINIAV_TEXT_BYTES, own ? screen->restore_token : settings->restore_token);
  mutex_unlock(&screen->lock);
  struct portal_grant grant = token[0] == 0 && screen->grant != 0
                                  ? portal_grants_by_number(screen->grant)
                                  : portal_grants_by_token(token);
  if (grant.number != 0) {
    text_copy(token, MINIAV_TEXT_BYTES, grant.token);
  }
  return grant;
}

static MiniAVResultCode reach_portal(struct portal_screen *screen, uint32_t grant,
                                     struct cancel *cancel) {
  screen->portal = portal_grants_take(grant);
  if (screen->portal != NULL && !portal_is_alive(screen->portal)) {
    portal_close(screen->portal);
    screen->portal = NULL;
  }
  return screen->portal != NULL ? MINIAV_SUCCESS : portal_open(&screen->portal, cancel);
}

static uint32_t cursor_mode_of(MiniAVCursorMode mode) {
  return mode == MINIAV_CURSOR_MODE_HIDDEN ? 1u : mode == MINIAV_CURSOR_MODE_EMBEDDED ? 2u : 4u;
}

static void note_grant(struct portal_screen *screen, const char *used, MiniAVPersistMode mode,
                       const struct portal_cast *cast) {
  mutex_lock(&screen->lock);
  text_copy(screen->restore_token, sizeof screen->restore_token, cast->restore_token);
  screen->token_is_known = true;
  mutex_unlock(&screen->lock);
  if (cast->restore_token[0] != 0) {
    struct portal_grant granted = {.is_window = screen->request->target == REQUEST_WINDOW,
                                   .mode = mode,
                                   .rectangle = cast->streams[0].rectangle};
    text_copy(granted.token, sizeof granted.token, cast->restore_token);
    screen->grant = portal_grants_add(used, &granted);
  }
}

static MiniAVResultCode ask(struct portal_screen *screen, struct portal_cast *cast,
                            struct cancel *cancel) {
  const struct screen_settings *settings = &screen->request->screen;
  char token[MINIAV_TEXT_BYTES];
  struct portal_grant grant = grant_to_use(screen, token);
  MiniAVPersistMode mode = settings->persist_mode == MINIAV_PERSIST_MODE_NONE && screen->grant != 0
                               ? grant.mode
                               : settings->persist_mode;
  const struct portal_cast_wish wish = {.source_types = screen->source_type,
                                        .cursor_mode = cursor_mode_of(settings->cursor_mode),
                                        .persist_mode = (uint32_t)mode,
                                        .restore_token = token,
                                        .dialog_ms = DIALOG_MS};
  MiniAVResultCode result = reach_portal(screen, grant.number, cancel);
  if (result == MINIAV_SUCCESS) {
    result = portal_cast_start(screen->portal, &wish, cast, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    note_grant(screen, token, mode, cast);
  }
  return result;
}

/* -- the stream ------------------------------------------------------------------------------- */

/* What the compositor need not send more of; it is held to that here as well. The limit alone may
 * be raised while it runs. */
static struct spa_fraction most_of(const struct portal_screen *screen) {
  const MiniAVVideoInfo *asked = &screen->request->video;
  return SPA_FRACTION(asked->frame_rate_numerator, asked->frame_rate_denominator);
}

static bool wants_gpu(const struct portal_screen *screen) {
  return screen->request->video.output_preference == MINIAV_OUTPUT_PREFERENCE_GPU;
}

/* Which layouts of GPU memory there are to ask for. */
static MiniAVResultCode ask_modifiers(struct portal_screen *screen, uint32_t node_id,
                                      struct cancel *cancel) {
  struct video_offers offers = {.modifiers = &screen->modifiers};
  screen->modifiers = (struct video_modifiers){.count = 0};
  MiniAVResultCode result =
      pipewire_video_query(screen->connection, node_id, &offers, ANSWER_MS, cancel);
  free(offers.items);
  return result;
}

/* A display that is made for this capture has the size that is asked for. */
static MiniAVVideoInfo exact_wish(const struct portal_screen *screen) {
  const MiniAVVideoInfo *asked = &screen->request->video;
  MiniAVVideoInfo exact = {.pixel_format = asked->pixel_format,
                           .output_preference = asked->output_preference};
  if (screen->makes_display) {
    exact.width = asked->width;
    exact.height = asked->height;
  }
  return exact;
}

/* Locked. */
static MiniAVResultCode begin_stream(struct portal_screen *screen,
                                     const struct portal_stream *stream, struct cancel *cancel) {
  struct pw_loop *loop = pipewire_loop_of(screen->connection);
  const struct pipewire_object *node =
      pipewire_graph_find(pipewire_graph_of(screen->connection), PIPEWIRE_NODE, stream->node_id);
  /* Numbers of nodes are used again, the daemon's serials are not. */
  bool is_other = node != NULL && stream->serial != 0 && node->object_serial != 0 &&
                  stream->serial != node->object_serial;
  if (node == NULL || is_other) {
    cancel_explain(cancel, "the desktop portal's stream is not there");
    return MINIAV_ERROR_PORTAL_FAILED;
  }
  screen->node_id = stream->node_id;
  screen->node_serial = node->serial;
  screen->loss_reason[0] = 0;
  screen->loss = pw_loop_add_timer(loop, on_loss, screen);
  if (screen->loss == NULL || portal_shape_begin(&screen->shape, loop) != MINIAV_SUCCESS ||
      portal_fresh_begin(&screen->fresh, loop) != MINIAV_SUCCESS) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  const struct screen_settings *settings = &screen->request->screen;
  const struct pipewire_video_setup setup = {
      .core = pipewire_core_of(screen->connection),
      .loop = loop,
      .capture = screen->capture,
      .name = STREAM_NAME,
      .role = "Screen",
      .wants_damage = true,
      .wants_cursor = settings->cursor_mode == MINIAV_CURSOR_MODE_METADATA,
      .wants_gpu = wants_gpu(screen),
      .modifiers = &screen->modifiers,
      .node_id = stream->node_id,
      .wanted = {.pixel_format = screen->request->video.pixel_format},
      .exact = exact_wish(screen),
      .most = most_of(screen),
      .is_right = is_right,
      .changed = on_video_changed,
      .format = on_format,
      .deliver = on_frame,
      .shape = screen,
      .user = screen};
  screen->video = pipewire_video_create(&setup);
  if (screen->video == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  screen->fresh.video = screen->video;
  if (pipewire_video_phase_of(screen->video) == PIPEWIRE_VIDEO_FAILED) {
    on_video_changed(screen); /* at once, when nobody could be told yet */
  }
  return MINIAV_SUCCESS;
}

/* Until that is true; waits under nothing. */
static MiniAVResultCode wait_for(struct portal_screen *screen, const bool *what,
                                 uint32_t timeout_ms, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  MiniAVResultCode result = MINIAV_SUCCESS;
  mutex_lock(&screen->lock);
  while (!*what && !screen->failed && result == MINIAV_SUCCESS) {
    result = cancel_wait_step(cancel, &screen->changed, &screen->lock, deadline_us);
  }
  if (screen->failed) {
    result = screen->failure;
    cancel_explain(cancel, "%s", screen->reason);
  }
  mutex_unlock(&screen->lock);
  return result;
}

/* The size is known with the first picture; where none comes, it is the stream's. */
static MiniAVResultCode wait_first(struct portal_screen *screen, struct cancel *cancel) {
  MiniAVResultCode result = wait_for(screen, &screen->streaming, ANSWER_MS, cancel);
  if (result == MINIAV_ERROR_TIMEOUT) {
    cancel_explain(cancel, "the desktop's stream did not begin in %u ms", ANSWER_MS);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = wait_for(screen, &screen->shown, FIRST_MS, cancel);
  if (result == MINIAV_ERROR_TIMEOUT) {
    pipewire_lock(screen->connection);
    portal_shape_tell(&screen->shape);
    pipewire_unlock(screen->connection);
    result = MINIAV_SUCCESS;
  }
  mutex_lock(&screen->lock);
  if (result == MINIAV_SUCCESS && screen->failed) {
    result = screen->failure;
    cancel_explain(cancel, "%s", screen->reason);
  }
  screen->started = result == MINIAV_SUCCESS;
  mutex_unlock(&screen->lock);
  return result;
}

static MiniAVResultCode connect_stream(struct portal_screen *screen, struct portal_cast *cast,
                                       struct cancel *cancel) {
  const struct pipewire_listener listener = {on_graph_changed, on_daemon_lost, screen, NULL};
  MiniAVResultCode result =
      pipewire_connect_fd(cast->fd, &listener, ANSWER_MS, cancel, &screen->connection);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  const struct portal_stream *stream = &cast->streams[0];
  if (wants_gpu(screen)) {
    result = ask_modifiers(screen, stream->node_id, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  pipewire_lock(screen->connection);
  result = begin_stream(screen, stream, cancel);
  pipewire_unlock(screen->connection);
  return result;
}

/* -- life ------------------------------------------------------------------------------------- */

static void prepare(struct portal_screen *screen) {
  const struct capture_request *request = screen->request;
  mutex_lock(&screen->lock);
  screen->started = screen->failed = screen->shown = screen->streaming = false;
  mutex_unlock(&screen->lock);
  screen->limit = request->screen.frame_rate_limit;
  screen->repeats = request->screen.repeat_last_frame != 0;
  screen->shape = (struct portal_shape){.capture = screen->capture,
                                        .wanted = request->video,
                                        .has_region = request->target == REQUEST_REGION,
                                        .region = screen->region,
                                        .limit = screen->limit,
                                        .repeats = screen->repeats,
                                        .shown = on_shown,
                                        .refused = on_refused,
                                        .user = screen};
}

static void end_stream(struct portal_screen *screen) {
  mutex_lock(&screen->lock);
  screen->started = false;
  condition_broadcast(&screen->changed);
  mutex_unlock(&screen->lock);
  if (screen->connection != NULL) {
    pipewire_lock(screen->connection);
    struct pipewire_video *video = screen->video;
    screen->video = NULL;
    pipewire_video_destroy(video);
    portal_fresh_end(&screen->fresh);
    portal_shape_end(&screen->shape);
    if (screen->loss != NULL) {
      pw_loop_destroy_source(pipewire_loop_of(screen->connection), screen->loss);
      screen->loss = NULL;
    }
    pipewire_unlock(screen->connection);
    pipewire_disconnect(screen->connection);
    screen->connection = NULL;
  }
}

MiniAVResultCode portal_screen_start(struct portal_screen *screen, struct cancel *cancel) {
  struct portal_cast cast;
  prepare(screen);
  MiniAVResultCode result = ask(screen, &cast, cancel);
  if (result == MINIAV_SUCCESS) {
    result = connect_stream(screen, &cast, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = portal_watch(screen->portal, on_session_closed, screen);
  }
  if (result == MINIAV_SUCCESS) {
    result = wait_first(screen, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    end_stream(screen);
    portal_close(screen->portal);
    screen->portal = NULL;
    return result;
  }
  pipewire_lock(screen->connection);
  MiniAVVideoInfo video = screen->shape.told.video;
  pipewire_unlock(screen->connection);
  portal_grants_note_video(screen->grant, &video);
  return MINIAV_SUCCESS;
}

void portal_screen_stop(struct portal_screen *screen) {
  struct portal *portal = screen->portal;
  end_stream(screen);
  if (portal != NULL) {
    portal_end_session(portal);
    screen->portal = NULL;
    portal_grants_keep(screen->grant, portal);
  }
}

/* -- settings --------------------------------------------------------------------------------- */

MiniAVResultCode portal_screen_set_region(struct portal_screen *screen, const MiniAVRect *region) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  if (screen->connection != NULL) {
    pipewire_lock(screen->connection);
    result = portal_shape_set_region(&screen->shape, region);
    pipewire_unlock(screen->connection);
  }
  screen->region = result == MINIAV_SUCCESS ? *region : screen->region;
  return result;
}

void portal_screen_set_pace(struct portal_screen *screen, double limit, bool repeats) {
  screen->limit = limit;
  screen->repeats = repeats;
  if (screen->connection != NULL) {
    pipewire_lock(screen->connection);
    portal_shape_set_pace(&screen->shape, limit, repeats);
    pipewire_unlock(screen->connection);
  }
}

#endif
