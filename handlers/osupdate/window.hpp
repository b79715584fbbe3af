#pragma once

#include "subjects/wire/osupdate.hpp"
#include "subjects/wire/time.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <string>

namespace steward::handlers::osupdate {

// When a unit may be changed: opened by a line of cron in a time zone, for a while. Pure but for
// the zone, which the machine's own data tell.
class Window {
 public:
  // One that is always open.
  Window() = default;

  // Errors: bad_payload (no such line, or no such zone here).
  [[nodiscard]] static Result<Window> parse(const wire::UpdateWindow& text);

  // When it opens next; `now` where it is open. None in the next years: the end of time.
  wire::Timestamp opens(wire::Timestamp now) const;

  bool is_open(wire::Timestamp now) const { return opens(now) <= now; }

 private:
  static constexpr std::size_t kMinutes = 60;
  static constexpr std::size_t kHours = 24;

  bool is_day(unsigned month, unsigned day, unsigned weekday) const;

  bool always_ = true;
  std::bitset<kMinutes> minutes_;
  std::bitset<kHours> hours_;
  std::bitset<32> days_;    // of a month, from 1
  std::bitset<13> months_;  // from 1
  std::bitset<8> weekdays_;
  bool any_day_ = true;
  bool any_weekday_ = true;
  std::string zone_;
  std::chrono::milliseconds duration_{0};
};

}  // namespace steward::handlers::osupdate
