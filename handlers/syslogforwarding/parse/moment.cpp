#include "handlers/syslogforwarding/parse/moment.hpp"

#include <time.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string_view>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3'600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;

struct Clock {
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t fraction_us = 0;

  std::int64_t us() const { return ((hour * 60LL + minute) * 60 + second) * kSecond + fraction_us; }
};

std::int64_t day_us(int year, int month, int day) {
  const auto date = std::chrono::year(year) / month / day;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay;
}

bool is_date(int year, int month, int day) { return (std::chrono::year(year) / month / day).ok(); }

// ".123456" or ",123"; digits past the sixth are dropped.
std::int64_t take_fraction(Scan& scan) {
  const auto rest = scan.rest();
  if (rest.size() < 2 || (rest[0] != '.' && rest[0] != ',') || !is_digit(rest[1])) {
    return 0;
  }
  std::int64_t value = 0;
  std::int64_t worth = kSecond;
  std::size_t at = 1;
  for (; at < rest.size() && is_digit(rest[at]); ++at) {
    worth /= 10;
    value += (rest[at] - '0') * worth;
  }
  scan.skip(at);
  return value;
}

std::optional<Clock> take_clock(Scan& scan) {
  Clock clock;
  clock.hour = scan.number(2);
  if (clock.hour < 0 || clock.hour > 23 || !scan.take(':')) {
    return std::nullopt;
  }
  clock.minute = scan.number(2);
  if (clock.minute < 0 || clock.minute > 59 || !scan.take(':')) {
    return std::nullopt;
  }
  clock.second = scan.number(2);
  if (clock.second < 0 || clock.second > 60) {
    return std::nullopt;
  }
  clock.fraction_us = take_fraction(scan);
  return clock;
}

int take_month(Scan& scan) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto name = scan.rest().substr(0, 3);
  if (name.size() < 3) {
    return 0;
  }
  for (std::size_t at = 0; at < kMonths.size(); at += 3) {
    if (kMonths.compare(at, 3, name) == 0) {
      scan.skip(3);
      return static_cast<int>(at / 3) + 1;
    }
  }
  return 0;
}

int year_of(std::int64_t us) {
  const auto days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(us)));
  return static_cast<int>(std::chrono::year_month_day(days).year());
}

// A zone at the end of a time: none said is nothing, "Z" is 0.
std::optional<std::int64_t> take_zone(Scan& scan) {
  if (scan.take('Z') || scan.take('z')) {
    return 0;
  }
  const char sign = scan.next();
  if (sign != '+' && sign != '-') {
    return std::nullopt;
  }
  Scan ahead = scan;
  ahead.skip(1);
  const int hours = ahead.number(2);
  ahead.take(':');
  const int minutes = ahead.number(2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
    return std::nullopt;
  }
  scan = ahead;
  return (sign == '-' ? -1 : 1) * (hours * 60LL + minutes) * 60 * kSecond;
}

}  // namespace

std::int64_t Moments::to_utc(std::int64_t local_us) {
  const std::int64_t hour = local_us / kHour;
  if (hour != zone_hour_) {
    zone_us_ = zone_(local_us / kSecond);
    zone_hour_ = hour;
  }
  return local_us - zone_us_;
}

std::optional<std::int64_t> Moments::bsd(Scan& scan, std::int64_t received_us) {
  Scan ahead = scan;
  const int month = take_month(ahead);
  if (month == 0 || !ahead.take(' ')) {
    return std::nullopt;
  }
  ahead.skip_blanks();
  const int day = ahead.number(2);
  if (day < 1 || day > 31 || !ahead.take(' ')) {
    return std::nullopt;
  }
  int year = 0;
  if (const auto rest = ahead.rest(); rest.size() > 5 && rest[4] == ' ' && is_digit(rest[3])) {
    year = ahead.number(4);
    ahead.skip(1);
  }
  const auto clock = take_clock(ahead);
  if (!clock || year < 0) {
    return std::nullopt;
  }
  ahead.take(':');  // some write one behind it
  // Which year is told without the zone: it makes hours, not half a year.
  std::optional<std::int64_t> nearest;
  const int middle = year == 0 ? year_of(received_us) : year;
  const int spread = year == 0 ? 1 : 0;
  for (int candidate = middle - spread; candidate <= middle + spread; ++candidate) {
    if (!is_date(candidate, month, day)) {
      continue;
    }
    const auto local = day_us(candidate, month, day) + clock->us();
    if (!nearest || std::abs(local - received_us) < std::abs(*nearest - received_us)) {
      nearest = local;
    }
  }
  if (!nearest) {
    return std::nullopt;
  }
  scan = ahead;
  return to_utc(*nearest);
}

std::optional<std::int64_t> Moments::iso(Scan& scan) {
  Scan ahead = scan;
  const int year = ahead.number(4);
  if (year < 1970 || !ahead.take('-')) {
    return std::nullopt;
  }
  const int month = ahead.number(2);
  if (month < 1 || !ahead.take('-')) {
    return std::nullopt;
  }
  const int day = ahead.number(2);
  if (day < 1 || !is_date(year, month, day) || !(ahead.take('T') || ahead.take(' '))) {
    return std::nullopt;
  }
  const auto clock = take_clock(ahead);
  if (!clock) {
    return std::nullopt;
  }
  const auto local = day_us(year, month, day) + clock->us();
  const auto zone = take_zone(ahead);
  scan = ahead;
  return zone ? local - *zone : to_utc(local);
}

Moments::ZoneOffset machine_zone() {
  return [](std::int64_t local_seconds) -> std::int64_t {
    // The offset of the moment that would be this one in UTC is at most a change of the clocks off.
    const auto seconds = static_cast<time_t>(local_seconds);
    tm broken{};
    if (::localtime_r(&seconds, &broken) == nullptr) {
      return 0;
    }
    const time_t utc = seconds - broken.tm_gmtoff;
    return ::localtime_r(&utc, &broken) == nullptr ? 0 : broken.tm_gmtoff * kSecond;
  };
}

}  // namespace steward::handlers::syslogforwarding
