#pragma once

#include "subjects/wire/daemon.hpp"
#include "subjects/wire/error.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace steward::handlers::daemon {

// One file of specs, as it is now.
struct SpecFile {
  std::filesystem::path path;
  std::string hash;  // of its text
  Result<wire::DaemonSpec> spec = failure(ErrorCode::internal, "");
};

// The folder in which an owner of the unit keeps specs: *.toml and *.json.
class SpecFiles {
 public:
  explicit SpecFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // True: the folder or a file in it has changed since the last call, or this is the first one.
  bool changed();

  // All files, by the name of their daemon; one that cannot be read by its own name. Of two with
  // the same daemon the first by name counts, the other one is wrong.
  std::map<std::string, SpecFile> read() const;

 private:
  std::string stamp() const;

  const std::filesystem::path folder_;
  std::string seen_ = "not yet";
};

}  // namespace steward::handlers::daemon
