// What apk has on the machine's disks.

#include "handlers/osupdate/apk.hpp"
#include "handlers/osupdate/machine_files.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>

namespace steward::handlers::osupdate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInstalled = "lib/apk/db/installed";
constexpr const char* kWorld = "etc/apk/world";
constexpr const char* kLock = "lib/apk/db/lock";

}  // namespace

bool Apk::is_there() const {
  const bool program = ::access("/sbin/apk", X_OK) == 0 || ::access("/usr/bin/apk", X_OK) == 0;
  return program && ::access((root_ / kInstalled).c_str(), R_OK) == 0;
}

bool Apk::has_own_cache() const {
  std::error_code error;
  return fs::is_directory(root_ / "etc/apk/cache", error);
}

fs::path Apk::cache() const {
  return root_ / (has_own_cache() ? "etc/apk/cache" : "var/cache/apk");
}

std::vector<ApkPackage> Apk::installed() const {
  return parse_apk_installed(whole_text(root_ / kInstalled));
}

// "web-2.0-r0.a38e0ab3.apk"
std::string Apk::archive_of(const std::string& package, const std::string& version) const {
  const auto start = package + "-" + version + ".";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(cache(), error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(start) && name.ends_with(".apk")) {
      return entry.path().string();
    }
  }
  return "";
}

Result<void> Apk::each_file_of(const std::vector<std::string>& packages,
                               const TakeFile& take) const {
  const std::set<std::string> wanted(packages.begin(), packages.end());
  for (const auto& one : installed()) {
    for (const auto& file : wanted.contains(one.name) ? one.files : std::vector<std::string>()) {
      take(root_ / file);
    }
  }
  return {};
}

CommandLine Apk::status_of(const std::string& /*package*/) const {
  return status_by_lock(root_ / kLock);
}

Result<SystemState> Apk::state() const {
  if (::access((root_ / kInstalled).c_str(), R_OK) != 0) {
    return tl::unexpected(system_error(errno, "read " + (root_ / kInstalled).string()));
  }
  return apk_state(installed(), whole_text(root_ / kWorld));
}

Result<std::optional<LockHolder>> Apk::lock_holder() const { return locker_of_file(root_ / kLock); }

Room Apk::room() const { return room_below(root_, "var/cache/apk"); }

bool Apk::is_kernel(std::string_view package) const {
  return package == "linux-lts" || package == "linux-virt" || package == "linux-edge" ||
         package == "linux-rpi";
}

bool kernel_is_replaced(const fs::path& modules, const std::string& release) {
  std::error_code error;
  bool others = false;
  for (const auto& entry : fs::directory_iterator(modules, error)) {
    if (entry.path().filename() == release) {
      return false;
    }
    others = others || entry.is_directory(error);
  }
  return others;
}

std::vector<std::string> Apk::needing_reboot(const std::vector<std::string>& packages) const {
  std::vector<std::string> kernels;
  std::copy_if(packages.begin(),
               packages.end(),
               std::back_inserter(kernels),
               [this](const std::string& package) { return is_kernel(package); });
  return kernels;
}

bool Apk::reboot_required() const {
  utsname name{};
  return ::uname(&name) == 0 && kernel_is_replaced(root_ / "lib/modules", name.release);
}

std::string Apk::fingerprint() const {
  return stamps_of(root_,
                   {kInstalled, kWorld, "etc/apk/repositories", "etc/apk/cache", "var/cache/apk"});
}

}  // namespace steward::handlers::osupdate
