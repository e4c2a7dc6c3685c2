#include "common/linux/pipewire_tap.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

#define PIECE_FRAMES 1024u
#define RING_MS      1000u
#define OUTPUTS_MAX  64u

/* A link of ours, from a port of somebody's to one of ours. */
struct wire {
  struct wire *next;
  struct pw_proxy *proxy;
  struct spa_hook hook;
  uint64_t output_serial;
  uint32_t input_port;
  bool wanted;
  bool gone;   /* the daemon took it away */
  bool failed; /* the daemon refused it */
};

struct pipewire_tap {
  struct pw_core *core;
  struct pw_filter *filter;
  struct spa_hook hook;
  void *ports[TAP_CHANNELS_MAX];
  struct tap_layout layout;
  struct wire *wires;
  int event_fd;
  atomic_bool woken;
  _Atomic uint32_t pauses; /* how often the graph has paused us */
  struct sample_ring *ring;
  /* the data thread's */
  bool raised;
  struct graph_clock clock;
  float piece[PIECE_FRAMES * TAP_CHANNELS_MAX];
};

/* -- data thread ---------------------------------------------------------------------------- */

static void wake(struct pipewire_tap *tap) {
  if (!atomic_exchange_explicit(&tap->woken, true, memory_order_acq_rel)) {
    uint64_t one = 1;
    ssize_t written = write(tap->event_fd, &one, sizeof one); /* never blocks: the counter is 0 */
    (void)written;
  }
}

/* The samples of a port's buffer; *frames: at most what really lies there. NULL: nothing came. */
static const float *port_samples(struct pw_buffer *buffer, uint32_t *frames) {
  if (buffer == NULL || buffer->buffer->n_datas == 0 || buffer->buffer->datas[0].data == NULL) {
    return NULL;
  }
  uint32_t room = buffer->buffer->datas[0].maxsize / (uint32_t)sizeof(float);
  *frames = *frames < room ? *frames : room;
  return buffer->buffer->datas[0].data;
}

struct inputs {
  const float *samples[TAP_CHANNELS_MAX];
  uint32_t frames[TAP_CHANNELS_MAX];
};

static void interleave(struct pipewire_tap *tap, const struct inputs *inputs, uint32_t offset,
                       uint32_t frames) {
  uint32_t channels = tap->layout.channels;
  for (uint32_t channel = 0; channel < channels; channel++) {
    const float *in = inputs->samples[channel];
    uint32_t there = in != NULL ? inputs->frames[channel] : 0;
    float *out = tap->piece + channel;
    for (uint32_t i = 0; i < frames; i++) {
      out[(size_t)i * channels] = offset + i < there ? in[offset + i] : 0.0f;
    }
  }
}

static void push_cycle(struct pipewire_tap *tap, const struct graph_cycle *cycle,
                       const struct inputs *inputs) {
  uint32_t flags = cycle->flags;
  uint64_t lost_frames = cycle->lost_frames;
  for (uint32_t done = 0; done < cycle->frames;) {
    uint32_t left = cycle->frames - done;
    uint32_t piece = left < PIECE_FRAMES ? left : PIECE_FRAMES;
    interleave(tap, inputs, done, piece);
    int64_t time_ns = cycle->start_ns + (int64_t)((uint64_t)done * 1000000000u / cycle->rate_hz);
    sample_ring_note(tap->ring, cycle->rate_hz, flags, lost_frames);
    sample_ring_push(tap->ring, tap->piece, piece, (time_ns + 500) / 1000, 0);
    flags &= ~(uint32_t)GRAPH_CYCLE_NEW; /* it is of the first piece, as is what was lost */
    lost_frames = 0;
    done += piece;
  }
}

/* Once: other processes can write there at any time. */
static struct graph_cycle_told read_clock(const volatile struct spa_io_clock *clock) {
  return (struct graph_cycle_told){.clock_id = clock->id,
                                   .rate_numerator = clock->rate.num,
                                   .rate_denominator = clock->rate.denom,
                                   .nsec = clock->nsec,
                                   .position = clock->position,
                                   .duration = clock->duration};
}

