#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// Units that are to be asked for something, each again at longer and longer intervals until it is
// not wanted any more. One thread, or under its owner's mutex.
class Wanted {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // How long after it was wanted a unit is asked, how long until it is asked again, and at most.
  struct Pace {
    std::chrono::milliseconds first;
    std::chrono::milliseconds again;
    std::chrono::milliseconds longest;
  };

  explicit Wanted(Pace pace) : pace_(pace) {}

  // Something of that unit is wanted; it may be already.
  void want(std::string_view unit, Steady now) {
    units_.try_emplace(std::string(unit), now + pace_.first, pace_.again);
  }

  void drop(std::string_view unit) {
    if (const auto at = units_.find(unit); at != units_.end()) {
      units_.erase(at);
    }
  }

  // Those to be asked now, at most so many.
  std::vector<std::string> due(Steady now, std::size_t most) {
    std::vector<std::string> names;
    for (auto& [name, asking] : units_) {
      if (names.size() == most) {
        break;
      }
      if (now >= asking.at) {
        asking.at = now + asking.patience;
        asking.patience = std::min(2 * asking.patience, pace_.longest);
        names.push_back(name);
      }
    }
    return names;
  }

  // Drops those of which it is true.
  void drop_if(const std::function<bool(const std::string& unit)>& predicate) {
    std::erase_if(units_, [&predicate](const auto& entry) { return predicate(entry.first); });
  }

 private:
  struct Asking {
    Asking(Steady first, std::chrono::milliseconds then) : at(first), patience(then) {}

    Steady at;
    std::chrono::milliseconds patience;
  };

  Pace pace_;
  std::map<std::string, Asking, std::less<>> units_;
};

}  // namespace steward::station
