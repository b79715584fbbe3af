#pragma once

#include "handlers/runtime/account.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/limits.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/shellcommand/detached_run.hpp"
#include "handlers/shellcommand/job_streams.hpp"
#include "handlers/shellcommand/plan.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::shellcommand {

// What all commands of the handler share; outlives them.
struct Shop {
  runtime::Context& context;
  std::string buffer;                           // for reading output
  std::vector<std::string> inherited;           // this program's environment
  std::optional<runtime::Account> own_account;  // once it is known
  std::optional<runtime::CgroupRoot> cgroups;
  std::string shim = runtime::shim_program();

  // Where a detached command's shim has its files.
  std::filesystem::path detached() const { return context.state_dir / "detached"; }

  // Directories that a thread of the helper pool still waits for: no second one for them.
  std::shared_ptr<std::set<std::string>> hanging = std::make_shared<std::set<std::string>>();
};

// Why a command is ended before it ends itself.
enum class EndReason { none, timed_out, cancelled, replaced, line_seen, line_missed, stopped };

// One command, from its place in the queue to its terminal ACK:
//
//   waiting --start--> preparing --(on disk; names, files)--> asking --(unless_argv)--> running
//   running --exit--> draining --(output ends, or drain_ms)--> finished
//   running, draining --end()--> TERM, KILL --(tree gone or unkillable)--> finished
//
// A detached one is taken up from waiting to running where an earlier agent has begun it.
//
// A step that fails, a condition that says there is nothing to do, and end() while it does not run
// yet lead to finished at once.
class Job {
 public:
  enum class State { waiting, preparing, asking, running, draining, finished };

  // The terminal ACK is ready: the last that the job does; it must not be destroyed in the call.
  using Finished = std::function<void(Job&, wire::Ack)>;

  Job(Shop& shop,
      wire::MessageId id,
      std::optional<wire::Timestamp> expires,
      wire::ShellRun run,
      Finished finished);

  // It is its turn.
  void start();

  // A detached one that an earlier agent has begun.
  void adopt();

  // It goes on without this agent.
  bool detached() const { return run_.detach && state_ == State::running; }

  // Ends it; the first reason stands.
  void end(EndReason reason, std::string message);

  // Errors: not_found (it does not run).
  [[nodiscard]] Result<void> signal(int signal);

  const wire::MessageId& id() const { return id_; }

  const wire::ShellRun& run() const { return run_; }

  State state() const { return state_; }

  pid_t pid() const { return child_ ? child_->pid() : detached_ ? detached_->shim().pid() : 0; }

  // Since exec; zero before.
  std::chrono::milliseconds running_for() const;

  JobStreams& streams() { return streams_; }

  const JobStreams& streams() const { return streams_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool expired();
  void begin();
  void prepare();
  void prepared(Result<Surroundings> found);
  void ask_unless();
  void launch();
  void launched();
  void launch_detached(runtime::SpawnRequest request);
  DetachedRun::Listener detached_listener();
  void taken_up();
  void detached_exited(const runtime::ShimEnd& end);
  void lost();
  void start_timers();
  void exited(const runtime::ExitStatus& status);
  void kill_for_reason();
  void kill(std::chrono::milliseconds grace);
  void kill_step(runtime::KillStep step, const runtime::TreeReport& report);
  void output_came();
  void line_seen(const std::string& line);
  void line_missed();
  void tell(wire::ShellEventType type, std::string bytes = "");
  void finish_if_over();
  void finish_ended();
  void finish(wire::CommandState state, std::string_view code, std::string message);
  void fail(const Error& error);
  void skip(std::string reason);
  wire::ShellResult make_result();

  Shop& shop_;
  wire::MessageId id_;
  std::optional<wire::Timestamp> expires_;
  wire::ShellRun run_;
  Finished finished_;
  State state_ = State::waiting;
  EndReason reason_ = EndReason::none;
  std::string end_message_;
  runtime::Account account_;
  Time accepted_at_;
  Time executed_at_;
  Time exited_at_;
  wire::ShellResult result_;  // filled in as things become known
  std::optional<runtime::ExitStatus> exit_;
  std::optional<runtime::TreeReport> killed_;
  bool killing_ = false;
  bool lost_ = false;         // its shim is
  bool output_over_ = false;  // ended, or waited for long enough
  std::optional<runtime::Cgroup> group_;
  JobStreams streams_;
  std::optional<runtime::Timer> deadline_;  // of the state: prepare, unless, timeout, drain
  std::optional<runtime::Timer> stall_;
  std::optional<runtime::Timer> expectation_;
  std::unique_ptr<runtime::Child> unless_;
  std::unique_ptr<runtime::Child> child_;
  std::unique_ptr<DetachedRun> detached_;
  std::optional<wire::Timestamp> taken_up_;  // when an earlier agent began it
  std::shared_ptr<Job*> alive_;              // what comes back from the helper pool looks here
};

}  // namespace steward::handlers::shellcommand
