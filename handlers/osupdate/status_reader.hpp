#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace steward::handlers::osupdate {

// Reads the lines of a run's second stream from the files of its shim as they come.
class StatusReader {
 public:
  explicit StatusReader(std::function<void(std::string_view)> line) : line_(std::move(line)) {}

  void begin(std::filesystem::path folder);

  // There are so many bytes now.
  void read_to(std::uint64_t total);

 private:
  std::function<void(std::string_view)> line_;
  std::filesystem::path folder_;
  std::uint64_t read_ = 0;
  std::string rest_;  // a line that has no end yet
};

}  // namespace steward::handlers::osupdate
