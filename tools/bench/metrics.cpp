#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"
#include "tools/bench/scrape.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <thread>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;
using std::chrono::nanoseconds;

constexpr const char* kExporter = "/usr/bin/prometheus-node-exporter";
constexpr const char* kQuick = R"({"op":"set","interval_ms":100,"disabled":[]})";
// The core: processors, memory, disks, network, kernel. What is left out are queues, neighbours,
// entropy and sensors, and what users add.
constexpr const char* kQuickCore = R"({"op":"set","interval_ms":100,"disabled":["arp","checks",
    "cpufreq","daemons","edac","entropy","hwmon","textfile","thermal_zone","udp_queues"]})";
constexpr const char* kResting = R"({"op":"set","interval_ms":3600000})";
constexpr std::chrono::seconds kMetricsPatience{30};
// As a share of a scrape of node_exporter in the same run: on the machine of which it was asked,
// 0.4 ms of 5.75 ms.
constexpr double kRoundBar = 0.0696;
constexpr double kBarBytes = 1'024;

Result<json> ask(Rig& rig, const std::string& payload) {
  STEWARD_TRY(const auto result,
              rig.operator_link().carry_out(payload, kMetricsPatience, "metrics.system"));
  return json::parse(result);
}

struct RoundsSpent {
  nanoseconds cpu{0};
  nanoseconds time{0};
  std::int64_t rounds = 0;
  std::int64_t bytes = 0;
  std::int64_t series = 0;
};

// What the agent takes between two looks at its own counts.
Result<RoundsSpent> spend(Rig& rig, const std::string& setting, std::chrono::seconds time) {
  STEWARD_TRY(const json set, ask(rig, setting));
  STEWARD_TRY(const json before, ask(rig, "{}"));
  STEWARD_TRY(const nanoseconds cpu_before, cpu_time_of(rig.agent()));
  const auto began = Clock::now();
  std::this_thread::sleep_for(time);
  STEWARD_TRY(const nanoseconds cpu_after, cpu_time_of(rig.agent()));
  const auto took = Clock::now() - began;
  STEWARD_TRY(const json after, ask(rig, "{}"));
  return RoundsSpent{
      cpu_after - cpu_before,
      took,
      after.at("rounds").get<std::int64_t>() - before.at("rounds").get<std::int64_t>(),
      after.at("total_bytes").get<std::int64_t>() - before.at("total_bytes").get<std::int64_t>(),
      after.at("series").get<std::int64_t>()};
}

// Of one answer to a scrape; none where the exporter is not installed.
struct Peer {
  double milliseconds = 0;
  double bytes = 0;
};

Result<std::optional<Peer>> measure_exporter(std::chrono::seconds time) {
  if (!std::filesystem::exists(kExporter)) {
    return std::optional<Peer>();
  }
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  STEWARD_TRY(const auto port, free_port());
  STEWARD_TRY(const auto exporter,
              ChildProcess::start({kExporter,
                                   "--web.listen-address=127.0.0.1:" + std::to_string(port),
                                   "--log.level=error"},
                                  {},
                                  folder.path() / "exporter.log"));
  const auto deadline = Clock::now() + kMetricsPatience;
  while (!scrape(port)) {
    if (Clock::now() > deadline) {
      return failure(ErrorCode::timed_out, "prometheus-node-exporter does not come up");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  STEWARD_TRY(const nanoseconds before, cpu_time_of(exporter->pid()));
  const auto end = Clock::now() + time;
  int scrapes = 0;
  std::size_t bytes = 0;
  for (; scrapes == 0 || Clock::now() < end; ++scrapes) {
    STEWARD_TRY(const std::string answer, scrape(port));
    bytes += answer.size();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  STEWARD_TRY(const nanoseconds after, cpu_time_of(exporter->pid()));
  return Peer{std::chrono::duration<double, std::milli>(after - before).count() / scrapes,
              static_cast<double>(bytes) / scrapes};
}

// Beyond what the agent takes while it measures nothing.
double round_milliseconds(const RoundsSpent& spent, const RoundsSpent& idle) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const double idle_share = Milliseconds(idle.cpu) / Milliseconds(idle.time);
  return (Milliseconds(spent.cpu).count() - idle_share * Milliseconds(spent.time).count()) /
         static_cast<double>(spent.rounds);
}

}  // namespace

Result<std::vector<Figure>> measure_metrics(Rig& rig, std::chrono::seconds time) {
  STEWARD_TRY(const RoundsSpent idle, spend(rig, kResting, time));
  STEWARD_TRY(const RoundsSpent core, spend(rig, kQuickCore, time));
  STEWARD_TRY(const RoundsSpent quick, spend(rig, kQuick, time));
  STEWARD_TRY(const auto peer, measure_exporter(time));
  if (quick.rounds <= 0 || core.rounds <= 0) {
    return failure(ErrorCode::internal, "the unit has not measured");
  }
  Figure cpu{.name = "CPU per round of the core collectors",
             .unit = "ms",
             .ours = round_milliseconds(core, idle),
             .bar = {BarKind::ratio_at_most, kRoundBar}};
  Figure whole{.name = "CPU per round of all collectors",
               .unit = "ms",
               .ours = round_milliseconds(quick, idle)};
  Figure wire{.name = "bytes per round of metrics",
              .unit = "B",
              .ours = static_cast<double>(quick.bytes) / static_cast<double>(quick.rounds),
              .bar = {BarKind::value_at_most, kBarBytes}};
  if (peer) {
    cpu.peer_name = whole.peer_name = wire.peer_name = "node_exporter";
    cpu.peer = whole.peer = peer->milliseconds;
    wire.peer = peer->bytes;
  }
  STEWARD_TRY(const Memory memory, memory_of(rig.agent()));
  return std::vector<Figure>{
      cpu,
      {.name = "series of such a round", .unit = "", .ours = static_cast<double>(core.series)},
      whole,
      {.name = "series per round", .unit = "", .ours = static_cast<double>(quick.series)},
      wire,
      {.name = "agent RSS while it measures",
       .unit = "MB",
       .ours = static_cast<double>(memory.resident) / 1e6},
      {.name = "agent anonymous while it measures",
       .unit = "MB",
       .ours = static_cast<double>(memory.anonymous) / 1e6}};
}

}  // namespace steward::bench
