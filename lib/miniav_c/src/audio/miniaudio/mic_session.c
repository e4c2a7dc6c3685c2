#include "audio/miniaudio/mic_session.h"

#include <stdlib.h>
#include <string.h>

#include "audio/miniaudio/mic_device.h"
#include "audio/miniaudio/mic_survey.h"
#include "audio/miniaudio/mic_watches.h"
#include "audio/miniaudio/pump.h"
#include "common/clock.h"
#include "common/log.h"

#define ANSWER_MS  3000u /* a negotiation without an answer ends then */
#define BOUND_MS   200u  /* of stop and close, which may take 250 */
#define WORK_MS    100u
#define NO_HOME_MS 3000u /* how long a capture of the default waits for there to be one */
#define RETRY_MS   100u
#define UNPACED_US 1000000
#define FRESH_US   2000000

enum phase {
  PHASE_OPENING,
  PHASE_IDLE,
  PHASE_STARTING,
  PHASE_RUNNING,
  PHASE_STOPPING,
  PHASE_ENDED /* the worker has let go of the device */
};

struct mic_session {
  struct mutex lock;
  struct condition changed; /* any of the next ones */
  enum phase phase;
  MiniAVResultCode result; /* of the last open or start */
  bool start_wanted;
  bool quit;
  bool halted; /* the capture must not be entered */
  bool inside; /* the worker is in the capture */
  bool default_told;
  char told_default[MINIAV_TEXT_BYTES];
  char opened_id[MINIAV_TEXT_BYTES]; /* what the first open found */
  uint32_t references;               /* the owner's and the worker's */

  /* fixed from open on */
  enum mic_system system;
  struct capture *capture;
  char id[MINIAV_TEXT_BYTES]; /* "": the default */
  MiniAVAudioInfo wanted;
  MiniAVAudioInfo out;
  struct wake wake;

  /* the worker's */
  struct mic_device *device; /* from open to the first start, and while it runs */
  int64_t opened_us;
  struct pump pump;
};

/* -- life ----------------------------------------------------------------------------------- */

static struct mic_session *session_create(enum mic_system system, const char *id) {
  struct mic_session *session = calloc(1, sizeof(*session));
  if (session == NULL) {
    return NULL;
  }
  if (!wake_init(&session->wake)) {
    free(session);
    return NULL;
  }
  mutex_init(&session->lock);
  condition_init(&session->changed);
  session->system = system;
  session->halted = true;
  session->references = 1;
  text_copy(session->id, sizeof(session->id), id);
  return session;
}

static void session_release(struct mic_session *session) {
  mutex_lock(&session->lock);
  bool last = --session->references == 0;
  mutex_unlock(&session->lock);
  if (last) {
    wake_destroy(&session->wake);
    condition_destroy(&session->changed);
    mutex_destroy(&session->lock);
    free(session);
  }
}

static void phase_set(struct mic_session *session, enum phase phase) {
  mutex_lock(&session->lock);
  session->phase = phase;
  condition_broadcast(&session->changed);
  mutex_unlock(&session->lock);
}

/* -- the worker and the capture ------------------------------------------------------------- */

static bool session_enter(struct mic_session *session) {
  mutex_lock(&session->lock);
  session->inside = !session->halted;
  bool entered = session->inside;
  mutex_unlock(&session->lock);
  return entered;
}

static void session_leave(struct mic_session *session) {
  mutex_lock(&session->lock);
  session->inside = false;
  condition_broadcast(&session->changed);
  mutex_unlock(&session->lock);
}

static bool is_start_wanted(struct mic_session *session) {
  mutex_lock(&session->lock);
  bool wanted = session->start_wanted && !session->quit;
  mutex_unlock(&session->lock);
  return wanted;
}

/* -- the worker and the device -------------------------------------------------------------- */

/* Opens the microphone that the session is for now: its own, or the default, which is `told` where
 * somebody knows already ("" otherwise). */
static MiniAVResultCode device_open(struct mic_session *session, const char *told) {
  char id[MINIAV_TEXT_BYTES];
  text_copy(id, sizeof(id), session->id[0] != 0 ? session->id : told);
  if (id[0] == 0) {
    MiniAVResultCode result = mic_default_id(session->system, id, NULL);
    if (result != MINIAV_SUCCESS) {
      return result;
    }
  }
  session->opened_us = clock_now_us();
  return mic_device_open(session->system, id, &session->wake, &session->device);
}

