#include "handlers/facts/sources/source.hpp"

#include <sys/stat.h>

#include <array>

namespace steward::handlers::facts {
namespace {

constexpr std::size_t kLargestDatabase = 64 * 1024 * 1024;

struct Database {
  std::string_view path;
  std::string_view manager;
  std::int64_t (*count)(std::string_view text);
};

constexpr std::array<Database, 2> kDatabases{
    {{"/var/lib/dpkg/status", "dpkg", &count_dpkg}, {"/lib/apk/db/installed", "apk", &count_apk}}};

}  // namespace

std::int64_t count_dpkg(std::string_view status) {
  std::int64_t count = 0;
  constexpr std::string_view kState = "\nStatus: ";
  for (auto at = status.find(kState); at != std::string_view::npos;
       at = status.find(kState, at + kState.size())) {
    const auto begin = at + kState.size();
    count += status.substr(begin, status.find('\n', begin) - begin).ends_with(" installed") ? 1 : 0;
  }
  return count;
}

std::int64_t count_apk(std::string_view installed) {
  std::int64_t count = 0;
  each_line(installed,
            [&count](std::string_view line) { count += line.starts_with("P:") ? 1 : 0; });
  return count;
}

void Packages::add(const Root& root, wire::Facts& facts) {
  for (const auto& database : kDatabases) {
    const auto path = root + std::string(database.path);

    struct stat status {};

    if (::stat(path.c_str(), &status) != 0) {
      continue;
    }
    const auto seen = path + ' ' + std::to_string(status.st_ino) + ' ' +
                      std::to_string(status.st_size) + ' ' + std::to_string(status.st_mtim.tv_sec) +
                      '.' + std::to_string(status.st_mtim.tv_nsec);
    if (seen != seen_) {
      count_ = database.count(read_file(path, kLargestDatabase));
      seen_ = seen;
    }
    put(facts, "packages", count_);
    put(facts, "packages.manager", database.manager);
    return;
  }
}

}  // namespace steward::handlers::facts
