#pragma once

#include "subjects/wire/osupdate.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/update_course.hpp"
#include "tools/stewardctl/verb.hpp"

#include <string>
#include <vector>

namespace steward::ctl {

// What a person wrote behind `update`.
struct UpdateArguments {
  TargetArguments target;
  Sending sending;
  UpdateCourse course;
  std::vector<std::string> packages;
  std::vector<std::string> exclude;
  std::string conffile;
  std::string plan;  // a hash
  std::string run;
  std::string lock_wait;
  std::string most;
  std::string min_age;
  bool security = false;
  bool full = false;
  bool no_new = false;
  bool allow_remove = false;
  bool refresh = false;
  bool download = false;
};

// With --all there is no TARGET: the first positional is a package.
void settle_packages(UpdateArguments& arguments);

// Errors: bad_config.
[[nodiscard]] Result<void> check_packages(const std::vector<std::string>& names,
                                          bool (*good)(std::string_view));
[[nodiscard]] Result<wire::UpdateChoice> choice_of(const UpdateArguments& arguments);

// The verbs that only look: units are asked, and answers shown. Errors: as ask_units and
// resolve_units, bad_config.
[[nodiscard]] Result<Exit> check_updates(Invocation& invocation, const UpdateArguments& arguments);
[[nodiscard]] Result<Exit> plan_updates(Invocation& invocation, const UpdateArguments& arguments);
[[nodiscard]] Result<Exit> update_status(Invocation& invocation, const UpdateArguments& arguments);
[[nodiscard]] Result<Exit> update_history(Invocation& invocation, const UpdateArguments& arguments);

}  // namespace steward::ctl