static void device_close(struct mic_session *session) {
  pump_detach(&session->pump);
  mic_device_close(session->device);
  session->device = NULL;
}

/* Starts the device and leads its samples to the pump. */
static MiniAVResultCode device_start(struct mic_session *session) {
  MiniAVAudioInfo format = mic_device_format(session->device);
  MiniAVResultCode result = pump_attach(&session->pump, mic_device_ring(session->device), &format);
  if (result == MINIAV_SUCCESS) {
    result = mic_device_start(session->device);
  }
  if (result != MINIAV_SUCCESS) {
    device_close(session);
  }
  return result;
}

/* -- running -------------------------------------------------------------------------------- */

static void lose(struct mic_session *session, const char *text) {
  if (session_enter(session)) {
    capture_lost(session->capture, MINIAV_ERROR_DEVICE_LOST, text);
    session_leave(session);
  }
  device_close(session);
}

static void tell_moved(struct mic_session *session) {
  if (session_enter(session)) {
    capture_default_moved(session->capture, mic_device_id(session->device));
    session_leave(session);
  }
}

/* The default microphone is gone or another one now: goes on with what is the default. */
static void follow_default(struct mic_session *session, const char *told) {
  device_close(session);
  int64_t deadline_us = clock_deadline_us(NO_HOME_MS);
  MiniAVResultCode result = MINIAV_ERROR_UNKNOWN;
  while (result != MINIAV_SUCCESS && is_start_wanted(session)) {
    result = device_open(session, told);
    if (result == MINIAV_SUCCESS) {
      result = device_start(session);
    }
    told = ""; /* that one has gone too */
    if (result != MINIAV_SUCCESS) {
      if (clock_now_us() >= deadline_us) {
        lose(session, "there is no default microphone any more");
        return;
      }
      wake_wait(&session->wake, RETRY_MS);
    }
  }
  if (session->device != NULL) {
    tell_moved(session);
  }
}

/* Takes what the watcher said; true when the default is another one than the device. */
static bool take_default_change(struct mic_session *session, char told[MINIAV_TEXT_BYTES]) {
  mutex_lock(&session->lock);
  memcpy(told, session->told_default, MINIAV_TEXT_BYTES);
  bool other = session->default_told && session->told_default[0] != 0 && session->device != NULL &&
               strcmp(session->told_default, mic_device_id(session->device)) != 0;
  session->default_told = false;
  mutex_unlock(&session->lock);
  return other;
}

static void on_default(void *user, uint32_t change, const char *default_id) {
  struct mic_session *session = user;
  (void)change;
  mutex_lock(&session->lock);
  session->default_told = true;
  text_copy(session->told_default, sizeof(session->told_default), default_id);
  mutex_unlock(&session->lock);
  wake_give(&session->wake);
}

/* A PCM over ALSA's `null` gives samples as fast as they are read; no clock of a sound card does.
 */
static bool is_unpaced(const struct mic_session *session, int64_t since_us) {
  double time_us =
      (double)session->pump.arrived_frames * 1e6 / mic_device_format(session->device).sample_rate;
  return time_us > 4.0 * (double)(clock_now_us() - since_us) + UNPACED_US;
}

static void work_once(struct mic_session *session) {
  if (session_enter(session)) {
    pump_run(&session->pump);
    session_leave(session);
  }
}

static void work(struct mic_session *session) {
  struct mic_device *device = NULL;
  int64_t since_us = 0;
  while (is_start_wanted(session)) {
    wake_wait(&session->wake, WORK_MS);
    work_once(session);
    if (session->device == NULL) {
      continue; /* lost: waits for the stop */
    }
    if (device != session->device) {
      device = session->device;
      since_us = clock_now_us();
    }
    bool gone = mic_device_events(device) != 0;
    char told[MINIAV_TEXT_BYTES];
    if (session->id[0] == 0 && take_default_change(session, told)) {
      follow_default(session, told);
    } else if (gone && session->id[0] == 0) {
      follow_default(session, "");
    } else if (gone) {
      lose(session, "the microphone was unplugged or its sound server ended");
    } else if (is_unpaced(session, since_us)) {
      lose(session, "this is no microphone: its samples come faster than time passes");
    }
  }
}

