#include "handlers/runtime/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

namespace steward::runtime {
namespace {

constexpr long kCgroup2Magic = 0x63677270;
constexpr std::array<std::string_view, 4> kControllers{"memory", "cpu", "pids", "io"};

std::vector<std::string> words_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> words;
  for (std::string word; file >> word;) {
    words.push_back(word);
  }
  return words;
}

Result<void> write_file(int directory, const std::string& name, const std::string& value) {
  const Fd file(openat(directory, name.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), value.data(), value.size()) < 0) {
    return tl::unexpected<Error>(system_error(errno, "write " + name));
  }
  return {};
}

// Where cgroup2 is mounted, and our group in it.
std::string own_group() {
  std::string mount;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") != std::string::npos) {
      std::istringstream fields(line);
      for (int i = 0; i < 5; ++i) {
        fields >> mount;
      }
      break;
    }
  }
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::") && !mount.empty()) {
      return mount + line.substr(3);
    }
  }
  return "";
}

}  // namespace

Cgroup::Cgroup(Fd directory, std::string path)
    : directory_(std::move(directory)), path_(std::move(path)) {}

Cgroup::~Cgroup() {
  if (directory_) {
    rmdir(path_.c_str());  // refused while a process is left in it: the next start finds it empty
  }
}

Result<void> Cgroup::set(const std::string& file, const std::string& value) const {
  return write_file(directory_.get(), file, value);
}

CgroupRoot::CgroupRoot(std::string path)
    : path_(std::move(path)), controllers_(words_of(path_ + "/cgroup.subtree_control")) {}

Result<CgroupRoot> CgroupRoot::at(std::string path) {
  struct statfs system {};

  if (statfs(path.c_str(), &system) != 0 || system.f_type != kCgroup2Magic) {
    return failure(ErrorCode::unavailable, path + " is not a directory of cgroup v2");
  }
  if (access(path.c_str(), W_OK) != 0) {
    return failure(ErrorCode::unavailable, path + " is not writable");
  }
  return CgroupRoot(std::move(path));
}

Result<CgroupRoot> CgroupRoot::delegated() {
  const std::string own = own_group();
  std::array<char, 8> value{};
  if (own.empty()) {
    return failure(ErrorCode::unavailable, "no cgroup v2 here");
  }
  if (getxattr(own.c_str(), "user.delegate", value.data(), value.size()) != 1 || value[0] != '1') {
    return failure(ErrorCode::unavailable, "the cgroup is not delegated (Delegate=yes)");
  }
  const std::string leaf = own + "/agent";
  if (mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) {
    return failure(ErrorCode::unavailable, "cannot make " + leaf);
  }
  const Fd leaf_directory(open(leaf.c_str(), O_DIRECTORY | O_CLOEXEC));
  const Fd own_directory(open(own.c_str(), O_DIRECTORY | O_CLOEXEC));
  if (auto moved = write_file(leaf_directory.get(), "cgroup.procs", "0"); !moved) {
    return failure(ErrorCode::unavailable, moved.error().message);
  }
  for (const auto controller : kControllers) {
    // One by one: what is not to be had is told for each limit.
    (void)write_file(own_directory.get(), "cgroup.subtree_control", "+" + std::string(controller));
  }
  return CgroupRoot(own);
}

bool CgroupRoot::has(std::string_view controller) const {
  return std::find(controllers_.begin(), controllers_.end(), controller) != controllers_.end();
}

Result<Cgroup> CgroupRoot::make(const std::string& name) const {
  const std::string path = path_ + "/" + name;
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    return tl::unexpected<Error>(system_error(errno, "make " + path));
  }
  Fd directory(open(path.c_str(), O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    return tl::unexpected<Error>(system_error(errno, "open " + path));
  }
  return Cgroup(std::move(directory), path);
}

}  // namespace steward::runtime
