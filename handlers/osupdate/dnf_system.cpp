// What dnf and rpm have on the machine's disks.

#include "handlers/osupdate/dnf.hpp"
#include "handlers/osupdate/dpkg_state.hpp"
#include "handlers/osupdate/machine_files.hpp"
#include "handlers/osupdate/plan_parts.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/program_run.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kRpmPatience{30'000};
constexpr std::size_t kMostRpm = 64 * 1024 * 1024;

// What needs-restarting asks about, and kernels of other names.
bool is_below_all(const std::string& name) {
  constexpr std::array<std::string_view, 11> kNames{"kernel",
                                                    "kernel-core",
                                                    "kernel-rt",
                                                    "kernel-rt-core",
                                                    "kernel-uek",
                                                    "glibc",
                                                    "linux-firmware",
                                                    "systemd",
                                                    "dbus",
                                                    "dbus-broker",
                                                    "dbus-daemon"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// "locklist = /etc/dnf/plugins/versionlock.list"
fs::path locklist_in(std::string_view configuration) {
  while (!configuration.empty()) {
    const auto words = words_in(take_text_line(configuration));
    if (words.size() == 3 && words[0] == "locklist" && words[1] == "=") {
      return words[2];
    }
  }
  return {};
}

}  // namespace

// Of a newer dnf, which is another program and speaks otherwise, nothing is known here.
fs::path Dnf::program() const {
  std::error_code error;
  for (const char* path : {"/usr/bin/dnf-3", "/usr/bin/dnf4", "/usr/bin/dnf"}) {
    if (::access(path, X_OK) == 0 &&
        fs::canonical(path, error).filename().string().find("dnf5") == std::string::npos) {
      return path;
    }
  }
  return {};
}

// Debian's rpm keeps one below /root.
fs::path Dnf::database() const {
  for (const char* path : {"usr/lib/sysimage/rpm", "var/lib/rpm", "root/.rpmdb"}) {
    for (const char* file : {"rpmdb.sqlite", "Packages.db", "Packages"}) {
      if (::access((root_ / path / file).c_str(), R_OK) == 0) {
        return root_ / path;
      }
    }
  }
  return {};
}

bool Dnf::is_there() const { return !program().empty() && !database().empty(); }

std::string Dnf::database_stamp() const {
  return stamps_of(database(), {"rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages"});
}

fs::path Dnf::lock_list() const {
  const auto configuration = root_ / "etc/dnf/plugins/versionlock.conf";
  if (::access(configuration.c_str(), R_OK) != 0) {
    return {};
  }
  const auto list = locklist_in(whole_text(configuration));
  return list.empty() ? root_ / "etc/dnf/plugins/versionlock.list" : list;
}

Result<std::vector<RpmPackage>> Dnf::installed() const {
  auto stamp = database_stamp();
  if (stamp != installed_of_) {
    STEWARD_TRY(const auto said, rpm_(rpm_words({"-qa", "--qf", kRpmFormat})));
    installed_ = parse_rpm_lines(said);
    installed_of_ = std::move(stamp);
  }
  return installed_;
}

Result<SystemState> Dnf::state() const {
  STEWARD_TRY(const auto packages, installed());
  const auto list = lock_list();
  return rpm_state(packages, list.empty() ? "" : whole_text(list));
}

// dnf writes its process into files, rpm takes a lock of the kernel.
Result<std::optional<LockHolder>> Dnf::lock_holder() const {
  for (const char* file : {"var/cache/dnf/metadata_lock.pid",
                           "var/cache/dnf/download_lock.pid",
                           "var/lib/dnf/rpmdb_lock.pid"}) {
    const auto pid = static_cast<pid_t>(count_in(whole_text(root_ / file)));
    if (pid > 0 && ::access(("/proc/" + std::to_string(pid) + "/stat").c_str(), F_OK) == 0) {
      return holder_named(pid);
    }
  }
  return lock_holder_of({database() / ".rpm.lock"});
}

Room Dnf::room() const { return room_below(root_, "var/cache/dnf"); }

bool Dnf::is_kernel(std::string_view package) const {
  return package.starts_with("kernel-core") || package.starts_with("kernel-rt-core") ||
         package.starts_with("kernel-uek");
}

// A name may have its architecture behind it: "glibc.i686".
std::vector<std::string> Dnf::needing_reboot(const std::vector<std::string>& packages) const {
  std::vector<std::string> needing;
  std::copy_if(packages.begin(),
               packages.end(),
               std::back_inserter(needing),
               [this](const std::string& package) {
                 return is_kernel(package) || is_below_all(package) ||
                        is_below_all(package.substr(0, package.rfind('.')));
               });
  return needing;
}

// As needs-restarting has it: something that all depends on has come since the machine started.
bool Dnf::reboot_required() const {
  struct stat first {};

  const auto packages = installed();
  return packages && ::stat("/proc/1", &first) == 0 &&
         std::any_of(packages->begin(), packages->end(), [&](const RpmPackage& package) {
           return package.installed > first.st_mtim.tv_sec &&
                  (is_kernel(package.name) || is_below_all(package.name));
         });
}

std::string Dnf::archive_of(const std::string& package, const std::string& version) const {
  const auto colon = version.find(':');
  const auto plain = colon == std::string::npos ? version : version.substr(colon + 1);
  std::error_code error;
  for (const auto& repository : fs::directory_iterator(root_ / "var/cache/dnf", error)) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(repository.path() / "packages", none)) {
      const std::string name = entry.path().filename();
      if (!name.ends_with(".rpm")) {
        continue;
      }
      const auto found = split_nevra(name.substr(0, name.size() - 4));
      if (found.version == plain &&
          (found.name == package || found.name + "." + found.architecture == package)) {
        return entry.path().string();
      }
    }
  }
  return "";
}

