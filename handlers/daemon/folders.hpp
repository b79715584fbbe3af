#pragma once

#include "handlers/daemon/daemon.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace steward::handlers::daemon {

// What other handlers of the unit find of the daemons, as files below this one's folder:
//
//   logs/<domain>/<name>   a link to the folder of its output, for syslogforwarding
//   table                  a line each: name, pid (0: it does not run), restarts, and "own" or
//                          "unit", for metrics; renamed into place
class Folders {
 public:
  explicit Folders(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Where that daemon's runs are.
  std::filesystem::path run(const std::string& name) const { return folder_ / "run" / name; }

  // `domain`: empty: its output is not forwarded. Errors: io, no_space, permission.
  [[nodiscard]] Result<void> forward(const std::string& name, const std::string& domain) const;

  // With all that it said.
  void remove(const std::string& name) const;

  // Written where it differs from what stands there. Errors: io, no_space, permission.
  [[nodiscard]] Result<void> tell(const std::map<std::string, std::unique_ptr<Daemon>>& daemons);

 private:
  std::filesystem::path folder_;
  std::string told_;
};

}  // namespace steward::handlers::daemon