static MiniAVResultCode prepare_start(struct mic_session *session) {
  /* What happens to a device that does not run is not told: one that waited may be gone. */
  if (session->device != NULL && clock_now_us() - session->opened_us > FRESH_US) {
    device_close(session);
  }
  if (session->device == NULL) {
    MiniAVResultCode result = device_open(session, "");
    if (result != MINIAV_SUCCESS) {
      return result;
    }
  }
  MiniAVResultCode result = MINIAV_ERROR_USER_CANCELLED;
  if (session_enter(session)) {
    result = pump_init(&session->pump, session->capture, &session->out);
    session_leave(session);
  }
  if (result == MINIAV_SUCCESS) {
    result = device_start(session);
  }
  return result;
}

/* From a start to the stop that ends it. */
static void run(struct mic_session *session) {
  struct mic_watcher watcher = {.changed = on_default, .user = session};
  MiniAVResultCode result = prepare_start(session);
  mutex_lock(&session->lock);
  if (session->phase == PHASE_STARTING) { /* not, when a stop came meanwhile */
    session->result = result;
    session->phase = result == MINIAV_SUCCESS ? PHASE_RUNNING : PHASE_STOPPING;
    session->start_wanted = result == MINIAV_SUCCESS;
    condition_broadcast(&session->changed);
  }
  mutex_unlock(&session->lock);
  if (result == MINIAV_SUCCESS) {
    bool follows = session->id[0] == 0;
    if (follows) {
      mic_watch_begin(session->system, &watcher);
    }
    work(session);
    phase_set(session, PHASE_STOPPING);
    if (follows) {
      mic_watch_end(session->system, &watcher);
    }
  }
  device_close(session); /* nobody listens: no system shows the microphone as in use */
  pump_free(&session->pump);
}

static void session_main(void *user) {
  struct mic_session *session = user;
  MiniAVResultCode result = device_open(session, "");
  mutex_lock(&session->lock);
  session->result = result;
  if (result == MINIAV_SUCCESS) {
    MiniAVAudioInfo native = mic_device_format(session->device);
    text_copy(session->opened_id, sizeof(session->opened_id), mic_device_id(session->device));
    session->out = (MiniAVAudioInfo){
        session->wanted.sample_rate != 0 ? session->wanted.sample_rate : native.sample_rate,
        session->wanted.channel_count != 0 ? session->wanted.channel_count : native.channel_count,
        session->wanted.format != 0 ? session->wanted.format : native.format,
    };
  }
  session->phase = PHASE_IDLE;
  condition_broadcast(&session->changed);
  while (!session->quit && result == MINIAV_SUCCESS) {
    if (session->start_wanted) {
      mutex_unlock(&session->lock);
      run(session);
      mutex_lock(&session->lock);
    }
    if (session->phase != PHASE_IDLE) {
      session->phase = PHASE_IDLE;
      condition_broadcast(&session->changed);
    }
    if (!session->start_wanted && !session->quit) {
      condition_wait(&session->changed, &session->lock);
    }
  }
  mutex_unlock(&session->lock);
  mic_device_close(session->device);
  phase_set(session, PHASE_ENDED);
  session_release(session);
}

/* -- what the backends call ----------------------------------------------------------------- */

/* Under the lock: waits for the worker to leave a phase. */
static MiniAVResultCode wait_while(struct mic_session *session, enum phase phase,
                                   int64_t deadline_us, struct cancel *cancel) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  while (session->phase == phase && result == MINIAV_SUCCESS) {
    result = cancel_wait_step(cancel, &session->changed, &session->lock, deadline_us);
  }
  return result;
}

static void explain(struct mic_session *session, MiniAVResultCode result, struct cancel *cancel) {
  const char *name = session->id[0] != 0 ? session->id : "the default microphone";
  if (cancel == NULL) {
    return;
  }
  if (result == MINIAV_ERROR_TIMEOUT) {
    cancel_explain(cancel, "no answer from %s in %u s", mic_system_name(session->system),
                   ANSWER_MS / 1000u);
  } else if (result == MINIAV_ERROR_DEVICE_NOT_FOUND) {
    cancel_explain(cancel, "%.200s is not there", name);
  } else if (result == MINIAV_ERROR_DEVICE_BUSY) {
    cancel_explain(cancel, "another program holds %.200s", name);
  } else if (result != MINIAV_SUCCESS && result != MINIAV_ERROR_USER_CANCELLED) {
    cancel_explain(cancel, "%s could not open %.200s", mic_system_name(session->system), name);
  }
}

