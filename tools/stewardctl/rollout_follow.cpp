#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/job_source.hpp"
#include "tools/stewardctl/job_view.hpp"
#include "tools/stewardctl/receipts.hpp"
#include "tools/stewardctl/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{250};
constexpr milliseconds kSayAgain{5'000};

Exit detached(Console& console, const wire::MessageId& job) {
  console.note(fmt::format(
      "Detached: the rollout goes on. See: stewardctl rollout show {0}, rollout wait {0}",
      job.view()));
  return Exit::interrupted;
}

// The messages of a hand-over on their way: sealed once, so that one that is sent again is the
// same.
class HandOver {
 public:
  HandOver(Session& session, Receipts& receipts) : session_(session), receipts_(receipts) {}

  Result<void> seal(const std::vector<std::string>& payloads) {
    STEWARD_TRY(const auto subject,
                wire::Subject::parse(session_.settings().station + ".command.rollout.fleet"));
    for (const auto& payload : payloads) {
      messages_.push_back(session_.seal(session_.envelope(subject), payload));
      receipts_.ask_for(messages_.back());
    }
    return {};
  }

  Result<void> send() {
    for (const auto& message : messages_) {
      if (auto sent = session_.publish(message); !sent) {
        return tl::unexpected<Error>(std::move(sent).error().with_context("hand the rollout over"));
      }
    }
    return {};
  }

 private:
  Session& session_;
  Receipts& receipts_;
  std::vector<bus::Message> messages_;
};

Error not_taken(const Session& session, const Receipts& receipts, std::size_t received) {
  const std::string broker = receipts.stored() == receipts.asked()
                                 ? "the broker keeps it, and it begins once a station reads it"
                                 : "the broker has not said that it keeps it";
  return {ErrorCode::timed_out,
          fmt::format("station '{}' has {} of the rollout's commands; {}.\nIt may not be allowed "
                      "by the policy (method rollout, domain fleet): see the station's log, and "
                      "stewardctl events",
                      session.settings().station,
                      received == 0 ? "none" : "a part",
                      broker)};
}

// Until the station has it whole. What is silent for long is said again; ids make that harmless.
Result<Session::Woken> hand_over(Session& session,
                                 const wire::RolloutPlan& plan,
                                 const std::vector<bus::Message>& commands) {
  STEWARD_TRY(const auto payloads, hand_over_payloads(plan, commands));
  STEWARD_TRY(const auto receipts, Receipts::open(session));
  HandOver messages(session, *receipts);
  if (auto sealed = messages.seal(payloads); !sealed) {
    return tl::unexpected<Error>(std::move(sealed).error());
  }
  std::size_t received = 0;
  auto progressed = Clock::now();
  auto said = Clock::time_point();
  while (Clock::now() - progressed < session.settings().timeout + kSayAgain) {
    if (Clock::now() - said >= kSayAgain) {
      if (auto sent = messages.send(); !sent) {
        return tl::unexpected<Error>(std::move(sent).error());
      }
      said = Clock::now();
    }
    const auto woken = session.wait(Clock::now() + kLook / 2);
    for (const Delivery& delivery : session.take()) {
      receipts->take(delivery);
    }
    if (receipts->refusal()) {
      return tl::unexpected<Error>(*receipts->refusal());
    }
    if (woken == Session::Woken::interrupted) {
      return woken;
    }
    const auto row = find_rollout(session, plan.rollout);
    if (!row && !is_silence(row.error()) && row.error().code != ErrorCode::unavailable) {
      return tl::unexpected<Error>(row.error());
    }
    if (row && *row) {
      if ((*row)->received == plan.units) {
        return Session::Woken::readable;
      }
      if ((*row)->received > received) {
        received = (*row)->received;
        progressed = said = Clock::now();
      }
    }
  }
  return tl::unexpected<Error>(not_taken(session, *receipts, received));
}

// Shows what is new about a rollout.
class RolloutView {
 public:
  RolloutView(Invocation& invocation, Session& session)
      : invocation_(invocation), session_(session) {}

  void show(const wire::RolloutRow& row) {
    if (last_ && last_->state == row.state && last_->reason == row.reason &&
        last_->begun == row.begun && last_->counts == row.counts) {
      return;
    }
    if (invocation_.format == Format::jsonl) {
      invocation_.console.out(line("rollout", row));
    } else if (invocation_.is_table()) {
      if (!last_ || last_->state != row.state || last_->reason != row.reason ||
          last_->begun != row.begun) {
        invocation_.console.note(status(row));
      }
      invocation_.console.status(" " + rollout_text(row));
    }
    if (row.counts.failed > (last_ ? last_->counts.failed : 0)) {
      show_failures(row.plan.rollout);
    }
    last_ = row;
  }

  void finish(const wire::RolloutRow& row) {
    auto& console = invocation_.console;
    console.status("");
    if (invocation_.format == Format::json) {
      console.out(wire::encode(row) + "\n");
    } else if (invocation_.format == Format::name) {
      console.out(row.plan.rollout.str() + "\n");
    } else if (invocation_.is_table()) {
      console.out(status(row) + "\n");
      if (const auto next = next_step(row); !next.empty()) {
        console.note(next);
      }
    }
  }

 private:
  static std::string line(std::string_view kind, const wire::RolloutRow& row) {
    return fmt::format("{{\"kind\":\"{}\",{}\n", kind, wire::encode(row).substr(1));
  }

  static std::string status(const wire::RolloutRow& row) {
    const auto text = fmt::format("rollout {}: {}", row.plan.rollout.view(), wire::word(row.state));
    return (row.reason.empty() ? text : text + ", " + row.reason) + "  " + rollout_text(row);
  }

  // Units that have failed, each once.
  void show_failures(const wire::MessageId& job) {
    const auto loaded = load_job(session_, job.str());
    if (!loaded || !invocation_.is_table()) {
      return;
    }
    const Style& style = invocation_.console.look().out;
    for (const auto& told : loaded->detail.units) {
      const bool failed = wire::is_terminal(told.state) && told.state != wire::CommandState::done;
      if (failed && told_.insert(told.unit).second) {
        invocation_.console.out(fmt::format(
            "{}  {}\n",
            style.paint(Paint::bad, fmt::format("{} {}", style.mark(Mark::bad), told.unit)),
            ending_text(told_unit(told, Clock::now()))));
      }
    }
  }

  Invocation& invocation_;
  Session& session_;
  std::optional<wire::RolloutRow> last_;
  std::set<std::string> told_;
};

bool has_stopped(const wire::RolloutRow& row) {
  return wire::is_over(row.state) || row.state == wire::RolloutState::halted ||
         row.state == wire::RolloutState::deferred;
}

}  // namespace

