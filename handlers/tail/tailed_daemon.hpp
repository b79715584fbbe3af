#pragma once

#include "handlers/tail/tailed.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace steward::handlers::tail {

// What one of our own daemons says, from the files of its shim, over restarts of it.
class TailedDaemon final : public Tailed {
 public:
  // `folder`: where the daemon handler keeps what it has for others, a folder for each of its
  // domains (handlers/daemon/README.md). Begins that many lines before the end. Errors: not_found
  // (no such daemon), unsupported (it is a unit of systemd: its journal has it), io.
  [[nodiscard]] static Result<std::unique_ptr<TailedDaemon>> open(
      const std::filesystem::path& folder, const std::string& name, std::size_t lines);

  Result<Piece> read() override;

 private:
  explicit TailedDaemon(std::filesystem::path output) : output_(std::move(output)) {}

  const std::filesystem::path output_;
  std::uint64_t offset_ = 0;
};

}  // namespace steward::handlers::tail
