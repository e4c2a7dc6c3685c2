/*
 * Screens through the desktop portal: the backend of Wayland sessions and sandboxes.
 *
 * What there is to capture is not told: the person chooses in the desktop's own dialog, which start
 * shows. So there is one display and one window to ask for, and what was granted before.
 */
#include "screen/screen_backend.h"

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/platform.h"
#include "screen/linux/portal_grants.h"
#include "screen/linux/portal_screen.h"
#include "screen/screen_request.h"

#define ASK_DISPLAY     "display/ask"
#define ASK_WINDOW      "window/ask"
#define VIRTUAL_DISPLAY "display/virtual"

enum source { SOURCE_NONE = 0, SOURCE_DISPLAY = 1, SOURCE_WINDOW = 2, SOURCE_VIRTUAL = 4 };

/* -- is it there ------------------------------------------------------------------------------ */

static MiniAVResultCode ability_of_portal(struct portal_cast_ability *ability,
                                          struct cancel *cancel) {
  struct portal *portal;
  MiniAVResultCode result = portal_open(&portal, cancel);
  if (result == MINIAV_SUCCESS) {
    result = portal_cast_ability(portal, ability, cancel);
    portal_close(portal);
  }
  return result;
}

static MiniAVResultCode probe(char why[MINIAV_TEXT_BYTES]) {
  struct portal_cast_ability ability;
  struct cancel cancel;
  MiniAVResultCode result = pipewire_load();
  if (result != MINIAV_SUCCESS) {
    snprintf(why, MINIAV_TEXT_BYTES, "PipeWire's library is missing");
    return result;
  }
  cancel_init(&cancel);
  result = ability_of_portal(&ability, &cancel);
  text_copy(why, MINIAV_TEXT_BYTES, cancel.explanation);
  cancel_destroy(&cancel);
  /* One that hangs is there: whoever opens is told so. */
  return result == MINIAV_ERROR_TIMEOUT ? MINIAV_SUCCESS : result;
}

static bool is_set(const char *variable) {
  char value[MINIAV_TEXT_BYTES];
  return platform_environment(variable, value, sizeof value) && value[0] != 0;
}

/* An X session has pictures of its own, and asks nobody. */
static bool is_for_this_session(void) {
  return is_set("WAYLAND_DISPLAY") || !is_set("DISPLAY");
}

/* -- lists ------------------------------------------------------------------------------------ */

static void list_ask(const char *id, const char *name, bool is_default,
                     struct device_list *devices) {
  MiniAVDeviceInfo device = {.flags = is_default ? MINIAV_DEVICE_FLAG_DEFAULT : 0u};
  snprintf(device.device_id, sizeof device.device_id, "%s", id);
  snprintf(device.name, sizeof device.name, "%s", name);
  device_list_add(devices, &device);
}

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  struct portal_cast_ability ability;
  bool windows = filter == SCREEN_FILTER_WINDOWS;
  MiniAVResultCode result = ability_of_portal(&ability, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  if (!windows && (ability.source_types & SOURCE_DISPLAY) != 0) {
    list_ask(ASK_DISPLAY, "A display, chosen in the desktop's dialog", true, devices);
  }
  if (windows && (ability.source_types & SOURCE_WINDOW) != 0) {
    list_ask(ASK_WINDOW, "A window, chosen in the desktop's dialog", false, devices);
  }
  portal_grants_list(windows, devices);
  return MINIAV_SUCCESS;
}

/* -- ids -------------------------------------------------------------------------------------- */

