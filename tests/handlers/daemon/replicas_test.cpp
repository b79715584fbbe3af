// Several daemons out of one spec.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace steward::handlers::daemon::replicas_test {
namespace {

using nlohmann::json;
using wire::CommandState;
using wire::DaemonState;

// Each says its number, and what it is started with.
wire::Ack apply_web(Rig& rig, int replicas, const std::string& more = "") {
  return rig.apply("web",
                   "echo number %i 100%%; exec sleep 1000",
                   "\"replicas\":" + std::to_string(replicas) + more);
}

std::vector<std::string> names(Rig& rig) {
  const auto list = json::parse(rig.ask(R"({"op":"list"})").result);
  std::vector<std::string> names;
  for (const auto& row : list.at("daemons")) {
    names.push_back(row.at("name"));
  }
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE(
    "daemon replicas: each is a daemon of its own with its number, and all are told at once") {
  Rig rig;
  const auto applied = apply_web(rig, 3);
  REQUIRE_MESSAGE(applied.state == CommandState::done, applied.message);
  const auto result = json::parse(applied.result);
  CHECK(result["name"] == "web");
  CHECK(result["changed"] == json({"new"}));
  REQUIRE(result["replicas"].size() == 3);
  CHECK(result["replicas"][1]["name"] == "web@2");
  CHECK(names(rig) == Names{"web@1", "web@2", "web@3"});
  REQUIRE(rig.until([&] {
    const auto log = rig.ask(R"({"op":"logs","name":"web@3"})");
    return json::parse(log.result)["data"] == "number 3 100%\n";
  }));

  const auto second = rig.row("web@2").pid;
  CHECK(rig.order("restart", "web@2").state == CommandState::done);
  CHECK(rig.row("web@2").pid != second);
  const auto first = rig.row("web@1").pid;
  CHECK(rig.order("stop", "web").state == CommandState::done);
  CHECK(!tests::is_there(first));
  CHECK(rig.row("web@3").state == DaemonState::stopped);
  CHECK(rig.order("start", "web").state == CommandState::done);
  CHECK(rig.row("web@3").state == DaemonState::ready);
  CHECK(json::parse(rig.order("status", "web").result)["replicas"].size() == 3);
  CHECK(rig.order("remove", "web").state == CommandState::done);
  CHECK(names(rig).empty());
}

TEST_CASE("daemon replicas: more or less of them leave the others alone, also over an agent") {
  Rig rig;
  REQUIRE(apply_web(rig, 2).state == CommandState::done);
  const auto first = rig.row("web@1").pid;
  const auto grown = apply_web(rig, 4);
  REQUIRE(grown.state == CommandState::done);
  CHECK(json::parse(grown.result)["changed"] == json({"replicas"}));
  const auto last = rig.row("web@4").pid;
  rig.crash();
  REQUIRE(rig.becomes("web@4", DaemonState::ready));
  CHECK(apply_web(rig, 2).state == CommandState::done);
  CHECK(rig.until([&] { return names(rig) == Names{"web@1", "web@2"}; }));
  CHECK(rig.row("web@1").pid == first);
  CHECK(!tests::is_there(last));

  SUBCASE("one of them is a daemon without a number") {
    CHECK(rig.apply("web", "exec sleep 1000").state == CommandState::done);
    CHECK(rig.until([&] { return names(rig) == Names{"web"}; }));
    CHECK(!tests::is_there(first));
    CHECK(apply_web(rig, 2).state == CommandState::done);
    CHECK(rig.until([&] { return names(rig) == Names{"web@1", "web@2"}; }));
  }
  SUBCASE("what an agent has begun to take away, the next one does when it is said again") {
    const auto list = rig.folder() / "state/specs/web@2.json";
    auto record = json::parse(std::ifstream(list));
    rig.away([&] {
      record["spec"]["name"] = "web@3";
      std::ofstream(rig.folder() / "state/specs/web@3.json") << record.dump();
    });
    REQUIRE(rig.becomes("web@3", DaemonState::ready));
    CHECK(apply_web(rig, 2).state == CommandState::done);
    CHECK(rig.until([&] { return names(rig) == Names{"web@1", "web@2"}; }));
  }
}

TEST_CASE("daemon replicas: one that fails is named, the others are up") {
  Rig rig;
  const auto applied = rig.apply("web",
                                 "if [ %i = 2 ]; then exit 3; fi; exec sleep 1000",
                                 R"("replicas":3,"ready":{"by":"delay","delay_ms":300})");
  CHECK(applied.state == CommandState::failed);
  CHECK_MESSAGE(applied.message.find("web@2: ended with exit code 3") == 0, applied.message);
  CHECK(rig.becomes("web@3", DaemonState::ready));
  CHECK(rig.row("web@2").state != DaemonState::ready);
}

TEST_CASE("daemon replicas: who requires them requires each, and stops before the first") {
  Rig rig;
  REQUIRE(apply_web(rig, 2).state == CommandState::done);
  REQUIRE(rig.apply("front", "exec sleep 1000", R"("requires":["web"])").state ==
          CommandState::done);
  CHECK(rig.order("stop", "web@2").state == CommandState::done);
  CHECK(rig.row("front").reason == "needs web@2, which is stopped");
  CHECK(rig.order("start", "web@2").state == CommandState::done);
  CHECK(rig.becomes("front", DaemonState::ready));
  const auto circle = apply_web(rig, 2, R"(,"after":["front"])");
  CHECK(circle.code == "bad_payload");
  CHECK_MESSAGE(circle.message.find("front -> web -> front") != std::string::npos, circle.message);
}

TEST_CASE("daemon replicas: what is of one only asks for its number") {
  Rig rig;
  REQUIRE(apply_web(rig, 2).state == CommandState::done);
  const auto log = rig.ask(R"({"op":"logs","name":"web"})");
  CHECK(log.code == "bad_payload");
  CHECK(log.message.find("name one of its 2 replicas, as 'web@1'") != std::string::npos);
  const auto removed = rig.order("remove", "web@1");
  CHECK(removed.code == "conflict");
  CHECK(removed.message.find("apply the daemon with less of them") != std::string::npos);
  const auto applied = rig.apply("web@1", "exec sleep 1000");
  CHECK(applied.code == "bad_payload");
  CHECK(applied.message.find("apply 'web' with \"replicas\"") != std::string::npos);
  CHECK(rig.ask(R"({"op":"signal","name":"web","signal":"KILL"})").state == CommandState::done);
  CHECK(rig.until([&] {
    return rig.heard.exits("web@1").size() == 1 && rig.heard.exits("web@2").size() == 1;
  }));
}

TEST_CASE("daemon replicas: a file may say so many, and so many there are") {
  Rig rig;
  std::filesystem::create_directories(rig.specs());
  const auto write = [&rig](int replicas) {
    std::ofstream(rig.specs() / "web.toml")
        << "argv = [\"sleep\", \"100%i\"]\nreplicas = " << replicas << "\n";
  };
  write(3);
  REQUIRE(rig.until([&] { return names(rig).size() == 3; }));
  REQUIRE(rig.becomes("web@3", DaemonState::ready));
  const auto first = rig.row("web@1").pid;
  CHECK(rig.order("remove", "web").code == "conflict");
  write(1);
  REQUIRE(rig.until([&] { return names(rig) == Names{"web"}; }));
  CHECK(!tests::is_there(first));
  std::filesystem::remove(rig.specs() / "web.toml");
  CHECK(rig.until([&] { return names(rig).empty(); }));
}

}  // namespace
}  // namespace steward::handlers::daemon::replicas_test
