/*
 * A node of ours in PipeWire's graph that hears what is wired to it.
 *
 * It is a filter with an input port for each channel, not a stream: no session manager links a node
 * without a media class and node.autoconnect, so nothing but our own links ever reaches it. (A
 * capture stream whose target dies is linked to the default microphone by WirePlumber.) The graph
 * sums what is wired to a port, and runs at its own rate: samples are the graph's own, unconverted.
 *
 * The data thread writes each cycle once into the ring, with the time at which it was captured, or
 * is played, by the graph's clock (graph_clock.h), the rate, and whether its clock is another than
 * before.
 */
#ifndef MINIAV_COMMON_PIPEWIRE_TAP_H
#define MINIAV_COMMON_PIPEWIRE_TAP_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/graph_clock.h"
#include "common/linux/pipewire_graph.h"
#include "common/sample_ring.h"

#define TAP_CHANNELS_MAX 8u

struct tap_layout {
  uint32_t channels;
  char names[TAP_CHANNELS_MAX][16]; /* "FL", "MONO", "AUX0" */
};

struct pipewire_tap;

/* Locked, all of these. name: of the node; of_output: what is wired to it is yet to be played;
 * event_fd: an eventfd that is written when samples have come. NULL: out of memory. */
struct pipewire_tap *pipewire_tap_create(struct pw_core *core, const char *name,
                                         const struct tap_layout *layout, uint32_t rate_hz,
                                         bool of_output, int event_fd);
void pipewire_tap_cut(struct pipewire_tap *tap);     /* ends all its wires; NULL is fine */
void pipewire_tap_destroy(struct pipewire_tap *tap); /* NULL is fine */

/* Makes it hear exactly these nodes, as far as they and its own ports are there already; called
 * again at each change. True when every node is wired. */
bool pipewire_tap_wire(struct pipewire_tap *tap, const struct pipewire_graph *graph,
                       const struct pipewire_object *const *nodes, uint32_t count);

/* A port that the daemon has ended: its wires go at once. The daemon asks our node before a link
 * runs, and we answer after this: a wire that it made to the next owner of the number never sounds.
 */
void pipewire_tap_forget(struct pipewire_tap *tap, const struct pipewire_object *port);

/* The reading thread, without the lock. Records have a rate, and enum graph_cycle_flags. */
struct sample_ring *pipewire_tap_ring(struct pipewire_tap *tap);
void pipewire_tap_woken(struct pipewire_tap *tap);

#endif
#endif
