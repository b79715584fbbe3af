#pragma once

#include "handlers/osupdate/driver.hpp"
#include "handlers/osupdate/look.hpp"
#include "handlers/osupdate/own.hpp"
#include "handlers/osupdate/record.hpp"
#include "handlers/osupdate/run.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace steward::handlers::osupdate {

// Knows what updates the unit has, and brings them in (README.md). What changes the unit is done
// one at a time; what only looks waits for other looks alone.
class Updates final : public runtime::Handler {
 public:
  explicit Updates(runtime::Context& context);
  ~Updates() override;

  [[nodiscard]] Result<void> start() override;
  [[nodiscard]] Result<runtime::Admission> receive(const runtime::Command& command) override;
  runtime::CancelOutcome cancel(const wire::MessageId& id) override;

 private:
  struct Waiting {
    wire::MessageId id;
    wire::UpdateRequest request;
    bool begun = false;  // by an earlier agent
  };

  void take(Waiting waiting);
  void next_change();
  void change(Waiting waiting);
  void begin_run(const wire::MessageId& id, const wire::UpdateRun& request);
  void refresh(const wire::MessageId& id);
  Result<std::string> grant(const wire::UpdateGrant& grant);
  void hold(const wire::MessageId& id, const wire::UpdateHold& hold);
  void held(const wire::MessageId& id, const Result<std::string>& said);
  void ended(const wire::UpdateOutcome& outcome);
  void answer_outcome(const wire::MessageId& id, const wire::UpdateOutcome& outcome);
  std::optional<wire::UpdateOutcome> outcome_of(const std::string& run) const;

  void next_look();
  void look(const Waiting& waiting);
  void looked(std::optional<wire::MessageId> id,
              const wire::UpdateRequest& request,
              Result<wire::UpdatePlan> plan);
  bool is_fresh() const;
  void look_by_itself();
  wire::UpdateSummary summary() const;
  void tell_summary();

  std::string status() const;
  std::string history(std::size_t limit) const;
  void end_change();

  runtime::Context& context_;
  std::unique_ptr<Driver> driver_;
  Records records_;
  Own own_;
  Run::Shop shop_;
  std::chrono::milliseconds look_every_;

  std::deque<Waiting> changes_;  // the first one is under way
  bool changing_ = false;
  std::unique_ptr<Run> run_;
  std::unique_ptr<Look> change_;  // a refresh, or a hold

  std::deque<Waiting> looks_;
  std::unique_ptr<PlanLook> plan_look_;
  std::optional<wire::UpdatePlan> pending_;  // what could be upgraded
  bool pending_has_sizes_ = false;
  std::string pending_of_;  // the state of the system that it was found in
  wire::Timestamp checked_;
  std::optional<wire::UpdateSummary> told_;

  runtime::Timer look_timer_;
  runtime::Timer next_look_;    // outside of the look that has ended
  runtime::Timer next_change_;  // outside of the run that has ended
  std::shared_ptr<Updates*> alive_;
};

}  // namespace steward::handlers::osupdate
