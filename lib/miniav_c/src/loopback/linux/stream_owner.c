#include "loopback/linux/stream_owner.h"

#include "loopback/linux/process_tree.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdio.h>

/* Is the client's socket really the PulseAudio server's? Any client can call itself so. */
static bool is_pulse_server(uint32_t pid) {
  return process_is_binary(pid, "pipewire-pulse") || process_is_binary(pid, "pipewire");
}

static const char *first_told(const char *a, const char *b, const char *c) {
  return a[0] != 0 ? a : b[0] != 0 ? b : c;
}

bool stream_owner_find(const struct pipewire_graph *graph, const struct pipewire_object *stream,
                       struct stream_owner *owner) {
  const struct pipewire_object *client =
      pipewire_graph_find(graph, PIPEWIRE_CLIENT, stream->client_id);
  if (!stream->complete || client == NULL || !client->complete) {
    return false;
  }
  *owner = (struct stream_owner){
      .application = first_told(stream->application, client->application, ""),
      .icon = first_told(stream->icon, client->icon, ""),
  };
  const char *declared = first_told(stream->binary, client->binary, "");
  bool by_pulse = stream->from_pulse || client->from_pulse;
  if (by_pulse && is_pulse_server(client->secure_pid)) {
    uint32_t pid = stream->declared_pid != 0 ? stream->declared_pid : client->declared_pid;
    owner->pid = process_is_binary(pid, declared) ? pid : 0;
  } else {
    owner->pid = client->secure_pid;
  }
  if (owner->pid == 0 || !process_binary(owner->pid, owner->binary, sizeof owner->binary)) {
    snprintf(owner->binary, sizeof owner->binary, "%s", declared);
  }
  return true;
}

#endif
