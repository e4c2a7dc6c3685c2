/*
 * Screens of an X server: the backend.
 *
 * Pictures come in the server's own format and size, nothing is converted or scaled. Windows cannot
 * be left out: the server has one picture of all of them.
 */
#include "screen/screen_backend.h"

#if defined(MINIAV_HAVE_XCB)

#include <stdlib.h>
#include <string.h>

#include "common/linux/x11_windows.h"
#include "screen/linux/x11_stream.h"
#include "screen/linux/x11_watch.h"
#include "screen/screen_request.h"

static MiniAVResultCode probe(char why[MINIAV_TEXT_BYTES]) {
  return x11_probe(why, MINIAV_TEXT_BYTES);
}

/* -- lists ---------------------------------------------------------------------------------- */

static MiniAVResultCode list_windows(struct x11 *x11, struct device_list *devices) {
  struct x11_windows windows;
  MiniAVResultCode result = x11_windows_begin(&windows, x11);
  return result == MINIAV_SUCCESS ? x11_windows_list(&windows, false, devices) : result;
}

static MiniAVResultCode list_displays(struct x11 *x11, struct device_list *devices,
                                      struct cancel *cancel) {
  struct x11_extensions extensions;
  struct x11_displays displays;
  if (x11_is_xwayland(x11)) {
    cancel_explain(cancel, "XWayland has no picture of the desktop; the portal has");
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  MiniAVResultCode result = x11_extensions_find(x11, &extensions);
  if (result == MINIAV_SUCCESS) {
    result = x11_displays_find(x11, &extensions, &displays);
  }
  if (result == MINIAV_SUCCESS) {
    x11_displays_list(&displays, devices);
  }
  return result;
}

static MiniAVResultCode enumerate(uint32_t filter, struct device_list *devices,
                                  struct cancel *cancel) {
  struct x11 *x11;
  MiniAVResultCode result = x11_connect(X11_OPEN_MS, cancel, &x11);
  if (result == MINIAV_SUCCESS) {
    result = filter == SCREEN_FILTER_WINDOWS ? list_windows(x11, devices)
                                             : list_displays(x11, devices, cancel);
    x11_disconnect(x11);
  }
  return result;
}

/* -- formats -------------------------------------------------------------------------------- */

/* What of a request there is, and what else the source says. */
static MiniAVResultCode find(const struct capture_request *request, struct x11_source *source,
                             struct cancel *cancel) {
  struct x11 *x11;
  struct x11_extensions extensions;
  MiniAVResultCode result = x11_connect(X11_OPEN_MS, cancel, &x11);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  result = x11_extensions_find(x11, &extensions);
  if (result == MINIAV_SUCCESS) {
    result = x11_source_open(source, x11, &extensions, request, cancel);
  }
  source->x11 = NULL;
  source->extensions = NULL;
  x11_disconnect(x11);
  return result == MINIAV_ERROR_SYSTEM_CALL_FAILED ? MINIAV_ERROR_DEVICE_NOT_FOUND : result;
}

static MiniAVVideoInfo native_format(const struct x11_source *source) {
  MiniAVVideoInfo info = {.width = source->layout.width,
                          .height = source->layout.height,
                          .pixel_format = source->layout.format,
                          .frame_rate_numerator = SCREEN_DEFAULT_RATE,
                          .frame_rate_denominator = 1};
  if (source->refresh_rate_millihertz > 0) {
    info.frame_rate_numerator = source->refresh_rate_millihertz;
    info.frame_rate_denominator = 1000;
  }
  return info;
}

static MiniAVResultCode format_of_id(const char *id, MiniAVVideoInfo *info, struct cancel *cancel) {
  struct x11_source source = {0};
  struct capture_request *request = calloc(1, sizeof *request);
  if (request == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  request->target = x11_window_from_id(id) != XCB_WINDOW_NONE ? REQUEST_WINDOW : REQUEST_DISPLAY;
  text_copy(request->device_id, sizeof request->device_id, id);
  MiniAVResultCode result = find(request, &source, cancel);
  free(request);
  *info = native_format(&source);
  return result;
}

static MiniAVResultCode formats(const char *id, struct format_list *list, struct cancel *cancel) {
  MiniAVVideoInfo info;
  MiniAVResultCode result = format_of_id(id, &info, cancel);
  if (result == MINIAV_SUCCESS) {
    format_list_add_video(list, &info);
  }
  return result;
}

static MiniAVResultCode default_format(const char *id, struct capture_format *format,
                                       struct cancel *cancel) {
  return format_of_id(id, &format->video, cancel);
}

static MiniAVResultCode choose_format(const MiniAVVideoInfo *asked, const struct x11_source *source,
                                      MiniAVVideoInfo *chosen, struct cancel *cancel) {
  *chosen = native_format(source);
  bool fits = (asked->width == 0 || asked->width == chosen->width) &&
              (asked->height == 0 || asked->height == chosen->height);
  bool is_native = asked->pixel_format == MINIAV_PIXEL_FORMAT_UNKNOWN ||
                   asked->pixel_format == chosen->pixel_format;
  if (!fits) {
    cancel_explain(cancel, "it has %u x %u pixels, and is not scaled", chosen->width,
                   chosen->height);
  } else if (!is_native) {
    cancel_explain(cancel, "the X server's pixels are not converted: take the native format");
  }
  return fits && is_native ? screen_choose_rate(asked, chosen, cancel)
                           : MINIAV_ERROR_FORMAT_NOT_SUPPORTED;
}

/* -- captures ------------------------------------------------------------------------------- */

static MiniAVResultCode check_settings(const struct screen_settings *settings,
                                       struct cancel *cancel) {
  const char *wrong =
      settings->excluded_count > 0 ? "an X server cannot leave windows out of the picture"
      : settings->persist_mode != MINIAV_PERSIST_MODE_NONE || settings->restore_token[0] != 0
          ? "an X server asks nobody: there is no consent to keep"
          : NULL;
  if (wrong != NULL) {
    cancel_explain(cancel, "%s", wrong);
  }
  return wrong == NULL ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

static MiniAVResultCode open_screen(struct capture *capture, const struct capture_request *request,
                                    struct capture_format *format, void **state,
                                    struct cancel *cancel) {
  struct x11_source source = {0};
  MiniAVVideoInfo chosen;
  MiniAVResultCode result = check_settings(&request->screen, cancel);
  if (result == MINIAV_SUCCESS) {
    result = find(request, &source, cancel);
  }
  if (result == MINIAV_SUCCESS) {
    result = choose_format(&request->video, &source, &chosen, cancel);
  }
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct x11_stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  if (!x11_turn_init(&stream->turn)) {
    x11_turn_destroy(&stream->turn);
    free(stream);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_init(&stream->lock);
  condition_init(&stream->ended);
  stream->capture = capture;
  stream->request = request;
  stream->region = request->region;
  stream->display = source.display;
  *format = (struct capture_format){.video = chosen, .audio_result = MINIAV_ERROR_NO_BUFFER};
  stream->format = *format;
  if (request->device_id[0] == 0) {
    capture_set_device(capture, source.found_id);
  }
  *state = stream;
  return MINIAV_SUCCESS;
}

static MiniAVResultCode start(void *state, struct cancel *cancel) {
  struct x11_stream *stream = state;
  MiniAVResultCode result = check_settings(&stream->request->screen, cancel);
  return result == MINIAV_SUCCESS ? x11_stream_start(stream, cancel) : result;
}

static void stop(void *state) {
  x11_stream_stop(state);
}

static bool drive(void *state, int64_t deadline_us) {
  return x11_stream_drive(state, deadline_us);
}

static uint64_t window_handle(void *state) {
  const struct capture_request *request = ((struct x11_stream *)state)->request;
  return request->target == REQUEST_WINDOW ? x11_window_from_id(request->device_id) : 0;
}

static void close_screen(void *state) {
  struct x11_stream *stream = state;
  x11_turn_destroy(&stream->turn);
  condition_destroy(&stream->ended);
  mutex_destroy(&stream->lock);
  free(stream);
}

/* -- properties ----------------------------------------------------------------------------- */

static MiniAVResultCode property_info(void *state, MiniAVPropertyKey key,
                                      MiniAVPropertyInfo *info) {
  return screen_property_info(((struct x11_stream *)state)->request, key, info);
}

static MiniAVResultCode get_property(void *state, MiniAVPropertyKey key,
                                     MiniAVPropertyValue *value) {
  struct x11_stream *stream = state;
  if (!screen_has_region(stream->request, key)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  mutex_lock(&stream->lock);
  screen_region_value(&stream->region, value);
  mutex_unlock(&stream->lock);
  return MINIAV_SUCCESS;
}

static MiniAVResultCode set_region(struct x11_stream *stream, const MiniAVPropertyValue *value) {
  if (!screen_has_region(stream->request, MINIAV_PROPERTY_REGION)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  mutex_lock(&stream->lock);
  bool fits = value->type == MINIAV_PROPERTY_TYPE_RECTANGLE &&
              x11_region_fits(&value->value.rectangle, &stream->display);
  if (fits) {
    stream->region = value->value.rectangle;
    stream->region_moved = true;
  }
  mutex_unlock(&stream->lock);
  x11_stream_wake(stream);
  return fits ? MINIAV_SUCCESS : MINIAV_ERROR_INVALID_ARG;
}

static MiniAVResultCode set_property(void *state, MiniAVPropertyKey key,
                                     const MiniAVPropertyValue *value) {
  struct x11_stream *stream = state;
  switch (key) {
  case MINIAV_PROPERTY_REGION:
    return set_region(stream, value);
  case MINIAV_PROPERTY_FRAME_RATE_LIMIT:
  case MINIAV_PROPERTY_REPEAT_LAST_FRAME:
    mutex_lock(&stream->lock);
    if (key == MINIAV_PROPERTY_FRAME_RATE_LIMIT) {
      stream->limit = value->value.number;
    } else {
      stream->repeats = value->value.integer != 0;
    }
    mutex_unlock(&stream->lock);
    x11_stream_wake(stream);
    return MINIAV_SUCCESS;
  case MINIAV_PROPERTY_CURSOR_MODE: /* start reads these, and refuses what cannot be */
  case MINIAV_PROPERTY_EXCLUDED_WINDOWS:
  case MINIAV_PROPERTY_PERSIST_MODE:
  case MINIAV_PROPERTY_RESTORE_TOKEN:
    return MINIAV_SUCCESS;
  default:
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
}

const struct backend screen_x11_backend = {
    .name = "x11",
    .flags = BACKEND_SILENT_WHEN_IDLE,
    .probe = probe,
    .enumerate = enumerate,
    .formats = formats,
    .default_format = default_format,
    .open = open_screen,
    .start = start,
    .stop = stop,
    .drive = drive,
    .close = close_screen,
    .window_handle = window_handle,
    .property_info = property_info,
    .get_property = get_property,
    .set_property = set_property,
    .watch = x11_watch,
};

#endif
