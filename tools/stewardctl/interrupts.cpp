#include "tools/stewardctl/interrupts.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <csignal>

namespace steward::ctl {

namespace {

// The one thing that a signal handler may touch.
volatile std::sig_atomic_t signalled = 0;

void on_signal(int) { signalled = 1; }

sigset_t stopping_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupts::Interrupts() {
  struct sigaction action {};

  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  const sigset_t set = stopping_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Interrupts::Woken Interrupts::wait(int fd, std::chrono::milliseconds timeout) {
  sigset_t open;
  pthread_sigmask(SIG_SETMASK, nullptr, &open);
  sigdelset(&open, SIGINT);
  sigdelset(&open, SIGTERM);
  const auto ms = std::max<std::int64_t>(timeout.count(), 0);
  const timespec span{ms / 1000, ms % 1000 * 1'000'000};
  pollfd watched{fd, POLLIN, 0};
  const int ready = signalled != 0 ? 0 : ppoll(&watched, 1, &span, &open);
  if (signalled != 0) {
    return Woken::interrupted;
  }
  return ready > 0 ? Woken::readable : Woken::timeout;
}

bool Interrupts::happened() { return signalled != 0; }

}  // namespace steward::ctl
