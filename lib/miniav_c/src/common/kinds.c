#include "common/kinds.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "audio/audio_backend.h"
#include "camera/camera_backend.h"
#include "common/log.h"
#include "common/platform.h"
#include "loopback/loopback_backend.h"
#include "screen/screen_backend.h"

const char *kind_name(MiniAVKind kind) {
  static const char *const names[] = {"camera", "screen", "audio", "loopback"};
  return names[kind];
}

static const struct backend *const *kind_backends(MiniAVKind kind) {
  static const struct backend *const *const tables[] = {camera_backends, screen_backends,
                                                        audio_backends, loopback_backends};
  return tables[kind];
}

enum test_switch { TEST_UNKNOWN, TEST_OFF, TEST_ON };
static atomic_int test_switch = TEST_UNKNOWN;

bool test_devices_enabled(void) {
  int now = atomic_load(&test_switch);
  if (now == TEST_UNKNOWN) {
    char value[8];
    bool on =
        platform_environment("MINIAV_TEST_DEVICES", value, sizeof value) && strcmp(value, "0") != 0;
    int unknown = TEST_UNKNOWN;
    atomic_compare_exchange_strong(&test_switch, &unknown, on ? TEST_ON : TEST_OFF);
    now = atomic_load(&test_switch);
  }
  return now == TEST_ON;
}

void test_devices_enable(bool enabled) {
  atomic_store(&test_switch, enabled ? TEST_ON : TEST_OFF);
}

static const char *const backend_variables[] = {"MINIAV_CAMERA_BACKEND", "MINIAV_SCREEN_BACKEND",
                                                "MINIAV_AUDIO_BACKEND", "MINIAV_LOOPBACK_BACKEND"};

/* What MINIAV_<KIND>_BACKEND says, "" when it says nothing. */
static void forced_backend(MiniAVKind kind, char name[32]) {
  if (!platform_environment(backend_variables[kind], name, 32)) {
    name[0] = 0;
  }
}

/* `reasons` as serving_backend has them. */
static void explain_no_backend(MiniAVKind kind, const char *forced, const char *reasons,
                               struct cancel *cancel) {
  const char *colon = reasons[0] != 0 ? ": " : "";
  if (forced[0] != 0) {
    cancel_explain(cancel, "%s says \"%s\", and no backend of this name works here%s%s",
                   backend_variables[kind], forced, colon, reasons);
  } else {
    cancel_explain(cancel, "no %s backend works on this machine%s%s", kind_name(kind), colon,
                   reasons);
  }
}

/* `why` says for people why not; it may stay "". */
static MiniAVResultCode probe(MiniAVKind kind, const struct backend *backend,
                              char why[MINIAV_TEXT_BYTES]) {
  char source[32];
  why[0] = 0;
  if ((backend->flags & BACKEND_IS_TEST) != 0) {
    return test_devices_enabled() ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
  }
  MiniAVResultCode result = backend->probe == NULL ? MINIAV_SUCCESS : backend->probe(why);
  if (result != MINIAV_SUCCESS) {
    snprintf(source, sizeof source, "%s/%s", kind_name(kind), backend->name);
    log_write(MINIAV_LOG_LEVEL_DEBUG, source, "not used: %s",
              why[0] != 0 ? why : MiniAV_GetErrorString(result));
  }
  return result;
}

static bool is_meant(const struct backend *backend, const char *forced) {
  return forced[0] != 0 ? strcmp(forced, backend->name) == 0
                        : backend->is_for_this_session == NULL || backend->is_for_this_session();
}

static void add_reason(char reasons[MINIAV_TEXT_BYTES], const char *backend, const char *why) {
  size_t length = strlen(reasons);
  snprintf(reasons + length, MINIAV_TEXT_BYTES - length, "%s%s%s%s", length > 0 ? "; " : "",
           backend, why[0] != 0 ? ": " : "", why);
  reasons[text_whole(reasons, strlen(reasons))] = 0;
}

