#pragma once

#include "handlers/runtime/fd.hpp"
#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::runtime {

// A directory of cgroup v2 for one job; removed with this object, once it is empty.
class Cgroup {
 public:
  Cgroup(Fd directory, std::string path);
  ~Cgroup();
  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&&) = delete;

  int directory() const { return directory_.get(); }

  const std::string& path() const { return path_; }

  // Writes a value to one of its files ("memory.max"). Errors: as the system has them; not_found:
  // the controller is not there.
  [[nodiscard]] Result<void> set(const std::string& file, const std::string& value) const;

 private:
  Fd directory_;
  std::string path_;
};

// A part of the hierarchy that has been given to this program, where it makes groups for jobs.
class CgroupRoot {
 public:
  // Our own group if systemd has delegated it to us (its attribute user.delegate says so): this
  // program moves into a leaf of it, since a group with controllers for children holds no process.
  // Errors: unavailable, saying why.
  [[nodiscard]] static Result<CgroupRoot> delegated();

  // A directory that somebody has prepared. Errors: unavailable.
  [[nodiscard]] static Result<CgroupRoot> at(std::string path);

  // Whether children can be limited by it: "memory", "cpu", "pids", "io".
  bool has(std::string_view controller) const;

  // Errors: as the system has them.
  [[nodiscard]] Result<Cgroup> make(const std::string& name) const;

 private:
  explicit CgroupRoot(std::string path);

  std::string path_;
  std::vector<std::string> controllers_;
};

}  // namespace steward::runtime
