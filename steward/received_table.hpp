#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/envelope.hpp"

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

  // A unit says which event of an epoch is the first that it still has. What is missing before that
  // and was asked for is lost.
  void begins(const std::string& unit, const wire::Position& first, Moment now);

  // What to ask of a unit's outbox: everything of that epoch from that number on.
  struct Resend {
    std::string unit;
    wire::MessageId epoch;
    std::uint64_t from = 0;
  };

  // The gaps that have stood too long.
  std::vector<Resend> due(Moment now);

  // Gives out how far each outbox is whose events came since the last call, also repeated ones, and
  // which events are lost.
  void take_changes(Batch& batch);

 private:
  // One outbox. Of a unit whose storage began anew, or of one name on two machines, there are more.
  struct Stream {
    wire::MessageId epoch;
    std::uint64_t upto = 0;                        // all up to here are folded
    std::map<std::uint64_t, std::uint64_t> above;  // ranges beyond the gap: first -> last
    Steady ask_at;                                 // while there is a gap
    std::chrono::milliseconds backoff{0};
    bool asked = false;  // for the gap
    int asks = 0;
  };

  Stream& stream(const std::string& unit, const wire::MessageId& epoch);
  void add(Stream& stream, std::uint64_t seq, Moment now);
  void join(Stream& stream);
  void give_up(const std::string& unit, Stream& stream, std::uint64_t upto, Moment now);

  std::unordered_map<std::string, std::vector<Stream>> units_;  // the latest epoch last
  std::set<std::string> gapped_;
  std::set<std::pair<std::string, wire::MessageId>> touched_;
  std::vector<wire::HistoryRow> lost_;
};

}  // namespace steward::station
