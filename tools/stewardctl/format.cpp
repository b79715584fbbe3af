#include "tools/stewardctl/format.hpp"

#include "subjects/wire/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>

namespace steward::ctl {

namespace {

struct Unit {
  std::string_view suffix;
  double milliseconds;
};

constexpr std::array<Unit, 6> kUnits{
    {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}, {"", 1e3}}};

constexpr double kLongestMilliseconds = 366.0 * 86400e3;

std::tm local(wire::Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t since_1970 = seconds.time_since_epoch().count();
  std::tm broken_down{};
  localtime_r(&since_1970, &broken_down);
  return broken_down;
}

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const bool begins_with_digit = !copy.empty() && copy[0] >= '0' && copy[0] <= '9';
  const double number = begins_with_digit ? std::strtod(copy.c_str(), &end) : 0;
  if (end != nullptr && copy.find_first_of("xX") == std::string::npos) {
    for (const Unit& unit : kUnits) {
      if (unit.suffix == end && number * unit.milliseconds <= kLongestMilliseconds) {
        return std::chrono::milliseconds(std::llround(number * unit.milliseconds));
      }
    }
  }
  return failure(ErrorCode::bad_config,
                 fmt::format("'{}' is no duration: write 500ms, 10s, 2m, 1h or 7d", text));
}

std::string short_age(std::chrono::milliseconds age) {
  const auto ms = std::max<std::int64_t>(age.count(), 0);
  const auto seconds = ms / 1000;
  if (seconds < 1) {
    return ms == 0 ? "0s" : fmt::format("{}ms", ms);
  }
  if (seconds < 120) {
    return fmt::format("{}s", seconds);
  }
  if (seconds < 120 * 60) {
    return fmt::format("{}m", seconds / 60);
  }
  if (seconds < 48 * 3600) {
    return fmt::format("{}h", seconds / 3600);
  }
  return fmt::format("{}d", seconds / 86400);
}

std::string short_duration(std::chrono::milliseconds duration) {
  const auto ms = std::max<std::int64_t>(duration.count(), 0);
  const double seconds = static_cast<double>(ms) / 1000;
  if (ms < 10'000) {
    return fmt::format("{:.2f}s", seconds);
  }
  if (ms < 60'000) {
    return fmt::format("{:.1f}s", seconds);
  }
  return fmt::format("{}m{:02}s", ms / 60'000, ms / 1000 % 60);
}

std::string short_rtt(std::optional<std::chrono::microseconds> rtt) {
  if (!rtt) {
    return "-";
  }
  const double ms = static_cast<double>(rtt->count()) / 1000;
  if (ms < 10) {
    return fmt::format("{:.2f}ms", ms);
  }
  return ms < 1000 ? fmt::format("{:.0f}ms", ms) : fmt::format("{:.1f}s", ms / 1000);
}

std::string short_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  std::size_t name = 0;
  while (amount >= 1024 && name + 1 < kNames.size()) {
    amount /= 1024;
    ++name;
  }
  return name == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, kNames[name]);
}

std::string clock_minutes(wire::Timestamp time) {
  const std::tm at = local(time);
  return fmt::format("{:02}:{:02}", at.tm_hour, at.tm_min);
}

std::string clock_millis(wire::Timestamp time) {
  const std::tm at = local(time);
  const auto within = time - std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:02}:{:02}:{:02}.{:03}",
                     at.tm_hour,
                     at.tm_min,
                     at.tm_sec,
                     std::chrono::duration_cast<std::chrono::milliseconds>(within).count());
}

std::string date_time(wire::Timestamp time) {
  const std::tm at = local(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                     at.tm_year + 1900,
                     at.tm_mon + 1,
                     at.tm_mday,
                     at.tm_hour,
                     at.tm_min,
                     at.tm_sec);
}

std::string counted(std::size_t count, std::string_view singular) {
  return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    count += continues_code_point(c) ? 0 : 1;
  }
  return count;
}

std::string shortened(std::string_view text, std::size_t width, std::string_view ellipsis) {
  if (columns(text) <= width) {
    return std::string(text);
  }
  const std::size_t kept = width - std::min(width, columns(ellipsis));
  std::size_t bytes = 0;
  for (std::size_t count = 0; bytes < text.size(); ++bytes) {
    if (!continues_code_point(text[bytes]) && count++ == kept) {
      break;
    }
  }
  return std::string(text.substr(0, bytes)).append(ellipsis);
}

std::string one_line(std::string_view text) {
  std::string out(text);
  const bool utf8 = wire::is_utf8(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      c = ' ';
    } else if (byte >= 0x80 && !utf8) {
      c = '?';
    }
  }
  return out;
}

}  // namespace steward::ctl
