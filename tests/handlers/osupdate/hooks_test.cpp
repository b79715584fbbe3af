// Programs before and behind an update.

#include "tests/handlers/osupdate/rig.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace steward::handlers::osupdate::hooks_test {
namespace {

using wire::CommandState;

// Both write down in a file of the root that they were called.
std::string hooks(const Rig& rig, const std::string& pre, const std::string& post = "true") {
  const auto told = (rig.root() / "told").string();
  const nlohmann::json fields = {
      {"pre_argv", {"sh", "-c", "echo before >>" + told + "; " + pre}},
      {"post_argv",
       {"sh", "-c", "echo $STEWARD_UPDATE_STATE $STEWARD_UPDATE_CODE >>" + told + "; " + post}}};
  const auto text = fields.dump();
  return text.substr(1, text.size() - 2);
}

std::string apply(const std::string& fields) { return R"({"op":"apply",)" + fields + "}"; }

}  // namespace

TEST_CASE("osupdate: a program is run before a change, and one behind it") {
  Rig rig;
  rig.upgradable();
  // It sees the system as it was.
  const auto was = "grep -q 1.0 " + (rig.root() / "opt/web/version").string();
  const auto ack = rig.ask(apply(hooks(rig, was)));
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.file("told") == "before\ndone\n");
  // Where there is nothing to change neither is run.
  CHECK(rig.ask(apply(hooks(rig, "true"))).state == CommandState::done);
  CHECK(rig.file("told") == "before\ndone\n");
}

TEST_CASE("osupdate: a program that forbids a change ends the run, and nothing has changed") {
  Rig rig;
  rig.upgradable();
  const auto ack = rig.ask(apply(hooks(rig, "echo E: it is busy; exit 3")));
  CHECK(ack.state == CommandState::failed);
  CHECK(ack.code == "exec_failed");
  CHECK_MESSAGE(ack.message.find("nothing was changed, for pre_argv failed: ") == 0, ack.message);
  CHECK(ack.message.find("it is busy") != std::string::npos);
  CHECK(rig.outcome(ack).packages.empty());
  CHECK(rig.version("web") == "1.0");
  CHECK(rig.version("db") == "1.0");
  CHECK(rig.file("told") == "before\nfailed exec_failed\n");
}

TEST_CASE("osupdate: a failure behind a change is told with what was changed") {
  Rig rig;
  rig.upgradable();
  auto ack = rig.ask(apply(hooks(rig, "true", "exit 4")));
  CHECK(ack.state == CommandState::failed);
  CHECK(ack.code == "exec_failed");
  CHECK_MESSAGE(ack.message.find("post_argv failed: ") == 0, ack.message);
  CHECK(rig.outcome(ack).packages.size() == 2);
  CHECK(rig.version("web") == "2.0");
  // It is told of a run that has failed, too.
  rig.make({"web", "2.1", "main", "", "exit 7"});
  rig.publish();
  std::filesystem::remove(rig.root() / "told");
  ack = rig.ask(apply(hooks(rig, "true")));
  CHECK(ack.state == CommandState::failed);
  CHECK(rig.file("told") == "before\nfailed exec_failed\n");
  CHECK(rig.outcome(ack).needs_help);
}

TEST_CASE("osupdate: an agent that is gone between both has run each of them once") {
  Rig rig;
  rig.upgradable();
  const auto gate = (rig.root() / "gate").string();
  rig.make({"web", "2.1", "main", "", "while [ ! -e " + gate + " ]; do sleep 0.05; done"});
  rig.publish();
  const auto id = rig.send(apply(hooks(rig, "true")));
  REQUIRE(rig.until([&rig] { return !rig.pids_of("web.postinst").empty(); }));
  rig.crash();
  rig.write("gate", "");
  CHECK(rig.end_of(id).state == CommandState::done);
  CHECK(rig.file("told") == "before\ndone\n");
}

TEST_CASE("osupdate: a run that is cancelled in its preparation changes nothing, and is told of") {
  Rig rig;
  rig.upgradable();
  const auto id = rig.send(apply(hooks(rig, "sleep 60")));
  REQUIRE(rig.until([&rig] { return !rig.file("told").empty(); }));
  const auto status = nlohmann::json::parse(rig.ask(R"({"op":"status"})").result);
  CHECK(status["run"]["waits_for"] == "its pre_argv");
  // Another agent prepares anew.
  rig.crash();
  REQUIRE(rig.until([&rig] { return rig.file("told") == "before\nbefore\n"; }));
  CHECK(rig.cancel(id) == runtime::CancelOutcome::cancelled);
  CHECK(rig.end_of(id).state == CommandState::cancelled);
  CHECK(rig.file("told") == "before\nbefore\ncancelled\n");
  CHECK(rig.version("web") == "1.0");
}

}  // namespace steward::handlers::osupdate::hooks_test
