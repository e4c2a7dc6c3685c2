/*
 * The desktop portal (org.freedesktop.portal.Desktop): calls, requests with their dialogs,
 * sessions.
 *
 * One struct portal is one private connection to the session bus, used by one thread at a time: the
 * thread that calls, and between portal_watch and portal_close a thread of the portal's own.
 * Nothing here waits inside libdbus: messages are sent and read without blocking, and what waits
 * polls its cancel token and its deadline in between, so that a bus or portal that hangs holds
 * nobody up.
 *
 * A request: the portal answers a call at once with the path of a Request object, and its Response
 * signal, when the person has decided, carries the result. The path is ours to predict (a handle
 * token), so that a Response that comes before the answer is not missed. Cancelled or too late: the
 * Request is closed, which takes the dialog away.
 * https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.Request.html
 *
 * What another process sends is looked at type by type; only the portal's own connection is
 * listened to, told by its unique name.
 */
#ifndef MINIAV_COMMON_PORTAL_H
#define MINIAV_COMMON_PORTAL_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_DBUS)

#include "common/cancel.h"

#define PORTAL_MAX_STREAMS 8u

struct portal;

/* Connects to the session bus and finds the portal. NOT_SUPPORTED: no libdbus, no session bus, or
 * no portal on it; TIMEOUT, USER_CANCELLED, OUT_OF_MEMORY; each with an explanation. */
MiniAVResultCode portal_open(struct portal **portal, struct cancel *cancel);

/* Ends the session, the watch, the connection; when it returns `closed` is called no more. Within
 * 250 ms. Not on the watch's thread. NULL is fine. */
void portal_close(struct portal *portal);

/* Ends the session and the watch, and leaves the connection for another one: whom the desktop
 * trusts for as long as it stays. Otherwise as portal_close. */
void portal_end_session(struct portal *portal);
/* Between sessions: are the portal and the bus still there? */
bool portal_is_alive(struct portal *portal);

/* What the ScreenCast portal is. */
struct portal_cast_ability {
  uint32_t version;
  uint32_t source_types; /* 1 monitor, 2 window, 4 virtual */
  uint32_t cursor_modes; /* 1 hidden, 2 embedded, 4 metadata; 0 before version 2 */
};
/* NOT_SUPPORTED: there is none. */
MiniAVResultCode portal_cast_ability(struct portal *portal, struct portal_cast_ability *ability,
                                     struct cancel *cancel);

struct portal_cast_wish {
  uint32_t source_types;
  uint32_t cursor_mode;  /* one of them; from version 2 on */
  uint32_t persist_mode; /* from version 4 on, as MiniAVPersistMode */
  const char *restore_token;
  uint32_t dialog_ms; /* how long the person may take */
};

struct portal_stream {
  uint32_t node_id; /* on the connection of `fd` alone */
  uint64_t serial;  /* pipewire-serial, from version 6 on; 0: not told */
  uint32_t source_type;
  MiniAVRect rectangle; /* of the compositor's space; zeros: not told */
};

struct portal_cast {
  int fd; /* PipeWire's, the caller's to close; -1 unless SUCCESS */
  uint32_t stream_count;
  struct portal_stream streams[PORTAL_MAX_STREAMS];
  char restore_token[MINIAV_TEXT_BYTES]; /* for the next time; empty: none */
};

/* The whole way: session, choice of sources, the person's consent, the connection to PipeWire. Once
 * a session. USER_CANCELLED (by the person, or the token), PERMISSION_DENIED, NOT_SUPPORTED (a wish
 * the portal cannot meet), PORTAL_FAILED, TIMEOUT, OUT_OF_MEMORY. */
MiniAVResultCode portal_cast_start(struct portal *portal, const struct portal_cast_wish *wish,
                                   struct portal_cast *cast, struct cancel *cancel);

/* Tells once, on a thread of its own, when the session was closed from outside or the bus is gone.
 * `closed` must not wait for the thread that calls portal_close. OUT_OF_MEMORY. */
MiniAVResultCode portal_watch(struct portal *portal, void (*closed)(void *user, const char *why),
                              void *user);
/* In `closed`: was it the session alone that ended, as when the person ends the sharing? */
bool portal_closed_session(const struct portal *portal);

/* NOT_SUPPORTED: there is no Camera portal. */
MiniAVResultCode portal_camera_is_present(struct portal *portal, bool *present,
                                          struct cancel *cancel);
/* Asks the person, unless that is decided. PERMISSION_DENIED, USER_CANCELLED, and as above. */
MiniAVResultCode portal_camera_access(struct portal *portal, uint32_t dialog_ms,
                                      struct cancel *cancel);
/* After access. The caller's to close. */
MiniAVResultCode portal_camera_remote(struct portal *portal, int *fd, struct cancel *cancel);
/* What is stored for this program; UNDETERMINED: it will be asked; UNKNOWN: nobody tells, as most
 * sandboxes may not look. */
MiniAVResultCode portal_camera_permission(struct portal *portal, MiniAVPermission *permission,
                                          struct cancel *cancel);

#endif
#endif
