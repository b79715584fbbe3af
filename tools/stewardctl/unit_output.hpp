#pragma once

#include "subjects/wire/shellcommand.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::ctl {

// Puts one stream of one unit together from live chunks and, at the end, from the result: each byte
// once, what is missing named.
class StreamOutput {
 public:
  // The bytes of a chunk that are new; a marker before them where some were lost.
  std::string take(const wire::ShellEvent& event);

  // What the result has beyond the chunks.
  std::string complete(const wire::StreamResult& result);

 private:
  std::uint64_t next_ = 0;  // offset of the byte awaited
};

// The result of a program that has run; none for a result that is something else's (an operation on
// another command, another method).
std::optional<wire::ShellResult> program_result(const std::string& result_json);

// A finished stream as one text: head, a marker for what was left out, tail.
std::string whole(const wire::StreamResult& result);

// Puts a prefix before each line; the last, unfinished one waits for its end.
class LinePrefix {
 public:
  explicit LinePrefix(std::string prefix) : prefix_(std::move(prefix)) {}

  std::string feed(std::string_view bytes);

  // The unfinished line, ended.
  std::string finish();

 private:
  std::string prefix_;
  std::string unfinished_;
};

}  // namespace steward::ctl
