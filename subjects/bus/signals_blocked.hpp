#pragma once

#include <signal.h>

namespace steward::bus {

// While it lives, this thread takes no signals, and the threads that it makes take none ever. The
// bus's own must not: nats.c takes a poll() that a signal has interrupted (SIGCHLD, say) for the
// loss of its connection.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }

  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace steward::bus
