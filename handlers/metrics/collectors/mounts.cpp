#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

#include <algorithm>

namespace steward::handlers::metrics {
namespace {

// Blanks, tabs, line ends and backslashes are written as \040, \011, \012 and \134.
std::string unescaped(std::string_view word) {
  const auto octal = [](char letter) { return letter >= '0' && letter <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\' && word.size() - i > 3 && octal(word[i + 1]) && octal(word[i + 2]) &&
        octal(word[i + 3])) {
      out += static_cast<char>((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 +
                               (word[i + 3] - '0'));
      i += 3;
    } else {
      out += word[i];
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Mount>> parse_mounts(std::string_view text, const Filters& filters) {
  std::vector<Mount> mounts;
  while (!text.empty()) {
    auto line = next_line(text);
    const auto device = next_word(line);
    const auto mountpoint = next_word(line);
    const auto fstype = next_word(line);
    if (next_word(line).empty()) {  // its options
      return failure(ErrorCode::bad_payload, "mounts: not four words");
    }
    Mount mount{unescaped(device), unescaped(mountpoint), std::string(fstype)};
    const bool again = std::any_of(mounts.begin(), mounts.end(), [&mount](const Mount& other) {
      return other.device == mount.device && other.mountpoint == mount.mountpoint &&
             other.fstype == mount.fstype;
    });
    if (!again && !matches_any(filters.fstypes, mount.fstype) &&
        !matches_any(filters.mountpoints, mount.mountpoint)) {
      mounts.push_back(std::move(mount));
    }
  }
  return mounts;
}

}  // namespace steward::handlers::metrics
