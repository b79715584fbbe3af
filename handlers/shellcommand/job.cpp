#include "handlers/shellcommand/job.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

using std::chrono::milliseconds;

// Name services and file systems of a command that are silent for so long are down.
constexpr milliseconds kLongestPreparation{10'000};

}  // namespace

Job::Job(Shop& shop,
         wire::MessageId id,
         std::optional<wire::Timestamp> expires,
         wire::ShellRun run,
         Finished finished)
    : shop_(shop),
      id_(id),
      expires_(expires),
      run_(std::move(run)),
      finished_(std::move(finished)),
      accepted_at_(shop.context.clock.steady()),
      streams_(shop.context,
               shop.buffer,
               id,
               run_,
               {[this] {
                  output_over_ = true;
                  finish_if_over();
                },
                [this] { output_came(); },
                [this](const std::string& line) { line_seen(line); }}),
      alive_(std::make_shared<Job*>(this)) {}

void Job::start() {
  assert(state_ == State::waiting);
  if (expired()) {
    return finish(wire::CommandState::expired,
                  word(ErrorCode::expired),
                  "its time passed while it waited for its turn");
  }
  state_ = State::preparing;
  shop_.context.publisher.begin(id_, [alive = std::weak_ptr<Job*>(alive_)] {
    if (const auto job = alive.lock()) {
      (*job)->begin();
    }
  });
}

void Job::begin() {
  if (expired()) {  // a disk that is full holds beginnings up
    return finish(
        wire::CommandState::expired, word(ErrorCode::expired), "its time passed before it started");
  }
  prepare();
}

bool Job::expired() { return expires_ && shop_.context.clock.now() > *expires_; }

void Job::prepare() {
  if (!needs_surroundings(run_) && shop_.own_account) {
    return prepared(Surroundings{*shop_.own_account, ""});
  }
  if (shop_.hanging->contains(run_.cwd)) {
    return fail({ErrorCode::unavailable, run_.cwd + " did not answer an earlier command yet"});
  }
  deadline_.emplace(shop_.context.loop, [this] {
    shop_.hanging->insert(run_.cwd);
    fail({ErrorCode::unavailable, "name services or file system do not answer"});
  });
  deadline_->start(kLongestPreparation);

  struct Answer {
    Result<Surroundings> found = failure(ErrorCode::internal, "");
  };

  auto answer = std::make_shared<Answer>();
  shop_.context.loop.work(
      [answer, run = run_] { answer->found = explore(run); },
      [answer, alive = std::weak_ptr<Job*>(alive_), cwd = run_.cwd, hanging = shop_.hanging] {
        hanging->erase(cwd);
        if (const auto job = alive.lock()) {
          (*job)->prepared(std::move(answer->found));
        }
      });
}

void Job::prepared(Result<Surroundings> found) {
  deadline_.reset();
  if (!found) {
    return fail(found.error());
  }
  account_ = std::move(found->account);
  if (!found->skip.empty()) {
    return skip(std::move(found->skip));
  }
  if (run_.unless_argv.empty()) {
    return launch();
  }
  ask_unless();
}

// A command of its own, as the same user in the same place, whose output nobody reads.
void Job::ask_unless() {
  state_ = State::asking;
  auto request = make_request(run_, account_, id_.str(), shop_.inherited);
  request.argv = run_.unless_argv;
  auto asked = shop_.context.processes.spawn(
      shop_.context.loop, request, [this](const runtime::ExitStatus& status) {
        if (killing_) {
          return;  // its tree is being ended; it is over with the tree
        }
        deadline_.reset();
        if (status.code == 0) {
          return skip("unless_argv ended with 0");
        }
        launch();
      });
  if (!asked) {
    return fail(std::move(asked).error().with_context("unless_argv"));
  }
  unless_ = *std::move(asked);
  deadline_.emplace(shop_.context.loop, [this] {
    end_message_ = "unless_argv did not end in time";
    reason_ = EndReason::line_missed;  // a condition that did not come true in time
    kill(milliseconds(0));
  });
  deadline_->start(run_.unless_timeout);
}

void Job::launch() {
  auto limits = runtime::plan_limits(
      run_.limits, shop_.cgroups ? &*shop_.cgroups : nullptr, id_.str(), account_.identity.uid);
  result_.limits_applied = std::move(limits.applied);
  auto request = make_request(run_, account_, id_.str(), shop_.inherited);
  request.limits = std::move(limits.resources);
  request.nice = limits.nice;
  if (limits.group) {
    group_.emplace(*std::move(limits.group));
    request.cgroup = group_->directory();
  }
  if (run_.detach) {
    return launch_detached(std::move(request));
  }
  auto ends = streams_.open();
  if (!ends) {
    return fail(ends.error());
  }
  request.in = ends->in.get();
  request.out = ends->out.get();
  request.err = ends->err ? ends->err.get() : ends->out.get();
  if (run_.pty) {
    request.terminal = runtime::ControllingTerminal::standard_input;
  }
  auto child = shop_.context.processes.spawn(
      shop_.context.loop, request, [this](const runtime::ExitStatus& status) { exited(status); });
  if (!child) {
    return fail(child.error());
  }
  child_ = *std::move(child);
  launched();
}

