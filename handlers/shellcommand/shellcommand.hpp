#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/leftovers.hpp"
#include "handlers/shellcommand/detached_folders.hpp"
#include "handlers/shellcommand/finished_jobs.hpp"
#include "handlers/shellcommand/job.hpp"
#include "handlers/shellcommand/turns.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::shellcommand {

// Runs programs and scripts on the unit, one after the other or several at once, and answers what
// is asked of them while they run (README.md).
class ShellCommand final : public runtime::Handler {
 public:
  explicit ShellCommand(runtime::Context& context);
  ~ShellCommand() override;

  [[nodiscard]] Result<void> start() override;
  [[nodiscard]] Result<runtime::Admission> receive(const runtime::Command& command) override;
  runtime::CancelOutcome cancel(const wire::MessageId& id) override;
  void link_up() override;
  void stop(std::function<void()> stopped) override;

 private:
  using Answer = Result<std::string>;  // the result of a control operation, JSON

  Result<void> check(const wire::ShellRun& run) const;
  void admit(const wire::MessageId& id, std::optional<wire::Timestamp> expires, wire::ShellRun run);
  Job& add_job(const wire::MessageId& id,
               std::optional<wire::Timestamp> expires,
               wire::ShellRun run);
  void take_up(const wire::MessageId& id, wire::ShellRun run);
  bool is_open(const std::string& id) const;
  std::vector<wire::MessageId> all_last_first() const;
  void take_turns();
  void job_finished(Job& job, wire::Ack ack);
  void clear_away();

  // control.cpp
  void answer(const wire::MessageId& id, const wire::ShellRequest& request);
  Answer act(const wire::ShellSignal& request);
  Answer act(const wire::ShellInput& request);
  Answer act(const wire::ShellResize& request);
  Answer act(const wire::ShellStatus& request);
  Answer act(const wire::ShellOutput& request);
  Answer act(const wire::ShellList& request);
  Answer act(const wire::ShellRun& request);
  Result<Job*> open_job(const wire::MessageId& ref);

  runtime::Context& context_;
  std::size_t most_waiting_;
  Shop shop_;
  Turns turns_;
  std::map<wire::MessageId, std::unique_ptr<Job>> jobs_;
  FinishedJobs finished_;
  DetachedFolders folders_;
  runtime::Leftovers leftovers_;
  std::vector<std::unique_ptr<LiveStream>> undelivered_;  // of ended jobs
  std::vector<std::unique_ptr<Job>> ended_;               // destroyed in a later turn of the loop
  std::function<void()> stopped_;
  bool stopping_ = false;
  runtime::Timer clear_timer_;
  std::shared_ptr<ShellCommand*> alive_;
};

runtime::HandlerKind kind();

}  // namespace steward::handlers::shellcommand
