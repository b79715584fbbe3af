#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <optional>

namespace steward::tests::commands_test {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kShell = "ship1.command.shellcommand.operatingsystem";

// A broker, an agent on it, and who listens.
struct Scene {
  Scene() : server(NatsServer::start()) {
    if (server) {
      listener.emplace(server->url());
      agent.emplace(server->url());
      REQUIRE(listener->wait([](const Listener& heard) { return !heard.hellos.empty(); }));
    }
  }

  std::unique_ptr<NatsServer> server;
  std::optional<Listener> listener;
  std::optional<AgentProcess> agent;
};

bool is_finished(const Listener& heard, const wire::MessageId& id) {
  return std::any_of(heard.acks.begin(), heard.acks.end(), [&id](const wire::Ack& ack) {
    return ack.ref == id && is_terminal(ack.state);
  });
}

}  // namespace

TEST_CASE("agent: the first hello says that it is the first") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  CHECK(scene.listener->hellos.front().first);
}

TEST_CASE("agent: a plain message without headers runs a command") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  scene.listener->raw({kShell, {}, R"({"argv":["uname"]})", ""});
  REQUIRE(scene.listener->wait([](const Listener& heard) { return heard.acks.size() >= 3; }));
  const auto& done = scene.listener->acks.back();
  CHECK(done.state == wire::CommandState::done);
  CHECK(done.result.find("Linux") != std::string::npos);
}

TEST_CASE("agent: a method that it does not know is refused") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto id = scene.listener->command("ship1.command.teleport.bridge", "{}");
  REQUIRE(scene.listener->wait([&id](const Listener& heard) { return is_finished(heard, id); }));
  CHECK(scene.listener->steps(id) == Words{"refused no_handler"});
}

TEST_CASE("agent: a command that comes behind its cancel does not run") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto id = scene.listener->new_id();
  const auto cancel =
      scene.listener->command(kShell, R"({"op":"cancel","ref":")" + id.str() + R"("})");
  scene.listener->command(id, kShell, R"({"argv":["uname"]})");
  REQUIRE(scene.listener->wait([&id](const Listener& heard) { return is_finished(heard, id); }));
  CHECK(scene.listener->steps(cancel) == Words{"accepted", "done"});
  // Close behind it, the command may be accepted before it is cancelled.
  const auto steps = scene.listener->steps(id);
  CHECK(steps.back() == "cancelled");
  CHECK(std::find(steps.begin(), steps.end(), "running") == steps.end());
}

TEST_CASE("agent: a cancel ends a running command, and a stop interrupts the others") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto id = scene.listener->command(kShell, R"({"argv":["sleep","100"]})");
  REQUIRE(scene.listener->wait([&id](const Listener& heard) {
    return heard.steps(id) == Words{"accepted", "running"};
  }));
  scene.listener->command(kShell, R"({"op":"cancel","ref":")" + id.str() + R"("})");
  REQUIRE(scene.listener->wait([&id](const Listener& heard) { return is_finished(heard, id); }));
  CHECK(scene.listener->steps(id).back().starts_with("cancelled"));
}

TEST_CASE("agent: SIGTERM ends it with a goodbye and exit code 0") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto id = scene.listener->command(kShell, R"({"argv":["sleep","100"]})");
  REQUIRE(scene.listener->wait([&id](const Listener& heard) {
    return heard.steps(id) == Words{"accepted", "running"};
  }));
  CHECK(scene.agent->end_by(SIGTERM) == 0);
  CHECK(scene.listener->wait([](const Listener& heard) { return heard.hellos.back().bye; }));
  CHECK(scene.listener->wait([&id](const Listener& heard) { return is_finished(heard, id); }));
}

}  // namespace steward::tests::commands_test
