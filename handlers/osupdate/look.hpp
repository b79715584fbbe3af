#pragma once

#include "handlers/osupdate/driver.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/program_run.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::osupdate {

// One program that only looks: it may be ended at any moment. Destroying it ends it.
class Look {
 public:
  // Called once, not from inside the constructor. Errors: exec_failed (it has said so itself),
  // timed_out, too_large. It may destroy the Look.
  using Done = std::function<void(Result<std::string>)>;

  Look(runtime::Context& context,
       const Driver& driver,
       CommandLine words,
       std::chrono::milliseconds patience,
       Done done);

 private:
  runtime::ProgramRun run_;
  Done done_;
  Error not_started_;
  runtime::Timer later_;
};

// A plan, and what it costs: two looks, one after the other. What is too young for it is left out,
// and the others are planned anew. Destroying it ends them.
class PlanLook {
 public:
  // How many bytes each package is takes half as long again as all the rest.
  enum class Sizes { asked, left_out };

  // As Look's.
  using Done = std::function<void(Result<wire::UpdatePlan>)>;

  PlanLook(runtime::Context& context,
           const Driver& driver,
           Ask ask,
           const std::filesystem::path& work,
           Sizes sizes,
           Done done);

 private:
  void simulate();
  void simulated(const std::string& output);
  bool leave_out_young();
  bool is_young(const std::string& name) const;
  void fail(Error error);

  runtime::Context& context_;
  const Driver& driver_;
  Ask ask_;
  const std::filesystem::path work_;
  const Sizes sizes_;
  Done done_;
  wire::UpdatePlan plan_;
  std::vector<std::string> young_;  // left out
  int rounds_ = 0;
  std::unique_ptr<Look> look_;
  std::optional<Error> wrong_;
  runtime::Timer later_;
};

}  // namespace steward::handlers::osupdate