static void on_process(void *data, struct spa_io_position *position) {
  struct pipewire_tap *tap = data;
  struct pw_buffer *buffers[TAP_CHANNELS_MAX];
  struct inputs inputs;
  struct graph_cycle cycle;
  if (position == NULL) {
    return;
  }
  if (!tap->raised) {
    tap->raised = true;
    thread_raise_priority(); /* a cycle that comes too late is lost; only some users may */
  }
  const struct graph_cycle_told told = read_clock(&position->clock);
  uint32_t pauses = atomic_load_explicit(&tap->pauses, memory_order_acquire);
  bool usable = graph_clock_cycle(&tap->clock, &told, clock_now_us() * 1000, pauses, &cycle);
  for (uint32_t i = 0; i < tap->layout.channels; i++) {
    buffers[i] = pipewire.filter_dequeue_buffer(tap->ports[i]);
    inputs.frames[i] = cycle.frames;
    inputs.samples[i] = port_samples(buffers[i], &inputs.frames[i]);
  }
  if (usable) {
    push_cycle(tap, &cycle, &inputs);
  } else {
    sample_ring_note(tap->ring, 0, 0, cycle.frames);
  }
  for (uint32_t i = 0; i < tap->layout.channels; i++) {
    if (buffers[i] != NULL) {
      pipewire.filter_queue_buffer(tap->ports[i], buffers[i]);
    }
  }
  wake(tap);
}

/* Loop thread. */
static void on_state(void *data, enum pw_filter_state old, enum pw_filter_state state,
                     const char *error) {
  struct pipewire_tap *tap = data;
  (void)error;
  if (old == PW_FILTER_STATE_STREAMING && state != PW_FILTER_STATE_STREAMING) {
    atomic_fetch_add_explicit(&tap->pauses, 1, memory_order_release);
  }
}

static const struct pw_filter_events filter_events = {
    .version = PW_VERSION_FILTER_EVENTS, .state_changed = on_state, .process = on_process};

/* -- life ----------------------------------------------------------------------------------- */

static bool add_ports(struct pipewire_tap *tap) {
  for (uint32_t i = 0; i < tap->layout.channels; i++) {
    char name[32];
    snprintf(name, sizeof name, "input_%u", i);
    struct pw_properties *properties =
        pipewire.properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio", PW_KEY_PORT_NAME,
                                name, PW_KEY_AUDIO_CHANNEL, tap->layout.names[i], NULL);
    tap->ports[i] = pipewire.filter_add_port(
        tap->filter, PW_DIRECTION_INPUT, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 1, properties, NULL, 0);
    if (tap->ports[i] == NULL) {
      return false;
    }
  }
  return true;
}

struct pipewire_tap *pipewire_tap_create(struct pw_core *core, const char *name,
                                         const struct tap_layout *layout, uint32_t rate_hz,
                                         bool of_output, int event_fd) {
  struct pipewire_tap *tap = calloc(1, sizeof *tap);
  if (tap == NULL) {
    return NULL;
  }
  tap->core = core;
  tap->layout = *layout;
  tap->clock.of_output = of_output;
  tap->event_fd = event_fd;
  tap->ring = sample_ring_create((uint32_t)sizeof(float) * layout->channels,
                                 (uint32_t)((uint64_t)rate_hz * RING_MS / 1000u));
  tap->filter = pipewire.filter_new(
      core, name,
      pipewire.properties_new(PW_KEY_NODE_NAME, name, PW_KEY_NODE_DESCRIPTION, name,
                              PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Capture",
                              PW_KEY_NODE_AUTOCONNECT, "false", PW_KEY_NODE_DONT_RECONNECT, "true",
                              NULL));
  if (tap->ring == NULL || tap->filter == NULL || !add_ports(tap)) {
    pipewire_tap_destroy(tap);
    return NULL;
  }
  pipewire.filter_add_listener(tap->filter, &tap->hook, &filter_events, tap);
  if (pipewire.filter_connect(tap->filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0) < 0) {
    pipewire_tap_destroy(tap);
    return NULL;
  }
  return tap;
}

