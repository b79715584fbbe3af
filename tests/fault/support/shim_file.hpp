#pragma once

#include "tests/fault/support/process.hpp"
#include "tests/fault/support/shim.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace steward::tests {

// Orders for programs that were started with its environment: a clock that is off, a disk that
// fails. They count at once.
class ShimFile {
 public:
  explicit ShimFile(const std::filesystem::path& path);
  ~ShimFile();
  ShimFile(const ShimFile&) = delete;
  ShimFile& operator=(const ShimFile&) = delete;

  // To be added to the environment of a program.
  const Process::Environment& environment() const { return environment_; }

  void set_clock(std::chrono::nanoseconds ahead) { orders_->clock_offset = ahead.count(); }

  // Every write to a file whose path contains that word fails; 0: they work again.
  void fail_writes(const std::string& file, int error);

 private:
  ShimOrders* orders_;
  Process::Environment environment_;
};

}  // namespace steward::tests
