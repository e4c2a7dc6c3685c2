#include "common/linux/xcb_library.h"

#include "common/dynlib.h"

#if defined(MINIAV_HAVE_XCB)

struct xcb_functions xcb;

/* The one place that needs a name twice, so that none can be mistyped. */
#define SYMBOL(name, need)                                                                         \
  { "xcb_" #name, offsetof(struct xcb_functions, name), need }

static const struct dynlib_symbol xcb_symbols[] = {
    SYMBOL(connect, DYNLIB_REQUIRED),        SYMBOL(connection_has_error, DYNLIB_REQUIRED),
    SYMBOL(disconnect, DYNLIB_REQUIRED),     SYMBOL(get_file_descriptor, DYNLIB_REQUIRED),
    SYMBOL(get_setup, DYNLIB_REQUIRED),      SYMBOL(generate_id, DYNLIB_REQUIRED),
    SYMBOL(take_socket, DYNLIB_REQUIRED),    SYMBOL(writev, DYNLIB_REQUIRED),
    SYMBOL(poll_for_event, DYNLIB_REQUIRED), SYMBOL(poll_for_queued_event, DYNLIB_REQUIRED),
    SYMBOL(poll_for_reply, DYNLIB_REQUIRED), SYMBOL(discard_reply, DYNLIB_REQUIRED),
};

static const char *const xcb_files[] = {"libxcb.so.1", NULL};
static struct dynlib xcb_dynlib = DYNLIB_INITIALIZER(xcb_files, xcb_symbols, &xcb);

MiniAVResultCode xcb_load(char *why, size_t why_bytes) {
  return dynlib_load(&xcb_dynlib, why, why_bytes) ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

#endif
