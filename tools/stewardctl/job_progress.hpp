#pragma once

#include "subjects/wire/ack.hpp"
#include "subjects/wire/query.hpp"
#include "tools/stewardctl/exit_code.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

// How far one unit is with its command of a job.
struct UnitProgress {
  using Clock = std::chrono::steady_clock;

  std::string unit;
  wire::MessageId command;
  Clock::time_point published;
  std::optional<wire::Timestamp> expires;

  std::optional<wire::CommandState> state;  // none: no word from the unit yet
  std::string code;
  std::string message;
  std::string result;           // JSON object as text
  Clock::time_point last_word;  // from the unit; its publishing before that
  bool given_up = false;

  bool ended() const { return state && wire::is_terminal(*state); }

  Outcome outcome() const { return state ? outcome_of(*state, code) : Outcome::pending; }
};

// One operator action on one or more units: folds ACKs and the station's view of the job into what
// each unit has said. A state never goes back, a terminal one stands. Pure.
class JobProgress {
 public:
  using Clock = UnitProgress::Clock;

  JobProgress(wire::MessageId job, std::string method, std::string domain);

  void add(UnitProgress unit);

  const wire::MessageId& job() const { return job_; }

  const std::string& method() const { return method_; }

  const std::string& domain() const { return domain_; }

  const std::vector<UnitProgress>& units() const { return units_; }

  // The unit, by its name, that its ACK brings further; null for one that says nothing new or is
  // not ours.
  const UnitProgress* apply(std::string_view unit, const wire::Ack& ack, Clock::time_point at);

  // The units that the station knows further than we do.
  std::vector<const UnitProgress*> apply(const wire::JobDetail& detail, Clock::time_point at);

  // A sign of life of that command on that unit, such as output; null when it is not ours.
  const UnitProgress* heard(std::string_view unit,
                            const wire::MessageId& command,
                            Clock::time_point at);

  // Stops waiting for a unit. `unit`: one of ours.
  void give_up(const UnitProgress& unit);

  // Whether that command is one of the job's.
  bool has(const wire::MessageId& command) const;

  // Every unit has ended or was given up.
  bool finished() const;

  // Every unit runs it, has ended or was given up.
  bool runs_everywhere() const;

  struct Counts {
    std::size_t acked = 0;  // has said anything
    std::size_t done = 0;
    std::size_t failed = 0;  // ended otherwise, or refused
    std::size_t pending = 0;
  };

  Counts counts() const;
  Exit exit() const;

 private:
  UnitProgress* find(std::string_view unit, const wire::MessageId& command);
  static bool advance(UnitProgress& unit, wire::CommandState state);

  wire::MessageId job_;
  std::string method_;
  std::string domain_;
  std::vector<UnitProgress> units_;
  // A command of its own for each unit, or one for all of them.
  std::map<wire::MessageId, std::map<std::string, std::size_t, std::less<>>> by_command_;
};

// A unit as the station tells it.
UnitProgress told_unit(const wire::JobUnit& told, UnitProgress::Clock::time_point now);

// The progress of a job as the station tells it, for one that this process did not start. Errors:
// bad_payload (its first command's subject is none).
[[nodiscard]] Result<JobProgress> progress_of(const wire::JobDetail& detail,
                                              wire::Timestamp now,
                                              UnitProgress::Clock::time_point steady_now);

}  // namespace steward::ctl
