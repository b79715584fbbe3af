#pragma once

#include "subjects/wire/error.hpp"

#include <filesystem>
#include <memory>

namespace steward::bench {

// The least that it takes to make something durable: a block written to a file and synchronised
// (fdatasync). The peer of everything that promises to be on disk.
class DiskSync {
 public:
  // A file of its own in that folder. Errors: io, permission, no_space.
  [[nodiscard]] static Result<std::unique_ptr<DiskSync>> open(const std::filesystem::path& folder);

  ~DiskSync();
  DiskSync(const DiskSync&) = delete;
  DiskSync& operator=(const DiskSync&) = delete;

  // Appends 4 KiB and waits for the disk. Errors: io, no_space.
  [[nodiscard]] Result<void> sync();

 private:
  explicit DiskSync(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace steward::bench
