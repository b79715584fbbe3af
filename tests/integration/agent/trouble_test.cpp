#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>

namespace steward::tests::trouble_test {
namespace {

constexpr const char* kShell = "ship1.command.shellcommand.operatingsystem";
constexpr std::size_t kMebibyte = 1024 * 1024;

// Bytes that are no message, another for each number.
std::string garbage(std::uint32_t number) {
  std::string bytes;
  std::uint32_t state = number * 2654435761U + 1;
  for (std::uint32_t i = 0; i < 8 + number % 200; ++i) {
    state = state * 1664525U + 1013904223U;
    bytes += static_cast<char>(state >> 24U);
  }
  return bytes;
}

// Whether a command runs within two minutes: the first ones may find the agent still overloaded by
// a flood, or its link not back yet.
bool runs_commands(Listener& station) {
  for (int attempt = 0; attempt < 240; ++attempt) {
    const auto probe = station.command(kShell, R"({"argv":["true"]})");
    const auto is_done = [&probe](const Listener& heard) {
      const auto steps = heard.steps(probe);
      return !steps.empty() && steps.back() == "done";
    };
    if (station.wait(is_done, std::chrono::milliseconds(500))) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("agent: garbage on every subject leaves it well, and its memory flat") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  Listener station(server->url());
  AgentProcess agent(server->url());
  REQUIRE(station.wait([](const Listener& heard) { return !heard.hellos.empty(); }));

  const std::vector<std::string> subjects{kShell,
                                          "ship1.command.hello.agent",
                                          "ship1.command.outbox.events",
                                          "ship1.command.no.handler",
                                          "ship1.command.much.too.long.a.subject",
                                          "@all.command.shellcommand.operatingsystem",
                                          "station.event.received.ship1"};
  const auto flood = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t number = from; number < to; ++number) {
      bus::Message message{subjects[number % subjects.size()], {}, garbage(number), ""};
      if (number % 3 == 0) {
        message.headers.add("ce-id", "no-id");
        message.headers.add("ce-wire", std::to_string(number % 5));
      }
      station.raw(message);
      if (number % 500 == 0) {
        REQUIRE(station.bus().flush(std::chrono::seconds(20)));
      }
    }
    REQUIRE(runs_commands(station));
  };
  flood(0, 10'000);
  const auto before = agent.rss_bytes();
  const std::uint32_t all = std::getenv("STEWARD_LONG") != nullptr ? 1'000'000 : 30'000;
  for (std::uint32_t sent = 10'000; sent < all; sent += 10'000) {
    flood(sent, sent + 10'000);
  }
  const auto after = agent.rss_bytes();
  MESSAGE("RSS after 10,000: ", before / 1024, " KiB, after ", all, ": ", after / 1024, " KiB");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(after < before + 8 * kMebibyte);  // sanitizers keep what is freed
#endif
}

TEST_CASE("agent: a broker that dies under commands costs no command its one terminal ACK") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  Listener station(server->url());
  AgentProcess agent(server->url());
  REQUIRE(station.wait([](const Listener& heard) { return !heard.hellos.empty(); }));

  std::set<std::string> sent;
  for (int round = 0; round < 3; ++round) {
    std::size_t before = 0;
    station.wait([&before](const Listener& heard) {
      before = heard.acks.size();
      return true;
    });
    for (int i = 0; i < 30; ++i) {
      sent.insert(station.command(kShell, R"({"argv":["sleep","0.01"]})").str());
    }
    REQUIRE(station.wait([before](const Listener& heard) { return heard.acks.size() > before; }));
    server->kill9();
    server->restart();
    REQUIRE(station.bus().wait_until_up(std::chrono::seconds(20)));
  }
  // Commands that died with the broker are nobody's; each that the unit has accepted ends once.
  const auto all_ended = [](const Listener& heard) {
    std::set<std::string> accepted;
    std::set<std::string> ended;
    for (const auto& ack : heard.acks) {
      (is_terminal(ack.state) ? ended : accepted).insert(ack.ref.str());
    }
    return !accepted.empty() && accepted == ended;
  };
  REQUIRE(runs_commands(station));
  REQUIRE(station.wait(all_ended));
  std::map<std::string, int> terminal;
  for (const auto& ack : station.acks) {
    terminal[ack.ref.str()] += is_terminal(ack.state) ? 1 : 0;
  }
  CHECK(terminal.size() > 1);
  for (const auto& [id, count] : terminal) {
    CAPTURE(id);
    CHECK(count == 1);
  }
}

}  // namespace steward::tests::trouble_test
