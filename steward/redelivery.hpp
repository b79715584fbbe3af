#pragma once

#include "steward/moment.hpp"
#include "subjects/wire/names.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace steward::station {

// Which commands are sent again, to whom and when: every one that a unit has not said a word about.
//
// - To a unit that has come back: at once, all of them, in their order.
// - Else after 1 s, 2 s, 4 s ... 5 min, a little more or less; a word about any of them begins
// anew.
// - In flight to a unit: at most a window of them, by number and by bytes. To one that seems to be
//   away, or has not said a word since they went out, only the first: a probe, for whoever hears it
//   answers it. So one that begins to listen in the midst of it does not hear the later ones first.
// - All units together: a pace, and each gets its turn.
// - Never after its time has passed, and never again once answered.
//
// A state machine: time and chance are passed in, and nothing is done by itself. One thread. Costs
// the logarithm of what waits; a unit for which nothing waits costs nothing.
class Redelivery {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Order = std::uint64_t;

  struct Settings {
    std::chrono::milliseconds first{1'000};
    std::chrono::milliseconds longest{300'000};
    std::size_t window = 256;
    std::size_t window_bytes = 8 * 1024 * 1024;
    double per_second = 4'000;              // messages; a large one counts as several
    double burst = 1'000;                   // what may go out at once after a quiet time
    std::size_t bytes_a_token = 16 * 1024;  // a message beyond that counts as so many more
    std::size_t turn = 16;                  // messages of one unit before the next one's
  };

  struct Surroundings {
    std::function<double()> chance;                       // 0 to 1
    std::function<bool(std::string_view unit)> is_there;  // as far as is known
  };

  struct Command {
    wire::MessageId id;
    Order order = 0;  // its place among all commands, greater than that of each before it
    std::optional<wire::Timestamp> expires;
    std::size_t bytes = 0;
  };

  Redelivery(Settings settings, Surroundings surroundings);

  // A command for that unit was published just now.
  void published(const Command& command, const std::string& unit, Moment now);

  // One of an earlier run: it is sent soon.
  void restore(const Command& command, const std::string& unit, Moment now);

  // The unit has said a word about it, or it is not to be sent any more.
  void answered(const wire::MessageId& command, const std::string& unit, Moment now);

  // The unit has come back, or has connected anew.
  void returned(const std::string& unit, Moment now);

  // The link to the broker was away, or somebody else was to send until now: begins anew with all.
  void again(Moment now);

  struct Send {
    wire::MessageId command;
    std::string unit;
  };

  // What to send now, in this order.
  std::vector<Send> due(Moment now);

  // When to ask due() next; none while nothing waits.
  std::optional<Steady> next_due(Moment now) const;

  // (command, unit) pairs that wait.
  std::size_t size() const { return size_; }

 private:
  struct Sent {
    Steady at;               // last
    bool in_flight = false;  // in this round
  };

  struct Unit {
    std::string name;
    std::map<Order, Sent> waiting;  // what was not answered
    Order next = 0;                 // what stands before it has had its turn in this round
    std::size_t in_flight = 0;
    std::size_t in_flight_bytes = 0;
    std::optional<Steady> sent_before;  // this round leaves out what went out later
    std::chrono::milliseconds backoff{0};
    Steady due;                       // the next round begins
    std::optional<Steady> scheduled;  // its place in deadlines_
    bool queued = false;              // in ready_
    int silent_rounds = 0;            // begun by time since a word has come
  };

  struct Known {
    Command command;
    std::size_t units = 0;
  };

  Unit& add(const Command& command, const std::string& unit, Steady sent);
  void begin_round(Unit& unit, Moment now);
  static void fly(Unit& unit, Sent& sent, const Command& command);
  void schedule(Unit& unit, Steady due);
  void enqueue(Unit& unit);
  void begin_rounds(Moment now);
  void take_turn(Unit& unit, Moment now, std::vector<Send>& out);
  bool has_room(const Unit& unit) const;
  bool has_more(const Unit& unit) const;
  static bool is_probed(const Unit& unit);
  void refill(Moment now);
  std::chrono::milliseconds jittered(std::chrono::milliseconds delay) const;
  void forget_if_empty(Unit& unit);

  const Settings settings_;
  const Surroundings surroundings_;
  std::unordered_map<std::string, Unit> units_;
  std::map<Order, Known> commands_;
  std::unordered_map<wire::MessageId, Order> orders_;
  std::set<std::pair<Steady, Unit*>> deadlines_;
  std::deque<Unit*> ready_;
  double tokens_;
  std::optional<Steady> refilled_;
  std::size_t size_ = 0;
};

}  // namespace steward::station
