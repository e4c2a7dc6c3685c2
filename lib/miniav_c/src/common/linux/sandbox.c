#include "common/linux/sandbox.h"

#include <stdio.h>
#include <string.h>

#include "common/lists.h"
#include "common/platform.h"

#define FLATPAK_INFO "/.flatpak-info"
#define LINE_BYTES   1024

static bool is_snap(void) {
  char value[MINIAV_TEXT_BYTES];
  return platform_environment("SNAP", value, sizeof value) && value[0] != 0;
}

bool sandbox_present(void) {
  FILE *file = fopen(FLATPAK_INFO, "re");
  if (file != NULL) {
    fclose(file);
  }
  return file != NULL || is_snap();
}

/* The name in the section [Application]. */
static bool read_application(FILE *file, char id[MINIAV_TEXT_BYTES]) {
  char line[LINE_BYTES];
  bool in_section = false;
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\r\n")] = 0;
    if (line[0] == '[') {
      in_section = strcmp(line, "[Application]") == 0;
    } else if (in_section && strncmp(line, "name=", 5) == 0) {
      text_copy(id, MINIAV_TEXT_BYTES, line + 5);
      return id[0] != 0;
    }
  }
  return false;
}

bool sandbox_application(char id[MINIAV_TEXT_BYTES]) {
  id[0] = 0;
  FILE *file = fopen(FLATPAK_INFO, "re");
  if (file == NULL) {
    return !is_snap();
  }
  bool known = read_application(file, id);
  fclose(file);
  return known;
}
