#pragma once

#include "steward/moment.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/names.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace steward::station {

// Finds commands that a unit has accepted and seems to know no more, or whose end never came: while
// it says hello with fewer open commands than the station has of it, and with nothing left to send,
// for 30 s, it is asked what became of those without a word for that long. A unit answers with the
// recorded ACK, or `interrupted` (`forgotten`) where its storage was lost; to ask in vain does no
// harm. A state machine: time is passed in. One thread.
class Recall {
 public:
  static constexpr std::size_t kMostRefs = 256;
  static constexpr std::chrono::seconds kPatience{30};
  static constexpr std::chrono::seconds kLongest{300};

  // A command has come to that state on that unit.
  void step(const wire::MessageId& command,
            const std::string& unit,
            wire::CommandState state,
            Moment now);

  struct Hello {
    std::string unit;
    std::int64_t ledger_open = 0;
    std::int64_t outbox_depth = 0;
    std::optional<std::int64_t> policy = std::nullopt;  // the version it has; none: it has no use
  };

  // The commands to ask the unit about; mostly none.
  std::vector<wire::MessageId> hello(const Hello& hello, Moment now);

 private:
  using Steady = std::chrono::steady_clock::time_point;

  struct Unit {
    std::map<wire::MessageId, Steady> open;  // beyond `sent`, and the last word about each
    std::optional<Steady> fewer_since;       // the unit says so
    std::chrono::seconds patience = kPatience;
    std::optional<wire::MessageId> asked_up_to;  // the next question begins behind it
  };

  static std::vector<wire::MessageId> silent_ones(Unit& unit, Moment now);

  std::unordered_map<std::string, Unit> units_;
};

}  // namespace steward::station
