#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/sys_readings.hpp"

namespace steward::handlers::metrics {
namespace {

std::vector<SysReading> find_zones(const std::string& folder) {
  std::vector<SysReading> found;
  for (const auto& zone : numbered(folder, "thermal_zone")) {
    const auto path = folder + "/" + zone;
    found.push_back({ProcFile(path + "/temp"),
                     "node_thermal_zone_temp",
                     {"type", first_line(path + "/type")},
                     {"zone", zone.substr(std::string_view("thermal_zone").size())},
                     kMilli});
  }
  for (const auto& device : numbered(folder, "cooling_device")) {
    const auto path = folder + "/" + device;
    const auto number = device.substr(std::string_view("cooling_device").size());
    const auto type = first_line(path + "/type");
    for (const std::string state : {"cur_state", "max_state"}) {
      found.push_back({ProcFile(path + "/" + state),
                       "node_cooling_device_" + state,
                       {"name", number},
                       {"type", type},
                       kOne});
    }
  }
  return found;
}

}  // namespace

Made make_thermal(const Roots& roots) {
  return std::make_unique<SysReadings>(
      "thermal_zone", [folder = roots.sys + "/class/thermal"] { return find_zones(folder); });
}

}  // namespace steward::handlers::metrics