void Job::launched() {
  state_ = State::running;
  executed_at_ = shop_.context.clock.steady();
  result_.queued = std::chrono::duration_cast<milliseconds>(executed_at_ - accepted_at_);
  result_.started = wire::format_time(shop_.context.clock.now());
  wire::Ack ack{
      .ref = id_, .domain = shop_.context.domain.str(), .state = wire::CommandState::running};
  ack.pid = pid();
  shop_.context.publisher.reply(std::move(ack));
  streams_.feed();
  start_timers();
}

void Job::start_timers() {
  runtime::Loop& loop = shop_.context.loop;
  if (run_.timeout > milliseconds(0)) {
    deadline_.emplace(loop, [this] { end(EndReason::timed_out, "ran longer than timeout_ms"); });
    deadline_->start(run_.timeout);
  }
  if (run_.stall > milliseconds(0)) {
    stall_.emplace(loop, [this] { tell(wire::ShellEventType::stall); });
    stall_->start(run_.stall);
  }
  if (run_.expect && run_.expect->within > milliseconds(0)) {
    expectation_.emplace(loop, [this] { line_missed(); });
    expectation_->start(run_.expect->within);
  }
}

void Job::end(EndReason reason, std::string message) {
  if (state_ == State::finished || killing_) {
    return;
  }
  reason_ = reason;
  end_message_ = std::move(message);
  if (state_ == State::preparing && detached_) {
    return;  // once it has started
  }
  if (state_ == State::waiting || state_ == State::preparing) {
    return finish_ended();
  }
  if (state_ == State::asking) {
    return kill(milliseconds(0));
  }
  kill_for_reason();
}

void Job::kill_for_reason() {
  constexpr milliseconds kLongestGraceAtStop{5'000};
  kill(reason_ == EndReason::stopped ? std::min(run_.grace, kLongestGraceAtStop) : run_.grace);
}

void Job::kill(milliseconds grace) {
  killing_ = true;
  runtime::TreeKill how;
  how.grace = grace;
  if (run_.kill_scope == wire::KillScope::main) {
    how.scope = runtime::TreeKill::Scope::child_only;
  }
  const auto step = [this](runtime::KillStep reached, const runtime::TreeReport& report) {
    kill_step(reached, report);
  };
  if (state_ == State::asking) {
    unless_->kill_tree(how, step);
  } else if (detached_) {
    detached_->shim().kill_tree(how, step);
  } else {
    child_->kill_tree(how, step);
  }
}

void Job::kill_step(runtime::KillStep step, const runtime::TreeReport& report) {
  if (step == runtime::KillStep::term_sent) {
    return tell(wire::ShellEventType::term_sent);
  }
  if (step == runtime::KillStep::kill_sent) {
    return tell(wire::ShellEventType::kill_sent);
  }
  if (state_ == State::asking) {
    return finish_ended();
  }
  killed_ = report;
  if (step == runtime::KillStep::unkillable) {
    output_over_ = true;
  }
  finish_if_over();
}

Result<void> Job::signal(int signal) {
  if (state_ != State::running) {
    return failure(ErrorCode::not_found, "the command does not run");
  }
  return detached_ ? detached_->shim().signal(signal) : child_->signal(signal);
}

milliseconds Job::running_for() const {
  if (state_ != State::running && state_ != State::draining) {
    return {};
  }
  return std::chrono::duration_cast<milliseconds>(shop_.context.clock.steady() - executed_at_);
}

void Job::exited(const runtime::ExitStatus& status) {
  exit_ = status;
  exited_at_ = shop_.context.clock.steady();
  state_ = State::draining;
  stall_.reset();
  expectation_.reset();
  deadline_.reset();
  output_over_ = !detached_ && streams_.drain();
  if (!output_over_) {
    deadline_.emplace(shop_.context.loop, [this] {
      output_over_ = true;
      finish_if_over();
    });
    deadline_->start(run_.drain);
  }
  finish_if_over();
}

void Job::output_came() {
  if (stall_) {
    stall_->start(run_.stall);
  }
}

void Job::line_seen(const std::string& line) {
  expectation_.reset();
  tell(wire::ShellEventType::expect_match, line);
  if (run_.expect->action == wire::ExpectAction::kill && state_ == State::running) {
    end(EndReason::line_seen, "ended: the expected line was seen");
  }
}

void Job::line_missed() {
  tell(wire::ShellEventType::expect_timeout);
  if (run_.expect->action == wire::ExpectAction::kill) {
    end(EndReason::line_missed, "the expected line was not seen in time");
  }
}

// Live only: with the link away it is lost, the terminal ACK says the outcome.
void Job::tell(wire::ShellEventType type, std::string bytes) {
  const wire::ShellEvent event{.ref = id_, .type = type, .bytes = std::move(bytes)};
  (void)shop_.context.publisher.stream(wire::encode(event, run_.output.encoding));
}

void Job::finish_if_over() {
  if (state_ != State::running && state_ != State::draining) {
    return;
  }
  const bool child_over = exit_ || lost_ || (killed_ && !killed_->alive.empty());
  if (child_over && (!killing_ || killed_) && output_over_) {
    finish_ended();
  }
}

}  // namespace steward::handlers::shellcommand