/* The real backend that serves: the first one that is meant and works. NULL when there is none, and
 * `reasons` has why each does not: "portal: …; x11: …". */
static const struct backend *serving_backend(MiniAVKind kind, const char *forced,
                                             char reasons[MINIAV_TEXT_BYTES]) {
  char why[MINIAV_TEXT_BYTES];
  reasons[0] = 0;
  for (const struct backend *const *at = kind_backends(kind); *at != NULL; at++) {
    if (((*at)->flags & BACKEND_IS_TEST) != 0 || !is_meant(*at, forced)) {
      continue;
    }
    if (probe(kind, *at, why) == MINIAV_SUCCESS) {
      return *at;
    }
    add_reason(reasons, (*at)->name, why);
  }
  return NULL;
}

static const struct backend *test_backend(MiniAVKind kind, const char *forced) {
  for (const struct backend *const *at = kind_backends(kind); *at != NULL; at++) {
    if (((*at)->flags & BACKEND_IS_TEST) != 0 && is_meant(*at, forced) && test_devices_enabled()) {
      return *at;
    }
  }
  return NULL;
}

static MiniAVResultCode enumerate_one(MiniAVKind kind, const struct backend *backend,
                                      uint32_t filter, struct device_list *list,
                                      struct cancel *cancel) {
  if (backend->enumerate == NULL) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  list->prefix = backend->name;
  list->kind = kind;
  snprintf(cancel->backend, sizeof cancel->backend, "%s", backend->name);
  return backend->enumerate(filter, list, cancel);
}

MiniAVResultCode kind_enumerate(MiniAVKind kind, uint32_t filter, void **items, uint32_t *count,
                                struct cancel *cancel) {
  char forced[32];
  char reasons[MINIAV_TEXT_BYTES];
  forced_backend(kind, forced);
  const struct backend *real = serving_backend(kind, forced, reasons);
  const struct backend *test = test_backend(kind, forced);
  struct device_list list = {0};
  MiniAVResultCode result = MINIAV_ERROR_NOT_SUPPORTED;
  if (real != NULL) {
    result = enumerate_one(kind, real, filter, &list, cancel);
  } else if (test == NULL) {
    explain_no_backend(kind, forced, reasons, cancel);
  }
  if (test != NULL && result != MINIAV_ERROR_USER_CANCELLED) {
    uint32_t real_count = list.count;
    MiniAVResultCode test_result = enumerate_one(kind, test, filter, &list, cancel);
    for (uint32_t i = real_count; real_count > 0 && i < list.count; i++) {
      list.items[i].flags &= ~(uint32_t)MINIAV_DEVICE_FLAG_DEFAULT; /* a real one is */
    }
    result = result == MINIAV_SUCCESS ? MINIAV_SUCCESS : test_result;
  }
  if (result != MINIAV_SUCCESS) {
    list.count = 0;
  }
  *items = list.items;
  MiniAVResultCode published = list_publish(items, list.count, sizeof *list.items, list.failed);
  *count = *items != NULL ? list.count : 0;
  return result != MINIAV_SUCCESS ? result : published;
}

static bool has_devices(MiniAVKind kind, const struct backend *backend, struct cancel *cancel) {
  struct device_list list = {0};
  MiniAVResultCode result = enumerate_one(kind, backend, 0, &list, cancel);
  bool found = result == MINIAV_SUCCESS && list.count > 0;
  void *items = list.items;
  list_publish(&items, 0, sizeof *list.items, false); /* frees it */
  return found;
}

