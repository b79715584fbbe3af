#include "steward/policy_rounds.hpp"

namespace steward::station {

bool PolicyRounds::should_give(const std::string& unit,
                               std::int64_t has,
                               std::int64_t version,
                               std::size_t bytes,
                               Steady now) {
  const auto given = given_.find(unit);
  if (has >= version) {
    if (given != given_.end()) {
      given_.erase(given);
    }
    return false;
  }
  const bool on_its_way =
      given != given_.end() && given->second.version == version && now - given->second.at < kAgain;
  if (on_its_way || !has_room(bytes, now)) {
    return false;
  }
  given_.insert_or_assign(unit, Given{version, now});
  return true;
}

bool PolicyRounds::has_room(std::size_t bytes, Steady now) {
  if (now - began_ >= std::chrono::seconds(1)) {
    began_ = now;
    spent_ = 0;
  }
  if (spent_ + bytes > kBytesPerSecond) {
    return false;
  }
  spent_ += bytes;
  return true;
}

}  // namespace steward::station
