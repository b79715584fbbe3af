#pragma once

#include "subjects/wire/shellcommand.hpp"
#include "tools/stewardctl/job_progress.hpp"
#include "tools/stewardctl/session.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace steward::ctl {

// How a job is shown while it is carried out.
class JobView {
 public:
  virtual ~JobView() = default;

  virtual void started(const JobProgress& progress) = 0;

  // A unit has said something new that does not end its command.
  virtual void acked(const UnitProgress& unit, std::chrono::milliseconds since_published) = 0;
  virtual void output(const UnitProgress& unit, const wire::ShellEvent& event) = 0;
  virtual void ended(const UnitProgress& unit, std::chrono::milliseconds since_published) = 0;

  // Several times a second.
  virtual void tick(const JobProgress& progress) = 0;
  virtual void finished(const JobProgress& progress) = 0;
};

struct Patience {
  std::chrono::milliseconds offline{10'000};  // for a unit without a word that is not up
  // For a unit that has accepted while no station says whether it is there: its command's own time.
  // None: for ever.
  std::optional<std::chrono::milliseconds> running;
  // Not to the end: until every unit runs it, or has ended.
  bool until_running = false;
};

// Follows a job to its end: hears the ACKs, and asks the station whenever something may have been
// missed (the link was away, the mailbox ran over, two seconds without a word), so that a result is
// never lost on the way.
class Follower {
 public:
  Follower(Session& session, JobProgress& progress, JobView& view, Patience patience);

  // Hears the job's subjects. Call before the commands are published. Errors: bad_subject.
  [[nodiscard]] Result<void> listen();

  // Gives messages that are not the job's to somebody else first; true where he has taken one.
  void also_hear(std::function<bool(const Delivery&)> hear) { others_ = std::move(hear); }

  // Called once the view has started, before anything is heard.
  void begin_with(std::function<void()> begin) { begin_ = std::move(begin); }

  // A message of the job that somebody else has received.
  void receive(const Delivery& delivery);

  enum class Ending { finished, running, interrupted };

  Ending run();

 private:
  using Clock = UnitProgress::Clock;

  void receive();
  void receive_ack(const std::string& from, const Delivery& delivery);
  void receive_output(const std::string& from, const Delivery& delivery);
  void tell(const UnitProgress& unit, Clock::time_point at);
  void notice_losses();
  void poll_station();
  void take_answer(Result<Answer> answer);
  void take_job(const Answer& answer);
  void take_units(const Answer& answer);
  void give_up_silent_ones(Clock::time_point now);
  bool is_hopeless(const UnitProgress& unit, Clock::time_point now) const;

  Session& session_;
  JobProgress& progress_;
  JobView& view_;
  const Patience patience_;
  std::function<bool(const Delivery&)> others_;
  std::function<void()> begin_;

  enum class Asked { job, units };
  std::unique_ptr<Question> question_;
  Asked asked_ = Asked::job;
  Clock::time_point next_poll_;
  std::chrono::milliseconds poll_interval_;
  Clock::time_point link_since_;  // silence counts only while the link is up
  std::uint64_t connects_seen_ = 0;
  std::uint64_t lost_seen_ = 0;
  std::map<std::string, wire::UnitState> states_;  // of the units, by the station; empty: not known
};

}  // namespace steward::ctl
