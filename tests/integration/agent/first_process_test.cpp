#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace steward::tests::first_process_test {
namespace {

constexpr const char* kFirstShell = "ship1.command.shellcommand.operatingsystem";

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const auto folder = "/proc/" + std::to_string(pid) + "/task";
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(folder, error)) {
    std::ifstream file(task.path() / "children");
    for (pid_t child = 0; file >> child;) {
      children.push_back(child);
    }
  }
  return children;
}

}  // namespace

TEST_CASE("agent: as the first process of a container it runs commands and reaps orphans") {
  if (::geteuid() != 0) {
    MESSAGE("only root makes namespaces here");
    REQUIRE(std::getenv("CI") == nullptr);
    return;
  }
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  Listener station(server->url());
  AgentProcess agent(server->url(), {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"});
  REQUIRE_MESSAGE(station.wait([](const Listener& heard) { return !heard.hellos.empty(); }),
                  agent.log());
  const auto inside = children_of(agent.pid());
  REQUIRE(inside.size() == 1);
  // Its number in there is told by the command itself; what it leaves behind ends later, as a
  // child of nobody but the first process.
  const auto id = station.command(
      kFirstShell,
      R"({"argv":["sh","-c","cat /proc/1/comm; (setsid sh -c 'exec 1>&- 2>&-; sleep 0.5' &) "],)"
      R"("kill_scope":"main"})");
  const auto ended = [&id](const Listener& heard) {
    const auto steps = heard.steps(id);
    return !steps.empty() && (steps.back() == "done" || steps.back().starts_with("failed"));
  };
  REQUIRE(station.wait(ended));
  std::string result;
  station.wait([&](const Listener& heard) {
    for (const auto& ack : heard.acks) {
      result += ack.ref == id ? ack.result : "";
    }
    return true;
  });
  CHECK_MESSAGE(result.find("steward-edge") != std::string::npos, result);
  // All of them are gone, none is left as a zombie.
  CHECK(station.wait_asking(
      [&inside](const Listener&) { return children_of(inside.front()).empty(); }));
}

}  // namespace steward::tests::first_process_test
