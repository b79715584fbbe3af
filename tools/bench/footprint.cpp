#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"

#include <thread>

namespace steward::bench {

namespace {

constexpr double kBarResidentMegabytes = 13;
constexpr double kBarAnonymousMegabytes = 3;
constexpr double kBarCpuPercent = 0.1;

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

}  // namespace

Result<std::vector<Figure>> measure_footprint(Rig& rig, std::chrono::seconds time) {
  const pid_t agent = rig.agent();
  STEWARD_TRY(const std::chrono::nanoseconds cpu_before, cpu_time_of(agent));
  std::this_thread::sleep_for(time);
  STEWARD_TRY(const std::chrono::nanoseconds cpu_after, cpu_time_of(agent));
  STEWARD_TRY(const Memory memory, memory_of(agent));
  STEWARD_TRY(const std::int64_t threads, threads_of(agent));
  const double cpu_percent = 100 * std::chrono::duration<double>(cpu_after - cpu_before) /
                             std::chrono::duration<double>(time);
  return std::vector<Figure>{
      {.name = "agent idle RSS",
       .unit = "MB",
       .ours = megabytes(memory.resident),
       .bar = {BarKind::value_at_most, kBarResidentMegabytes}},
      {.name = "agent idle PSS", .unit = "MB", .ours = megabytes(memory.proportional)},
      {.name = "agent idle anonymous",
       .unit = "MB",
       .ours = megabytes(memory.anonymous),
       .bar = {BarKind::value_at_most, kBarAnonymousMegabytes}},
      {.name = "agent threads", .unit = "", .ours = static_cast<double>(threads)},
      {.name = "agent idle CPU",
       .unit = "%",
       .ours = cpu_percent,
       .bar = {BarKind::value_at_most, kBarCpuPercent}}};
}

}  // namespace steward::bench
