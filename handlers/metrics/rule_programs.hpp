#pragma once

#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/program_run.hpp"
#include "subjects/wire/alert.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace steward::handlers::metrics {

// Runs the programs of rules, one after the other: what an alert's end does comes behind what its
// begin does. What it is about stands in the program's environment.
class RulePrograms {
 public:
  explicit RulePrograms(runtime::Context& context)
      : context_(context), complaint_(context.clock, context.log) {}

  // Nothing where the rule has no program.
  void run(const wire::AlertRule& rule, const wire::AlertEvent& event);

  // Programs that were run, and of them such that failed, could not start or found no room.
  std::uint64_t runs() const { return runs_; }

  std::uint64_t failures() const { return failures_; }

 private:
  struct Waiting {
    std::string rule;
    runtime::ProgramRun::Request request;
  };

  void next();
  void ended(const std::string& rule, const Result<runtime::ProgramRun::End>& end);
  void failed(const std::string& rule, const std::string& why);

  runtime::Context& context_;
  runtime::Complaint complaint_;
  std::deque<Waiting> waiting_;
  std::unique_ptr<runtime::ProgramRun> running_;
  std::unique_ptr<runtime::ProgramRun> ended_;  // cannot go from inside its own call
  std::uint64_t runs_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace steward::handlers::metrics
