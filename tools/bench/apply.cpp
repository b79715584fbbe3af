#include "subjects/bus/mutex.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
namespace fs = std::filesystem;

constexpr const char* kSystems = STEWARD_SOURCE_DIR "/tools/bench/upgradable.sh";
constexpr int kPackages = 60;
constexpr const char* kScriptSeconds = "0.5";
constexpr std::chrono::minutes kApplyPatience{10};
constexpr double kMoreThanBare = 1.01;
constexpr double kMostCpu = 1;          // percent
constexpr double kMostSilence = 1'000;  // milliseconds

// The moments at which a run's progress came.
class ProgressTimes {
 public:
  void note(const std::string& payload) {
    if (payload.find(R"("type":"progress")") == std::string::npos) {
      return;
    }
    const auto now = Clock::now();
    const bus::Lock lock(mutex_);
    if (last_ != Clock::time_point()) {
      longest_ = std::max(longest_, now - last_);
    }
    last_ = now;
  }

  // Between two of them, and from the last one to now. Errors: internal (there was none).
  Result<Clock::duration> longest_silence() const {
    const bus::Lock lock(mutex_);
    if (last_ == Clock::time_point()) {
      return failure(ErrorCode::internal, "no progress was told");
    }
    return std::max(longest_, Clock::now() - last_);
  }

 private:
  mutable bus::Mutex mutex_;
  Clock::time_point last_ STEWARD_GUARDED_BY(mutex_);
  Clock::duration longest_ STEWARD_GUARDED_BY(mutex_){};
};

Result<void> make_system(const fs::path& folder) {
  STEWARD_TRY(const auto made,
              ChildProcess::start({kSystems, folder, std::to_string(kPackages), kScriptSeconds},
                                  {},
                                  folder.string() + ".log"));
  return made->finish();
}

Result<Seconds> apply_by_apt(const fs::path& folder) {
  const auto began = Clock::now();
  STEWARD_TRY(const auto apt,
              ChildProcess::start({"/usr/bin/apt-get", "-qy", "upgrade"},
                                  {"APT_CONFIG=" + (folder / "apt.conf").string(),
                                   "DEBIAN_FRONTEND=noninteractive"},
                                  folder.string() + ".log"));
  if (auto ended = apt->finish(); !ended) {
    return tl::unexpected(std::move(ended).error());
  }
  return Clock::now() - began;
}

struct Applied {
  Seconds took{0};
  Seconds cpu{0};  // the agent's own
  Clock::duration silence{0};
};

Result<Applied> apply_by_agent(Rig& rig, const fs::path& folder) {
  const auto config = folder.string() + ".toml";
  std::ofstream(config) << fmt::format(
      "[osupdate.system]\napt_config = \"{0}/apt.conf\"\nroot = \"{0}/root\"\n"
      "dpkg = \"{0}/dpkg\"\nown_package = \"\"\ncheck_ms = 0\n",
      folder.string());
  rig.stop_agent();
  if (auto started = rig.start_agent(config); !started) {
    return tl::unexpected(std::move(started).error());
  }
  auto& link = rig.operator_link();
  ProgressTimes times;
  STEWARD_TRY(
      const auto hearing,
      link.hear("osupdate.system", [&times](const std::string& payload) { times.note(payload); }));
  // The agent is there, and idle.
  STEWARD_TRY([[maybe_unused]] const auto status,
              link.carry_out(R"({"op":"status"})", kApplyPatience, "osupdate.system"));
  STEWARD_TRY(const auto cpu_before, cpu_time_of(rig.agent()));
  const auto began = Clock::now();
  STEWARD_TRY([[maybe_unused]] const auto done,
              link.carry_out(R"({"op":"apply"})", kApplyPatience, "osupdate.system"));
  const auto took = Clock::now() - began;
  STEWARD_TRY(const auto silence, times.longest_silence());
  STEWARD_TRY(const auto cpu_after, cpu_time_of(rig.agent()));
  return Applied{took, cpu_after - cpu_before, silence};
}

}  // namespace

Result<std::vector<Figure>> measure_apply(Rig& rig) {
  if (!fs::exists(kSystems) || !fs::exists("/usr/bin/apt-ftparchive")) {
    return std::vector<Figure>();
  }
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  for (const char* name : {"ours", "bare"}) {
    if (auto made = make_system(folder.path() / name); !made) {
      return tl::unexpected(std::move(made).error());
    }
  }
  STEWARD_TRY(const Applied ours, apply_by_agent(rig, folder.path() / "ours"));
  STEWARD_TRY(const Seconds bare, apply_by_apt(folder.path() / "bare"));
  return std::vector<Figure>{
      {.name = fmt::format("{} updates applied", kPackages),
       .unit = "s",
       .ours = ours.took.count(),
       .peer_name = "apt-get upgrade",
       .peer = bare.count(),
       .bar = {BarKind::ratio_at_most, kMoreThanBare}},
      {.name = "the agent's own CPU meanwhile",
       .unit = "%",
       .ours = 100 * ours.cpu / ours.took,
       .bar = {BarKind::value_at_most, kMostCpu}},
      {.name = "longest time between two words of its progress",
       .unit = "ms",
       .ours = std::chrono::duration<double, std::milli>(ours.silence).count(),
       .bar = {BarKind::value_at_most, kMostSilence}}};
}

}  // namespace steward::bench
