#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/sys_readings.hpp"

#include <array>
#include <cctype>
#include <filesystem>
#include <system_error>

namespace steward::handlers::metrics {
namespace {

namespace fs = std::filesystem;

struct Kind {
  std::string_view sensor;
  std::string_view ending;
  Unit unit;
};

constexpr std::array<Kind, 5> kSensorKinds{{{"temp", "celsius", kMilli},
                                            {"in", "volts", kMilli},
                                            {"fan", "rpm", kOne},
                                            {"curr", "amps", kMilli},
                                            {"power", "watt", kMicro}}};
constexpr std::array<std::string_view, 5> kFigures{"input", "average", "min", "max", "crit"};
// Sensors of one kind on one chip; they are numbered without great gaps.
constexpr int kMostSensors = 32;

// Lower case, other signs than letters, digits, ':' and '_' as '_', none at either end.
std::string clean(std::string text) {
  for (char& letter : text) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const bool good = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                      lower == ':' || lower == '_';
    letter = good ? lower : '_';
  }
  const auto begin = text.find_first_not_of('_');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of('_') - begin + 1);
}

// Numbers of chips change from boot to boot; the path of the device does not.
std::string chip_name(const std::string& path) {
  std::error_code error;
  const auto device = fs::canonical(path + "/device", error);
  if (!error) {
    const auto type = clean(device.parent_path().filename().string());
    const auto name = clean(device.filename().string());
    if (!name.empty()) {
      return type.empty() ? name : type + "_" + name;
    }
  }
  auto name = clean(first_line(path + "/name"));
  return name.empty() ? fs::path(path).filename().string() : name;
}

void find_sensor(const std::string& path,
                 const std::string& chip,
                 const Kind& kind,
                 const std::string& sensor,
                 std::vector<SysReading>& found) {
  for (const auto figure : kFigures) {
    auto file = path + "/" + sensor + "_" + std::string(figure);
    if (!is_there(file)) {
      continue;
    }
    const std::string which = figure == "input" ? "" : std::string(figure) + "_";
    found.push_back(
        {ProcFile(std::move(file)),
         "node_hwmon_" + std::string(kind.sensor) + "_" + which + std::string(kind.ending),
         {"chip", chip},
         {"sensor", sensor},
         kind.unit});
  }
}

std::vector<SysReading> find_sensors(const std::string& folder) {
  std::vector<SysReading> found;
  for (const auto& name : numbered(folder, "hwmon")) {
    const auto path = folder + "/" + name;
    const auto chip = chip_name(path);
    for (const auto& kind : kSensorKinds) {
      for (int i = 0; i < kMostSensors; ++i) {
        find_sensor(path, chip, kind, std::string(kind.sensor) + std::to_string(i), found);
      }
    }
  }
  return found;
}

}  // namespace

Made make_hwmon(const Roots& roots) {
  return std::make_unique<SysReadings>(
      "hwmon", [folder = roots.sys + "/class/hwmon"] { return find_sensors(folder); });
}

}  // namespace steward::handlers::metrics
