#include "subjects/wire/time.hpp"

#include <cstdint>
#include <cstdio>
#include <optional>

namespace steward::wire {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Reads an RFC 3339 text from left to right; every step fails for good once one has failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  // That many digits, their value from low to high.
  int number(std::size_t digits, int low, int high) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      value = value * 10 + digit();
    }
    good_ = good_ && value >= low && value <= high;
    return value;
  }

  // The next character is one of those.
  char one_of(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) {
      good_ = false;
      return 0;
    }
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }

  // An optional ".digits" as microseconds.
  microseconds fraction() {
    if (!rest_.starts_with('.')) {
      return {};
    }
    rest_.remove_prefix(1);
    std::int64_t value = 0;
    std::int64_t scale = 1'000'000;
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
      good_ = false;
    }
    while (good_ && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      scale /= 10;
      value += scale * digit();
    }
    return microseconds(value);
  }

  bool finished() const { return good_ && rest_.empty(); }

 private:
  int digit() {
    const char c = one_of("0123456789");
    return c == 0 ? 0 : c - '0';
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string format_time(Timestamp time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  const int length = std::snprintf(text,
                                   sizeof text,
                                   "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
                                   static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()),
                                   static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()),
                                   static_cast<int>(clock.subseconds().count()));
  return {text, static_cast<std::size_t>(length)};
}

Result<Timestamp> parse_time(std::string_view text) {
  Scanner scan(text);
  const std::chrono::year year(scan.number(4, 0, 9999));
  scan.one_of("-");
  const std::chrono::month month(static_cast<unsigned>(scan.number(2, 1, 12)));
  scan.one_of("-");
  const std::chrono::day day(static_cast<unsigned>(scan.number(2, 1, 31)));
  scan.one_of("Tt ");
  const hours hour(scan.number(2, 0, 23));
  scan.one_of(":");
  const minutes minute(scan.number(2, 0, 59));
  scan.one_of(":");
  const seconds second(scan.number(2, 0, 60));  // a leap second is allowed, and folds into the next
  const microseconds fraction = scan.fraction();
  minutes offset{0};
  const char sign = scan.one_of("Zz+-");
  if (sign == '+' || sign == '-') {
    offset = hours(scan.number(2, 0, 23));
    scan.one_of(":");
    offset += minutes(scan.number(2, 0, 59));
    offset = sign == '-' ? -offset : offset;
  }
  const std::chrono::year_month_day date(year, month, day);
  if (!scan.finished() || !date.ok()) {
    return failure(ErrorCode::bad_envelope,
                   "not an RFC 3339 time such as 2026-11-21T07:47:28.123456Z");
  }
  const Timestamp time = std::chrono::sys_days(date) + hour + minute + second + fraction - offset;
  // An offset or a leap second can lead out of the years that have a text form.
  if (time > kLastTime || time < std::chrono::sys_days(std::chrono::year(0) / 1 / 1)) {
    return failure(ErrorCode::bad_envelope, "a time before the year 0000 or after 9999");
  }
  return time;
}

}  // namespace steward::wire