static void wire_free(struct wire *wire) {
  if (wire->proxy != NULL) {
    spa_hook_remove(&wire->hook);
    pipewire.proxy_destroy(wire->proxy);
  }
  free(wire);
}

void pipewire_tap_cut(struct pipewire_tap *tap) {
  while (tap != NULL && tap->wires != NULL) {
    struct wire *wire = tap->wires;
    tap->wires = wire->next;
    wire_free(wire);
  }
}

void pipewire_tap_destroy(struct pipewire_tap *tap) {
  if (tap == NULL) {
    return;
  }
  pipewire_tap_cut(tap);
  if (tap->filter != NULL) {
    pipewire.filter_destroy(tap->filter); /* returns when the data thread is out of it */
  }
  sample_ring_destroy(tap->ring);
  free(tap);
}

/* -- wires ---------------------------------------------------------------------------------- */

static void on_wire_removed(void *data) {
  ((struct wire *)data)->gone = true;
}

static void on_wire_error(void *data, int sequence, int result, const char *message) {
  (void)sequence;
  ((struct wire *)data)->failed = true;
  log_write(MINIAV_LOG_LEVEL_DEBUG, "pipewire", "a link was refused: %s (%d)",
            message != NULL ? message : "", result);
}

static const struct pw_proxy_events wire_events = {
    .version = PW_VERSION_PROXY_EVENTS, .removed = on_wire_removed, .error = on_wire_error};

static bool wire_make(struct pipewire_tap *tap, const struct pipewire_object *output,
                      uint32_t input_node, uint32_t input_port) {
  struct wire *wire = calloc(1, sizeof *wire);
  if (wire == NULL) {
    return false;
  }
  char numbers[4][12];
  snprintf(numbers[0], sizeof numbers[0], "%u", output->node_id);
  snprintf(numbers[1], sizeof numbers[1], "%u", output->id);
  snprintf(numbers[2], sizeof numbers[2], "%u", input_node);
  snprintf(numbers[3], sizeof numbers[3], "%u", input_port);
  const struct spa_dict_item items[] = {
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_NODE, numbers[0]),
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_PORT, numbers[1]),
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_NODE, numbers[2]),
      SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_PORT, numbers[3]),
      SPA_DICT_ITEM_INIT(PW_KEY_OBJECT_LINGER, "false"), /* ends with our connection */
  };
  const struct spa_dict properties = SPA_DICT_INIT_ARRAY(items);
  wire->output_serial = output->serial;
  wire->input_port = input_port;
  wire->wanted = true;
  wire->proxy = pw_core_create_object(tap->core, "link-factory", PW_TYPE_INTERFACE_Link,
                                      PW_VERSION_LINK, &properties, 0);
  if (wire->proxy == NULL) {
    free(wire);
    return false;
  }
  pipewire.proxy_add_listener(wire->proxy, &wire->hook, &wire_events, wire);
  wire->next = tap->wires;
  tap->wires = wire;
  return true;
}

static bool want(struct pipewire_tap *tap, const struct pipewire_object *output,
                 uint32_t input_node, uint32_t input_port) {
  for (struct wire *at = tap->wires; at != NULL; at = at->next) {
    if (at->output_serial == output->serial && at->input_port == input_port && !at->gone) {
      at->wanted = true;
      return !at->failed;
    }
  }
  return wire_make(tap, output, input_node, input_port);
}

static bool ends_with(const char *text, char end) {
  size_t length = strlen(text);
  return length > 0 && text[length - 1] == end;
}

/* Which of the tap's channels hear an output, as bits: the one of its name; mono is heard in all;
 * what the tap does not have goes to its side, or from the middle to both; LFE to none. */
