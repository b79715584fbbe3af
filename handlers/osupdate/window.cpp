#include "handlers/osupdate/window.hpp"

#include <date/tz.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {
namespace {

using Words = std::vector<std::string_view>;

constexpr date::days kFarthest{366 * 9};  // the 29th of February may be eight years away
constexpr std::array<std::string_view, 12> kMonthNames{
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDayNames{
    "sun", "mon", "tue", "wed", "thu", "fri", "sat"};

Words split(std::string_view text, char separator) {
  Words words;
  while (true) {
    const auto end = text.find(separator);
    if (separator != ' ' || end != 0) {
      words.push_back(text.substr(0, end));
    }
    if (end == std::string_view::npos) {
      return words;
    }
    text.remove_prefix(end + 1);
  }
}

// One of the five fields: "*", "1-5", "*/15", "mon,thu".
struct Field {
  unsigned low;
  unsigned high;
  unsigned first_name = 0;  // the number of the first one
  std::span<const std::string_view> names = {};

  std::optional<unsigned> number(std::string_view text) const {
    std::string small(text);
    std::transform(small.begin(), small.end(), small.begin(), [](char letter) {
      return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    const auto named = std::find(names.begin(), names.end(), small);
    if (named != names.end()) {
      return first_name + static_cast<unsigned>(named - names.begin());
    }
    unsigned value = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end && value >= low && value <= high
               ? std::optional(value)
               : std::nullopt;
  }

  template <std::size_t kSize>
  bool read(std::string_view text, std::bitset<kSize>& out) const {
    const auto parts = split(text, ',');
    return std::all_of(
        parts.begin(), parts.end(), [&](std::string_view part) { return read_part(part, out); });
  }

  template <std::size_t kSize>
  bool read_part(std::string_view part, std::bitset<kSize>& out) const {
    const auto slash = part.find('/');
    unsigned step = 1;
    if (slash != std::string_view::npos) {
      const auto* end = part.data() + part.size();
      const auto parsed = std::from_chars(part.data() + slash + 1, end, step);
      if (parsed.ec != std::errc() || parsed.ptr != end || step == 0) {
        return false;
      }
      part = part.substr(0, slash);
    }
    const auto dash = part.find('-');
    const bool all = part == "*";
    const auto from = all ? std::optional(low) : number(part.substr(0, dash));
    const auto to = all                               ? std::optional(high)
                    : dash != std::string_view::npos  ? number(part.substr(dash + 1))
                    : slash != std::string_view::npos ? std::optional(high)
                                                      : from;
    if (!from || !to || *from > *to) {
      return false;
    }
    for (auto value = *from; value <= *to; value += step) {
      out.set(value);
    }
    return true;
  }
};

bool is_zone(const std::string& name) {
  try {
    return name == "UTC" || date::locate_zone(name) != nullptr;
  } catch (const std::exception&) {
    return false;  // also where the machine has no data of zones
  }
}

date::local_seconds local_of(const std::string& zone, date::sys_seconds at) {
  return zone == "UTC" ? date::local_seconds(at.time_since_epoch())
                       : date::locate_zone(zone)->to_local(at);
}

// A time that the clocks leave out is the one at which they go on.
date::sys_seconds system_of(const std::string& zone, date::local_seconds at) {
  return zone == "UTC" ? date::sys_seconds(at.time_since_epoch())
                       : date::locate_zone(zone)->to_sys(at, date::choose::earliest);
}

}  // namespace

Result<Window> Window::parse(const wire::UpdateWindow& text) {
  Window window;
  if (text.cron.empty()) {
    return window;
  }
  const auto fields = split(text.cron, ' ');
  const auto wrong = [&text](const std::string& why) {
    return failure(ErrorCode::bad_payload, "window: '" + text.cron + "' " + why);
  };
  if (fields.size() != 5) {
    return wrong("is not of minute, hour, day, month and weekday: \"0 2 * * 6\"");
  }
  const bool good = Field{0, 59}.read(fields[0], window.minutes_) &&
                    Field{0, 23}.read(fields[1], window.hours_) &&
                    Field{1, 31}.read(fields[2], window.days_) &&
                    Field{1, 12, 1, kMonthNames}.read(fields[3], window.months_) &&
                    Field{0, 7, 0, kDayNames}.read(fields[4], window.weekdays_);
  if (!good) {
    return wrong("has a field that is none of cron's");
  }
  if (window.weekdays_[7]) {
    window.weekdays_.set(0);  // both are Sunday
  }
  if (!is_zone(text.zone)) {
    return failure(ErrorCode::bad_payload,
                   "window: this unit knows no time zone '" + text.zone + "'");
  }
  window.any_day_ = fields[2] == "*";
  window.any_weekday_ = fields[4] == "*";
  window.zone_ = text.zone;
  window.duration_ = text.duration;
  window.always_ = false;
  return window;
}

// As cron has it: where both days are named, one of them is enough.
bool Window::is_day(unsigned month, unsigned day, unsigned weekday) const {
  if (!months_[month]) {
    return false;
  }
  if (!any_day_ && !any_weekday_) {
    return days_[day] || weekdays_[weekday];
  }
  return days_[day] && weekdays_[weekday];
}

wire::Timestamp Window::opens(wire::Timestamp now) const {
  if (always_) {
    return now;
  }
  const date::sys_time<std::chrono::microseconds> at(now.time_since_epoch());
  const auto begin =
      date::floor<date::days>(local_of(zone_, date::floor<std::chrono::seconds>(at - duration_)));
  for (auto day = begin; day < begin + kFarthest; day += date::days(1)) {
    const date::year_month_day date(day);
    if (!is_day(static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()),
                date::weekday(day).c_encoding())) {
      continue;
    }
    for (std::size_t minute = 0; minute < kHours * kMinutes; ++minute) {
      if (!hours_[minute / kMinutes] || !minutes_[minute % kMinutes]) {
        continue;
      }
      const auto start = system_of(zone_, day + std::chrono::minutes(minute));
      if (start + duration_ > at) {
        return std::max(now, wire::Timestamp(start.time_since_epoch()));
      }
    }
  }
  return wire::Timestamp::max();
}

}  // namespace steward::handlers::osupdate
