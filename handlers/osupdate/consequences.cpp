#include "handlers/osupdate/consequences.hpp"

#include "handlers/osupdate/stale.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace steward::handlers::osupdate {
namespace {

namespace fs = std::filesystem;

// As the kernel names them: a package lists /lib/x.so where /lib leads to /usr/lib.
std::set<std::string> real_paths(const std::vector<fs::path>& files) {
  std::map<fs::path, fs::path> folders;
  std::set<std::string> paths;
  for (const auto& file : files) {
    const auto [at, is_new] = folders.try_emplace(file.parent_path());
    if (is_new) {
      std::error_code error;
      const auto real = fs::canonical(at->first, error);
      at->second = error ? at->first : real;
    }
    paths.insert((at->second / file.filename()).string());
  }
  return paths;
}

}  // namespace

Result<void> add_consequences(wire::UpdatePlan& plan, const Driver& driver, const fs::path& proc) {
  std::vector<std::string> all;
  std::vector<std::string> installed;
  for (const auto& package : plan.packages) {
    all.push_back(package.name);
    if (!package.from.empty()) {
      installed.push_back(package.name);
    }
  }
  STEWARD_TRY(const auto files, driver.files_of(installed));
  plan.restarts = services_running(real_paths(files), proc);
  plan.reboot_for = driver.needing_reboot(all);
  return {};
}

}  // namespace steward::handlers::osupdate
