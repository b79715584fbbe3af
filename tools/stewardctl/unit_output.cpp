#include "tools/stewardctl/unit_output.hpp"

#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

std::string marker(std::uint64_t bytes) {
  return fmt::format("\n[... {} left out ...]\n", short_bytes(bytes));
}

}  // namespace

std::string StreamOutput::take(const wire::ShellEvent& event) {
  const std::uint64_t end = event.offset + event.bytes.size();
  if (end <= next_) {
    return {};
  }
  std::string out;
  if (event.offset > next_) {
    out = marker(event.offset - next_);
    next_ = event.offset;
  }
  out += event.bytes.substr(next_ - event.offset);
  next_ = end;
  return out;
}

std::string StreamOutput::complete(const wire::StreamResult& result) {
  std::string out;
  if (next_ < result.head.size()) {
    out += result.head.substr(next_);
    next_ = result.head.size();
  }
  const std::uint64_t tail_begins =
      result.total_bytes - std::min<std::uint64_t>(result.total_bytes, result.tail.size());
  if (next_ < tail_begins) {
    out += marker(tail_begins - next_);
    next_ = tail_begins;
  }
  if (next_ < result.total_bytes) {
    out += result.tail.substr(next_ - tail_begins);
    next_ = result.total_bytes;
  }
  return out;
}

std::optional<wire::ShellResult> program_result(const std::string& result_json) {
  const auto object = wire::parse_json(result_json);
  if (!object || !object->contains("stdout")) {
    return std::nullopt;
  }
  auto result = wire::decode_shell_result(result_json);
  return result ? std::optional(*std::move(result)) : std::nullopt;
}

std::string whole(const wire::StreamResult& result) { return StreamOutput().complete(result); }

std::string LinePrefix::feed(std::string_view bytes) {
  std::string out;
  unfinished_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end = unfinished_.find('\n'); end != std::string::npos;
       end = unfinished_.find('\n', begin)) {
    out += prefix_;
    out += std::string_view(unfinished_).substr(begin, end + 1 - begin);
    begin = end + 1;
  }
  unfinished_.erase(0, begin);
  return out;
}

std::string LinePrefix::finish() {
  if (unfinished_.empty()) {
    return {};
  }
  return feed("\n");
}

}  // namespace steward::ctl
