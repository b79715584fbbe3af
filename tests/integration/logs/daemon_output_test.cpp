#include "tests/integration/logs/rig.hpp"

#include <doctest/doctest.h>

#include <signal.h>

namespace steward::tests::daemon_output_test {
namespace {

constexpr const char* kDaemons = "ship1.command.daemon.system";
constexpr const char* kAcks = "ship1.event.ack.>";

std::string order_of(const std::string& name, const std::string& script) {
  return R"({"op":"apply","spec":{"name":")" + name + R"(","argv":["sh","-c",")" + script +
         R"("],"log_domain":"test","log_bytes":1048576}})";
}

}  // namespace

TEST_CASE(
    "logs: what a daemon says reaches its domain, over the agent's death, once and in order") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "");
  REQUIRE(!stream.command(R"({"op":"status"})").empty());
  const std::string text =
      "of a log with lines that are as long as those of a real one usually are";
  const auto applied =
      stream.heard(kDaemons,
                   order_of("web",
                            "i=1; while [ $i -le 3000 ]; do printf 'line %08d " + text +
                                "\\\\n' $i; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.05; done; "
                                "exec sleep 1000"),
                   kAcks,
                   "done");
  REQUIRE_MESSAGE(!applied.empty(), agent.log());
  REQUIRE_MESSAGE(has_lines(stream, 500), agent.log());
  agent.end_by(SIGKILL);
  agent.start();
  REQUIRE_MESSAGE(has_lines(stream, 3'000), agent.log());
  CHECK(disorder(stream.lines(), 1, 3'000) == "");
  CHECK(stream.missing() == 0);
  CHECK(stream.notices().empty());
  CHECK(stream.items.front().line->program == "web");
  CHECK(stream.items.front().domain == "test");
  CHECK(!stream.heard(kDaemons, R"({"op":"remove","name":"web"})", kAcks, "done").empty());
}

}  // namespace steward::tests::daemon_output_test
