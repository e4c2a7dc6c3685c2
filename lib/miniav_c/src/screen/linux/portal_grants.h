/*
 * What people have granted to this process so far: restore tokens, by which the desktop asks nobody
 * again. Any thread. Nothing is stored beyond the process; a program keeps the token itself.
 *
 * A token is good for one use, which gives the next one: whoever comes with a used one means the
 * newest of its line. A grant that ends with the application (MINIAV_PERSIST_MODE_APPLICATION) is
 * bound to the connection to the bus that it was given to, so that connection is kept too
 * (src/session-persistence.c of xdg-desktop-portal: transient permissions belong to a sender).
 */
#ifndef MINIAV_SCREEN_PORTAL_GRANTS_H
#define MINIAV_SCREEN_PORTAL_GRANTS_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)

#include "common/backend.h"
#include "common/linux/portal.h"

struct portal_grant {
  uint32_t number; /* in its id; 0: there is none */
  bool is_window;
  MiniAVPersistMode mode;
  char token[MINIAV_TEXT_BYTES];
  MiniAVRect rectangle;  /* zeros: not told */
  MiniAVVideoInfo video; /* as it came last; zeros: not known */
};

/* The grant whose token is, or was, this one; number 0: unknown. */
struct portal_grant portal_grants_by_token(const char *token);
/* By the number in its id. */
struct portal_grant portal_grants_by_number(uint32_t number);
/* All of a kind, oldest first. */
void portal_grants_list(bool windows, struct device_list *devices);

/* The connection that goes with it, the caller's from now on; NULL: none. */
struct portal *portal_grants_take(uint32_t number);
/* Gives one back, to be kept or closed. */
void portal_grants_keep(uint32_t number, struct portal *portal);

/* What a start with the token `used` ("" : none) was given; its number. */
uint32_t portal_grants_add(const char *used, const struct portal_grant *granted);
void portal_grants_note_video(uint32_t number, const MiniAVVideoInfo *video);

#endif
#endif
