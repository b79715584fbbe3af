#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/hello.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace steward::station {

// Which events of which unit's outbox the station has, so that each is folded once and acknowledged
// until its unit knows. Numbers of an epoch have no gaps: one that stays for 2 s is asked for.
// A state machine: time is passed in. One thread.
class ReceivedTable {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  enum class Verdict {
    fresh,     // fold it
    repeated,  // had already: acknowledge only
    refused,   // too far beyond a gap to be remembered: as if it had not come
  };

  // Takes what an earlier run has committed.
  void restore(const ReceivedRecord& record);

  Verdict note(const std::string& unit, const wire::Position& position, Moment now);

  // A unit's hello says what its outbox begins with. What is missing before that is lost; an epoch
  // that it has no events of is forgotten.
  void told(const std::string& unit, const std::vector<wire::OutboxBegin>& outbox, Moment now);

  // What to ask of a unit's outbox: everything of that epoch from that number on.
  struct Resend {
    std::string unit;
    wire::MessageId epoch;
    std::uint64_t from = 0;
  };

  // The gaps that have stood too long.
  std::vector<Resend> due(Moment now);

  // Gives out how far each outbox is whose events came since the last call, also repeated ones,
  // which were forgotten, and which events are lost.
  void take_changes(Batch& batch);

 private:
  // One epoch of an outbox.
  struct Stream {
    std::uint64_t upto = 0;                        // all up to here are folded
    std::map<std::uint64_t, std::uint64_t> above;  // ranges beyond the gap: first -> last
    Steady ask_at;                                 // while there is a gap
    std::chrono::milliseconds backoff{0};
    int asks = 0;
    std::uint64_t touched = 0;  // when: a count
  };

  using Streams = std::map<wire::MessageId, Stream>;

  // Each start of a unit's agent begins an epoch: there are more of one that was not heard for
  // long, or whose name two machines have.
  struct Unit {
    Streams streams;
    std::optional<wire::MessageId> latest;  // the present one, as far as is known
  };

  Stream& stream(const std::string& unit, const wire::MessageId& epoch);
  void forget(const std::string& unit, Streams& streams, Streams::iterator at);
  void add(Stream& stream, std::uint64_t seq, Moment now);
  void join(Stream& stream);
  void give_up(const std::string& unit, Streams::iterator at, std::uint64_t upto, Moment now);

  std::unordered_map<std::string, Unit> units_;
  std::set<std::string> gapped_;
  std::set<std::pair<std::string, wire::MessageId>> touched_;
  std::set<std::pair<std::string, wire::MessageId>> forgotten_;
  std::vector<wire::HistoryRow> lost_;
  std::uint64_t touches_ = 0;
};

}  // namespace steward::station
