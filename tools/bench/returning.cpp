#include "subjects/wire/shellcommand.hpp"
#include "tools/bench/measurements.hpp"

#include <set>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kReturnPatience{30};
constexpr std::size_t kQueued = 1000;
constexpr double kBarPerSecond = 1000;

// Waits until the station has taken over what was sent: from then on it owes it to the unit.
Result<void> wait_for_stillness(OperatorLink& link) {
  const Clock::time_point deadline = Clock::now() + kReturnPatience;
  while (true) {
    STEWARD_TRY(const wire::UnitRow row, link.unit_row(kReturnPatience));
    if (row.commands.open >= static_cast<std::int64_t>(kQueued)) {
      return {};
    }
    if (Clock::now() > deadline) {
      return failure(ErrorCode::timed_out,
                     "the station knows " + std::to_string(row.commands.open) + " of " +
                         std::to_string(kQueued) + " commands");
    }
  }
}

}  // namespace

Result<std::vector<Figure>> measure_returning(Rig& rig) {
  OperatorLink& link = rig.operator_link();
  const std::string payload = wire::encode(wire::ShellRequest(wire::ShellList{}));
  rig.stop_agent();
  std::set<wire::MessageId> open;
  for (std::size_t i = 0; i < kQueued; ++i) {
    STEWARD_TRY(const wire::MessageId id, link.send(payload));
    open.insert(id);
  }
  if (auto known = wait_for_stillness(link); !known) {
    return tl::unexpected(std::move(known).error());
  }
  if (auto started = rig.start_agent(); !started) {
    return tl::unexpected(std::move(started).error());
  }
  // From the first word of the unit on: how long a program takes to start is no matter here.
  STEWARD_TRY(const SeenAck first, link.next_ack(kReturnPatience));
  const Clock::time_point begin = Clock::now();
  for (SeenAck seen = first; !open.empty();) {
    if (wire::is_terminal(seen.ack.state)) {
      if (seen.ack.state != wire::CommandState::done) {
        return failure(ErrorCode::internal, "a command does not end well: " + seen.ack.message);
      }
      open.erase(seen.ack.ref);
    }
    if (!open.empty()) {
      STEWARD_TRY(seen, link.next_ack(kReturnPatience));
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return std::vector<Figure>{{.name = "queued commands drained",
                              .unit = "/s",
                              .ours = static_cast<double>(kQueued) / seconds,
                              .bar = {BarKind::value_at_least, kBarPerSecond}}};
}

}  // namespace steward::bench
