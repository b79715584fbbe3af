// What an agent that was killed has left is carried on by the next one.

#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

namespace steward::tests::restart_test {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kShell = "ship1.command.shellcommand.operatingsystem";

// A broker, an agent on it, and who listens. Effects are lines in a file.
struct Scene {
  Scene() : server(NatsServer::start()) {
    if (server) {
      listener.emplace(server->url());
      agent.emplace(server->url());
      await_hello();
    }
  }

  explicit operator bool() const { return server != nullptr; }

  void await_hello() {
    REQUIRE(listener->wait([](const Listener& heard) { return !heard.hellos.empty(); }));
  }

  // The next agent says hello. What was heard of the old one's is forgotten.
  void restart_by(int signal) {
    agent->end_by(signal);
    listener->forget_hellos();
    agent->start();
    await_hello();
  }

  std::filesystem::path effects() const { return agent->folder() / "effects"; }

  std::string effect(const std::string& line, const std::string& then = "true") const {
    return R"({"shell":"echo )" + line + " >> " + effects().string() + "; " + then + R"("})";
  }

  std::string done() const {
    std::ifstream file(effects());
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void await_steps(const wire::MessageId& id, const Words& steps) {
    std::string words;
    const bool came = listener->wait([&](const Listener& heard) {
      const auto so_far = heard.steps(id);
      words.clear();
      for (const auto& step : so_far) {
        words += step + "; ";
      }
      return so_far == steps;
    });
    REQUIRE_MESSAGE(came, "heard: ", words, "\n", agent->log());
  }

  // Waits for an ACK that is said again.
  wire::Ack await_repeat(const wire::MessageId& id) {
    wire::Ack found{id, "", wire::CommandState::sent};
    const bool came = listener->wait([&](const Listener& heard) {
      const auto at = std::find_if(heard.repeats.begin(),
                                   heard.repeats.end(),
                                   [&id](const wire::Ack& ack) { return ack.ref == id; });
      if (at != heard.repeats.end()) {
        found = *at;
      }
      return at != heard.repeats.end();
    });
    REQUIRE_MESSAGE(came, agent->log());
    return found;
  }

  std::unique_ptr<NatsServer> server;
  std::optional<Listener> listener;
  std::optional<AgentProcess> agent;
};

}  // namespace

TEST_CASE("agent: killed, it interrupts what ran and runs what waited, in order, once") {
  Scene scene;
  if (!scene) {
    return;
  }
  std::vector<wire::MessageId> ids;
  ids.push_back(scene.listener->command(kShell, scene.effect("1", "exec sleep 20")));
  for (const std::string line : {"2", "3", "4", "5"}) {
    ids.push_back(scene.listener->command(kShell, scene.effect(line)));
  }
  scene.await_steps(ids[0], {"accepted", "running"});
  scene.await_steps(ids[4], {"accepted", "queued"});
  scene.restart_by(SIGKILL);
  CHECK(scene.listener->hellos.front().ledger_open >= 1);

  scene.await_steps(ids[0], {"accepted", "running", "interrupted agent_stopped"});
  REQUIRE(scene.listener->wait(
      [&ids](const Listener& heard) { return heard.steps(ids[4]).back() == "done"; }));
  CHECK(scene.done() == "1\n2\n3\n4\n5\n");
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const auto steps = scene.listener->steps(ids[i]);
    CHECK(std::count(steps.begin(), steps.end(), "done") == 1);
    CHECK(std::count(steps.begin(), steps.end(), "running") == 1);
  }
}

TEST_CASE("agent: stopped, it leaves what waited to the next agent") {
  Scene scene;
  if (!scene) {
    return;
  }
  const auto first = scene.listener->command(kShell, scene.effect("1", "exec sleep 20"));
  const auto second = scene.listener->command(kShell, scene.effect("2"));
  scene.await_steps(second, {"accepted", "queued"});
  scene.restart_by(SIGTERM);
  scene.await_steps(first, {"accepted", "running", "interrupted agent_stopped"});
  scene.await_steps(second, {"accepted", "queued", "running", "done"});
  CHECK(scene.done() == "1\n2\n");
}

