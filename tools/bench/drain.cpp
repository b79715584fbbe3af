#include "subjects/wire/shellcommand.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"

#include <algorithm>

namespace steward::bench {

namespace {

constexpr std::chrono::seconds kDrainPatience{120};
constexpr std::uint64_t kOutputBytes = 4000ULL * 1024 * 1024;
constexpr std::size_t kKeptBytes = 64 * 1024;  // what the result holds is no growth by draining
constexpr double kBarMegabytesPerSecond = 300;
constexpr double kBarGrowthMebibytes = 1;

Result<wire::ShellResult> run_script(OperatorLink& link, const std::string& script) {
  wire::ShellRun run;
  run.shell = script;
  run.output.max_bytes = kKeptBytes;
  run.timeout = kDrainPatience;
  STEWARD_TRY(const auto result,
              link.carry_out(wire::encode(wire::ShellRequest(run)), kDrainPatience));
  return wire::decode_shell_result(result);
}

}  // namespace

Result<std::vector<Figure>> measure_drain(Rig& rig) {
  OperatorLink& link = rig.operator_link();
  // One small run first: what the first command ever makes the agent load is no growth by draining.
  STEWARD_TRY([[maybe_unused]] const wire::ShellResult warm_up,
              run_script(link, "dd if=/dev/zero bs=1M count=10 2>/dev/null"));
  if (auto started = start_peak(rig.agent()); !started) {
    return tl::unexpected(std::move(started).error());
  }
  STEWARD_TRY(const Memory before, memory_of(rig.agent()));
  STEWARD_TRY(const wire::ShellResult result,
              run_script(link, "exec dd if=/dev/zero bs=1M count=4000 2>/dev/null"));
  STEWARD_TRY(const std::int64_t peak, peak_resident_of(rig.agent()));
  if (result.out.total_bytes != kOutputBytes) {
    return failure(ErrorCode::internal,
                   "drained " + std::to_string(result.out.total_bytes) + " of " +
                       std::to_string(kOutputBytes) + " bytes");
  }
  const double seconds = std::max(std::chrono::duration<double>(result.duration).count(), 0.001);
  const auto growth = static_cast<double>(std::max<std::int64_t>(peak - before.resident, 0));
  return std::vector<Figure>{{.name = "output drained",
                              .unit = "MB/s",
                              .ours = static_cast<double>(kOutputBytes) / 1e6 / seconds,
                              .bar = {BarKind::value_at_least, kBarMegabytesPerSecond}},
                             {.name = "agent growth by it",
                              .unit = "MiB",
                              .ours = growth / 1024 / 1024,
                              .bar = {BarKind::value_at_most, kBarGrowthMebibytes}}};
}

}  // namespace steward::bench
