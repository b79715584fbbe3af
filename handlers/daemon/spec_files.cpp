#include "handlers/daemon/spec_files.hpp"

#include "subjects/wire/daemon_file.hpp"
#include "subjects/wire/fnv.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

namespace steward::handlers::daemon {
namespace {

// Of the folder's files that count, in order.
std::set<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::set<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".toml" || extension == ".json") {
      files.insert(entry.path());
    }
  }
  return files;
}

SpecFile read_file(const std::filesystem::path& path) {
  SpecFile file{.path = path, .hash = ""};
  std::ostringstream text;
  errno = 0;
  if (!(text << std::ifstream(path).rdbuf())) {
    file.spec = tl::unexpected<Error>(system_error(errno, "read " + path.string()));
    return file;
  }
  wire::Fnv hash;
  hash.bytes(text.str());
  file.hash = wire::hex(hash.value());
  file.spec = wire::decode_daemon_file(text.str(), path.string());
  return file;
}

}  // namespace

std::string SpecFiles::stamp() const {
  std::ostringstream stamp;
  for (const auto& path : files_in(folder_)) {
    struct stat status {};

    stat(path.c_str(), &status);
    stamp << path.string() << '\n'
          << status.st_ino << ' ' << status.st_size << ' ' << status.st_mtim.tv_sec << '.'
          << status.st_mtim.tv_nsec << '\n';
  }
  return stamp.str();
}

bool SpecFiles::changed() {
  const auto now = stamp();
  return std::exchange(seen_, now) != now;
}

std::map<std::string, SpecFile> SpecFiles::read() const {
  std::map<std::string, SpecFile> files;
  for (const auto& path : files_in(folder_)) {
    auto file = read_file(path);
    const auto name = file.spec ? file.spec->name : path.filename().string();
    if (files.contains(name)) {
      file.spec =
          failure(ErrorCode::bad_config,
                  path.string() + ": " + files.at(name).path.string() + " is of the same daemon");
      files.emplace(path.filename().string(), std::move(file));
    } else {
      files.emplace(name, std::move(file));
    }
  }
  return files;
}

}  // namespace steward::handlers::daemon
