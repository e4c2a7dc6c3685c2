#include "screen/linux/portal_grants.h"

#if defined(MINIAV_HAVE_PIPEWIRE) && defined(MINIAV_HAVE_DBUS)

#include <stdio.h>
#include <string.h>

#include "common/lists.h"
#include "common/thread.h"

#define GRANTS_MAX 16u

struct entry {
  struct portal_grant grant;
  char first[MINIAV_TEXT_BYTES]; /* the oldest and the last token of its line that are used up */
  char previous[MINIAV_TEXT_BYTES];
  struct portal *portal;
};

static struct mutex lock = MUTEX_INITIALIZER;
static struct entry entries[GRANTS_MAX]; /* oldest first; number 0 ends them */
static uint32_t last_number;

/* Locked. */
static struct entry *find_token(const char *token) {
  for (uint32_t i = 0; token[0] != 0 && i < GRANTS_MAX && entries[i].grant.number != 0; i++) {
    if (strcmp(token, entries[i].grant.token) == 0 || strcmp(token, entries[i].previous) == 0 ||
        strcmp(token, entries[i].first) == 0) {
      return &entries[i];
    }
  }
  return NULL;
}

/* Locked. */
static struct entry *find_number(uint32_t number) {
  for (uint32_t i = 0; number != 0 && i < GRANTS_MAX; i++) {
    if (entries[i].grant.number == number) {
      return &entries[i];
    }
  }
  return NULL;
}

static struct portal_grant copy_of(const struct entry *entry) {
  return entry != NULL ? entry->grant : (struct portal_grant){.number = 0};
}

struct portal_grant portal_grants_by_token(const char *token) {
  mutex_lock(&lock);
  struct portal_grant grant = copy_of(find_token(token));
  mutex_unlock(&lock);
  return grant;
}

struct portal_grant portal_grants_by_number(uint32_t number) {
  mutex_lock(&lock);
  struct portal_grant grant = copy_of(find_number(number));
  mutex_unlock(&lock);
  return grant;
}

static void list_grant(const struct portal_grant *grant, struct device_list *devices) {
  const char *kind = grant->is_window ? "window" : "display";
  MiniAVDeviceInfo device = {.rectangle = grant->rectangle};
  snprintf(device.device_id, sizeof device.device_id, "%s/granted-%u", kind, grant->number);
  snprintf(device.name, sizeof device.name, "The %s that was allowed before (%u)", kind,
           grant->number);
  device_list_add(devices, &device);
}

void portal_grants_list(bool windows, struct device_list *devices) {
  mutex_lock(&lock);
  for (uint32_t i = 0; i < GRANTS_MAX && entries[i].grant.number != 0; i++) {
    if (entries[i].grant.is_window == windows) {
      list_grant(&entries[i].grant, devices);
    }
  }
  mutex_unlock(&lock);
}

struct portal *portal_grants_take(uint32_t number) {
  mutex_lock(&lock);
  struct entry *entry = find_number(number);
  struct portal *portal = entry != NULL ? entry->portal : NULL;
  if (entry != NULL) {
    entry->portal = NULL;
  }
  mutex_unlock(&lock);
  return portal;
}

void portal_grants_keep(uint32_t number, struct portal *portal) {
  struct portal *surplus = portal;
  mutex_lock(&lock);
  struct entry *entry = find_number(number);
  if (entry != NULL && entry->grant.mode == MINIAV_PERSIST_MODE_APPLICATION) {
    surplus = entry->portal;
    entry->portal = portal;
  }
  mutex_unlock(&lock);
  portal_close(surplus);
}

/* Locked: an entry of its own; the oldest one makes room. */
static struct entry *new_entry(struct portal **surplus) {
  uint32_t count = 0;
  while (count < GRANTS_MAX && entries[count].grant.number != 0) {
    count++;
  }
  if (count == GRANTS_MAX) {
    *surplus = entries[0].portal;
    memmove(&entries[0], &entries[1], sizeof entries - sizeof *entries);
    count--;
  }
  entries[count] = (struct entry){.grant = {.number = ++last_number}};
  return &entries[count];
}

uint32_t portal_grants_add(const char *used, const struct portal_grant *granted) {
  struct portal *surplus = NULL;
  mutex_lock(&lock);
  struct entry *entry = find_token(used);
  if (entry == NULL) {
    entry = new_entry(&surplus);
    text_copy(entry->first, sizeof entry->first, used[0] != 0 ? used : granted->token);
  }
  text_copy(entry->previous, sizeof entry->previous, used);
  uint32_t number = entry->grant.number;
  MiniAVVideoInfo video = entry->grant.video;
  entry->grant = *granted;
  entry->grant.number = number;
  entry->grant.video = video;
  mutex_unlock(&lock);
  portal_close(surplus);
  return number;
}

void portal_grants_note_video(uint32_t number, const MiniAVVideoInfo *video) {
  mutex_lock(&lock);
  struct entry *entry = find_number(number);
  if (entry != NULL) {
    entry->grant.video = *video;
  }
  mutex_unlock(&lock);
}

#endif
