#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/sys_readings.hpp"

#include <array>

namespace steward::handlers::metrics {
namespace {

struct Frequency {
  const char* file;
  const char* metric;
};

constexpr std::array<Frequency, 5> kFrequencies{{
    {"cpuinfo_min_freq", "node_cpu_frequency_min_hertz"},
    {"cpuinfo_max_freq", "node_cpu_frequency_max_hertz"},
    {"scaling_cur_freq", "node_cpu_scaling_frequency_hertz"},
    {"scaling_min_freq", "node_cpu_scaling_frequency_min_hertz"},
    {"scaling_max_freq", "node_cpu_scaling_frequency_max_hertz"},
}};

std::vector<SysReading> find_frequencies(const std::string& folder) {
  std::vector<SysReading> found;
  for (const auto& cpu : numbered(folder, "cpu")) {
    for (const auto& row : kFrequencies) {
      auto path = folder + "/" + cpu + "/cpufreq/" + row.file;
      if (is_there(path)) {
        found.push_back({ProcFile(std::move(path)), row.metric, {"cpu", cpu.substr(3)}, {}, kKilo});
      }
    }
  }
  return found;
}

}  // namespace

Made make_cpufreq(const Roots& roots) {
  return std::make_unique<SysReadings>(
      "cpufreq", [folder = roots.sys + "/devices/system/cpu"] { return find_frequencies(folder); });
}

}  // namespace steward::handlers::metrics
