#pragma once

#include "handlers/daemon/backoff.hpp"
#include "handlers/daemon/health.hpp"
#include "handlers/daemon/run.hpp"
#include "handlers/runtime/context.hpp"
#include "subjects/wire/daemon.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::handlers::daemon {

// What of a daemon outlives the agent.
struct Record {
  wire::DaemonSpec spec;
  std::optional<wire::DaemonSpec> good;  // the last one that was ready
  std::optional<wire::DaemonSpec> old;  // one that still runs, and is to end before this one starts
  std::int64_t version = 1;
  bool wanted = true;  // to be up
  // Its policy lets it stay down since an end in this boot of the machine; empty: it does not.
  std::string ended_in_boot;
  std::string file;  // hash of its file when that was taken last; empty: it has none
};

// What a daemon waits for before it starts.
struct HeldUp {
  std::string why;
  bool by_lack = false;  // of another one that is not there or not wanted: it may be for ever
};

// One daemon, brought to what its record wants and held there:
//
//   stopped --wanted--> waiting --(those before it, a free place)--> starting --> ready
//   ready <--a check that only tells--> unhealthy
//   starting, ready, unhealthy --it ends, or is ended by a check--> backoff --pause--> waiting; or
//   failed, where the policy ends it any --not wanted--> stopping --(its tree is gone)--> stopped
//
// A new spec that does not come up goes back to the last good one.
class Daemon {
 public:
  // What all daemons of the handler share; outlives them. The functions are called out of a
  // daemon's own frames: they must not destroy it.
  struct Shop {
    runtime::Context& context;
    std::function<std::unique_ptr<Run>(const Daemon&, Run::Listener)> make_run;
    std::function<std::optional<HeldUp>(const Daemon&)> holds_up;  // none: it may start
    std::function<std::string(const Daemon&)> holds_down;          // empty: it may be ended
    std::function<void(Daemon&, wire::DaemonEvent::Type)> changed;
    std::function<void(Daemon&)> keep;  // its record has changed
    std::function<void(Daemon&)> crash_loop_changed;
    std::function<std::string(const Daemon&)> unit;  // of systemd; empty: none
    std::function<double()> chance;                  // 0 to 1
    std::string boot;                                // of the machine
  };

  Daemon(Shop& shop, Record record, std::filesystem::path folder);

  // After an agent's start: takes up what runs, and starts what does not and is wanted.
  void adopt();

  void want(bool up);
  void restart();

  // What that spec says, up. One that is so already is left alone. `file`: the hash of the file
  // that says it; empty: a command does.
  void become(const wire::DaemonSpec& spec, const std::string& file);

  // What it waits for, to start or to end, may be there now.
  void look_again();

  // It may not be up for now, though it is wanted: it is ended, and comes up once nothing holds it
  // up any more.
  void hold(const std::string& why);

  // Its pauses begin anew, and it is started now where it waits for one.
  void reset();

  // Only its process: the record stays as it is (the agent stops). It begins with look_again().
  void end_for_now();

  bool ends_for_now() const { return for_now_; }

  // Nothing of it ran, and now somebody has started its unit.
  void found_running();

  [[nodiscard]] Result<void> signal(int signal) const;

  const Record& record() const { return record_; }

  // What its run is started by, or has been.
  const wire::DaemonSpec& run_spec() const { return record_.old ? *record_.old : record_.spec; }

  const std::string& name() const { return record_.spec.name; }

  const std::filesystem::path& folder() const { return folder_; }

  wire::DaemonState state() const { return state_; }

  // Nothing of it runs.
  bool down() const { return !run_; }

  // Of its process; 0: none.
  pid_t pid() const { return run_ ? run_->pid() : 0; }

  // By itself, since this agent knows it.
  std::int64_t restarts() const { return restarts_; }

  // Of systemd; empty: it is below a shim.
  std::string unit() const { return shop_.unit(*this); }

  bool in_crash_loop() const { return in_crash_loop_; }

  // Attempts to start that have failed since the last order; why the last one has.
  int failures() const { return failures_; }

  const std::string& failure_reason() const { return failure_reason_; }

  const std::string& reason() const { return reason_; }

  // It waits, and for one that nobody is about to start.
  bool lacks_another() const { return state_ == wire::DaemonState::waiting && lacks_another_; }

  bool went_back() const { return went_back_; }

  // It is ready, or has been since the last order.
  bool came_up() const { return came_up_ || state_ == wire::DaemonState::ready; }

  // What its run that began then has said at its end, found later. Told, where it is the last one.
  void last_lines(wire::Timestamp started, const std::string& lines);

  wire::DaemonRow row() const;

 private:
  using State = wire::DaemonState;

  void enter(State state, std::string reason);
  void bring_up();
  void bring_down(const std::string& why);
  void start();
  Run::Listener listener();
  void started(pid_t pid);
  void ready();
  void ask_whether_ready();
  void begin_health();
  void not_well(const std::string& why);
  void notified(std::string_view line);
  void not_ready();
  void stop_looking();
  void ended(const wire::DaemonExit& exit, const std::optional<Error>& error);
  void gone();
  void again();
  void unsure(const std::string& why);
  void after_end();
  bool go_back();
  void set_crash_loop(bool is);
  void stay_down(State state, std::string why);

  Shop& shop_;
  Record record_;
  std::filesystem::path folder_;
  State state_ = State::stopped;
  std::string reason_;
  std::string status_;
  std::optional<wire::Timestamp> since_;
  std::optional<wire::DaemonExit> last_exit_;
  std::optional<Error> last_error_;
  std::chrono::steady_clock::time_point up_since_;
  std::int64_t restarts_ = 0;
  int failures_ = 0;
  std::string failure_reason_;  // of the last of them; it may be starting again by now
  bool applying_ = false;       // the spec has not been ready yet
  bool went_back_ = false;      // from the spec that was applied last
  bool came_up_ = false;
  bool for_now_ = false;
  bool adopting_ = false;
  bool ready_late_ = false;  // it was ended for not being ready in time
  std::string unwell_;       // it was ended for that
  bool in_crash_loop_ = false;
  bool lacks_another_ = false;
  Backoff backoff_;
  std::unique_ptr<Run> run_;
  runtime::Timer pause_;  // until the next start
  std::unique_ptr<Health> health_;
  std::unique_ptr<Probe> probe_;  // whether it is ready
  runtime::Timer probe_pause_;
  runtime::Timer patience_;  // for it to be ready
  runtime::Timer healthy_;   // until it counts as well
  std::function<void()> told_of_;
  runtime::Timer told_;  // until how it ended is on disk: the next agent is not to tell it again
};

}  // namespace steward::handlers::daemon
