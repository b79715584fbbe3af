#include "handlers/osupdate/consequences.hpp"

#include "handlers/osupdate/stale.hpp"

#include <set>
#include <string>
#include <vector>

namespace steward::handlers::osupdate {
namespace {

namespace fs = std::filesystem;

// As the kernel names it: a package lists /lib/x.so where /lib leads to /usr/lib.
std::string real_path(const fs::path& file) {
  std::error_code error;
  const auto folder = fs::canonical(file.parent_path(), error);
  return ((error ? file.parent_path() : folder) / file.filename()).string();
}

// Of a plan there may be a hundred thousand files, of code that runs a few hundred.
Result<std::vector<std::string>> services_running(const std::vector<std::string>& packages,
                                                  const Driver& driver,
                                                  const fs::path& proc) {
  const auto by_code = services_by_code(proc);
  std::set<std::string> names;
  for (const auto& [file, of] : by_code) {
    names.insert(fs::path(file).filename().string());
  }
  std::set<std::string> services;
  const auto take = [&](const fs::path& file) {
    if (!names.contains(file.filename().string())) {
      return;
    }
    if (const auto at = by_code.find(real_path(file)); at != by_code.end()) {
      services.insert(at->second.begin(), at->second.end());
    }
  };
  if (auto read = driver.each_file_of(packages, take); !read) {
    return tl::unexpected<Error>(std::move(read).error());
  }
  return std::vector<std::string>(services.begin(), services.end());
}

}  // namespace

Result<void> add_consequences(wire::UpdatePlan& plan, const Driver& driver, const fs::path& proc) {
  std::vector<std::string> all;
  auto installed = plan.removed;
  for (const auto& package : plan.packages) {
    all.push_back(package.name);
    if (!package.from.empty()) {
      installed.push_back(package.name);
    }
  }
  STEWARD_TRY(plan.restarts, services_running(installed, driver, proc));
  plan.reboot_for = driver.needing_reboot(all);
  return {};
}

}  // namespace steward::handlers::osupdate
