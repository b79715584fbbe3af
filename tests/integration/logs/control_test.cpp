#include "tests/integration/logs/rig.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <fstream>

namespace steward::tests::control_test {
namespace {

void write(const ForwardingAgent& agent, const std::string& text) {
  std::ofstream(agent.path("app.log"), std::ios::app) << text;
}

}  // namespace

TEST_CASE("logs: routes, and a filter and a stop that hold over restarts") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(),
                        "files = [\"@/app.log\"]\nroutes = [\"program=sshd -> auth\"]");
  write(agent, "Nov 22 02:50:54 h sshd[1]: one\nNov 22 02:50:54 h cron[2]: two\n");
  REQUIRE_MESSAGE(has_lines(stream, 2), agent.log());
  for (const auto& item : stream.items) {
    CHECK(item.domain == (item.line->program == "sshd" ? "auth" : "test"));
  }
  // In the unit's row: what the forwarder says of its work.
  const auto hello = stream.heard(
      "ship1.command.hello.agent", "", "ship1.event.hello.agent", R"("spool_bytes":0)");
  CHECK(hello.find(R"("lag_ms":)") != std::string::npos);
  CHECK(hello.find(R"("lines_s":)") != std::string::npos);
  CHECK(stream.command(R"({"op":"filter","filter":"message!~chatter"})").starts_with("done"));
  CHECK(stream.command(R"({"op":"filter","filter":"colour=red"})").starts_with("refused"));
  agent.end_by(SIGKILL);
  agent.start();
  write(agent, "Nov 22 02:50:54 h cron[2]: chatter\nNov 22 02:50:54 h cron[2]: three\n");
  REQUIRE(has_lines(stream, 3));
  CHECK(stream.items.back().line->message() == "three");
  CHECK(stream.command(R"({"op":"stop"})").find(R"("running":false)") != std::string::npos);
  agent.end_by(SIGKILL);
  agent.start();
  CHECK(stream.command(R"({"op":"status"})").find(R"("running":false)") != std::string::npos);
  write(agent, "Nov 22 02:50:54 h cron[2]: four\n");
  CHECK(stream.command(R"({"op":"start"})").find(R"("running":true)") != std::string::npos);
  REQUIRE(has_lines(stream, 4));
  CHECK(stream.items.back().line->message() == "four");
  CHECK(stream.missing() == 0);
}

TEST_CASE("logs: a replay says a file's lines again, also over a kill, and is no repeat") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "files = [\"@/app.log\"]\nunix = [\"@/log.sock\"]");
  append(agent.path("app.log"), 1, 5'000);
  REQUIRE_MESSAGE(has_lines(stream, 5'000), agent.log());
  const auto replay = stream.command(R"({"op":"replay","source":"file:*"})");
  CHECK_MESSAGE(replay.starts_with("done"), replay);
  CHECK(replay.find(R"("from":1,"source":"file:)") != std::string::npos);
  agent.end_by(SIGKILL);
  agent.start();
  CHECK(stream.read_until([&stream](const LogStream&) { return stream.repeats() >= 5'000; },
                          std::chrono::seconds(30)));
  append(agent.path("app.log"), 5'001, 5'010);
  REQUIRE(has_lines(stream, 5'010));
  CHECK(disorder(stream.lines(), 1, 5'010) == "");
  CHECK(stream.missing() == 0);
  CHECK(stream.notices().empty());
  const auto spool = stream.command(R"({"op":"spool"})");
  CHECK_MESSAGE(spool.find(R"("damaged":0)") != std::string::npos, spool);
  CHECK(stream.command(R"({"op":"stop"})").starts_with("done"));
  CHECK(stream.command(R"({"op":"replay"})").find("start it first") != std::string::npos);
}

TEST_CASE("logs: beyond the rate lines are counted, errors never") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "files = [\"@/app.log\"]\nrate = 10");
  std::string text;
  for (int i = 0; i < 5'000; ++i) {
    text += "<14>app: chatter\n";
    text += i % 50 == 0 ? "<11>app: trouble\n" : "";
  }
  write(agent, text);
  // Each line comes, or is counted.
  std::uint64_t suppressed = 0;
  REQUIRE(stream.read_until([&suppressed](const LogStream& read) {
    suppressed = 0;
    for (const auto& notice : read.notices()) {
      suppressed += std::strtoul(notice.c_str(), nullptr, 10);
    }
    return read.line_count() + suppressed == 5'100;
  }));
  CHECK(suppressed > 1'000);
  const auto errors = std::count_if(stream.items.begin(), stream.items.end(), [](const auto& item) {
    return item.line && item.line->severity == 3;
  });
  CHECK(errors == 100);
  CHECK(stream.missing() == 0);
}

TEST_CASE("logs: an entry of several lines is one, and a line that is too long says how long") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(),
                        "files = [\"@/app.log\"]\nfirst_line = \"^[0-9]\"\nline_bytes = 1000");
  write(agent, "1 error\n  at a\n  at b\n2 fine\n3 " + std::string(2'000'000, 'x') + "\n4 end\n");
  REQUIRE_MESSAGE(has_lines(stream, 4), agent.log());
  const auto lines = stream.lines();
  CHECK(std::count(lines.begin(), lines.end(), "1 error\n  at a\n  at b") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "2 fine") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "4 end") == 1);
  const auto cut = std::find_if(stream.items.begin(), stream.items.end(), [](const auto& item) {
    return item.line && item.line->whole != 0;
  });
  REQUIRE(cut != stream.items.end());
  CHECK(cut->line->whole == 2'000'002);
  CHECK(cut->line->line.size() == 1'000);
}

TEST_CASE("logs: stewardctl reads them from the broker alone") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  CHECK(ctl(server->url(), "logs").find("no stream LOGS") != std::string::npos);
  LogStream stream(server->url());
  CHECK(ctl(server->url(), "logs") == "");
  ForwardingAgent agent(server->url(), "files = [\"@/app.log\"]");
  write(agent, "<11>app[7]: trouble with tea\n<14>app: calm\nplain \xff bytes\n");
  REQUIRE_MESSAGE(has_lines(stream, 3), agent.log());
  CHECK(ctl(server->url(), "logs -o raw") ==
        "<11>app[7]: trouble with tea\n<14>app: calm\nplain \xff bytes\n");
  CHECK(ctl(server->url(), "logs ship1 --priority err -o raw") == "<11>app[7]: trouble with tea\n");
  CHECK(ctl(server->url(), "logs 'ship*' --grep '^c.lm' -o raw") == "<14>app: calm\n");
  CHECK(ctl(server->url(), "logs ship2 -o raw") == "");
  CHECK(ctl(server->url(), "logs --domain other -o raw") == "");
  CHECK(ctl(server->url(), "logs --until 30m -o raw") == "");
  const auto table = ctl(server->url(), "logs");
  CHECK(table.find("ship1") != std::string::npos);
  CHECK(table.find("app[7]: trouble with tea") != std::string::npos);
  const auto json = ctl(server->url(), "logs -o jsonl --priority err");
  CHECK(json.find(R"("message":"trouble with tea")") != std::string::npos);
  CHECK(json.find(R"("severity":"err")") != std::string::npos);
}

}  // namespace steward::tests::control_test
