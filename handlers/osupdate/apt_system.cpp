// What apt and dpkg have on the machine's disks.

#include "handlers/osupdate/apt.hpp"
#include "handlers/osupdate/dpkg_state.hpp"
#include "handlers/osupdate/machine_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace steward::handlers::osupdate {
namespace {

// An archive's name has no colon: "bash_1%3a5.2_amd64.deb".
std::string archive_start(const std::string& package, const std::string& version) {
  std::string name = package.substr(0, package.find(':')) + "_";
  for (const char letter : version) {
    name += letter == ':' ? "%3a" : std::string(1, letter);
  }
  return name + "_";
}

}  // namespace

bool Apt::is_there() const {
  return ::access("/usr/bin/apt-get", X_OK) == 0 &&
         ::access((place_.root / "var/lib/dpkg/status").c_str(), R_OK) == 0;
}

std::string_view Apt::complaint(std::string_view line) const {
  return line.starts_with("E: ") ? line.substr(3) : std::string_view();
}

std::string Apt::archive_of(const std::string& package, const std::string& version) const {
  const auto start = archive_start(package, version);
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(place_.root / "var/cache/apt/archives", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(start) && name.ends_with(".deb")) {
      return entry.path().string();
    }
  }
  return "";
}

// dpkg's own lists.
Result<std::vector<std::filesystem::path>> Apt::files_of(
    const std::vector<std::string>& packages) const {
  std::vector<std::filesystem::path> files;
  for (const auto& [package, path] : notes_on(packages, ".list")) {
    std::ifstream list(path);
    for (std::string line; std::getline(list, line);) {
      files.push_back(place_.root / std::filesystem::path(line).relative_path());
    }
  }
  return files;
}

// "bash.list", "libc6:amd64.list": what a plan calls libc6 has its architecture there.
std::vector<Apt::Note> Apt::notes_on(const std::vector<std::string>& packages,
                                     std::string_view kind) const {
  const std::set<std::string> wanted(packages.begin(), packages.end());
  std::vector<Note> notes;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(place_.root / "var/lib/dpkg/info", error)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kind)) {
      continue;
    }
    const auto whole = name.substr(0, name.size() - kind.size());
    for (const auto& package : {whole, whole.substr(0, whole.find(':'))}) {
      if (wanted.contains(package)) {
        notes.push_back({package, entry.path()});
        break;
      }
    }
  }
  return notes;
}

CommandLine Apt::status_of(const std::string& package) const {
  return {"dpkg-query",
          "--admindir=" + (place_.root / "var/lib/dpkg").string(),
          "-W",
          "-f=${db:Status-Status}",
          package};
}

Result<SystemState> Apt::state() const { return read_dpkg_state(place_.root / "var/lib/dpkg"); }

Result<std::optional<LockHolder>> Apt::lock_holder() const {
  const auto dpkg = place_.root / "var/lib/dpkg";
  return lock_holder_of(
      {dpkg / "lock-frontend", dpkg / "lock", place_.root / "var/cache/apt/archives/lock"});
}

Room Apt::room() const { return room_below(place_.root, "var/cache/apt/archives"); }

bool Apt::is_kernel(std::string_view package) const { return package.starts_with("linux-image-"); }

// A package says so in its script, by that file, or is a kernel.
std::vector<std::string> Apt::needing_reboot(const std::vector<std::string>& packages) const {
  std::set<std::string> needing;
  std::copy_if(packages.begin(),
               packages.end(),
               std::inserter(needing, needing.end()),
               [this](const std::string& package) { return is_kernel(package); });
  for (const auto& [package, script] : notes_on(packages, ".postinst")) {
    if (whole_text(script).find("reboot-required") != std::string::npos) {
      needing.insert(package);
    }
  }
  return {needing.begin(), needing.end()};
}

bool Apt::reboot_required() const {
  std::error_code error;
  return std::filesystem::exists(place_.root / "run/reboot-required", error) ||
         std::filesystem::exists(place_.root / "var/run/reboot-required", error);
}

std::string Apt::fingerprint() const {
  return stamps_of(place_.root,
                   {"var/lib/apt/lists",
                    "var/lib/apt/extended_states",
                    "var/lib/dpkg/status",
                    "var/lib/dpkg/updates",
                    "etc/apt/sources.list",
                    "etc/apt/sources.list.d",
                    "etc/apt/preferences",
                    "etc/apt/preferences.d",
                    "etc/apt/apt.conf.d"});
}

}  // namespace steward::handlers::osupdate
