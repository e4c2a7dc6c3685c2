#include "loopback/linux/stream_owner.h"

#include "common/linux/process_tree.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdio.h>
#include <string.h>

/* Whose a stream is that a client says to play for a client of PulseAudio: any can say so. 0 where
 * nobody knows whether that client is the server. */
static uint32_t pulse_owner(uint32_t server, uint32_t declared_pid, const char *declared_binary) {
  char binary[MINIAV_TEXT_BYTES];
  if (!process_binary(server, binary, sizeof binary)) {
    return 0;
  }
  if (strcmp(binary, "pipewire-pulse") != 0 && strcmp(binary, "pipewire") != 0) {
    return server;
  }
  return process_is_binary(declared_pid, declared_binary) ? declared_pid : 0;
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
  if (stream->from_pulse || client->from_pulse) {
    uint32_t pid = stream->declared_pid != 0 ? stream->declared_pid : client->declared_pid;
    owner->pid = pulse_owner(client->secure_pid, pid, declared);
  } else {
    owner->pid = client->secure_pid;
  }
  if (owner->pid == 0 || !process_binary(owner->pid, owner->binary, sizeof owner->binary)) {
    snprintf(owner->binary, sizeof owner->binary, "%s", declared);
  }
  return true;
}

#endif
