#include "handlers/osupdate/choose.hpp"

#include "handlers/osupdate/apk.hpp"
#include "handlers/osupdate/apt.hpp"
#include "handlers/osupdate/dnf.hpp"
#include "handlers/osupdate/machine_files.hpp"
#include "handlers/osupdate/plan_parts.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace steward::handlers::osupdate {
namespace {

using Drivers = std::vector<std::unique_ptr<Driver>>;

Drivers all_drivers(runtime::Context& context) {
  auto& options = context.options;
  const std::filesystem::path root = options.text("root", "/");
  Drivers drivers;
  drivers.push_back(std::make_unique<Apt>(
      AptPlace{options.text("apt_config"), root, options.text("dpkg", "dpkg")}));
  drivers.push_back(std::make_unique<Dnf>(root, rpm_asker(context.processes)));
  drivers.push_back(std::make_unique<Apk>(root));
  return drivers;
}

}  // namespace

std::unique_ptr<Driver> choose_driver(runtime::Context& context) {
  auto drivers = all_drivers(context);
  const auto named = context.options.choice("driver", {"auto", "apt", "dnf", "apk"}, 0);
  if (named > 0) {
    return std::move(drivers[named - 1]);
  }
  const auto absent = std::stable_partition(
      drivers.begin(), drivers.end(), [](const auto& driver) { return driver->is_there(); });
  if (std::distance(drivers.begin(), absent) > 1) {
    const std::filesystem::path root = context.options.text("root", "/");
    const auto own = driver_of(whole_text(root / "etc/os-release"));
    const auto at = std::find_if(
        drivers.begin(), absent, [own](const auto& driver) { return driver->name() == own; });
    return std::move(at == absent ? drivers.front() : *at);
  }
  return std::move(drivers.front());
}

std::string_view driver_of(std::string_view os_release) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSystems{
      {{"debian", "apt"},
       {"ubuntu", "apt"},
       {"fedora", "dnf"},
       {"rhel", "dnf"},
       {"centos", "dnf"},
       {"alpine", "apk"}}};
  // ID="almalinux", ID_LIKE="rhel centos fedora"
  while (!os_release.empty()) {
    auto line = take_text_line(os_release);
    if (!line.starts_with("ID=") && !line.starts_with("ID_LIKE=")) {
      continue;
    }
    std::string words(line.substr(line.find('=') + 1));
    std::erase_if(words, [](char letter) { return letter == '"' || letter == '\''; });
    for (const auto word : words_in(words)) {
      const auto at = std::find_if(
          kSystems.begin(), kSystems.end(), [word](const auto& one) { return one.first == word; });
      if (at != kSystems.end()) {
        return at->second;
      }
    }
  }
  return "";
}

}  // namespace steward::handlers::osupdate
