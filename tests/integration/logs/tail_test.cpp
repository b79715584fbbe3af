#include "subjects/wire/tail.hpp"

#include "tests/integration/logs/rig.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace steward::tests::tail_test {
namespace {

constexpr const char* kTail = "\n[tail.system]\nfolders = [\"@\"]";
constexpr const char* kSubject = "ship1.command.tail.system";
constexpr const char* kEvents = "ship1.event.tail.system";

}  // namespace

TEST_CASE("tail: a viewer sees the end of a file and what is added; without one it stops") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kTail);
  // It is there.
  REQUIRE(!stream.command(R"({"op":"status"})").empty());
  append(agent.path("app.log"), 1, 20);
  wire::TailRequest request;
  request.stream = "one";
  request.path = agent.path("app.log");
  request.lines = 2;
  request.lease = std::chrono::milliseconds(3'000);
  const auto first =
      wire::decode_tail_event(stream.heard(kSubject, wire::encode(request), kEvents, "line"));
  REQUIRE(first);
  CHECK(first->data == numbered(19) + "\n" + numbered(20) + "\n");
  append(agent.path("app.log"), 21, 21);
  const auto second = stream.heard(kSubject, wire::encode(request), kEvents, numbered(21));
  CHECK(!second.empty());
  // From here on nobody renews it.
  const auto over = wire::decode_tail_event(
      stream.heard("ship1.command.hello.agent", "", kEvents, "nobody has renewed"));
  REQUIRE(over);
  CHECK(over->last);
  CHECK(over->stream == "one");
}

TEST_CASE("tail: stewardctl shows what there is, and what a unit may not show") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kTail);
  REQUIRE(!stream.command(R"({"op":"status"})").empty());
  append(agent.path("app.log"), 1, 20);
  const auto shown =
      ctl(server->url(), "tail ship1 " + agent.path("app.log") + " -n 1 --no-follow");
  CHECK(shown.find(numbered(20) + "\n") != std::string::npos);
  CHECK(shown.find(numbered(19)) == std::string::npos);
  const auto refused = ctl(server->url(), "tail ship1 /etc/passwd --no-follow");
  CHECK(refused.find("/etc/passwd may not be shown") != std::string::npos);
  CHECK(refused.find("root:") == std::string::npos);
  CHECK(ctl(server->url(), "tail ship1").find("FILE or --journal NAME or --daemon") !=
        std::string::npos);
}

TEST_CASE("tail: stewardctl shows what a systemd unit says, and raw lines for other programs") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server || !has_journal_writer()) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kTail + std::string("\njournal_dir = \"@/journal\""));
  REQUIRE(!stream.command(R"({"op":"status"})").empty());
  write_journal(agent, "a.journal", 1, 20);
  const auto shown = ctl(server->url(), "tail ship1 --journal app.service -n 2 --no-follow");
  CHECK(shown.find(numbered(18)) == std::string::npos);
  CHECK(shown.find(" app[7]: " + numbered(19) + "\n") != std::string::npos);
  CHECK(shown.find(" app[7]: " + numbered(20) + "\n") != std::string::npos);
  CHECK(ctl(server->url(), "tail ship1 --journal other.service --no-follow").find("line ") ==
        std::string::npos);
  append(agent.path("app.log"), 1, 2);
  std::ofstream(agent.path("app.log"), std::ios::app) << "caf\xe9\n";
  // Without a station it warns before.
  CHECK(ctl(server->url(), "tail ship1 " + agent.path("app.log") + " --no-follow -o raw")
            .ends_with("\n" + numbered(1) + "\n" + numbered(2) + "\ncaf\xe9\n"));
}

TEST_CASE("tail: what a daemon says is followed, also when it is started again") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kTail);
  REQUIRE(!stream.command(R"({"op":"status"})").empty());
  const auto go = agent.path("go");
  const auto applied = stream.heard(
      "ship1.command.daemon.system",
      R"({"op":"apply","spec":{"name":"web","restart":{"min_ms":1000},"argv":["sh","-c","echo began; )"
      R"(while [ ! -e )" +
          go + R"( ]; do sleep 0.05; done; rm )" + go + R"(; echo over"]}})",
      "ship1.event.ack.>",
      "done");
  REQUIRE_MESSAGE(!applied.empty(), agent.log());
  wire::TailRequest request;
  request.stream = "one";
  request.daemon = "web";
  const auto first =
      wire::decode_tail_event(stream.heard(kSubject, wire::encode(request), kEvents, "began"));
  REQUIRE(first);
  CHECK(first->data == "began\n");
  std::ofstream(go).put('x');
  const auto second = stream.heard(kSubject, wire::encode(request), kEvents, "began");
  CHECK(!second.empty());
  const auto shown = ctl(server->url(), "tail ship1 --daemon web --no-follow -n 2");
  CHECK_MESSAGE(shown.find("over\nbegan\n") != std::string::npos, shown);
  CHECK(ctl(server->url(), "tail ship1 --daemon ../web --no-follow").find("has no daemon") !=
        std::string::npos);
  CHECK(!stream
             .heard("ship1.command.daemon.system",
                    R"({"op":"remove","name":"web"})",
                    "ship1.event.ack.>",
                    "done")
             .empty());
}

}  // namespace steward::tests::tail_test
