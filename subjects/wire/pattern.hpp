#pragma once

#include "subjects/wire/error.hpp"

#include <memory>
#include <string_view>

namespace steward::wire {

// A regular expression (ECMAScript, without back-references and look-ahead) that comes from the bus
// and meets text that comes from anywhere: its length, its repetitions and its time on a line are
// bounded. Any thread.
class Pattern {
 public:
  // 1 to 512 bytes; counts in braces multiply to 1000 at the most. Errors: bad_payload.
  [[nodiscard]] static Result<Pattern> compile(std::string_view text);

  ~Pattern();
  Pattern(const Pattern&);
  Pattern& operator=(const Pattern&);

  // Whether it is found in the line, of which only the first 1024 bytes are looked at.
  bool found_in(std::string_view line) const;

 private:
  struct Compiled;

  explicit Pattern(std::shared_ptr<const Compiled> compiled);

  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace steward::wire
