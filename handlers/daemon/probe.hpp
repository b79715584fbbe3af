#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/program_run.hpp"
#include "subjects/wire/daemon.hpp"

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>

namespace steward::handlers::daemon {

// One attempt to find out whether something answers: a program, a TCP port, a unix socket, or HTTP.
// Destroying it gives it up. On its loop's thread.
class Probe {
 public:
  // Called once, from the loop. Errors: what is wrong, in its message.
  using Done = std::function<void(const Result<void>&)>;

  // `check`: not of the kind watchdog.
  Probe(runtime::Context& context, const wire::DaemonCheck& check, Done done);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  void run_program();
  void connect_unix();
  void find_host(std::string host, std::string port);
  void connect(const sockaddr_storage& address, socklen_t size);
  void connected();
  void answered();
  void end(const Result<void>& result);

  runtime::Context& context_;
  const wire::DaemonCheck check_;
  const Done done_;
  std::string question_;  // of http
  std::string answer_;
  runtime::Fd socket_;
  std::unique_ptr<runtime::FdWatcher> watcher_;  // gone before its socket
  std::unique_ptr<runtime::ProgramRun> program_;
  runtime::Timer patience_;
  runtime::Timer later_;  // for what fails at once
  Result<void> early_;
  std::shared_ptr<Probe*> alive_;
};

}  // namespace steward::handlers::daemon