/* "display/granted-7" is 7; 0: it is no such id. */
static uint32_t granted_number(const char *id, const char *prefix) {
  size_t length = strlen(prefix);
  char *end = NULL;
  unsigned long number = strncmp(id, prefix, length) == 0 ? strtoul(id + length, &end, 10) : 0;
  return end != NULL && *end == 0 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static enum source read_id(const char *id, struct portal_grant *grant) {
  *grant = (struct portal_grant){.number = 0};
  if (id[0] == 0 || strcmp(id, ASK_DISPLAY) == 0) {
    return SOURCE_DISPLAY;
  }
  if (strcmp(id, ASK_WINDOW) == 0) {
    return SOURCE_WINDOW;
  }
  if (strcmp(id, VIRTUAL_DISPLAY) == 0) {
    return SOURCE_VIRTUAL;
  }
  uint32_t display = granted_number(id, "display/granted-");
  uint32_t window = granted_number(id, "window/granted-");
  *grant = portal_grants_by_number(display != 0 ? display : window);
  if (grant->number == 0 || grant->is_window != (window != 0)) {
    return SOURCE_NONE;
  }
  return window != 0 ? SOURCE_WINDOW : SOURCE_DISPLAY;
}

static MiniAVResultCode find(const char *id, enum source *source, struct portal_grant *grant,
                             struct cancel *cancel) {
  *source = read_id(id, grant);
  if (*source == SOURCE_NONE) {
    cancel_explain(cancel,
                   "the portal knows \"" ASK_DISPLAY "\", \"" ASK_WINDOW
                   "\" and what was granted before, not \"%.100s\"",
                   id);
  }
  return *source == SOURCE_NONE ? MINIAV_ERROR_DEVICE_NOT_FOUND : MINIAV_SUCCESS;
}

/* -- formats ---------------------------------------------------------------------------------- */

/* Size 0 by 0: it is known when the person has chosen. */
static MiniAVVideoInfo format_of(const struct portal_grant *grant) {
  if (grant->video.width > 0) {
    return grant->video;
  }
  return (MiniAVVideoInfo){.pixel_format = MINIAV_PIXEL_FORMAT_BGRX32,
                           .frame_rate_numerator = SCREEN_DEFAULT_RATE,
                           .frame_rate_denominator = 1};
}

static MiniAVResultCode formats(const char *id, struct format_list *list, struct cancel *cancel) {
  enum source source;
  struct portal_grant grant;
  MiniAVResultCode result = find(id, &source, &grant, cancel);
  if (result == MINIAV_SUCCESS) {
    MiniAVVideoInfo info = format_of(&grant);
    format_list_add_video(list, &info);
  }
  return result;
}

static MiniAVResultCode default_format(const char *id, struct capture_format *format,
                                       struct cancel *cancel) {
  enum source source;
  struct portal_grant grant;
  MiniAVResultCode result = find(id, &source, &grant, cancel);
  format->video = format_of(&grant);
  return result;
}

/* -- captures --------------------------------------------------------------------------------- */

static MiniAVResultCode check_settings(const struct screen_settings *settings,
                                       struct cancel *cancel) {
  if (settings->excluded_count > 0) {
    cancel_explain(cancel, "the portal leaves no windows out of the picture");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

static MiniAVResultCode check_request(const struct capture_request *request, enum source source,
                                      struct cancel *cancel) {
  struct portal_cast_ability ability;
  bool wants_window = request->target == REQUEST_WINDOW;
  if (wants_window != (source == SOURCE_WINDOW)) {
    cancel_explain(cancel, "\"%.100s\" is no %s", request->device_id,
                   wants_window ? "window" : "display");
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  MiniAVResultCode result = ability_of_portal(&ability, cancel);
  if (result == MINIAV_SUCCESS && (ability.source_types & (uint32_t)source) == 0) {
    cancel_explain(cancel, "this desktop's portal does not show that kind of source");
    result = MINIAV_ERROR_NOT_SUPPORTED;
  }
  return result;
}

static MiniAVResultCode format_to_come(const struct capture_request *request,
                                       const struct portal_grant *grant,
                                       struct capture_format *format, struct cancel *cancel) {
  MiniAVVideoInfo info = format_of(grant);
  const MiniAVVideoInfo *asked = &request->video;
  info.width = asked->width != 0 ? asked->width : info.width;
  info.height = asked->height != 0 ? asked->height : info.height;
  if (request->target == REQUEST_REGION) {
    info.width = (uint32_t)request->region.width;
    info.height = (uint32_t)request->region.height;
  }
  info.pixel_format = asked->pixel_format != 0 ? asked->pixel_format : info.pixel_format;
  info.output_preference = asked->output_preference;
  MiniAVResultCode result = screen_choose_rate(asked, &info, cancel);
  *format = (struct capture_format){.video = info, .audio_result = MINIAV_ERROR_NO_BUFFER};
  return result;
}

static MiniAVResultCode open_screen(struct capture *capture, const struct capture_request *request,
                                    struct capture_format *format, void **state,
                                    struct cancel *cancel) {
  enum source source;
  struct portal_grant grant;
  MiniAVResultCode result = check_settings(&request->screen, cancel);
  if (result == MINIAV_SUCCESS) {
    result = find(request->device_id, &source, &grant, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = check_request(request, source, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = format_to_come(request, &grant, format, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct portal_screen *screen = calloc(1, sizeof *screen);
  if (screen == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_init(&screen->lock);
  condition_init(&screen->changed);
  screen->capture = capture;
  screen->request = request;
  screen->source_type = (uint32_t)source;
  screen->makes_display = source == SOURCE_VIRTUAL && request->target == REQUEST_DISPLAY;
  screen->grant = grant.number;
  screen->region = request->region;
  if (request->device_id[0] == 0) {
    capture_set_device(capture, ASK_DISPLAY);
  }
  *state = screen;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  struct portal_screen *screen = state;
  MiniAVResultCode result = check_settings(&screen->request->screen, cancel);
  return result == MINIAV_SUCCESS ? portal_screen_start(screen, cancel) : result;
}

static void stop(void *state) {
  portal_screen_stop(state);
}

static void close_screen(void *state) {
  struct portal_screen *screen = state;
  condition_destroy(&screen->changed);
  mutex_destroy(&screen->lock);
  free(screen);
}

/* -- properties ------------------------------------------------------------------------------- */

static MiniAVResultCode property_info(void *state, MiniAVPropertyKey key,
                                      MiniAVPropertyInfo *info) {
  return screen_property_info(((struct portal_screen *)state)->request, key, info);
}

static MiniAVResultCode get_property(void *state, MiniAVPropertyKey key,
                                     MiniAVPropertyValue *value) {
  struct portal_screen *screen = state;
  MiniAVResultCode result = MINIAV_ERROR_NOT_SUPPORTED;
  mutex_lock(&screen->lock);
  if (screen_has_region(screen->request, key)) {
    screen_region_value(&screen->region, value);
    result = MINIAV_SUCCESS;
  } else if (key == MINIAV_PROPERTY_RESTORE_TOKEN && screen->token_is_known) {
    value->type = MINIAV_PROPERTY_TYPE_TEXT;
    memcpy(value->value.text, screen->restore_token, sizeof screen->restore_token);
    result = MINIAV_SUCCESS;
  }
  mutex_unlock(&screen->lock);
  return result;
}

static MiniAVResultCode set_property(void *state, MiniAVPropertyKey key,
                                     const MiniAVPropertyValue *value) {
  struct portal_screen *screen = state;
  switch (key) {
  case MINIAV_PROPERTY_REGION:
    if (!screen_has_region(screen->request, key)) {
      return MINIAV_ERROR_NOT_SUPPORTED;
    }
    return value->type == MINIAV_PROPERTY_TYPE_RECTANGLE
               ? portal_screen_set_region(screen, &value->value.rectangle)
               : MINIAV_ERROR_INVALID_ARG;
  case MINIAV_PROPERTY_FRAME_RATE_LIMIT:
    portal_screen_set_pace(screen, value->value.number, screen->repeats);
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_REPEAT_LAST_FRAME:
    portal_screen_set_pace(screen, screen->limit, value->value.integer != 0);
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_RESTORE_TOKEN:
    mutex_lock(&screen->lock);
    screen->token_is_known = false;
    mutex_unlock(&screen->lock);
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_CURSOR_MODE: /* start reads these, and refuses what cannot be */
  case MINIAV_PROPERTY_EXCLUDED_WINDOWS:
  case MINIAV_PROPERTY_PERSIST_MODE:
    return MINIAV_SUCCESS;
  default:
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
}

/* Consent is given to each capture, by its dialog or its restore token. */
static MiniAVResultCode permission(MiniAVPermission *answer, struct cancel *cancel) {
  (void)cancel;
  *answer = MINIAV_PERMISSION_UNDETERMINED;
  return MINIAV_SUCCESS;
}

const struct backend screen_portal_backend = {
    .name = "portal",
    .flags = BACKEND_SILENT_WHEN_IDLE,
    .probe = probe,
    .is_for_this_session = is_for_this_session,
    .enumerate = enumerate,
    .formats = formats,
    .default_format = default_format,
    .open = open_screen,
    .start = start,
    .stop = stop,
    .close = close_screen,
    .property_info = property_info,
    .get_property = get_property,
    .set_property = set_property,
    .permission = permission,
};

#endif
