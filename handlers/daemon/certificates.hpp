#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/program_run.hpp"
#include "subjects/wire/daemon.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace steward::handlers::daemon {

// Certificates of daemons, each with a key of its own, by the unit's own authority: asked of
// `steward-edge cert`, which keeps one that is good, before the daemon starts and hourly. Replicas
// have one in common.
class Certificates {
 public:
  // `changed`: something may start by now. `renewed`: a new certificate is in place of one that a
  // daemon has been started with.
  struct Listener {
    std::function<void()> changed;
    std::function<void(const std::string& name)> renewed;
  };

  // `folder`: of theirs. Options: `agent` (the program), `identity` (the unit's folder).
  Certificates(runtime::Context& context, std::filesystem::path folder, Listener listener);

  // key.pem, chain.pem and root.pem.
  std::filesystem::path of(std::string_view name) const {
    return folder_ / wire::daemon_base(name);
  }

  // Why it may not start yet; empty: it wants none, or has a good one. Sees to it.
  std::string waits_for(const wire::DaemonSpec& spec);

  // The same of one that may have been started by an earlier agent, with one that was good.
  void keep(const wire::DaemonSpec& spec);

  // With its key.
  void remove(const std::string& name);

 private:
  struct Kept {
    std::string owner;
    std::string why;  // it is not good; empty: it is
    bool asked = false;
    std::unique_ptr<runtime::ProgramRun> run;
  };

  void ask(const std::string& name, Kept& kept);
  void told(const std::string& name, const Result<runtime::ProgramRun::End>& ended);
  void ask_again(bool all);

  runtime::Context& context_;
  const std::filesystem::path folder_;
  const std::string agent_;
  const std::string identity_;
  const Listener listener_;
  std::map<std::string, Kept> kept_;
  runtime::Timer retry_;  // of those that could not be had
  runtime::Timer renew_;  // of all
};

}  // namespace steward::handlers::daemon