Result<Exit> start_rollout(Invocation& invocation,
                           Session& session,
                           const wire::RolloutPlan& plan,
                           const std::vector<bus::Message>& commands,
                           Following following) {
  Console& console = invocation.console;
  STEWARD_TRY(const auto ended, hand_over(session, plan, commands));
  if (ended == Session::Woken::interrupted) {
    console.warn("interrupted while the rollout was handed over: it begins only if all of it came");
    return detached(console, plan.rollout);
  }
  if (following == Following::to_the_end) {
    console.note(fmt::format("rollout {}  {}", plan.rollout.view(), counted(plan.units, "unit")));
    return follow_rollout(invocation, session, plan.rollout);
  }
  if (invocation.is_table()) {
    console.out(fmt::format("handed to the station for {} as job {}\n",
                            counted(plan.units, "unit"),
                            plan.rollout.view()));
    console.note(fmt::format("Follow it: stewardctl rollout wait {}", plan.rollout.view()));
    return Exit::ok;
  }
  STEWARD_TRY(const auto row, find_rollout(session, plan.rollout));
  if (invocation.format == Format::name || !row) {
    console.out(plan.rollout.str() + "\n");
  } else {
    console.out(wire::encode(*row) + "\n");
  }
  return Exit::ok;
}

Result<Exit> follow_rollout(Invocation& invocation, Session& session, const wire::MessageId& job) {
  RolloutView view(invocation, session);
  bool silent = false;
  while (true) {
    const auto row = find_rollout(session, job);
    if (row && !*row) {
      return failure(
          ErrorCode::not_found,
          fmt::format("the station knows no rollout {}. See: stewardctl rollout ls", job.view()));
    }
    if (row) {
      view.show(**row);
      if (has_stopped(**row)) {
        view.finish(**row);
        return exit_of(**row);
      }
    } else if (!std::exchange(silent, true)) {
      invocation.console.note(
          fmt::format("station '{}' does not answer just now; the rollout stands with it",
                      session.settings().station));
    }
    silent = silent && !row;
    if (session.wait(Clock::now() + kLook) == Session::Woken::interrupted) {
      return detached(invocation.console, job);
    }
    session.take();
  }
}

}  // namespace steward::ctl
