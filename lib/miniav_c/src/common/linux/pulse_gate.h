/*
 * How many connections to a PulseAudio server this process makes at once.
 *
 * The server's socket queues five connections that it has not taken yet (the backlog of listen(2)
 * in its socket server) and refuses the next with EAGAIN, which libpulse reports as no server at
 * all: thirty captures opened together would find none, or take another backend. So whoever
 * connects comes through here, and the others wait their turn. The gate is advice: after the time
 * given they go on without it, so that a server that hangs holds up nobody for long.
 *
 * Any thread; nothing is held while connecting but a place in the count.
 */
#ifndef MINIAV_COMMON_PULSE_GATE_H
#define MINIAV_COMMON_PULSE_GATE_H

#include "common/cancel.h"

/* A connection was made. */
void pulse_gate_succeeded(void);

/* After a connection was refused: true, 20 ms later, when it is worth another try, because one was
 * made in the last seconds and the queue may only be full (other processes connect too, and a
 * connection that is given up stays queued until the server looks). tries: how many there were. */
bool pulse_gate_try_again(uint32_t tries);

/* True: there was a place, to be given back with pulse_gate_leave. False: the time is over or it
 * was cancelled. cancel may be NULL. */
bool pulse_gate_enter(uint32_t timeout_ms, struct cancel *cancel);
void pulse_gate_leave(void);

#endif
