#pragma once

#include "subjects/wire/pattern.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace steward::handlers::shellcommand {

// Looks for a pattern in the lines of a command's output, and in the line that has not ended yet (a
// prompt has no newline). Of a line, the first 4096 bytes are kept; the pattern looks at the first
// 1024 of them.
class LineWatch {
 public:
  explicit LineWatch(const wire::Pattern& pattern) : pattern_(pattern) {}

  // The first line with the pattern in it, once.
  std::optional<std::string> feed(int fd, std::string_view bytes);

  bool matched() const { return matched_; }

 private:
  bool found(const std::string& line);

  wire::Pattern pattern_;
  std::array<std::string, 2> open_;  // the line that has not ended, per stream
  bool matched_ = false;
};

}  // namespace steward::handlers::shellcommand
