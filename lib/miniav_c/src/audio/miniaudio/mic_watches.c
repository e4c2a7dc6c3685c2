#include "audio/miniaudio/mic_watches.h"

#include "audio/miniaudio/mic_survey.h"

#if MIC_HAS_PULSE
#include "audio/linux/pulse_watch.h"
#define PULSE_LOOP pulse_watch_run
#else
#define PULSE_LOOP poll_run
#endif

#define POLL_MS 1000u

static void poll_run(struct mic_watch *watch) {
  uint64_t stamp = 0;
  do {
    struct mic_list list;
    if (!mic_may_have_changed(watch->system, &stamp) && !mic_watch_has_untold(watch)) {
      continue;
    }
    MiniAVResultCode result = mic_survey_again(watch->system, &watch->last, &list);
    if (result != MINIAV_ERROR_TIMEOUT) { /* a list that does not come says nothing */
      mic_watch_compare(watch, &list);
    }
  } while (mic_watch_sleep(watch, POLL_MS));
}

static struct mic_watch watches[MIC_SYSTEMS] = {
    {.mutex = MUTEX_INITIALIZER, .system = MIC_PULSE, .loop = PULSE_LOOP},
    {.mutex = MUTEX_INITIALIZER, .system = MIC_ALSA, .loop = poll_run},
    {.mutex = MUTEX_INITIALIZER, .system = MIC_JACK, .loop = poll_run},
    {.mutex = MUTEX_INITIALIZER, .system = MIC_WASAPI, .loop = poll_run},
};

void mic_watch_begin(enum mic_system system, struct mic_watcher *watcher) {
  mic_watch_add(&watches[system], watcher);
}

void mic_watch_end(enum mic_system system, struct mic_watcher *watcher) {
  mic_watch_remove(&watches[system], watcher);
}
