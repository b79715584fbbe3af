#include "subjects/wire/metrics.hpp"

#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests::metrics_test {
namespace {

constexpr const char* kMetrics = "ship1.command.metrics.system";

// The heads of the rounds that can be read with the schema and the base before them.
std::vector<wire::MetricRoundHead> readable(const std::vector<std::string>& payloads) {
  std::optional<wire::MetricSchema> schema;
  std::vector<std::int64_t> base;
  std::uint64_t base_number = 0;
  std::vector<wire::MetricRoundHead> heads;
  for (const auto& payload : payloads) {
    if (!wire::is_metric_round(payload)) {
      schema = *wire::decode_metric_schema(payload);
      continue;
    }
    const auto head = *wire::decode_metric_round_head(payload);
    if (!schema || schema->hash() != head.schema || (head.base != 0 && head.base != base_number)) {
      continue;
    }
    const auto numbers = wire::decode_metric_numbers(
        payload, schema->series.size(), head.base == 0 ? std::vector<std::int64_t>() : base);
    if (numbers && head.base == 0 && !head.late) {
      base = *numbers;
      base_number = head.number;
    }
    if (numbers && numbers->size() > 200) {
      heads.push_back(head);
    }
  }
  return heads;
}

}  // namespace

TEST_CASE("agent: it measures its machine in the interval that was set, after a restart, too") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  Listener listener(server->url());
  AgentProcess agent(server->url());
  REQUIRE(listener.wait([](const Listener& heard) { return !heard.hellos.empty(); }));
  const auto set = listener.command(kMetrics, R"({"op":"set","interval_ms":200})");
  REQUIRE(listener.wait([&](const Listener& heard) {
    return heard.steps(set) == std::vector<std::string>{"accepted", "done"};
  }));
  std::vector<wire::MetricRoundHead> heads;
  const auto five_rounds = [&heads](const Listener& heard) {
    heads = readable(heard.metrics);
    return heads.size() >= 5;
  };
  CHECK(listener.wait(five_rounds));
  agent.end_by(SIGTERM);
  CHECK(listener.wait([&](const Listener&) {
    listener.metrics.clear();
    return true;
  }));
  agent.start();
  REQUIRE(listener.wait(five_rounds));
  // By the unit's own clock; four of the usual intervals are 40 s.
  CHECK(heads[4].time - heads[0].time < std::chrono::seconds(20));
}

TEST_CASE("agent: what it measured while the broker was away is said once it is back, as late") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  Listener listener(server->url());
  listener.raw({"$JS.API.STREAM.CREATE.METRICS",
                {},
                R"({"name":"METRICS","subjects":["*.event.metrics.*"],"storage":"file"})",
                {}});
  const AgentProcess agent(server->url());
  REQUIRE(listener.wait([](const Listener& heard) { return !heard.hellos.empty(); }));
  listener.command(kMetrics, R"({"op":"set","interval_ms":200})");
  std::vector<wire::MetricRoundHead> heads;
  const auto rounds = [&heads](std::size_t late, std::size_t live) {
    return [&heads, late, live](const Listener& heard) {
      heads = readable(heard.metrics);
      const auto old = static_cast<std::size_t>(
          std::count_if(heads.begin(), heads.end(), [](const auto& head) { return head.late; }));
      return old >= late && heads.size() - old >= live;
    };
  };
  REQUIRE(listener.wait(rounds(0, 2)));
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
  };
  const auto began = now();
  server->kill9();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const auto ended = now();
  server->restart();
  REQUIRE(listener.wait(rounds(10, 4)));
  std::size_t within = 0;
  std::uint64_t before = 0;
  for (const auto& head : heads) {
    if (head.late) {
      CHECK(head.number > before);  // each once, in their order
      before = head.number;
      within += head.time >= began && head.time <= ended ? 1 : 0;
    }
  }
  CHECK_MESSAGE(within >= 10, within);
}

}  // namespace steward::tests::metrics_test
