#include "tools/stewardctl/update_course.hpp"

#include "tools/stewardctl/format.hpp"

namespace steward::ctl {

namespace {

using Policy = wire::UpdateReboot::Policy;

Result<Policy> policy_of(const std::string& text) {
  if (text.empty() || text == "never") {
    return Policy::never;
  }
  if (text == "if-required" || text == "if_required") {
    return Policy::if_required;
  }
  if (text == "always") {
    return Policy::always;
  }
  return failure(ErrorCode::bad_config, "--reboot: never, if-required or always");
}

Result<void> take_time(const std::string& text, std::chrono::milliseconds& time) {
  if (!text.empty()) {
    STEWARD_TRY(time, parse_duration(text));
  }
  return {};
}

}  // namespace

void declare_course(Syntax& syntax, UpdateCourse& course, bool reboots) {
  syntax.option("--window", course.window, "CRON", "change it only then: \"0 2 * * sat\"");
  syntax.option("--window-for", course.window_for, "TIME", "how long it is open (2h)");
  syntax.option("--tz", course.zone, "ZONE", "of the window (UTC): Europe/Oslo");
  if (!reboots) {
    syntax.option(
        "--restart-service", course.restart, "NAME", "start it anew if it runs what was replaced");
    syntax.option("--pre", course.pre, "SCRIPT", "before any change; its failure forbids it");
    syntax.option("--post", course.post, "SCRIPT", "behind all of it, however it ends");
    syntax.option("--reboot", course.reboot, "WHEN", "never, if-required, always");
  }
  syntax.option("--reboot-delay", course.reboot_delay, "TIME", "before it (1m)");
  syntax.flag("--lease", course.lease, "reboot when the station says: a few at once");
  syntax.option("--health", course.health, "SCRIPT", "says by its end if the unit is well");
  syntax.option("--health-for", course.health_for, "TIME", "it may fail so long (5m)");
}

Result<void> take_course(const UpdateCourse& course, wire::UpdateRun& run) {
  if (course.window.empty() && (!course.window_for.empty() || !course.zone.empty())) {
    return failure(ErrorCode::bad_config, "--window-for and --tz are for a --window");
  }
  run.window.cron = course.window;
  if (!course.zone.empty()) {
    run.window.zone = course.zone;
  }
  run.restart = course.restart;
  STEWARD_TRY(run.reboot.policy, policy_of(course.reboot));
  run.reboot.lease = course.lease;
  const bool reboots = run.op == wire::UpdateRun::Op::reboot || run.reboot.policy != Policy::never;
  if (course.lease && !reboots) {
    return failure(ErrorCode::bad_config, "--lease is for a reboot: --reboot if-required --lease");
  }
  for (const auto& [script, argv] : {std::pair{&course.pre, &run.pre},
                                     std::pair{&course.post, &run.post},
                                     std::pair{&course.health, &run.health.argv}}) {
    if (!script->empty()) {
      *argv = {"sh", "-c", *script};
    }
  }
  for (const auto& [text, time] : {std::pair{&course.window_for, &run.window.duration},
                                   std::pair{&course.reboot_delay, &run.reboot.delay},
                                   std::pair{&course.health_for, &run.health.timeout}}) {
    if (auto taken = take_time(*text, *time); !taken) {
      return taken;
    }
  }
  return {};
}

}  // namespace steward::ctl
