/* Processes that tests of the process tree look at; Linux only. */
#ifndef MINIAV_TEST_SUPPORT_PROCESSES_H
#define MINIAV_TEST_SUPPORT_PROCESSES_H

#include <sys/types.h>

/* A child that lives until the writing end of the pipe is closed everywhere. */
pid_t fork_waiting(const int ends[2]);

/* Such a child whose first thread has ended, and another has not: to the kernel the process is a
 * zombie that lives. Waits until it is. */
pid_t fork_headless(const int ends[2]);

#endif
