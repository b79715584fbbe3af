#pragma once

#include "handlers/metrics/alarm_judge.hpp"
#include "handlers/metrics/measurement.hpp"
#include "handlers/metrics/rule_book.hpp"
#include "handlers/metrics/rule_programs.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "subjects/wire/metrics.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// A unit's own alerts: its rules, what is open of them, and what is said and done about it. What is
// open is kept over a restart.
class Alarms {
 public:
  explicit Alarms(runtime::Context& context);

  // Takes over what an earlier agent has left, and tells all that is open, where it has any rules
  // or has had some.
  void start();

  // Whether there is anything to measure for.
  bool wanted() const { return !judge_.rules().empty(); }

  // Says what has begun and ended with this round, and runs what the rules ask for.
  void round(const Measurement& measurement);

  // As JSON: what the rules are, and what is open. Errors: as RuleBook's.
  [[nodiscard]] Result<std::string> answer(const wire::MetricsRequest& request);

 private:
  void say(const std::vector<wire::AlertEvent>& events, const std::vector<wire::AlertRule>& rules);
  void say_all();
  void keep();

  runtime::Context& context_;
  RuleBook book_;
  AlarmJudge judge_;
  RulePrograms programs_;
  runtime::Complaint complaint_;
  std::chrono::steady_clock::time_point said_all_;
};

}  // namespace steward::handlers::metrics
