#pragma once

#include "handlers/daemon/daemon.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace steward::handlers::daemon {

// The records of all daemons, a file each.
class Records {
 public:
  explicit Records(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Those that can be read; `wrong` says which could not, and why.
  std::vector<Record> load(std::vector<std::string>& wrong) const;

  // On disk when it returns. Errors: io, no_space, permission.
  [[nodiscard]] Result<void> save(const Record& record) const;

  void remove(const std::string& name) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace steward::handlers::daemon
