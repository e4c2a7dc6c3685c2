#define _GNU_SOURCE
#include "support/test_backends.h"

#include <stdlib.h>

#include "miniav.h"

void use_test_backends(void) {
  static const char *const variables[] = {"MINIAV_CAMERA_BACKEND", "MINIAV_SCREEN_BACKEND",
                                          "MINIAV_AUDIO_BACKEND", "MINIAV_LOOPBACK_BACKEND"};
  for (int i = 0; i < 4; i++) {
#if defined(_WIN32)
    _putenv_s(variables[i], "test");
#else
    setenv(variables[i], "test", 1);
#endif
  }
  if (MiniAV_EnableTestDevices(1) != MINIAV_SUCCESS) {
    abort();
  }
}