// What has been removed meanwhile makes it end as if something were wrong.
Result<void> Dnf::each_file_of(const std::vector<std::string>& packages,
                               const TakeFile& take) const {
  if (packages.empty()) {
    return {};
  }
  CommandLine words{"sh", "-c", "\"$@\"; [ $? -le 128 ]", "sh"};
  append_words(words, rpm_words({"-ql"}));
  append_words(words, packages);
  STEWARD_TRY(const auto said, rpm_(words));
  std::string_view lines = said;
  while (!lines.empty()) {
    const auto line = take_text_line(lines);
    if (line.starts_with('/')) {
      take(root_ / fs::path(line).relative_path());
    }
  }
  return {};
}

CommandLine Dnf::status_of(const std::string& /*package*/) const {
  return status_by_lock(database() / ".rpm.lock");
}

// Not the folder of the lists: each look at them leaves its mark there.
std::string Dnf::fingerprint() const {
  auto text = database_stamp() + stamps_of(root_, {"etc/yum.repos.d", "etc/dnf/dnf.conf"});
  std::error_code error;
  std::vector<std::string> lists;
  for (const auto& entry : fs::directory_iterator(root_ / "var/cache/dnf", error)) {
    if (entry.is_directory(error)) {
      lists.push_back(entry.path().filename().string() + "=" +
                      stamp_of(entry.path() / "repodata/repomd.xml"));
    }
  }
  std::sort(lists.begin(), lists.end());
  for (const auto& list : lists) {
    text += list;
  }
  return text + (lock_list().empty() ? "" : stamp_of(lock_list()));
}

Dnf::Asker rpm_asker(runtime::Processes& processes) {
  return [&processes](const CommandLine& words) -> Result<std::string> {
    runtime::Loop loop;
    Result<std::string> said = failure(ErrorCode::exec_failed, "rpm has said nothing");
    runtime::ProgramRun run(loop,
                            {words, {"HOME=/root", "LC_ALL=C"}, kRpmPatience, kMostRpm},
                            [&loop, &said](Result<runtime::ProgramRun::End> end) {
                              loop.stop();
                              if (!end) {
                                said = tl::unexpected<Error>(std::move(end).error());
                              } else if (end->status.code != 0) {
                                said = failure(
                                    ErrorCode::exec_failed,
                                    "rpm: " + runtime::shown(end->status) + ": " + end->output);
                              } else {
                                said = std::move(end->output);
                              }
                            });
    if (auto started = run.start(processes); !started) {
      return tl::unexpected<Error>(std::move(started).error());
    }
    loop.run();
    return said;
  };
}

}  // namespace steward::handlers::osupdate
