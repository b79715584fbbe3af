#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace steward::station {

// To which units the station gives its policy: to those whose hello says an older one. Nothing is
// queued: who is passed over, or loses it on the way, says so again with a later hello. Pure.
class PolicyRounds {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // What all units together may be given in a second, and one unit of one version how often.
  static constexpr std::size_t kBytesPerSecond = 4 * 1024 * 1024;
  static constexpr std::chrono::seconds kAgain{30};

  // Whether to give that version, of so many bytes, to a unit that has just said which one it has.
  bool should_give(const std::string& unit,
                   std::int64_t has,
                   std::int64_t version,
                   std::size_t bytes,
                   Steady now);

 private:
  struct Given {
    std::int64_t version;
    Steady at;
  };

  bool has_room(std::size_t bytes, Steady now);

  std::map<std::string, Given> given_;  // and not heard to be there yet
  std::size_t spent_ = 0;               // of the second that began then
  Steady began_{};
};

}  // namespace steward::station
