/*
 * What a PipeWire daemon says of its graph: the nodes that matter for sound and cameras, their
 * ports, links and clients, the defaults, and the rate.
 *
 * Everything here belongs to the connection's loop thread; others hold its lock. Properties of
 * nodes and clients are other programs' words: they are cut, cleaned of control characters and
 * never believed without a check.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_GRAPH_H
#define MINIAV_COMMON_PIPEWIRE_GRAPH_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_library.h"

enum pipewire_kind { PIPEWIRE_NODE, PIPEWIRE_PORT, PIPEWIRE_LINK, PIPEWIRE_CLIENT };

enum pipewire_class {
  PIPEWIRE_CLASS_OTHER,
  PIPEWIRE_CLASS_SINK,   /* Audio/Sink, Audio/Duplex: only its monitor ports are what it plays */
  PIPEWIRE_CLASS_SOURCE, /* Audio/Source, Audio/Source/Virtual */
  PIPEWIRE_CLASS_STREAM, /* Stream/Output/Audio: a program that plays */
  PIPEWIRE_CLASS_CAMERA  /* Video/Source with the role Camera */
};

struct pipewire_object {
  struct pipewire_object *next;
  struct pipewire_graph *graph;
  struct pw_proxy *proxy; /* bound for its properties; NULL for ports and links */
  struct spa_hook hook;
  enum pipewire_kind kind;
  uint32_t id;            /* used again by the daemon */
  uint64_t serial;        /* never used again */
  uint64_t object_serial; /* the daemon's own, before which 0.3.40 has none: 0 */
  bool complete;          /* its properties have come */

  /* nodes and clients */
  uint32_t client_id;
  enum pipewire_class node_class;
  bool running;
  bool has_link_group;   /* one end of a filter or loopback, not a program's own sound */
  bool from_pulse;       /* client.api: the stream came through pipewire-pulse */
  bool is_virtual;       /* node.virtual, or no device behind it */
  uint32_t declared_pid; /* application.process.id */
  uint32_t secure_pid;   /* pipewire.sec.pid: the daemon's own word */
  bool volume_known;
  bool mute;
  float volume; /* linear, the mean of the channels */
  char name[MINIAV_TEXT_BYTES];
  char description[MINIAV_TEXT_BYTES];
  char application[MINIAV_TEXT_BYTES];
  char binary[MINIAV_TEXT_BYTES];
  char icon[128];
  MiniAVFacing facing;  /* cameras */
  char device_path[32]; /* of the V4L2 device that a camera stands for, its own word; "": none */

  /* ports */
  uint32_t node_id;
  bool is_output;
  bool is_monitor; /* it gives what comes in at the same node */
  uint32_t index;
  char channel[16]; /* "FL", "MONO", "AUX0" */

  /* links */
  uint32_t output_node;
  uint32_t input_node;
};

struct pipewire_metadata {
  struct pw_proxy *proxy; /* NULL while there is none */
  struct spa_hook hook;
  uint32_t id;
};

/* Called on the loop thread. */
struct pipewire_graph_events {
  void (*touched)(void *user); /* at every single change */
  /* The daemon has ended an object and may have given its id to another one already. */
  void (*removed)(void *user, const struct pipewire_object *object);
};

struct pipewire_graph {
  struct pipewire_object *objects; /* oldest first */
  uint64_t next_serial;
  uint32_t clients_come; /* how often a client has come so far */
  struct pw_registry *registry;
  struct spa_hook registry_hook;
  struct pipewire_metadata defaults;    /* the session manager's, which may end and come back */
  struct pipewire_metadata settings;    /* the daemon's */
  char default_sink[MINIAV_TEXT_BYTES]; /* node.name; "" when there is none */
  char default_source[MINIAV_TEXT_BYTES];
  char default_camera[MINIAV_TEXT_BYTES];
  uint32_t rate_hz;
  uint32_t forced_rate_hz; /* 0: none */
  struct pipewire_graph_events events;
  void *user;
};

/* Begins to listen. */
bool pipewire_graph_begin(struct pipewire_graph *graph, struct pw_core *core,
                          const struct pipewire_graph_events *events, void *user);
void pipewire_graph_end(struct pipewire_graph *graph);

/* Asks anew for the defaults. While a client binds metadata that another client exports, as the
 * session manager does, the daemon keeps changes from all others (metadata_property in
 * src/modules/module-metadata/proxy-metadata.c, 0.3.65): what came then is only had this way. */
void pipewire_graph_refresh(struct pipewire_graph *graph);

/* NULL when there is none. */
struct pipewire_object *pipewire_graph_find(const struct pipewire_graph *graph,
                                            enum pipewire_kind kind, uint32_t id);
/* The node of that class and name. */
struct pipewire_object *pipewire_graph_node(const struct pipewire_graph *graph,
                                            enum pipewire_class node_class, const char *name);
/* The name of the default node of a class, SINK, SOURCE or CAMERA: what the session manager says
 * (of a node that was just unplugged too, until it names the next), without one any that is there,
 * else "". */
const char *pipewire_graph_default(const struct pipewire_graph *graph,
                                   enum pipewire_class node_class);
/* Is a source still the node that it was, and nothing else linked to our own one? As far as the
 * daemon lets us see. */
bool pipewire_graph_is_linked(const struct pipewire_graph *graph, uint32_t own_id, uint32_t node_id,
                              uint64_t node_serial);
/* Hertz at which the graph runs or will run. */
uint32_t pipewire_graph_rate(const struct pipewire_graph *graph);

/* The output ports of a node in the order of its channels, of a sink the monitors: the others of a
 * duplex device are its microphone. Returns how many, at most capacity. */
uint32_t pipewire_graph_outputs(const struct pipewire_graph *graph, uint32_t node_id,
                                const struct pipewire_object **ports, uint32_t capacity);

/* Whether a stream plays into a sink now. */
bool pipewire_graph_is_audible(const struct pipewire_graph *graph, uint32_t node_id);

#endif
#endif
