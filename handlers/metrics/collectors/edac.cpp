#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/sys_readings.hpp"

namespace steward::handlers::metrics {
namespace {

std::vector<SysReading> find_controllers(const std::string& folder) {
  std::vector<SysReading> found;
  for (const auto& controller : numbered(folder, "mc")) {
    const auto number = controller.substr(2);
    const auto path = folder + "/" + controller;
    found.push_back({ProcFile(path + "/ce_count"),
                     "node_edac_correctable_errors_total",
                     {"controller", number},
                     {},
                     kOne,
                     wire::MetricType::counter});
    found.push_back({ProcFile(path + "/ue_count"),
                     "node_edac_uncorrectable_errors_total",
                     {"controller", number},
                     {},
                     kOne,
                     wire::MetricType::counter});
  }
  return found;
}

}  // namespace

Made make_edac(const Roots& roots) {
  return std::make_unique<SysReadings>("edac", [folder = roots.sys + "/devices/system/edac/mc"] {
    return find_controllers(folder);
  });
}

}  // namespace steward::handlers::metrics
