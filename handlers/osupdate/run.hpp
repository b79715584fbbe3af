#pragma once

#include "handlers/osupdate/driver.hpp"
#include "handlers/osupdate/look.hpp"
#include "handlers/osupdate/own.hpp"
#include "handlers/osupdate/record.hpp"
#include "handlers/osupdate/status_reader.hpp"
#include "handlers/osupdate/window.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/shim.hpp"
#include "subjects/wire/osupdate.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::handlers::osupdate {

// One download, apply, rollback or reboot:
//
//   planning --> waiting_lock --> downloading --> waiting_window --> applying --(broken)-->
//   repairing
//   --> services --> reboot_pending --> lease_wait --> rebooting --> verifying --> done, failed
//
// What is not asked for is left out.
//
// Each phase is on disk before it is entered. What changes the system runs below a shim, is never
// ended from here, and goes on without the agent; adopt() takes it up. However it ends, what counts
// is what the package system has written down then: a system that is broken is repaired, once (a
// repair that was cut off itself does not count); what was cut off before it was through is
// installed again.
class Run {
 public:
  // What all runs of the handler share; outlives them.
  struct Shop {
    runtime::Context& context;
    const Driver& driver;
    const Records& records;
    std::string shim;
    std::filesystem::path folder;     // of runs
    std::chrono::milliseconds stall;  // of silence
    CommandLine systemctl;
    std::filesystem::path boot_id;  // a file that names this boot of the machine
    std::filesystem::path proc;
    Own& own;
    std::function<void(const wire::UpdateEvent&)> tell;
    std::function<void(const wire::UpdateOutcome&)> ended;  // may destroy the run
  };

  Run(Shop& shop, Record record, Window window);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // From the top; `earlier`: what a rollback undoes.
  void begin(std::optional<wire::UpdateOutcome> earlier);

  // Takes up what an earlier agent has begun.
  void adopt(std::optional<wire::UpdateOutcome> earlier);

  // False: it is too late for that.
  bool cancel();

  // The station's word that it may reboot; said again it changes nothing. Errors: conflict (it
  // waits for no lease, or its window is closed by now: then it waits for the next one).
  [[nodiscard]] Result<void> grant();

  const std::string& id() const { return record_.id; }

  const Record& record() const { return record_; }

  // What it waits for; empty: it works.
  const std::string& waits_for() const { return waits_for_; }

 private:
  using Phase = wire::UpdatePhase;

  bool enter(Phase phase);
  bool save();
  void begin_again();
  void make_plan();
  void planned(wire::UpdatePlan plan);
  Result<void> check(const wire::UpdatePlan& plan) const;
  void check_files();
  void look_for_automatic();
  void await_window(std::function<void()> then);
  void look_at_window();
  void await_lock(std::chrono::milliseconds patience, std::function<void()> then);
  void look_at_lock();
  void fetch();
  void install();
  void guard_own(const wire::UpdatePackage& package);
  std::string own_complaint() const;
  void await_own();
  void come_behind();
  void repair();
  bool is_prepared() const;
  void prepare(std::function<void()> then);
  bool tells_post() const;
  void tell_post(wire::UpdateOutcome outcome);
  void start(CommandLine words);
  void take_up();
  runtime::Shim::Listener listener();
  void exited(const runtime::ShimEnd& end);
  void lost();
  void stepped();
  void settle();
  void examine();
  void finish(const Error& error);
  void judge(const Error& error);
  std::vector<std::string> failed_in(const SystemState& state) const;
  std::string complaint() const;
  Error step_error(ErrorCode usual) const;
  void installed(wire::UpdateOutcome outcome);
  void restart_services();
  void await_reboot();
  bool wants_reboot() const;
  void await_lease();
  void adopt_lease();
  void look_at_lease();
  void reboot();
  void verify();
  void look_at_health();
  void await_boot();
  void conclude(wire::UpdateOutcome outcome);
  void conclude_good(std::string message = "");
  void conclude_bad(Error error);
  void fail(Error error);
  wire::UpdateOutcome outcome(Phase state) const;
  void take(const Progress& progress);
  void tell_progress();
  void tell(wire::UpdateEvent::Type type, std::string text = "");
  std::filesystem::path step_folder() const;
  std::string job() const;

  Shop& shop_;
  Record record_;
  const Window window_;
  std::optional<wire::UpdateOutcome> earlier_;
  std::unique_ptr<Look> look_;
  std::unique_ptr<PlanLook> plan_look_;
  std::unique_ptr<runtime::Shim> shim_;
  StatusReader reader_;
  std::optional<runtime::ShimEnd> end_;
  bool tree_gone_ = false;
  bool cancelled_ = false;
  bool concluded_ = false;
  bool cut_ = false;  // the last step did not come to its own end
  std::chrono::steady_clock::time_point waits_since_;
  std::chrono::steady_clock::time_point settling_since_;
  std::chrono::steady_clock::time_point progress_told_;
  std::chrono::milliseconds patience_{0};
  std::string waits_for_;
  std::function<void()> unlocked_;
  std::int64_t percent_ = 0;
  std::string package_;
  std::string progress_text_;
  std::vector<wire::ConffileOutcome> conffiles_;
  std::function<void()> opened_;
  std::chrono::steady_clock::time_point verifies_since_;
  std::chrono::steady_clock::time_point lease_told_;
  runtime::Timer opening_;  // until the window is looked at again
  runtime::Timer reboot_;   // until the machine is told to, or has had its time to
  runtime::Timer own_;      // until this agent has run for long enough
  runtime::Timer lease_;    // until it is looked at again if it may still reboot
  runtime::Timer health_;   // until it is asked again
  runtime::Timer lock_;     // until it is looked at again
  runtime::Timer settle_;   // for what a killed dpkg has left running
  runtime::Timer stall_;
  runtime::Timer progress_;  // until what has come since the last word of it is told
  runtime::Timer later_;     // a step that follows at once, outside of the frame that ends
  std::function<void()> next_;
};

}  // namespace steward::handlers::osupdate
