#include "common/linux/x11_connection.h"

#if defined(MINIAV_HAVE_XCB)

#include <errno.h>
#include <pthread.h>
#include <time.h>

void x11_block_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void x11_hold_signals(struct x11_signals *signals) {
  sigset_t pending;
  sigset_t pipe_set;
  sigemptyset(&pipe_set);
  sigaddset(&pipe_set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_set, &signals->before);
  /* Only what was blocked can have been pending. */
  signals->was_pending = sigismember(&signals->before, SIGPIPE) == 1 && sigpending(&pending) == 0 &&
                         sigismember(&pending, SIGPIPE) == 1;
}

void x11_release_signals(const struct x11_signals *signals, const struct x11 *x11) {
  sigset_t pipe_set;
  const struct timespec now = {0};
  sigemptyset(&pipe_set);
  sigaddset(&pipe_set, SIGPIPE);
  bool is_ours = !signals->was_pending && xcb.connection_has_error(x11->connection) != 0;
  while (is_ours && sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

#endif
