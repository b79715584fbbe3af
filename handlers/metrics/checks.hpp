#pragma once

#include "handlers/metrics/check_results.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/program_run.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// In what form a check tells of its work.
enum class CheckForm { nagios, json, openmetrics };

// A program of the machine's owner that is run now and then.
struct CheckSpec {
  std::string name;
  std::vector<std::string> argv;
  std::chrono::milliseconds interval{60'000};
  std::chrono::milliseconds timeout{10'000};
  CheckForm form = CheckForm::nagios;
};

// Errors: bad_payload, unsupported: what is wrong with a table of [[metrics.checks]], as JSON.
[[nodiscard]] Result<CheckSpec> decode_check(std::string_view text);

// Runs the checks of the configuration, each in its own interval at its own place in it, at most
// four at once, and keeps what they have said. Nothing waits for them. On the handler's thread.
class Checks final : public CheckResults {
 public:
  explicit Checks(runtime::Context& context);

  void start();

  std::vector<const Outcome*> results() const override;

 private:
  struct Check {
    Check(CheckSpec spec_of, runtime::Loop& loop, Checks& all);

    const CheckSpec spec;
    Outcome result;
    bool is_waiting = false;
    std::chrono::steady_clock::time_point began;
    std::unique_ptr<runtime::ProgramRun> running;
    std::unique_ptr<runtime::ProgramRun> ended;  // cannot go from inside its own call
    runtime::Timer beat;
    runtime::Timer phase;
  };

  void due(Check& check);
  void next();
  Result<void> run(Check& check);
  void ended(Check& check, const Result<runtime::ProgramRun::End>& end);
  void failed(Check& check, const std::string& why);
  void stamp(Check& check) const;
  static Result<std::vector<Told>> read(const Check& check, const runtime::ProgramRun::End& end);

  runtime::Context& context_;
  runtime::Complaint complaint_;
  std::vector<std::unique_ptr<Check>> checks_;
  std::vector<const Outcome*> results_;
  std::deque<Check*> waiting_;
  std::size_t running_ = 0;
};

}  // namespace steward::handlers::metrics
