// Daemons that need another one, or the link.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace steward::handlers::daemon::dependence_test {
namespace {

using wire::CommandState;
using wire::DaemonState;

constexpr const char* kSleep = "exec sleep 1000";

// The names of those that ended, in order.
std::vector<std::string> ends(const Heard& heard) {
  std::vector<std::string> names;
  for (const auto& event : heard.events) {
    if (event.type == wire::DaemonEvent::Type::exit) {
      names.push_back(event.daemons.front().name);
    }
  }
  return names;
}

std::string text_at(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("daemon: what is needed stops behind those that need it, and they come back with it") {
  Rig rig;
  REQUIRE(rig.apply("base", kSleep).state == CommandState::done);
  // Its end takes a moment, in which the one that it needs is still there.
  REQUIRE(rig.apply("user",
                    "trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done",
                    R"("requires":["base"])")
              .state == CommandState::done);
  REQUIRE(rig.apply("far", kSleep, R"("requires":["user"])").state == CommandState::done);
  REQUIRE(rig.apply("loose", kSleep, R"("after":["base"])").state == CommandState::done);
  const auto loose = rig.row("loose").pid;

  CHECK(rig.order("stop", "base").state == CommandState::done);
  CHECK(ends(rig.heard) == std::vector<std::string>{"far", "user", "base"});
  CHECK(rig.row("user").state == DaemonState::waiting);
  CHECK(rig.row("user").wanted);
  CHECK(rig.row("user").reason == "needs base, which is stopped");
  CHECK(rig.row("loose").pid == loose);

  CHECK(rig.order("start", "base").state == CommandState::done);
  CHECK(rig.becomes("user", DaemonState::ready));
  CHECK(rig.becomes("far", DaemonState::ready));
  CHECK(rig.row("loose").pid == loose);
}

TEST_CASE("daemon: those that end with the agent end in the order reverse to their start") {
  Rig rig;
  const std::string ends_too = R"("on_agent_exit":"stop")";
  REQUIRE(rig.apply("a", kSleep, ends_too).state == CommandState::done);
  REQUIRE(rig.apply("b", kSleep, ends_too + R"(,"after":["a"])").state == CommandState::done);
  REQUIRE(rig.apply("c", kSleep, ends_too + R"(,"requires":["b"])").state == CommandState::done);
  REQUIRE(rig.apply("stays", kSleep, R"("requires":["b"])").state == CommandState::done);
  const auto stays = rig.row("stays").pid;
  rig.restart();
  auto ended = ends(rig.heard);
  CHECK(ended == std::vector<std::string>{"c", "b", "a"});
  CHECK(rig.becomes("c", DaemonState::ready));
  CHECK(rig.row("stays").pid == stays);
}

TEST_CASE("daemon: without a link for its time one stops, and comes back with the link") {
  Rig rig;
  REQUIRE(rig.apply("stops", kSleep, R"("on_link_lost":{"action":"stop","after_ms":1000})").state ==
          CommandState::done);
  REQUIRE(rig.apply("keeps", kSleep).state == CommandState::done);
  const auto keeps = rig.row("keeps").pid;
  const auto stops = rig.row("stops").pid;
  rig.link(false);
  CHECK(rig.row("stops").pid == stops);  // not yet
  CHECK(rig.becomes("stops", DaemonState::waiting));
  CHECK(rig.row("stops").reason == "the unit has no link to the broker");
  CHECK(rig.row("stops").wanted);
  CHECK(!tests::is_there(stops));
  rig.link(true);
  CHECK(rig.becomes("stops", DaemonState::ready));
  CHECK(rig.row("keeps").pid == keeps);
}

TEST_CASE("daemon: without a link for its time the program of one is run, once a loss") {
  Rig rig;
  const auto file = rig.folder() / "said";
  const auto option = R"("on_link_lost":{"action":"exec","after_ms":1000,"argv":["sh","-c",)"
                      R"("echo $STEWARD_DAEMON >>)" +
                      file.string() + R"("]})";
  REQUIRE(rig.apply("web", kSleep, option).state == CommandState::done);
  const auto pid = rig.row("web").pid;
  for (const auto* said : {"web\n", "web\nweb\n"}) {
    rig.link(false);
    CHECK(rig.until([&] { return text_at(file) == said; }));
    CHECK(rig.order("reset", "web").state == CommandState::done);  // it is looked at once more
    rig.link(true);
  }
  CHECK(rig.row("web").pid == pid);
  CHECK(text_at(file) == "web\nweb\n");
}

TEST_CASE("daemon: what others of the unit read of it is true: its output's link, its process") {
  Rig rig;
  const auto state = rig.folder() / "state";
  const auto link = state / "logs" / "shop" / "web";
  REQUIRE(rig.apply("web", "echo hello; exec sleep 1000", R"("log_domain":"shop")").state ==
          CommandState::done);
  CHECK(rig.until([&] { return text_at(link / "1-00000000000000000000") == "hello\n"; }));
  CHECK(rig.until([&] {
    return text_at(state / "table") == "web " + std::to_string(rig.row("web").pid) + " 0 own\n";
  }));
  CHECK(rig.apply("web", "echo hello; exec sleep 1000", R"("log_domain":"other")").state ==
        CommandState::done);
  CHECK(!std::filesystem::exists(link));
  CHECK(std::filesystem::exists(state / "logs" / "other" / "web"));
  CHECK(rig.order("stop", "web").state == CommandState::done);
  CHECK(rig.until([&] { return text_at(state / "table") == "web 0 0 own\n"; }));
  CHECK(rig.order("remove", "web").state == CommandState::done);
  CHECK(!std::filesystem::exists(state / "logs" / "other"));
  CHECK(rig.until([&] { return text_at(state / "table").empty(); }));
}

}  // namespace steward::handlers::daemon::dependence_test
