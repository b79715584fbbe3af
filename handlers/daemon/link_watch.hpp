#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/program_run.hpp"
#include "subjects/wire/daemon.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace steward::handlers::daemon {

// How long the unit has been without a link to the broker, and what that means to its daemons.
class LinkWatch {
 public:
  // `due`: the time of a daemon may have come.
  LinkWatch(runtime::Context& context, std::function<void()> due);

  void up();
  void down();

  // So long without a link that the daemon's time has come.
  bool lost_for(const wire::DaemonLinkLost& lost) const;

  // Does what a daemon wants done, once for each loss of the link; sees to it that `due` is called
  // when its time comes.
  void look(const std::string& name, const wire::DaemonLinkLost& lost);

 private:
  using Steady = std::chrono::steady_clock::time_point;

  // Of one daemon. It is let run to its end, also when the link is back.
  struct Program {
    std::unique_ptr<runtime::ProgramRun> run;
    bool runs = false;
    bool begun = false;  // in this loss of the link
  };

  void begin(const std::string& name, Program& program, const wire::DaemonLinkLost& lost);

  runtime::Context& context_;
  std::optional<Steady> away_since_;  // none: it is up
  std::optional<Steady> next_;        // when `due` is called
  runtime::Timer due_;
  std::map<std::string, Program> programs_;
};

}  // namespace steward::handlers::daemon
