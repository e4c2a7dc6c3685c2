/* Tests of the V4L2 camera on the kernel's own test driver: `v4l2_guest NAME` runs one. */
#include "v4l2_guest.h"

int main(int count, char **arguments) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
      {"pictures", test_pictures}, {"planes", test_planes},
      {"life", test_life},         {"held", test_held},
      {"faults", test_faults},     {"dmabuf", test_dmabuf},
      {"unplug", test_unplug},     {"denied", test_denied},
      {"alsa", test_alsa},         {"properties", test_properties},
      {"pipewire", test_pipewire}, {"vgem", test_vgem},
  };
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    if (count == 2 && strcmp(arguments[1], tests[i].name) == 0) {
      tests[i].run();
      return check_report(tests[i].name);
    }
  }
  fprintf(stderr, "usage: v4l2_guest NAME\n");
  return 2;
}