TEST_CASE("agent: results that nobody acknowledged come again after a restart, as they were") {
  Scene scene;
  if (!scene) {
    return;
  }
  // Its facts are told and acknowledged; what comes from here on is not.
  REQUIRE(scene.listener->wait_asking([](const Listener& heard) {
    return heard.times.size() == 1 && !heard.hellos.empty() &&
           heard.hellos.back().outbox_depth == 0;
  }));
  scene.listener->acknowledges = false;
  const auto id = scene.listener->command(kShell, scene.effect("1"));
  scene.await_steps(id, {"accepted", "running", "done"});
  std::map<std::pair<std::string, std::uint64_t>, int> before;
  scene.agent->end_by(SIGKILL);
  scene.listener->wait([&before](const Listener& heard) {
    before = heard.times;  // what it sent again while it lived does not count
    before.erase(before.begin());
    return true;
  });
  REQUIRE(before.size() == 3);
  scene.listener->forget_hellos();
  scene.agent->start();
  scene.await_hello();
  CHECK(scene.listener->hellos.front().outbox_depth == 3);
  REQUIRE(scene.listener->wait([&before](const Listener& heard) {
    return std::all_of(before.begin(), before.end(), [&heard](const auto& event) {
      return heard.times.at(event.first) > event.second;
    });
  }));
  CHECK(scene.listener->steps(id) == Words{"accepted", "running", "done"});  // no new numbers

  scene.listener->acknowledges = true;
  scene.listener->raw({"ship1.command.outbox.events", {}, R"({"op":"resend","from":1})", ""});
  REQUIRE(scene.listener->wait_asking(
      [](const Listener& heard) { return heard.hellos.back().outbox_depth == 0; }));
}

TEST_CASE("agent: a command that comes again after a restart is answered, and runs nothing") {
  Scene scene;
  if (!scene) {
    return;
  }
  const auto id = scene.listener->new_id();
  scene.listener->command(id, kShell, scene.effect("1"));
  scene.await_steps(id, {"accepted", "running", "done"});
  scene.restart_by(SIGKILL);
  scene.listener->command(id, kShell, scene.effect("1"));
  CHECK(scene.await_repeat(id).state == wire::CommandState::done);
  const auto next = scene.listener->command(kShell, scene.effect("2"));
  scene.await_steps(next, {"accepted", "running", "done"});
  CHECK(scene.done() == "1\n2\n");
}

TEST_CASE("agent: a cancel that came before its command counts after a restart, too") {
  Scene scene;
  if (!scene) {
    return;
  }
  const auto id = scene.listener->new_id();
  const auto cancel =
      scene.listener->command(kShell, R"({"op":"cancel","ref":")" + id.str() + R"("})");
  scene.await_steps(cancel, {"accepted", "done"});
  scene.restart_by(SIGKILL);
  scene.listener->command(id, kShell, scene.effect("never"));
  scene.await_steps(id, {"cancelled"});
  CHECK(scene.done().empty());
}

TEST_CASE("agent: recalled, it says what it knows of commands, or that it has forgotten") {
  Scene scene;
  if (!scene) {
    return;
  }
  const auto known = scene.listener->command(kShell, scene.effect("1"));
  scene.await_steps(known, {"accepted", "running", "done"});
  const auto unknown = scene.listener->new_id();
  scene.listener->raw(
      {"ship1.command.outbox.events",
       {},
       R"({"op":"recall","refs":[")" + known.str() + R"(",")" + unknown.str() + R"("]})",
       ""});
  CHECK(scene.await_repeat(known).state == wire::CommandState::done);
  scene.await_steps(unknown, {"interrupted forgotten"});
  scene.listener->command(unknown, kShell, scene.effect("never"));
  CHECK(scene.await_repeat(unknown).code == "forgotten");
  CHECK(scene.done() == "1\n");
}

}  // namespace steward::tests::restart_test
