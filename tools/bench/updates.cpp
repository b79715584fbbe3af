#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace steward::bench {

namespace {

using std::chrono::nanoseconds;

constexpr const char* kApt = "/usr/bin/apt-get";
constexpr int kLooks = 3;
constexpr double kMoreThanApt = 1.05;
constexpr double kNothing = 10;  // milliseconds
constexpr std::chrono::minutes kLookPatience{5};

// Of a process and of those of its children that have ended.
Result<nanoseconds> cpu_with_children(pid_t pid) {
  STEWARD_TRY(const nanoseconds own, cpu_time_of(pid));
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int field = 3; field < 16; ++field) {
    fields >> skipped;
  }
  long long user = 0;
  long long system = 0;
  if (!(fields >> user >> system)) {
    return failure(ErrorCode::bad_payload, "/proc/PID/stat: no times of children");
  }
  const std::chrono::duration<double> children(static_cast<double>(user + system) /
                                               static_cast<double>(::sysconf(_SC_CLK_TCK)));
  return own + std::chrono::duration_cast<nanoseconds>(children);
}

double children_of_ours() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Result<double> seconds_for_check(Rig& rig) {
  STEWARD_TRY(const nanoseconds before, cpu_with_children(rig.agent()));
  STEWARD_TRY([[maybe_unused]] const auto looked,
              rig.operator_link().carry_out(R"({"op":"check"})", kLookPatience, "osupdate.system"));
  STEWARD_TRY(const nanoseconds after, cpu_with_children(rig.agent()));
  return std::chrono::duration<double>(after - before).count();
}

Result<double> seconds_for_apt(const std::filesystem::path& folder) {
  const double before = children_of_ours();
  STEWARD_TRY(const auto apt, ChildProcess::start({kApt, "-s", "upgrade"}, {}, folder / "apt.log"));
  if (auto ended = apt->finish(); !ended) {
    return tl::unexpected(std::move(ended).error());
  }
  return children_of_ours() - before;
}

}  // namespace

Result<std::vector<Figure>> measure_updates(Rig& rig) {
  if (!std::filesystem::exists(kApt)) {
    return std::vector<Figure>();
  }
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  const auto config = folder.path() / "edge.toml";
  std::ofstream(config) << "[osupdate.system]\ncheck_ms = 0\n";
  double ours = 0;
  double peer = 0;
  double again = 0;
  for (int look = 0; look < kLooks; ++look) {
    // A new agent knows nothing of the last look.
    rig.stop_agent();
    if (auto started = rig.start_agent(config); !started) {
      return tl::unexpected(std::move(started).error());
    }
    STEWARD_TRY(const double first, seconds_for_check(rig));
    STEWARD_TRY(const double apt, seconds_for_apt(folder.path()));
    STEWARD_TRY(const double second, seconds_for_check(rig));
    ours += first;
    peer += apt;
    again += second;
  }
  constexpr double kEach = 1e3 / kLooks;
  return std::vector<Figure>{{.name = "CPU of a look for updates",
                              .unit = "ms",
                              .ours = ours * kEach,
                              .peer_name = "apt-get -s upgrade",
                              .peer = peer * kEach,
                              .bar = {BarKind::ratio_at_most, kMoreThanApt}},
                             {.name = "the same, nothing has changed",
                              .unit = "ms",
                              .ours = again * kEach,
                              .bar = {BarKind::value_at_most, kNothing}}};
}

}  // namespace steward::bench