/* Creates a session and waits until its device is open; NULL and *result says why not. */
static struct mic_session *session_opened(enum mic_system system, const char *id,
                                          const MiniAVAudioInfo *wanted, struct capture *capture,
                                          MiniAVResultCode *result, struct cancel *cancel) {
  struct mic_session *session = session_create(system, id);
  if (session == NULL) {
    *result = MINIAV_ERROR_OUT_OF_MEMORY;
    return NULL;
  }
  session->wanted = *wanted;
  session->capture = capture;
  session->references = 2;
  if (!thread_start("miniav-mic", session_main, session)) {
    session->references = 1;
    session_release(session);
    *result = MINIAV_ERROR_OUT_OF_MEMORY;
    return NULL;
  }
  mutex_lock(&session->lock);
  *result = wait_while(session, PHASE_OPENING, clock_deadline_us(ANSWER_MS), cancel);
  if (*result == MINIAV_SUCCESS) {
    *result = session->result;
  }
  mutex_unlock(&session->lock);
  explain(session, *result, cancel);
  if (*result != MINIAV_SUCCESS) {
    mic_session_close(session);
    return NULL;
  }
  return session;
}

MiniAVResultCode mic_session_open(enum mic_system system, struct capture *capture,
                                  const struct capture_request *request,
                                  struct capture_format *format, struct mic_session **session,
                                  struct cancel *cancel) {
  MiniAVResultCode result = MINIAV_SUCCESS;
  *session = session_opened(system, request->device_id, &request->audio, capture, &result, cancel);
  if (*session != NULL) {
    format->audio = (*session)->out;
    capture_set_device(capture, (*session)->opened_id);
  }
  return result;
}

MiniAVResultCode mic_session_format(enum mic_system system, const char *id, MiniAVAudioInfo *format,
                                    struct cancel *cancel) {
  static const MiniAVAudioInfo native = {0};
  MiniAVResultCode result = MINIAV_SUCCESS;
  struct mic_session *session = session_opened(system, id, &native, NULL, &result, cancel);
  if (session != NULL) {
    *format = session->out;
    mic_session_close(session);
  }
  return result;
}

MiniAVResultCode mic_session_start(struct mic_session *session, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(ANSWER_MS);
  mutex_lock(&session->lock);
  MiniAVResultCode result = wait_while(session, PHASE_STOPPING, deadline_us, cancel);
  if (result == MINIAV_SUCCESS) {
    session->start_wanted = true;
    session->halted = false;
    session->default_told = false;
    session->phase = PHASE_STARTING;
    condition_broadcast(&session->changed);
    result = wait_while(session, PHASE_STARTING, deadline_us, cancel);
    if (result == MINIAV_SUCCESS) {
      result = session->result;
    }
  }
  mutex_unlock(&session->lock);
  if (result != MINIAV_SUCCESS) {
    explain(session, result, cancel);
    mic_session_stop(session);
  }
  return result;
}

void mic_session_stop(struct mic_session *session) {
  mutex_lock(&session->lock);
  session->start_wanted = false;
  session->halted = true;
  if (session->phase == PHASE_STARTING || session->phase == PHASE_RUNNING) {
    session->phase = PHASE_STOPPING;
  }
  condition_broadcast(&session->changed);
  while (session->inside) {
    condition_wait(&session->changed, &session->lock);
  }
  mutex_unlock(&session->lock);
  wake_give(&session->wake);
  int64_t deadline_us = clock_deadline_us(BOUND_MS);
  mutex_lock(&session->lock);
  while (session->phase == PHASE_STOPPING && clock_now_us() < deadline_us) {
    condition_wait_until(&session->changed, &session->lock, deadline_us);
  }
  mutex_unlock(&session->lock);
}

void mic_session_close(struct mic_session *session) {
  mutex_lock(&session->lock);
  session->quit = true;
  session->halted = true;
  condition_broadcast(&session->changed);
  int64_t deadline_us = clock_deadline_us(BOUND_MS);
  /* A device that only one may hold is free when this returns, if its system lets go in time. */
  while (session->phase != PHASE_ENDED && clock_now_us() < deadline_us) {
    condition_wait_until(&session->changed, &session->lock, deadline_us);
  }
  mutex_unlock(&session->lock);
  session_release(session);
}
