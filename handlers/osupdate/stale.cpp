#include "handlers/osupdate/stale.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

namespace steward::handlers::osupdate {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDeleted = " (deleted)";
constexpr std::string_view kService = ".service";
constexpr std::array<std::string_view, 5> kCode{"/usr/", "/lib", "/bin/", "/sbin/", "/opt/"};

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

template <class Take>
void each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The files of the code in a text of /proc/<pid>/maps:
// "7f00-7f01 r-xp 00000000 08:01 123    /usr/lib/libz.so.1 (deleted)"
template <class Take>
void each_code(std::string_view maps, const Take& take) {
  each_line(maps, [&take](std::string_view line) {
    const auto rights = std::min(line.find(' '), line.size());
    const auto file = line.substr(std::min(line.find('/'), line.size()));
    if (!file.empty() && line.substr(rights, 5).find('x') != std::string_view::npos) {
      take(file);
    }
  });
}

// Whether the root of its files is this process's own, or nobody says.
bool has_our_root(const fs::path& process) {
  struct stat ours {};

  struct stat its {};

  return ::stat((process / "root").c_str(), &its) != 0 || ::stat("/", &ours) != 0 ||
         (its.st_dev == ours.st_dev && its.st_ino == ours.st_ino);
}

// Gives each service that is not our own, with the text of maps of each of its processes.
template <class Take>
void each_service(const fs::path& proc, const Take& take) {
  const auto own = service_of(text_of(proc / "self" / "cgroup"));
  std::error_code error;
  for (const auto& process : fs::directory_iterator(proc, error)) {
    const auto name = process.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos ||
        !has_our_root(process.path())) {
      continue;
    }
    const auto service = service_of(text_of(process.path() / "cgroup"));
    if (!service.empty() && service != own) {
      take(service, text_of(process.path() / "maps"));
    }
  }
}

}  // namespace

bool runs_replaced_code(std::string_view maps) {
  bool found = false;
  each_code(maps, [&found](std::string_view file) {
    found = found || (file.ends_with(kDeleted) &&
                      std::any_of(kCode.begin(), kCode.end(), [file](std::string_view folder) {
                        return file.starts_with(folder);
                      }));
  });
  return found;
}

std::string service_of(std::string_view cgroup) {
  std::string service;
  each_line(cgroup, [&service](std::string_view line) {
    // "0::/system.slice/cron.service", "1:name=systemd:/system.slice/cron.service"
    const bool systemd = line.starts_with("0::") || line.find(":name=systemd:") < line.size();
    const auto end = line.find(kService);
    if (!systemd || !service.empty() || end == std::string_view::npos ||
        line.find("/user.slice/") != std::string_view::npos) {
      return;
    }
    const auto whole = line.substr(0, end + kService.size());
    if (whole.size() == line.size() || line[whole.size()] == '/') {
      service = whole.substr(whole.rfind('/') + 1);
    }
  });
  return service;
}

std::vector<std::string> stale_services(const fs::path& proc) {
  std::set<std::string> services;
  each_service(proc, [&services](const std::string& service, const std::string& maps) {
    if (runs_replaced_code(maps)) {
      services.insert(service);
    }
  });
  return {services.begin(), services.end()};
}

std::map<std::string, std::set<std::string>> services_by_code(const fs::path& proc) {
  std::map<std::string, std::set<std::string>> services;
  each_service(proc, [&services](const std::string& service, const std::string& maps) {
    each_code(maps, [&](std::string_view file) {
      const auto gone = file.ends_with(kDeleted) ? kDeleted.size() : 0;
      services[std::string(file.substr(0, file.size() - gone))].insert(service);
    });
  });
  return services;
}

}  // namespace steward::handlers::osupdate
