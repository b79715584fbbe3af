#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <filesystem>
#include <string_view>

namespace steward::runtime {

// Holds a state directory for one program: two agents on the same one would answer the same
// commands with two ledgers. The lock ends with its process, however that ends.
class StateLock {
 public:
  // How long one that is held is waited for: a program that was killed holds it until the children
  // that it was about to start have become programs of their own.
  static constexpr std::chrono::milliseconds kPatience{2'000};

  // `program` is named in the refusal. Makes the directory (mode 0700) if it is not there. Errors:
  // conflict (another has it, with its pid), permission, no_space, io.
  [[nodiscard]] static Result<StateLock> take(const std::filesystem::path& state_dir,
                                              std::string_view program,
                                              std::chrono::milliseconds patience = kPatience);

  ~StateLock();
  StateLock(StateLock&& other) noexcept;
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  StateLock& operator=(StateLock&&) = delete;

 private:
  explicit StateLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace steward::runtime
