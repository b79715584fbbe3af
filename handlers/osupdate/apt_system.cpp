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
Result<void> Apt::each_file_of(const std::vector<std::string>& packages,
                               const TakeFile& take) const {
  STEWARD_TRY(const auto notes, notes_on(packages, ".list"));
  for (const auto& note : notes) {
    std::ifstream list(note.path);
    for (std::string line; std::getline(list, line);) {
      take(place_.root / std::filesystem::path(line).relative_path());
    }
  }
  return {};
}

// "bash.list". Of what may be there for several architectures "libc6:amd64.list", which a plan
// calls libc6 where that is the machine's own; of what may not, "wine32.list" is wine32:i386, too.
Result<std::vector<Apt::Note>> Apt::notes_on(const std::vector<std::string>& packages,
                                             std::string_view kind) const {
  const std::set<std::string> wanted(packages.begin(), packages.end());
  const auto wanted_as = [&wanted](const std::string& name) {
    const auto colon = name.find(':');
    if (wanted.contains(name)) {
      return name;
    }
    if (colon != std::string::npos) {
      const auto plain = name.substr(0, colon);
      return wanted.contains(plain) ? plain : "";
    }
    const auto foreign = wanted.lower_bound(name + ":");
    return foreign != wanted.end() && foreign->starts_with(name + ":") ? *foreign : "";
  };
  std::vector<Note> notes;
  const auto folder = place_.root / "var/lib/dpkg/info";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    const auto package = !name.ends_with(kind)
                             ? std::string()
                             : wanted_as(name.substr(0, name.size() - kind.size()));
    if (!package.empty()) {
      notes.push_back({package, entry.path()});
    }
  }
  if (error) {
    return tl::unexpected(system_error(error.value(), "read " + folder.string()));
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
  const auto scripts = notes_on(packages, ".postinst");
  for (const auto& script : scripts ? *scripts : std::vector<Note>()) {
    if (whole_text(script.path).find("reboot-required") != std::string::npos) {
      needing.insert(script.package);
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
