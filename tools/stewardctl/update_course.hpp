#pragma once

#include "subjects/wire/osupdate.hpp"
#include "tools/stewardctl/syntax.hpp"

#include <string>
#include <vector>

namespace steward::ctl {

// When an update may change a unit, and what comes behind it, as the options of a verb say it.
struct UpdateCourse {
  std::string window;
  std::string window_for;
  std::string zone;
  std::vector<std::string> restart;
  std::string reboot;
  std::string reboot_delay;
  bool lease = false;
  std::string pre;
  std::string post;
  std::string health;
  std::string health_for;
};

// `reboots`: the verb is a reboot: it has neither services nor a policy.
void declare_course(Syntax& syntax, UpdateCourse& course, bool reboots);

// Errors: bad_config (with the option that is wrong).
[[nodiscard]] Result<void> take_course(const UpdateCourse& course, wire::UpdateRun& run);

}  // namespace steward::ctl
