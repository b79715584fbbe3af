#include "handlers/metrics/rule_programs.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::handlers::metrics {
namespace {

constexpr std::size_t kMostWaiting = 64;

}  // namespace

void RulePrograms::run(const wire::AlertRule& rule, const wire::AlertEvent& event) {
  if (rule.run.empty()) {
    return;
  }
  if (waiting_.size() >= kMostWaiting) {
    failed(rule.name, "not run: too many wait");
    return;
  }
  const auto& alert = event.alerts.front();
  const bool begins = event.state == wire::AlertEvent::State::firing;
  runtime::ProgramRun::Request request;
  request.argv = rule.run;
  request.timeout = rule.run_timeout;
  request.env = {"STEWARD_UNIT=" + context_.node.str(),
                 std::string("STEWARD_ALERT=") + (begins ? "firing" : "resolved"),
                 "STEWARD_RULE=" + rule.name,
                 "STEWARD_SERIES=" + alert.series,
                 "STEWARD_SEVERITY=" + std::string(wire::word(alert.severity)),
                 "STEWARD_VALUE=" + nlohmann::json(alert.value).dump()};
  waiting_.push_back({rule.name, std::move(request)});
  if (!running_) {
    next();
  }
}

void RulePrograms::next() {
  while (!running_ && !waiting_.empty()) {
    auto [name, request] = std::move(waiting_.front());
    const std::string rule = std::move(name);  // a binding cannot be captured
    waiting_.pop_front();
    ++runs_;
    running_ = std::make_unique<runtime::ProgramRun>(
        context_.loop,
        std::move(request),
        [this, rule](const Result<runtime::ProgramRun::End>& end) { ended(rule, end); });
    if (auto started = running_->start(context_.processes); !started) {
      running_.reset();
      failed(rule, started.error().text());
    }
  }
}

void RulePrograms::ended(const std::string& rule, const Result<runtime::ProgramRun::End>& end) {
  if (!end) {
    failed(rule, end.error().text());
  } else if (end->status.code != 0) {
    failed(rule, "ended with " + runtime::shown(end->status));
  }
  ended_ = std::move(running_);
  next();
}

void RulePrograms::failed(const std::string& rule, const std::string& why) {
  ++failures_;
  complaint_.say("program of rule " + rule + ": " + why);
}

}  // namespace steward::handlers::metrics
