/*
 * libpulse, opened at run time and typed from its own headers, and a small client of it.
 *
 * The client runs libpulse's main loop on the thread that calls, with a limit on every wait and an
 * eye on a cancel token, so that a server that hangs holds nobody up.
 */
#ifndef MINIAV_COMMON_PULSE_LIBRARY_H
#define MINIAV_COMMON_PULSE_LIBRARY_H

#include "common/cancel.h"

#if defined(MINIAV_HAVE_PULSE)

#include <pulse/pulseaudio.h>

struct pulse_functions {
  __typeof__(&pa_mainloop_new) mainloop_new;
  __typeof__(&pa_mainloop_free) mainloop_free;
  __typeof__(&pa_mainloop_get_api) mainloop_get_api;
  __typeof__(&pa_mainloop_prepare) mainloop_prepare;
  __typeof__(&pa_mainloop_poll) mainloop_poll;
  __typeof__(&pa_mainloop_dispatch) mainloop_dispatch;
  __typeof__(&pa_mainloop_wakeup) mainloop_wakeup;
  __typeof__(&pa_context_new) context_new;
  __typeof__(&pa_context_connect) context_connect;
  __typeof__(&pa_context_disconnect) context_disconnect;
  __typeof__(&pa_context_unref) context_unref;
  __typeof__(&pa_context_get_state) context_get_state;
  __typeof__(&pa_context_rttime_new) context_rttime_new;
  __typeof__(&pa_context_rttime_restart) context_rttime_restart;
  __typeof__(&pa_context_get_server_info) context_get_server_info;
  __typeof__(&pa_context_get_source_info_list) context_get_source_info_list;
  __typeof__(&pa_context_get_source_info_by_name) context_get_source_info_by_name;
  __typeof__(&pa_context_set_subscribe_callback) context_set_subscribe_callback;
  __typeof__(&pa_context_subscribe) context_subscribe;
  __typeof__(&pa_operation_get_state) operation_get_state;
  __typeof__(&pa_operation_cancel) operation_cancel;
  __typeof__(&pa_operation_unref) operation_unref;
  __typeof__(&pa_stream_connect_record) stream_connect_record;
  __typeof__(&pa_stream_set_state_callback) stream_set_state_callback;
  __typeof__(&pa_stream_get_state) stream_get_state;
  __typeof__(&pa_stream_get_device_name) stream_get_device_name;
  __typeof__(&pa_stream_get_latency) stream_get_latency;
  __typeof__(&pa_channel_map_init_extend) channel_map_init_extend;
  __typeof__(&pa_channel_map_equal) channel_map_equal;
  __typeof__(&pa_proplist_gets) proplist_gets;
  __typeof__(&pa_rtclock_now) rtclock_now;
  __typeof__(&pa_stream_new) stream_new;
  __typeof__(&pa_stream_set_monitor_stream) stream_set_monitor_stream;
  __typeof__(&pa_stream_set_read_callback) stream_set_read_callback;
  __typeof__(&pa_stream_readable_size) stream_readable_size;
  __typeof__(&pa_stream_peek) stream_peek;
  __typeof__(&pa_stream_drop) stream_drop;
  __typeof__(&pa_stream_update_timing_info) stream_update_timing_info;
  __typeof__(&pa_stream_get_timing_info) stream_get_timing_info;
  __typeof__(&pa_stream_get_device_index) stream_get_device_index;
  __typeof__(&pa_stream_disconnect) stream_disconnect;
  __typeof__(&pa_stream_unref) stream_unref;
  __typeof__(&pa_context_get_sink_info_list) context_get_sink_info_list;
  __typeof__(&pa_context_get_sink_input_info_list) context_get_sink_input_info_list;
  __typeof__(&pa_cvolume_avg) cvolume_avg;
  __typeof__(&pa_sw_volume_to_linear) sw_volume_to_linear;
};

/* Filled by the first pulse_load() that succeeds. */
extern struct pulse_functions pulse;

/* NOT_SUPPORTED, and why (may be NULL) says what is missing. */
MiniAVResultCode pulse_load(char *why, size_t why_bytes);

struct pulse_client {
  pa_mainloop *mainloop;
  pa_context *context;
};

/* Connects within the time. SYSTEM_CALL_FAILED: no server; TIMEOUT; USER_CANCELLED (the token may
 * be NULL); NOT_SUPPORTED: no libpulse; OUT_OF_MEMORY. Starts no server. */
MiniAVResultCode pulse_connect(struct pulse_client *client, uint32_t timeout_ms,
                               struct cancel *cancel);

/* Whether a server takes connections: within the time, without waiting for it to be ready. */
MiniAVResultCode pulse_reachable(uint32_t timeout_ms);

/* Whether libpulse is there and a server takes connections; `why` says why not. */
MiniAVResultCode pulse_probe(uint32_t timeout_ms, char why[MINIAV_TEXT_BYTES]);

void pulse_disconnect(struct pulse_client *client);

/* One turn of the loop, of at most that time; false when the connection is over. */
bool pulse_step(struct pulse_client *client, uint32_t timeout_ms);

/* Turns for what has come already, at most that many, without waiting; false as above. (A turn
 * takes one packet: whoever was held up has many to take before he knows what there is.) */
bool pulse_catch_up(struct pulse_client *client, uint32_t turns);

/* A step on the way to a deadline: SUCCESS to go on, or why not; errors as for pulse_connect. */
MiniAVResultCode pulse_step_until(struct pulse_client *client, int64_t deadline_us,
                                  struct cancel *cancel);

/* Runs the loop until the operation is done, and drops it; NULL is SYSTEM_CALL_FAILED. Errors as
 * for pulse_connect. */
MiniAVResultCode pulse_finish(struct pulse_client *client, pa_operation *operation,
                              uint32_t timeout_ms, struct cancel *cancel);

/* The name of the default source into `name`, "" when there is none. */
MiniAVResultCode pulse_default_source(struct pulse_client *client, char name[MINIAV_TEXT_BYTES],
                                      uint32_t timeout_ms, struct cancel *cancel);

/* Calls `each` for every source, or for the one of that name (may be NULL). */
MiniAVResultCode pulse_sources(struct pulse_client *client, const char *name,
                               void (*each)(const pa_source_info *source, void *user), void *user,
                               uint32_t timeout_ms, struct cancel *cancel);

#endif
#endif
