/* Screens with sound: starts, stops, losses and destroys at once. */
#include <stdatomic.h>

#include "support/screen_sound.h"
#include "support/threads.h"

#define STRESS_CONTEXTS 2u

static _Atomic(MiniAVScreenContextHandle) stressed[STRESS_CONTEXTS];

static MiniAVScreenContextHandle stress_context(void) {
  MiniAVScreenContextHandle context = NULL;
  MiniAVVideoInfo small = video(64, 64, MINIAV_PIXEL_FORMAT_GRAY8, 240);
  CHECK_EQ(MiniAV_Screen_CreateContext(&context), MINIAV_SUCCESS);
  MiniAV_Screen_ConfigureDisplay(context, "test:display", &small);
  return context;
}

static void consume(MiniAVScreenContextHandle context) {
  MiniAVBuffer buffer;
  for (uint32_t i = 0; i < 50; i++) {
    if (MiniAV_WaitBuffer((MiniAVHandle)context, 5, &buffer) != MINIAV_SUCCESS) {
      return;
    }
    release(&buffer);
  }
}

static void replace(uint32_t at) {
  MiniAVScreenContextHandle fresh = stress_context();
  MiniAVScreenContextHandle old = atomic_exchange(&stressed[at], fresh);
  CHECK_EQ(MiniAV_Screen_DestroyContext(old), MINIAV_SUCCESS);
}

static void misbehave(uint32_t *seed) {
  static const char *const devices[] = {"test:system", "test:display"};
  const char *device = devices[random_next(seed) % 4 == 0];
  fault(device, MINIAV_TEST_FAULT_LOSE, 0);
  fault(device, MINIAV_TEST_FAULT_NONE, 0);
  fault("test:display", MINIAV_TEST_FAULT_SOUNDLESS, random_next(seed) % 8 != 0);
  if (random_next(seed) % 4 == 0) {
    fault("test:system", MINIAV_TEST_FAULT_CHANGE_FORMAT, 22050);
  }
}

static void stress(uint32_t index) {
  uint32_t seed = index + 1;
  while (!stress_over()) {
    uint32_t at = random_next(&seed) % STRESS_CONTEXTS;
    MiniAVScreenContextHandle context = atomic_load(&stressed[at]);
    MiniAVCaptureStats stats;
    switch (index == 0 ? 6 : random_next(&seed) % 6) {
    case 0:
    case 1:
      MiniAV_Screen_StartCapture(context, NULL, NULL, &wanted);
      break;
    case 2:
      MiniAV_Screen_StopCapture(context);
      break;
    case 3:
      if (MiniAV_Screen_GetStats(context, &stats) == MINIAV_SUCCESS) {
        CHECK_EQ(stats.produced, stats.delivered + stats.dropped + stats.queued);
      }
      break;
    case 4:
      if (random_next(&seed) % 4 == 0) {
        replace(at);
      }
      break;
    case 6:
      misbehave(&seed);
      MiniAV_WaitBuffer((MiniAVHandle)context, 3, &(MiniAVBuffer){0});
      break;
    default:
      consume(context);
      break;
    }
  }
}

static void test_stress(void) {
  for (uint32_t i = 0; i < STRESS_CONTEXTS; i++) {
    atomic_store(&stressed[i], stress_context());
  }
  stress_run(stress, 5, 2000);
  for (uint32_t i = 0; i < STRESS_CONTEXTS; i++) {
    CHECK_EQ(MiniAV_Screen_DestroyContext(atomic_load(&stressed[i])), MINIAV_SUCCESS);
  }
  fault("test:system", MINIAV_TEST_FAULT_NONE, 0);
  fault("test:display", MINIAV_TEST_FAULT_NONE, 0);
}

int main(void) {
  use_test_backends();
  test_stress();
  return check_report("screen_sound_stress");
}