static MiniAVResultCode select_default(MiniAVKind kind, const struct backend **backend,
                                       struct cancel *cancel) {
  char forced[32];
  char reasons[MINIAV_TEXT_BYTES];
  forced_backend(kind, forced);
  const struct backend *real = serving_backend(kind, forced, reasons);
  const struct backend *test = test_backend(kind, forced);
  if (real != NULL && (test == NULL || has_devices(kind, real, cancel))) {
    *backend = real;
  } else {
    *backend = test;
  }
  if (*backend == NULL) {
    explain_no_backend(kind, forced, reasons, cancel);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  return MINIAV_SUCCESS;
}

/* A window of a screen backend as a source of sound: "window/…", which every loopback backend
 * reads; else NULL. */
static const char *window_part(MiniAVKind kind, const char *device_id) {
  for (const struct backend *const *at = screen_backends;
       kind == MINIAV_KIND_LOOPBACK && *at != NULL; at++) {
    size_t length = strlen((*at)->name);
    if (strncmp(device_id, (*at)->name, length) == 0 &&
        strncmp(device_id + length, ":window/", 8) == 0) {
      return device_id + length + 1;
    }
  }
  return NULL;
}

MiniAVResultCode kind_select(MiniAVKind kind, const char *device_id, const struct backend **backend,
                             char bare_id[MINIAV_TEXT_BYTES], struct cancel *cancel) {
  MiniAVResultCode result = MINIAV_ERROR_DEVICE_NOT_FOUND;
  memset(bare_id, 0, MINIAV_TEXT_BYTES);
  *backend = NULL;
  const char *window = window_part(kind, device_id);
  if (device_id[0] == 0 || window != NULL) {
    result = select_default(kind, backend, cancel);
    memcpy(bare_id, window != NULL ? window : "", window != NULL ? strlen(window) + 1 : 1);
  }
  for (const struct backend *const *at = kind_backends(kind);
       device_id[0] != 0 && *at != NULL && *backend == NULL; at++) {
    size_t length = strlen((*at)->name);
    if (strncmp(device_id, (*at)->name, length) == 0 && device_id[length] == ':') {
      char why[MINIAV_TEXT_BYTES];
      MiniAVResultCode probed = probe(kind, *at, why);
      if (probed == MINIAV_SUCCESS) {
        *backend = *at;
        memcpy(bare_id, device_id + length + 1, strlen(device_id + length + 1) + 1);
        result = MINIAV_SUCCESS;
      } else {
        bool denied = probed == MINIAV_ERROR_PERMISSION_DENIED;
        result = denied ? probed : result;
        cancel_explain(cancel,
                       ((*at)->flags & BACKEND_IS_TEST) != 0
                           ? "test devices are off: MiniAV_EnableTestDevices or "
                             "MINIAV_TEST_DEVICES=1 turns them on"
                       : denied ? "%s does not let this user in%s%s"
                                : "%s does not work on this machine now%s%s",
                       (*at)->name, why[0] != 0 ? ": " : "", why);
      }
    }
  }
  if (*backend != NULL) {
    snprintf(cancel->backend, sizeof cancel->backend, "%s", (*backend)->name);
  } else if (cancel->explanation[0] == 0) {
    cancel_explain(cancel, "no %s has the id \"%.200s\"", kind_name(kind), device_id);
  }
  return result;
}

static MiniAVResultCode list_formats(const struct backend *backend, const char *id,
                                     struct format_list *list, struct cancel *cancel) {
  MiniAVAudioInfo format;
  if (backend->audio_format == NULL) {
    return backend->formats != NULL ? backend->formats(id, list, cancel)
                                    : MINIAV_ERROR_NOT_SUPPORTED;
  }
  MiniAVResultCode result = backend->audio_format(id, &format, cancel);
  if (result == MINIAV_SUCCESS) {
    format_list_add_audio(list, &format);
  }
  return result;
}

MiniAVResultCode kind_formats(MiniAVKind kind, const char *device_id, void **items, uint32_t *count,
                              struct cancel *cancel) {
  const struct backend *backend;
  char bare_id[MINIAV_TEXT_BYTES];
  MiniAVResultCode result = kind_select(kind, device_id, &backend, bare_id, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  struct format_list list = {0};
  result = list_formats(backend, bare_id, &list, cancel);
  *items = list.items;
  uint32_t listed = result == MINIAV_SUCCESS ? list.count : 0;
  MiniAVResultCode published = list_publish(items, listed, list.item_bytes, list.failed);
  *count = *items != NULL ? listed : 0;
  return result != MINIAV_SUCCESS ? result : published;
}

/* The sound that the library would add to a screen, if there is any. */
static void add_default_sound(struct capture_format *format, struct cancel *cancel) {
  struct capture_format sound = {.audio_result = MINIAV_ERROR_NO_BUFFER};
  if (kind_default_format(MINIAV_KIND_LOOPBACK, "", &sound, cancel) == MINIAV_SUCCESS) {
    format->audio = sound.audio;
  }
}

static MiniAVResultCode default_format(const struct backend *backend, const char *id,
                                       struct capture_format *format, struct cancel *cancel) {
  if (backend->audio_format != NULL) {
    return backend->audio_format(id, &format->audio, cancel);
  }
  return backend->default_format != NULL ? backend->default_format(id, format, cancel)
                                         : MINIAV_ERROR_NOT_SUPPORTED;
}

MiniAVResultCode kind_default_format(MiniAVKind kind, const char *device_id,
                                     struct capture_format *format, struct cancel *cancel) {
  const struct backend *backend;
  char bare_id[MINIAV_TEXT_BYTES];
  MiniAVResultCode result = kind_select(kind, device_id, &backend, bare_id, cancel);
  if (result == MINIAV_SUCCESS) {
    result = default_format(backend, bare_id, format, cancel);
  }
  bool brings_sound = kind != MINIAV_KIND_SCREEN || (backend->flags & BACKEND_BRINGS_SOUND) != 0;
  if (result == MINIAV_SUCCESS && !brings_sound) {
    add_default_sound(format, cancel);
    snprintf(cancel->backend, sizeof cancel->backend, "%s", backend->name);
  }
  return result;
}

MiniAVResultCode kind_permission(MiniAVKind kind, bool request, MiniAVPermission *permission,
                                 struct cancel *cancel) {
  const struct backend *backend;
  char bare_id[MINIAV_TEXT_BYTES];
  *permission = MINIAV_PERMISSION_UNKNOWN;
  MiniAVResultCode result = kind_select(kind, "", &backend, bare_id, cancel);
  if (result != MINIAV_SUCCESS) {
    return result;
  }
  MiniAVResultCode (*ask)(MiniAVPermission *, struct cancel *) =
      request && backend->request_permission != NULL ? backend->request_permission
                                                     : backend->permission;
  if (ask == NULL) {
    *permission = MINIAV_PERMISSION_NOT_NEEDED;
    return MINIAV_SUCCESS;
  }
  return ask(permission, cancel);
}

/* Told to watch: the test devices, the backend that serves, and those before it, whose daemon may
 * come yet. One bit a row of the table; guarded by there being one caller at a time. */
static uint32_t watching[4];

static uint32_t backends_to_watch(MiniAVKind kind) {
  char forced[32];
  char reasons[MINIAV_TEXT_BYTES];
  forced_backend(kind, forced);
  const struct backend *const *table = kind_backends(kind);
  const struct backend *serving = serving_backend(kind, forced, reasons);
  uint32_t chosen = 0;
  bool after_serving = false;
  for (uint32_t i = 0; table[i] != NULL; i++) {
    bool is_test = (table[i]->flags & BACKEND_IS_TEST) != 0;
    if (table[i]->watch != NULL && is_meant(table[i], forced) && (is_test || !after_serving)) {
      chosen |= 1u << i;
    }
    after_serving = after_serving || table[i] == serving;
  }
  return chosen;
}

void kind_watch(MiniAVKind kind, bool on) {
  const struct backend *const *table = kind_backends(kind);
  uint32_t chosen = on ? backends_to_watch(kind) : 0;
  for (uint32_t i = 0; table[i] != NULL; i++) {
    if ((chosen >> i & 1) != (watching[kind] >> i & 1)) {
      table[i]->watch((chosen >> i & 1) != 0);
    }
  }
  watching[kind] = chosen;
}
