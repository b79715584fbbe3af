#include "handlers/daemon/link_watch.hpp"

#include <utility>

namespace steward::handlers::daemon {

using Action = wire::DaemonLinkLost::Action;
using std::chrono::milliseconds;

LinkWatch::LinkWatch(runtime::Context& context, std::function<void()> due)
    : context_(context),
      away_since_(context.clock.steady()),
      due_(context.loop, [this, due = std::move(due)] {
        next_.reset();
        due();
      }) {}

void LinkWatch::up() {
  away_since_.reset();
  next_.reset();
  due_.stop();
  for (auto& [name, program] : programs_) {
    program.begun = false;
  }
}

void LinkWatch::down() {
  if (!away_since_) {
    away_since_ = context_.clock.steady();
  }
}

bool LinkWatch::lost_for(const wire::DaemonLinkLost& lost) const {
  return lost.action != Action::keep && away_since_ &&
         context_.clock.steady() - *away_since_ >= lost.after;
}

void LinkWatch::look(const std::string& name, const wire::DaemonLinkLost& lost) {
  if (lost.action == Action::keep || !away_since_) {
    return;
  }
  if (lost_for(lost)) {
    auto* program = lost.action == Action::exec ? &programs_[name] : nullptr;
    if (program != nullptr && !std::exchange(program->begun, true) && !program->runs) {
      begin(name, *program, lost);
    }
    return;
  }
  const auto due = *away_since_ + lost.after;
  if (!next_ || due < *next_) {
    next_ = due;
    const auto left = due - context_.clock.steady();
    due_.start(std::chrono::ceil<milliseconds>(left));
  }
}

void LinkWatch::begin(const std::string& name, Program& program, const wire::DaemonLinkLost& lost) {
  const auto complain = [this, name](const std::string& why) {
    context_.log.warning(name + ": its program for a lost link " + why);
  };
  program.run = std::make_unique<runtime::ProgramRun>(
      context_.loop,
      runtime::ProgramRun::Request{.argv = lost.argv, .env = {"STEWARD_DAEMON=" + name}},
      [&program, complain](const Result<runtime::ProgramRun::End>& ended) {
        program.runs = false;
        if (!ended) {
          complain("failed: " + ended.error().message);
        } else if (ended->status.code != 0) {
          complain("ended with " + runtime::shown(ended->status));
        }
      });
  const auto started = program.run->start(context_.processes);
  program.runs = started.has_value();
  if (!started) {
    complain("does not run: " + started.error().message);
  }
}

}  // namespace steward::handlers::daemon
