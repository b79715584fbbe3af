#include "tools/stewardctl/rollout.hpp"

#include "subjects/wire/envelope.hpp"
#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

// Beyond the command's own time, for its words to come.
constexpr milliseconds kWordTime{60'000};
constexpr milliseconds kUsualUnitTime{3'600'000};

// Of a chunk, beside the plan's: it is well below what a message holds.
constexpr std::size_t kChunkBytes = 256 * 1024;

Result<wire::Amount> amount_of(const std::string& option, const std::string& text) {
  auto amount = wire::parse_amount(text);
  if (!amount) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{} '{}': write a number or a percentage: 5, 10%", option, text));
  }
  return *std::move(amount);
}

Result<std::size_t> batch_of(const std::string& text, std::size_t units) {
  STEWARD_TRY(const auto amount, amount_of("--batch", text));
  if (amount.number == 0) {
    return failure(ErrorCode::bad_config, "--batch: at least one unit");
  }
  return amount.of == wire::Amount::Of::units
             ? amount.number
             : std::max<std::size_t>(1, units * amount.number / 100);
}

Result<std::size_t> canaries_of(const std::string& text, std::size_t units) {
  STEWARD_TRY(const auto amount, amount_of("--canary", text));
  if (amount.of != wire::Amount::Of::units || amount.number == 0) {
    return failure(ErrorCode::bad_config, "--canary: a number of units, from 1");
  }
  return std::min(amount.number, units);
}

}  // namespace

void declare_rollout(Syntax& syntax, RolloutArguments& arguments) {
  syntax.section("Rollout (by the station, group by group)");
  syntax.option("--batch", arguments.batch, "N|N%", "so many units at a time");
  syntax.option("--canary", arguments.canary, "N", "so many first, which have to end well");
  syntax.option("--max-fail", arguments.max_fail, "N|N%", "halt when more of those asked fail (0)");
  syntax.flag("--approve", arguments.approve, "wait for `rollout resume` before each group");
  syntax.option("--pause", arguments.pause, "TIME", "between groups (0s)");
  syntax.option(
      "--unit-timeout", arguments.unit_timeout, "TIME", "a unit without an end has failed (1h)");
}

Result<wire::RolloutPlan> rollout_plan(const RolloutArguments& arguments,
                                       const wire::MessageId& job,
                                       std::size_t units,
                                       std::optional<milliseconds> command_time) {
  wire::RolloutPlan plan{.rollout = job,
                         .method = {},
                         .domain = {},
                         .payload = {},
                         .units = units,
                         .batch = std::max<std::size_t>(1, units),
                         .max_fail = {}};
  if (!arguments.canary.empty()) {
    STEWARD_TRY(plan.canary, canaries_of(arguments.canary, units));
  }
  if (!arguments.batch.empty()) {
    STEWARD_TRY(plan.batch, batch_of(arguments.batch, units));
  }
  if (!arguments.max_fail.empty()) {
    STEWARD_TRY(plan.max_fail, amount_of("--max-fail", arguments.max_fail));
  }
  if (!arguments.pause.empty()) {
    STEWARD_TRY(plan.pause, parse_duration(arguments.pause));
  }
  plan.timeout = command_time ? *command_time + kWordTime : kUsualUnitTime;
  if (!arguments.unit_timeout.empty()) {
    STEWARD_TRY(plan.timeout, parse_duration(arguments.unit_timeout));
  }
  if (plan.timeout < std::chrono::seconds(1) || plan.timeout > wire::kLongestExpiry ||
      plan.pause > wire::kLongestExpiry) {
    return failure(ErrorCode::bad_config, "--unit-timeout: 1s to 30d; --pause: at most 30d");
  }
  plan.approve = arguments.approve;
  return plan;
}

Result<std::vector<std::string>> hand_over_payloads(const wire::RolloutPlan& plan,
                                                    const std::vector<bus::Message>& commands) {
  std::vector<std::string> out{wire::encode(wire::RolloutRequest(plan))};
  if (out.front().size() > wire::kMaxPayloadBytes) {
    return failure(ErrorCode::too_large,
                   fmt::format("the command measures {} in a rollout, a message holds {}",
                               short_bytes(out.front().size()),
                               short_bytes(wire::kMaxPayloadBytes)));
  }
  wire::RolloutUnits chunk{plan.rollout, 0, {}};
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto& command = commands[i];
    chunk.units.push_back({command.subject.substr(0, command.subject.find('.')), command.headers});
    for (const auto& [name, value] : command.headers) {
      bytes += name.size() + value.size();
    }
    if (bytes >= kChunkBytes || i + 1 == commands.size()) {
      out.push_back(wire::encode(wire::RolloutRequest(chunk)));
      chunk.units.clear();
      chunk.first = i + 1;
      bytes = 0;
    }
  }
  return out;
}

std::string rollout_text(const wire::RolloutRow& row) {
  std::string text = row.begun == 0 ? fmt::format("{} groups", row.groups)
                                    : fmt::format("group {} of {}", row.begun, row.groups);
  const auto& counts = row.counts;
  for (const auto& [name, count] : {std::pair("held", counts.held),
                                    {"deferred", counts.deferred},
                                    {"running", counts.running},
                                    {"overdue", counts.overdue},
                                    {"done", counts.done},
                                    {"failed", counts.failed},
                                    {"withdrawn", counts.withdrawn}}) {
    if (count > 0) {
      text += fmt::format("  {} {}", name, count);
    }
  }
  return text;
}

std::string next_step(const wire::RolloutRow& row) {
  const std::string job = row.plan.rollout.str();
  switch (row.state) {
    case wire::RolloutState::waiting:
      return "Let it begin: stewardctl rollout resume " + job;
    case wire::RolloutState::paused:
      return "Go on: stewardctl rollout resume " + job;
    case wire::RolloutState::halted:
      return fmt::format(
          "Go on in spite of it: stewardctl rollout resume {0}\n"
          "End it: stewardctl rollout abort {0}",
          job);
    case wire::RolloutState::deferred:
      return "They are taken up when they come back. See: stewardctl rollout show " + job;
    default:
      return {};
  }
}

Exit exit_of(const wire::RolloutRow& row) {
  if (row.state == wire::RolloutState::aborted || row.state == wire::RolloutState::halted ||
      row.counts.failures() > 0) {
    return Exit::failed;
  }
  const bool all = row.counts.done == row.plan.units;
  return all ? Exit::ok : Exit::no_answer;
}

Result<std::optional<wire::RolloutRow>> find_rollout(Session& session, const wire::MessageId& job) {
  wire::QueryRequest request;
  request.job = job.str();
  STEWARD_TRY(const auto answer, session.query("rollouts", request));
  if (answer.rows.empty()) {
    return std::optional<wire::RolloutRow>();
  }
  STEWARD_TRY(auto row, wire::decode_rollout_row(answer.rows.front()));
  return std::optional(std::move(row));
}

}  // namespace steward::ctl
