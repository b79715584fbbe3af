#include "subjects/wire/shellcommand.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/spawn_loop.hpp"
#include "tools/bench/statistics.hpp"

#include <set>
#include <thread>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kCommandPatience{15};
constexpr int kTurns = 4;  // ours and the peer by turns, so that both meet the same machine
constexpr std::size_t kWindow = 32;  // commands on their way at once
constexpr int kReceiptSamples = 300;
constexpr double kBarRate = 0.8;
constexpr double kBarReceiptMilliseconds = 2;

std::string run_true(wire::QueueMode queue) {
  wire::ShellRun run;
  run.argv = {"/bin/true"};
  run.queue = queue;
  run.max_parallel = 2;
  return wire::encode(wire::ShellRequest(run));
}

// What the station's table counts as finished for the unit.
Result<std::int64_t> finished_in_station(OperatorLink& link) {
  STEWARD_TRY(const wire::UnitRow row, link.unit_row(kCommandPatience));
  return row.commands.done + row.commands.failed;
}

// The rate stands only if the station has every command of it.
Result<void> wait_for_finished(OperatorLink& link, std::int64_t finished) {
  const Clock::time_point deadline = Clock::now() + kCommandPatience;
  while (true) {
    STEWARD_TRY(const std::int64_t now, finished_in_station(link));
    if (now >= finished) {
      return {};
    }
    if (Clock::now() > deadline) {
      return failure(ErrorCode::timed_out,
                     "the station has " + std::to_string(now) + " of " + std::to_string(finished) +
                         " commands");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// Keeps the window full for that long, then waits for what is on its way. Returns how many ended. A
// terminal ACK may come more than once: the unit says it until the station has it.
Result<std::size_t> run_window(OperatorLink& link,
                               const std::string& payload,
                               Clock::time_point end) {
  std::set<wire::MessageId> on_their_way;
  std::size_t finished = 0;
  while (true) {
    while (on_their_way.size() < kWindow && Clock::now() < end) {
      STEWARD_TRY(const wire::MessageId id, link.send(payload));
      on_their_way.insert(id);
    }
    if (on_their_way.empty()) {
      return finished;
    }
    auto came = link.next_ack(kCommandPatience);
    if (!came) {
      return tl::unexpected(std::move(came).error().with_context(
          std::to_string(on_their_way.size()) + " commands are on their way, the first " +
          on_their_way.begin()->str()));
    }
    const SeenAck seen = *std::move(came);
    if (!wire::is_terminal(seen.ack.state) || on_their_way.erase(seen.ack.ref) == 0) {
      continue;
    }
    if (seen.ack.state != wire::CommandState::done) {
      return failure(
          ErrorCode::internal,
          "a command is " + std::string(wire::word(seen.ack.state)) + ": " + seen.ack.message);
    }
    ++finished;
  }
}

Result<void> run_round(OperatorLink& link,
                       const std::string& payload,
                       std::chrono::milliseconds time,
                       Rate& rate) {
  STEWARD_TRY(const std::int64_t before, finished_in_station(link));
  const Clock::time_point begin = Clock::now();
  STEWARD_TRY(const std::size_t finished, run_window(link, payload, begin + time));
  auto known = wait_for_finished(link, before + static_cast<std::int64_t>(finished));
  rate.add(finished, Clock::now() - begin);
  return known;
}

// Ours and the peer's rate, by turns.
Result<Figure> measure_command_rate(OperatorLink& link,
                                    wire::QueueMode queue,
                                    int threads,
                                    std::chrono::seconds time) {
  const std::string payload = run_true(queue);
  const std::chrono::milliseconds turn = std::chrono::milliseconds(time) / (2 * kTurns);
  Rate ours;
  Rate peer;
  for (int round = 0; round < kTurns; ++round) {
    if (auto done = run_round(link, payload, turn, ours); !done) {
      return tl::unexpected(std::move(done).error());
    }
    if (auto done = run_spawn_loop(threads, turn, peer); !done) {
      return tl::unexpected(std::move(done).error());
    }
  }
  return Figure{
      .unit = "/s",
      .ours = ours.per_second(),
      .peer_name = std::to_string(threads) + " posix_spawn loop" + (threads > 1 ? "s" : ""),
      .peer = peer.per_second()};
}

// By the unit's own clock, one command at a time.
Result<Samples> measure_receipt(OperatorLink& link) {
  const std::string payload = run_true(wire::QueueMode::serial);
  Samples samples;
  for (int i = 0; i < kReceiptSamples; ++i) {
    STEWARD_TRY(const wire::MessageId id, link.send(payload));
    STEWARD_TRY(const SeenAck accepted,
                link.wait_for(id, wire::CommandState::accepted, kCommandPatience));
    STEWARD_TRY(const SeenAck running,
                link.wait_for(id, wire::CommandState::running, kCommandPatience));
    STEWARD_TRY(const SeenAck last, link.wait_for(id, wire::CommandState::done, kCommandPatience));
    if (running.ack.state != wire::CommandState::running ||
        last.ack.state != wire::CommandState::done) {
      return failure(ErrorCode::internal, "the command does not run: " + last.ack.message);
    }
    samples.add(running.made - accepted.made);
  }
  return samples;
}

double in_milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Result<std::vector<Figure>> measure_commands(Rig& rig, std::chrono::seconds time) {
  OperatorLink& link = rig.operator_link();
  STEWARD_TRY(const Samples receipt, measure_receipt(link));
  STEWARD_TRY(Figure serial, measure_command_rate(link, wire::QueueMode::serial, 1, time));
  serial.name = "commands serial";
  serial.bar = {BarKind::ratio_at_least, kBarRate};
  STEWARD_TRY(Figure parallel, measure_command_rate(link, wire::QueueMode::parallel, 2, time));
  parallel.name = "commands parallel 2";
  return std::vector<Figure>{std::move(serial),
                             std::move(parallel),
                             {.name = "receipt to exec p50",
                              .unit = "ms",
                              .ours = in_milliseconds(receipt.percentile(0.5)),
                              .bar = {BarKind::value_at_most, kBarReceiptMilliseconds}},
                             {.name = "receipt to exec p99",
                              .unit = "ms",
                              .ours = in_milliseconds(receipt.percentile(0.99))}};
}

}  // namespace steward::bench
