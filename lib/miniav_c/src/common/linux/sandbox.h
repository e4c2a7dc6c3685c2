/*
 * Whether this process runs in a sandbox, whose way to devices is the desktop's portal, and as
 * whom.
 */
#ifndef MINIAV_COMMON_SANDBOX_H
#define MINIAV_COMMON_SANDBOX_H

#include <stdbool.h>

#include "miniav_types.h"

/* A Flatpak has /.flatpak-info (flatpak-run(1)), a Snap the variable SNAP. */
bool sandbox_present(void);

/* The name by which the portal's permission store knows this program: "" outside a sandbox. False:
 * not to be known here. */
bool sandbox_application(char id[MINIAV_TEXT_BYTES]);

#endif
