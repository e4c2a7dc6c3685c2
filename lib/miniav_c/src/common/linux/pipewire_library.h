/* libpipewire, opened at run time and typed from its own headers. From 0.3.40 on; what is younger
 * is optional. */
#ifndef MINIAV_COMMON_PIPEWIRE_LIBRARY_H
#define MINIAV_COMMON_PIPEWIRE_LIBRARY_H

#include "miniav_types.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

#if defined(__clang__)
/* Most of PipeWire's API are macros that call through tables, as GNU statement expressions. */
#pragma clang diagnostic ignored "-Wgnu-statement-expression"
#endif

struct pipewire_functions {
  __typeof__(&pw_init) init;
  __typeof__(&pw_get_library_version) get_library_version;
  __typeof__(&pw_thread_loop_new) thread_loop_new;
  __typeof__(&pw_thread_loop_destroy) thread_loop_destroy;
  __typeof__(&pw_thread_loop_get_loop) thread_loop_get_loop;
  __typeof__(&pw_thread_loop_start) thread_loop_start;
  __typeof__(&pw_thread_loop_stop) thread_loop_stop;
  __typeof__(&pw_thread_loop_lock) thread_loop_lock;
  __typeof__(&pw_thread_loop_unlock) thread_loop_unlock;
  __typeof__(&pw_context_new) context_new;
  __typeof__(&pw_context_destroy) context_destroy;
  __typeof__(&pw_context_connect) context_connect;
  __typeof__(&pw_context_connect_fd) context_connect_fd;
  __typeof__(&pw_context_get_data_loop) context_get_data_loop;
  __typeof__(&pw_data_loop_invoke) data_loop_invoke;
  __typeof__(&pw_core_disconnect) core_disconnect;
  __typeof__(&pw_proxy_destroy) proxy_destroy;
  __typeof__(&pw_proxy_add_listener) proxy_add_listener;
  __typeof__(&pw_properties_new) properties_new;
  __typeof__(&pw_properties_free) properties_free;
  __typeof__(&pw_filter_new) filter_new;
  __typeof__(&pw_filter_destroy) filter_destroy;
  __typeof__(&pw_filter_add_listener) filter_add_listener;
  __typeof__(&pw_filter_connect) filter_connect;
  __typeof__(&pw_filter_add_port) filter_add_port;
  __typeof__(&pw_filter_get_node_id) filter_get_node_id;
  __typeof__(&pw_filter_dequeue_buffer) filter_dequeue_buffer;
  __typeof__(&pw_filter_queue_buffer) filter_queue_buffer;
  __typeof__(&pw_stream_new) stream_new;
  __typeof__(&pw_stream_destroy) stream_destroy;
  __typeof__(&pw_stream_add_listener) stream_add_listener;
  __typeof__(&pw_stream_connect) stream_connect;
  __typeof__(&pw_stream_get_node_id) stream_get_node_id;
  __typeof__(&pw_stream_update_params) stream_update_params;
  __typeof__(&pw_stream_set_active) stream_set_active;
  __typeof__(&pw_stream_dequeue_buffer) stream_dequeue_buffer;
  __typeof__(&pw_stream_queue_buffer) stream_queue_buffer;
  /* By hand: deprecated since 0.3.50, and the only one before. */
  int (*stream_get_time)(struct pw_stream *stream, struct pw_time *time);
  __typeof__(&pw_core_get_mempool) core_get_mempool;
  __typeof__(&pw_mempool_find_ptr) mempool_find_ptr;
};

extern struct pipewire_functions pipewire;

/* Loads and initialises it. NOT_SUPPORTED; the log says what is missing. Any thread. */
MiniAVResultCode pipewire_load(void);

/* pw_context_new, one at a time in the process: it calls getpwuid(3), which is not for two threads.
 * NULL: out of memory. Any thread; loaded. */
struct pw_context *pipewire_context_new(struct pw_loop *loop);

#endif
#endif