static uint32_t channels_for(const struct tap_layout *layout, const struct pipewire_object *output,
                             uint32_t place, uint32_t outputs) {
  uint32_t all = (1u << layout->channels) - 1;
  if (outputs == 1) {
    return all;
  }
  for (uint32_t i = 0; i < layout->channels; i++) {
    if (output->channel[0] != 0 && strcmp(layout->names[i], output->channel) == 0) {
      return 1u << i;
    }
  }
  if (layout->channels == 1) {
    return place == 0 ? 1 : 0;
  }
  if (output->channel[0] == 0 || strncmp(output->channel, "AUX", 3) == 0) {
    return place < layout->channels ? 1u << place : 0;
  }
  if (strcmp(output->channel, "LFE") == 0) {
    return 0;
  }
  return ends_with(output->channel, 'L') ? 1u : ends_with(output->channel, 'R') ? 2u : 3u;
}

/* The ids of the tap's own ports; false while the daemon has not told all of them. */
static bool find_inputs(const struct pipewire_tap *tap, const struct pipewire_graph *graph,
                        uint32_t node_id, uint32_t ids[TAP_CHANNELS_MAX]) {
  uint32_t found = 0;
  for (const struct pipewire_object *at = graph->objects; at != NULL; at = at->next) {
    uint32_t index;
    if (at->kind == PIPEWIRE_PORT && at->node_id == node_id && !at->is_output &&
        sscanf(at->name, "input_%u", &index) == 1 && index < tap->layout.channels) {
      ids[index] = at->id;
      found++;
    }
  }
  return found == tap->layout.channels;
}

static bool wire_node(struct pipewire_tap *tap, const struct pipewire_graph *graph,
                      const struct pipewire_object *node, uint32_t own_id, const uint32_t *inputs) {
  const struct pipewire_object *outputs[OUTPUTS_MAX];
  uint32_t count = pipewire_graph_outputs(graph, node->id, outputs, OUTPUTS_MAX);
  bool wired = count > 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t channels = channels_for(&tap->layout, outputs[i], i, count);
    for (uint32_t channel = 0; channel < tap->layout.channels; channel++) {
      if ((channels >> channel & 1) != 0) {
        wired = want(tap, outputs[i], own_id, inputs[channel]) && wired;
      }
    }
  }
  return wired;
}

static void cut_unwanted(struct pipewire_tap *tap) {
  for (struct wire **at = &tap->wires; *at != NULL;) {
    struct wire *wire = *at;
    if (!wire->wanted || wire->gone) {
      *at = wire->next;
      wire_free(wire);
    } else {
      at = &wire->next;
    }
  }
}

void pipewire_tap_forget(struct pipewire_tap *tap, const struct pipewire_object *port) {
  for (struct wire *at = tap->wires; at != NULL; at = at->next) {
    at->wanted = at->output_serial != port->serial;
  }
  cut_unwanted(tap);
}

bool pipewire_tap_wire(struct pipewire_tap *tap, const struct pipewire_graph *graph,
                       const struct pipewire_object *const *nodes, uint32_t count) {
  uint32_t inputs[TAP_CHANNELS_MAX];
  uint32_t own_id = pipewire.filter_get_node_id(tap->filter);
  for (struct wire *at = tap->wires; at != NULL; at = at->next) {
    at->wanted = false;
  }
  bool wired = own_id != SPA_ID_INVALID && find_inputs(tap, graph, own_id, inputs);
  if (wired) {
    for (uint32_t i = 0; i < count; i++) {
      wired = wire_node(tap, graph, nodes[i], own_id, inputs) && wired;
    }
  }
  cut_unwanted(tap);
  return wired;
}

/* -- reading thread ------------------------------------------------------------------------- */

struct sample_ring *pipewire_tap_ring(struct pipewire_tap *tap) {
  return tap->ring;
}

void pipewire_tap_woken(struct pipewire_tap *tap) {
  atomic_exchange_explicit(&tap->woken, false, memory_order_acq_rel);
}

#endif
