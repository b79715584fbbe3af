#include "handlers/shellcommand/line_watch.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

constexpr std::size_t kLongestLine = 4096;

}  // namespace

bool LineWatch::found(const std::string& line) {
  matched_ = pattern_.found_in(line);
  return matched_;
}

std::optional<std::string> LineWatch::feed(int fd, std::string_view bytes) {
  std::string& line = open_[fd == 2 ? 1 : 0];
  while (!matched_ && !bytes.empty()) {
    const auto newline = bytes.find('\n');
    const std::size_t end = std::min(newline, bytes.size());
    const std::size_t room = kLongestLine - line.size();
    line.append(bytes.substr(0, std::min(end, room)));
    if (room > 0 && found(line)) {
      return std::move(line);
    }
    if (newline == std::string_view::npos) {
      break;
    }
    line.clear();
    bytes.remove_prefix(newline + 1);
  }
  return std::nullopt;
}

}  // namespace steward::handlers::shellcommand
